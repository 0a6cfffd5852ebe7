/** A SIP message as data: start line, header fields in order, body. Fields are read only when somebody asks for them. */

import { splitList } from './grammar.ts'

export interface Field {
  /** Lower case, long form: what to compare with. */
  readonly key: string
  /** As it is printed. */
  readonly name: string
  /** Unfolded and trimmed. */
  readonly value: string
}

export interface SipRequest {
  readonly kind: 'request'
  readonly method: string
  /** The Request-URI as it stood. */
  readonly uri: string
  /** Without Content-Length: it belongs to the wire, not to the message. */
  readonly fields: readonly Field[]
  readonly body: string
}

export interface SipResponse {
  readonly kind: 'response'
  readonly code: number
  readonly phrase: string
  readonly fields: readonly Field[]
  readonly body: string
}

export type SipMessage = SipRequest | SipResponse

const LONG_NAMES = [
  'Accept Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info Authorization Call-ID',
  'Call-Info Contact Content-Disposition Content-Encoding Content-Language Content-Length Content-Type CSeq Date',
  'Diversion Error-Info Event Expires From History-Info In-Reply-To Max-Forwards MIME-Version Min-Expires Min-SE',
  'Organization P-Asserted-Identity P-Preferred-Identity Path Priority Privacy Proxy-Authenticate',
  'Proxy-Authorization Proxy-Require RAck Reason Record-Route Refer-To Referred-By Replaces Reply-To Require',
  'Retry-After Route RSeq Server Service-Route Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State',
  'Supported Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate X-RTP-Stat',
]
  .join(' ')
  .split(' ')

/** RFC 3261 §7.3.3 and the later registrations. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
}

interface Name {
  readonly key: string
  readonly name: string
}

const NAMES = new Map<string, Name>()
for (const name of LONG_NAMES) {
  const entry = { key: name.toLowerCase(), name }
  NAMES.set(name, entry).set(entry.key, entry).set(name.toUpperCase(), entry)
}
for (const [short, name] of Object.entries(COMPACT)) {
  const entry = NAMES.get(name) ?? { key: name.toLowerCase(), name }
  NAMES.set(short, entry).set(short.toUpperCase(), entry)
}

/** A name this list has in the very case it is written in: the quick way. */
export function knownName(written: string): Name | null {
  return NAMES.get(written) ?? null
}

/** Finds key and printed form of a header name as written; an unknown one is printed as it came. */
export function nameOf(written: string): Name {
  return NAMES.get(written) ?? NAMES.get(written.toLowerCase()) ?? { key: written.toLowerCase(), name: written }
}

export function field(name: string, value: string): Field {
  const known = nameOf(name)
  return { key: known.key, name: known.name, value }
}

/** First value of a header. @param key lower case, long form */
export function header(message: SipMessage, key: string): string | null {
  for (const each of message.fields) if (each.key === key) return each.value
  return null
}

export function fieldsOf(message: SipMessage, key: string): Field[] {
  return message.fields.filter((each) => each.key === key)
}

/** All elements of a comma list header, over all its fields. @returns null when one cannot be cut up */
export function listOf(message: SipMessage, key: string): string[] | null {
  const all: string[] = []
  for (const each of message.fields) {
    if (each.key !== key) continue
    const parts = splitList(each.value)
    if (parts === null) return null
    for (const part of parts) if (part !== '') all.push(part)
  }
  return all
}
