/** `talk`: speaks `text` and waits until it is over (`async`: does not wait). Answers the call first when need be. */

import type { Effects } from '../effects.ts'
import { type ActionKind, type Progress, text } from './action.ts'

export const talk: ActionKind = (option, host) => {
  const speak = (fx: Effects): Progress => {
    const words = text(option, 'text')
    if (words.trim() === '') return 'done'
    host.speak(fx, words, {
      voiceId: text(option, 'voice_id'),
      language: text(option, 'language') || 'en-US',
      gender: text(option, 'gender'),
      voice: text(option, 'voice'),
    })
    return option['async'] === true ? 'done' : 'wait'
  }
  return {
    start: (fx) => (host.answer(fx) ? speak(fx) : 'wait'),
    input(fx, input) {
      if (input.kind === 'answered') return speak(fx)
      return input.kind === 'said' ? 'done' : 'wait'
    },
  }
}
