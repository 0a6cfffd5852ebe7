/** Reads what a REGISTER asks for (RFC 3261 §10.3). */

import { bad, good, type Result } from '../../kernel/result.ts'
import { parseAddress } from '../message/address.ts'
import { parseNumber, unquote } from '../message/grammar.ts'
import { header, listOf, type SipRequest } from '../message/message.ts'
import { parseUri } from '../message/uri.ts'

export const DEFAULT_EXPIRES_S = 3_600
export const MIN_EXPIRES_S = 60
export const MAX_EXPIRES_S = 86_400

export interface Wish {
  readonly uri: string
  /** 0 removes the contact. */
  readonly expiresS: number
  /** Of the device and of its flow (RFC 5626 §4.1), '' and 0 without. */
  readonly instance: string
  readonly regId: number
}

export type Wishes = { readonly kind: 'removeAll' } | { readonly kind: 'update'; readonly wishes: readonly Wish[] }

/** @returns `why` for the 400; no Contact at all is an update of nothing: a question for the list */
export function readWishes(request: SipRequest): Result<Wishes> {
  const general = header(request, 'expires')
  const contacts = listOf(request, 'contact')
  if (contacts === null) return bad('malformed Contact')
  if (contacts.includes('*')) {
    const alone = contacts.length === 1 && general !== null && secondsOf(general) === 0
    return alone ? good({ kind: 'removeAll' }) : bad('Contact: * needs Expires: 0 and stands alone')
  }
  const wishes: Wish[] = []
  for (const text of contacts) {
    const address = parseAddress(text)
    if (address === null || !parseUri(address.uri).ok) return bad('malformed Contact')
    const own = address.parameters.get('expires')
    const instance = unquote(address.parameters.get('+sip.instance') ?? '')
    const regId = instance === '' ? 0 : (parseNumber(address.parameters.get('reg-id') ?? '') ?? 0)
    wishes.push({ uri: address.uri, expiresS: secondsOf(own ?? general ?? ''), instance, regId })
  }
  return good({ kind: 'update', wishes })
}

/** What cannot be read means the default (RFC 3261 §10.2.1.1, §20.19). */
function secondsOf(text: string): number {
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_EXPIRES_S) : DEFAULT_EXPIRES_S
}

/** More proxies than this are not a path. */
const MAX_PATH = 8

/** @returns the Path of a REGISTER, which is also the route to its contacts (RFC 3327 §5.3); null when it cannot be read */
export function readPath(request: SipRequest): readonly string[] | null {
  const path = listOf(request, 'path')
  if (path === null || path.length > MAX_PATH) return null
  return path.every((one) => parseUri(parseAddress(one)?.uri ?? '').ok) ? path : null
}

/** Whether a flow may be kept as one of several: the phone wants it, and its first hop, we or a proxy, can (RFC 5626 §6). */
export function isOutbound(request: SipRequest, path: readonly string[]): boolean {
  const wants = (listOf(request, 'supported') ?? []).some((tag) => tag.toLowerCase() === 'outbound')
  if (!wants) return false
  if ((listOf(request, 'via') ?? []).length <= 1) return true
  const nearest = parseUri(parseAddress(path.at(-1) ?? '')?.uri ?? '')
  return nearest.ok && 'ob' in nearest.value.parameters
}
