/**
 * `talk`: speaks `text` and waits until it is over (`async`: does not wait; `digits_handle` "next": a key ends it). Answers
 * the call first when need be.
 */

import { DEFAULT_LANGUAGE, readLanguage } from '../../contract/language.ts'
import { type ActionKind, onceAnswered, text } from './action.ts'

export const talk: ActionKind = (option, host) => {
  let sayId = 0
  return onceAnswered(host, {
    start(fx) {
      const words = text(option, 'text')
      if (words.trim() === '') return 'done'
      sayId = host.speak(fx, words, {
        voiceId: text(option, 'voice_id'),
        language: readLanguage(text(option, 'language')) ?? DEFAULT_LANGUAGE,
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
