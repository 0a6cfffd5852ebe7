/** `block`: waits for `continue` from outside. */

import type { ActionKind } from './action.ts'

export const block: ActionKind = () => ({
  start: () => 'wait',
  input: (_fx, input) => (input.kind === 'continue' ? 'done' : 'wait'),
})
