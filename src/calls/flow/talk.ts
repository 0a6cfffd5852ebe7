/**
 * `talk`: speaks `text` and waits until it is over (`async`: does not wait; `digits_handle` "next": a key ends it). Answers
 * the call first when need be. A language that no engine speaks, after variables were filled in, says nothing.
 */

import { DEFAULT_LANGUAGE, readLanguage } from '../../contract/language.ts'
import { type ActionKind, atOnce, onceAnswered, text } from './action.ts'

export const talk: ActionKind = (option, host, flow) => {
  const tag = text(option, 'language')
  const language = tag === '' ? DEFAULT_LANGUAGE : readLanguage(tag)
  // What is asked for without a language is said by whatever voice there is.
  const isSpoken = language !== null && (tag === '' || host.serves(language, 'tts'))
  if (!isSpoken) return atOnce((fx) => flow.skip(fx, 'no engine speaks the language'))
  let sayId = 0
  return onceAnswered(host, {
    start(fx) {
      const words = text(option, 'text')
      if (words.trim() === '') return 'done'
      sayId = host.speak(fx, words, {
        voiceId: text(option, 'voice_id'),
        language,
        gender: text(option, 'gender'),
        voice: text(option, 'voice'),
      })
      return option['async'] === true ? 'done' : 'wait'
    },
    input(fx, input) {
      if (input.kind === 'key' && option['digits_handle'] === 'next') {
        host.flush(fx)
        return 'done'
      }
      return input.kind === 'said' && input.end.say.sayId === sayId ? 'done' : 'wait'
    },
  })
}
