/** An OPTIONS for the sake of the way it takes: nothing waits for its answer, nothing repeats it. */

import { makeRequest } from '../message/compose.ts'
import type { SipInput } from '../types.ts'
import type { Desk } from './desk.ts'

/** @param route to the contact, when it registered through proxies */
export function ping(desk: Desk, { flow, uri, route = [] }: Extract<SipInput, { kind: 'ping' }>): void {
  const own = desk.contactUri(flow, '')
  const request = makeRequest({
    method: 'OPTIONS',
    uri,
    from: `<${own}>;tag=${desk.newTag()}`,
    to: `<${uri}>`,
    sipCallId: desk.context.random.uuid(),
    cseq: 1,
    route,
    extras: [['Contact', `<${own}>`]],
  })
  desk.transactions.sendOnce(request, flow)
}
