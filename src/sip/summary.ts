/** What a request looks like to those outside the core. */

import { bad, good, type Result } from '../kernel/result.ts'
import { header } from './message/message.ts'
import { parseRequestUri, parseUri } from './message/uri.ts'
import type { Incoming } from './transaction/layer.ts'
import type { RequestSummary, SipUri } from './types.ts'

/** Who calls under a scheme we cannot read is nobody we know (RFC 3261 §20.20; `.invalid` is RFC 2606). */
const ANONYMOUS: SipUri = { scheme: 'sip', user: 'anonymous', host: 'anonymous.invalid', port: 0, parameters: {} }

/** @returns bad when the Request-URI or To cannot be read */
export function summarise({ request, envelope, flow }: Incoming): Result<RequestSummary> {
  const requestUri = parseRequestUri(request.uri)
  const from = parseUri(envelope.from.uri)
  const to = parseUri(envelope.to.uri)
  if (!requestUri.ok || !to.ok) return bad('unreadable address')
  return good({
    method: request.method,
    requestUri: requestUri.value,
    from: from.ok ? from.value : ANONYMOUS,
    fromDisplay: envelope.from.display,
    to: to.value,
    sipCallId: envelope.sipCallId,
    flow,
    userAgent: header(request, 'user-agent') ?? '',
    headers: request.fields.map(({ name, value }) => [name, value] as const),
  })
}
