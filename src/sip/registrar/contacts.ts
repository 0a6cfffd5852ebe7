/** Reads what a REGISTER asks for (RFC 3261 §10.3). */

import { bad, good, type Result } from '../../kernel/result.ts'
import { parseAddress } from '../message/address.ts'
import { header, listOf, type SipRequest } from '../message/message.ts'
import { parseUri } from '../message/uri.ts'

export const DEFAULT_EXPIRES_S = 3_600
export const MIN_EXPIRES_S = 60
export const MAX_EXPIRES_S = 86_400

export interface Wish {
  readonly uri: string
  /** 0 removes the contact. */
  readonly expiresS: number
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
    wishes.push({ uri: address.uri, expiresS: secondsOf(own ?? general ?? '') })
  }
  return good({ kind: 'update', wishes })
}

/** What cannot be read means the default (RFC 3261 §10.2.1.1, §20.19). */
function secondsOf(text: string): number {
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_EXPIRES_S) : DEFAULT_EXPIRES_S
}
