/** Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3). */

import type { Envelope } from '../message/envelope.ts'
import type { SipRequest } from '../message/message.ts'
import { printVia } from '../message/via.ts'

/** A branch that begins so is unique by itself; any other comes from an RFC 2543 sender. */
export const COOKIE = 'z9hG4bK'

/**
 * Finds a server transaction. An ACK and a CANCEL look for the INVITE.
 * Without a unique branch the whole identity of the request is compared, the To tag left out: an ACK carries the one we
 * gave, the INVITE had none.
 */
export function serverKey(request: SipRequest, envelope: Envelope, method: string): string {
  const name = method === 'ACK' || method === 'CANCEL' ? 'INVITE' : method
  const { via, branch } = envelope
  if (isUnique(branch)) return `${name}|${branch}|${via.host}|${via.port}`
  const { sipCallId, cseq, fromTag } = envelope
  return `${name}|2543|${request.uri}|${sipCallId}|${cseq}|${fromTag}|${printVia(via)}`
}

export function clientKey(method: string, branch: string): string {
  return `${method}|${branch}`
}

function isUnique(branch: string): boolean {
  return branch.length > COOKIE.length && branch.startsWith(COOKIE)
}

/** The same request by another way has this in common (RFC 3261 §8.2.2.2). */
export function mergeKey(envelope: Envelope): string {
  return `${envelope.sipCallId}|${envelope.cseq}|${envelope.method}|${envelope.fromTag}`
}
