/** `hangup`: ends the call. Nothing runs after it. */

import type { ActionKind } from './action.ts'

export const hangup: ActionKind = (_option, host) => ({
  start(fx) {
    host.hangUp(fx)
    return 'wait'
  },
  input: () => 'wait',
})
