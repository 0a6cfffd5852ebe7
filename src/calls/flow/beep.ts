/** `beep`: a short tone. Answers the call first when need be. */

import { type ActionKind, onceAnswered } from './action.ts'

const BEEP = { kind: 'tone', hz: 1000, ms: 300 } as const

export const beep: ActionKind = (_option, host) => {
  let sayId = 0
  return onceAnswered(host, {
    start(fx) {
      sayId = host.play(fx, BEEP)
      return 'wait'
    },
    input: (_fx, input) => (input.kind === 'said' && input.end.say.sayId === sayId ? 'done' : 'wait'),
  })
}
