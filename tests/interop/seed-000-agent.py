from fastapi import FastAPI, Request
from openai import OpenAI
import httpx
import os
app = FastAPI()
client = OpenAI(api_key=os.environ["OPENAI_API_KEY"])
VOIPBIN_TOKEN = os.environ["VOIPBIN_TOKEN"]
VOIPBIN_BASE = "https://api.voipbin.net/v1.0"
# In-memory conversation context (use Redis in production)
conversation_history = {}
@app.post("/webhook")
async def handle_event(request: Request):
    event = await request.json()
    event_type = event.get("type")
    call_id = event.get("call_id")
    if event_type == "call.initiated":
        # Initialize conversation context for this call
        conversation_history[call_id] = [
            {
                "role": "system",
                "content": "You are a helpful voice assistant. Keep responses concise — under 30 words. The caller will hear your response spoken aloud."
            }
        ]
        # Greet the caller
        await speak(call_id, "Hello! How can I help you today?")
    elif event_type == "transcript":
        # This is where the magic happens
        transcript_text = event.get("transcript", "")
        if not transcript_text.strip():
            return {"status": "ok"}
        print(f"[{call_id}] Caller said: {transcript_text}")
        # Add caller's words to conversation history
        history = conversation_history.get(call_id, [])
        history.append({"role": "user", "content": transcript_text})
        # Get AI response
        response = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=history,
            max_tokens=100
        )
        ai_reply = response.choices[0].message.content
        # Add AI reply to history
        history.append({"role": "assistant", "content": ai_reply})
        conversation_history[call_id] = history
        print(f"[{call_id}] AI replies: {ai_reply}")
        # Speak the response back to the caller
        await speak(call_id, ai_reply)
    elif event_type == "call.ended":
        # Clean up
        conversation_history.pop(call_id, None)
        print(f"[{call_id}] Call ended")
    return {"status": "ok"}
async def speak(call_id: str, text: str):
    """Send TTS response back through the call."""
    async with httpx.AsyncClient() as http:
        await http.post(
            f"{VOIPBIN_BASE}/calls/{call_id}/actions",
            headers={
                "Authorization": f"Bearer {VOIPBIN_TOKEN}",
                "Content-Type": "application/json"
            },
            json={
                "action": "talk",
                "text": text,
                "voice": "en-US-Neural2-F"
            }
        )
