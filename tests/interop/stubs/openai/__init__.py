"""Stands in for the `openai` module: answers by rule, so that a conversation is the same in every run. No network."""

from types import SimpleNamespace


def _reply(messages):
    """A summary when one is asked for, else the last words of the user and how many turns there were."""
    last = messages[-1]["content"]
    if last.startswith("Summarize this call"):
        said = [m["content"] for m in messages[:-1] if m["role"] == "user"]
        return f"The caller said {len(said)} things: {', '.join(said)}."
    return f"You said {last}. What else can I do for you?"


class _Completions:
    def create(self, *, model, messages, max_tokens=None):
        message = SimpleNamespace(role="assistant", content=_reply(messages))
        return SimpleNamespace(model=model, choices=[SimpleNamespace(index=0, message=message)])


class OpenAI:
    def __init__(self, *, api_key):
        if not api_key:
            raise ValueError("the api_key client option must be set")
        self.chat = SimpleNamespace(completions=_Completions())
