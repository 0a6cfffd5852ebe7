/** `sleep`: keeps the call alive for `duration` ms; sessions and API commands work meanwhile. */

import { type ActionKind, number } from './action.ts'

export const sleep: ActionKind = (option, host) => ({
  start(fx) {
    host.wake(fx, fx.now + Math.max(0, number(option, 'duration', 0)))
    return 'wait'
  },
  input: (_fx, input) => (input.kind === 'timer' ? 'done' : 'wait'),
})
