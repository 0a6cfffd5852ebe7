/** Requests and responses of our own, with the headers each must carry (RFC 3261 §8.1.1, §8.2.6, §12.1.1). */

import { SDP } from './body.ts'
import { type Field, field, fieldsOf, type SipRequest, type SipResponse } from './message.ts'
import { phraseOf } from './phrases.ts'

/** Further headers: name and value. */
export type Extras = readonly (readonly [name: string, value: string])[]

export const MAX_FORWARDS = 70

/** What this core answers; also the Allow header. */
export const METHODS = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'UPDATE',
  'INFO',
  'PRACK',
  'REFER',
  'NOTIFY',
  'REGISTER',
] as const
export const ALLOW: readonly [string, string] = ['Allow', METHODS.join(', ')]
export const ACCEPT: readonly [string, string] = ['Accept', SDP]

export interface ResponseParts {
  readonly code: number
  readonly phrase?: string
  /** Added to To when it has none and the answer is more than 100. */
  readonly toTag: string
  readonly extras?: Extras
  /** An SDP unless `extras` name another Content-Type. */
  readonly body?: string
}

/** @param request with its topmost Via as noted by `withSource` */
export function makeResponse(request: SipRequest, parts: ResponseParts): SipResponse {
  const fields: Field[] = []
  const dialog = parts.code > 100 && parts.code < 300
  for (const each of request.fields) {
    if (each.key === 'to') fields.push(parts.code > 100 ? tagged(each, parts.toTag) : each)
    else if (COPIED.has(each.key) || (dialog && each.key === 'record-route')) fields.push(each)
    else if (parts.code === 100 && each.key === 'timestamp') fields.push(each)
  }
  for (const [name, value] of parts.extras ?? []) fields.push(field(name, value))
  const body = parts.body ?? ''
  addContentType(fields, body)
  return { kind: 'response', code: parts.code, phrase: parts.phrase || phraseOf(parts.code), fields, body }
}

const COPIED: ReadonlySet<string> = new Set(['via', 'from', 'call-id', 'cseq'])

function tagged(to: Field, tag: string): Field {
  const afterUri = to.value.slice(to.value.lastIndexOf('>') + 1)
  return /;\s*tag\s*=/i.test(afterUri) ? to : { ...to, value: `${to.value};tag=${tag}` }
}

export interface RequestParts {
  readonly method: string
  readonly uri: string
  /** Values of From and To with their tags. */
  readonly from: string
  readonly to: string
  readonly sipCallId: string
  readonly cseq: number
  readonly route?: readonly string[]
  readonly extras?: Extras
  readonly body?: string
}

/** Via is put on top by whoever sends it. */
export function makeRequest(parts: RequestParts): SipRequest {
  const fields: Field[] = (parts.route ?? []).map((value) => field('Route', value))
  fields.push(
    field('Max-Forwards', String(MAX_FORWARDS)),
    field('From', parts.from),
    field('To', parts.to),
    field('Call-ID', parts.sipCallId),
    field('CSeq', `${parts.cseq} ${parts.method}`),
  )
  for (const [name, value] of parts.extras ?? []) fields.push(field(name, value))
  const body = parts.body ?? ''
  addContentType(fields, body)
  return { kind: 'request', method: parts.method, uri: parts.uri, fields, body }
}

function addContentType(fields: Field[], body: string): void {
  if (body !== '' && !fields.some((each) => each.key === 'content-type')) fields.push(field('Content-Type', SDP))
}

/** The ACK of a failure: in the INVITE's own transaction (RFC 3261 §17.1.1.3). @param invite as sent, Via included */
export function makeFailureAck(invite: SipRequest, response: SipResponse): SipRequest {
  return { ...inTransaction(invite, 'ACK'), fields: withTo(inTransaction(invite, 'ACK').fields, response) }
}

/** A CANCEL of `invite`: same branch, same number, same route (RFC 3261 §9.1). */
export function makeCancel(invite: SipRequest): SipRequest {
  return inTransaction(invite, 'CANCEL')
}

function inTransaction(invite: SipRequest, method: string): SipRequest {
  const fields: Field[] = []
  for (const each of invite.fields) {
    if (each.key === 'cseq') fields.push({ ...each, value: each.value.replace(/\S+$/, method) })
    else if (KEPT.has(each.key)) fields.push(each)
  }
  return { kind: 'request', method, uri: invite.uri, fields, body: '' }
}

const KEPT: ReadonlySet<string> = new Set([
  'via',
  'route',
  'max-forwards',
  'from',
  'to',
  'call-id',
  'authorization',
  'proxy-authorization',
])

function withTo(fields: readonly Field[], response: SipResponse): Field[] {
  const to = fieldsOf(response, 'to')[0]
  return fields.map((each) => (each.key === 'to' && to ? to : each))
}
