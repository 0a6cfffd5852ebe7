/** `echo`, `stream_echo`: play the caller back for `duration` ms. Answer the call first when need be. */

import { type ActionKind, number, onceAnswered } from './action.ts'

export const echo: ActionKind = (option, host) =>
  onceAnswered(host, {
    start(fx) {
      const durationMs = number(option, 'duration', 0)
      if (durationMs === 0) return 'done'
      host.echo(fx, true)
      host.wake(fx, fx.now + durationMs)
      return 'wait'
    },
    input(fx, input) {
      if (input.kind !== 'timer') return 'wait'
      host.echo(fx, false)
      return 'done'
    },
  })
