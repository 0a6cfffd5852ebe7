/** Requests that a flow sends (`webhook_send`, `fetch`) are signed like webhooks (contract §9.4, §16). */

import type { Clock } from '../kernel/clock.ts'
import { webhookHeaders } from './webhook-headers.ts'

/** @param newId makes the id by which a receiver knows a request again */
export function errandSigner(want: {
  readonly clock: Pick<Clock, 'wallMicros'>
  readonly secretOf: (customerId: string) => string | null | Promise<string | null>
  readonly newId: () => string
}): (customerId: string, body: string) => Promise<Readonly<Record<string, string>>> {
  return async (customerId, body) => {
    const secret = (await want.secretOf(customerId)) ?? ''
    return webhookHeaders({ eventId: want.newId(), attempt: 1, body, secret, now: want.clock.wallMicros() })
  }
}
