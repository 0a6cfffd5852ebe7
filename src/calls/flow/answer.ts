/** `answer`: answers an incoming call; on an outgoing one it does nothing. */

import type { ActionKind } from './action.ts'

export const answer: ActionKind = (_option, host) => ({
  start: (fx) => (host.answer(fx) ? 'done' : 'wait'),
  input: (_fx, input) => (input.kind === 'answered' ? 'done' : 'wait'),
})
