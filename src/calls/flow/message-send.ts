/** `message_send`: a text message through the operator's gateway. Does not wait for it. */

import { type ActionKind, address, addresses, atOnce, text } from './action.ts'

export const messageSend: ActionKind = (option, host) =>
  atOnce(
    (fx) =>
      void host.errand(fx, {
        kind: 'message',
        source: address(option, 'source'),
        destinations: addresses(option, 'destinations'),
        text: text(option, 'text'),
      }),
  )
