/** `webhook_send`: sends `data` as a request of its own. `sync` waits until it was sent; the reply is not read. */

import { type ActionKind, atOnce, awaitErrand, text } from './action.ts'

export const webhookSend: ActionKind = (option, host) => {
  const what = {
    kind: 'send',
    uri: text(option, 'uri'),
    method: text(option, 'method') || 'POST',
    contentType: text(option, 'data_type') || 'application/json',
    body: text(option, 'data'),
  } as const
  return option['sync'] === true ? awaitErrand(host, what) : atOnce((fx) => void host.errand(fx, what))
}
