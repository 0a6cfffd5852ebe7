/** `sleep`: keeps the call alive for `duration` ms; sessions and API commands work meanwhile. */

import { type ActionKind, number } from './action.ts'

export const sleep: ActionKind = (option, host) => {
  const durationMs = number(option, 'duration', 0)
  return {
    start(fx) {
      if (durationMs <= 0) return 'done'
      host.wake(fx, fx.now + durationMs)
      return 'wait'
    },
    input: (_fx, input) => (input.kind === 'timer' ? 'done' : 'wait'),
  }
}
