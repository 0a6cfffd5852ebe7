/** `mute`: silences the call, by default both ways. */

import { type ActionKind, atOnce } from './action.ts'

export const mute: ActionKind = (option, host) => {
  const direction = option['direction']
  return atOnce((fx) => host.mute(fx, direction === 'in' || direction === 'out' ? direction : 'both'))
}
