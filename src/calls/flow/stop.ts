/** `stop`: ends the flow; the call is then hung up. */

import { type ActionKind, atOnce } from './action.ts'

export const stop: ActionKind = (_option, _host, flow) => atOnce((fx) => flow.stop(fx))
