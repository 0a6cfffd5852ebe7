/** The headers every message must have, read and checked (RFC 3261 §8.1.1, §8.2.2). */

import { bad, good, type Result } from '../../kernel/result.ts'
import { type NameAddress, parseAddress } from './address.ts'
import { splitList } from './grammar.ts'
import type { SipMessage } from './message.ts'
import { parseCSeq, parseVia, type Via } from './via.ts'

export interface Envelope {
  /** The topmost one. */
  readonly via: Via
  /** '' when absent (RFC 2543 senders). */
  readonly branch: string
  readonly from: NameAddress
  readonly to: NameAddress
  readonly fromTag: string
  readonly toTag: string
  readonly sipCallId: string
  readonly cseq: number
  /** The method in CSeq; of a request it is the request's. */
  readonly method: string
}

/** Headers that may stand only once in a message (RFC 3261 §7.3.1), one bit each. */
const SINGLE: ReadonlyMap<string, number> = new Map([
  ['from', 1],
  ['to', 2],
  ['call-id', 4],
  ['cseq', 8],
  ['max-forwards', 16],
  ['expires', 32],
  ['content-type', 64],
])

export function readEnvelope(message: SipMessage): Result<Envelope> {
  let seen = 0
  let vias: string | null = null
  const found: [from: string, to: string, sipCallId: string, order: string] = ['', '', '', '']
  for (const { key, value } of message.fields) {
    if (key === 'via') vias ??= value
    const bit = SINGLE.get(key)
    if (bit === undefined) continue
    if (seen & bit) return bad(`${key} given twice`)
    seen |= bit
    if (bit <= 8) found[31 - Math.clz32(bit)] = value
  }
  const [sender, target, sipCallId, order] = found
  if (vias === null || sender === '' || target === '' || sipCallId === '' || order === '') {
    return bad('mandatory header missing')
  }
  const top = splitList(vias)?.[0]
  const via = top === undefined ? null : parseVia(top)
  const from = parseAddress(sender)
  const to = parseAddress(target)
  const cseq = parseCSeq(order)
  if (via === null) return bad('malformed Via')
  if (from === null || to === null) return bad('malformed From or To')
  if (cseq === null) return bad('malformed CSeq')
  if (message.kind === 'request' && cseq.method !== message.method) return bad('CSeq names another method')
  return good({
    via,
    branch: via.parameters.get('branch') ?? '',
    from,
    to,
    fromTag: from.parameters.get('tag') ?? '',
    toTag: to.parameters.get('tag') ?? '',
    sipCallId,
    cseq: cseq.number,
    method: cseq.method,
  })
}
