/** Who calls, and whom: what the headers and the request URI of a call from outside mean (contract §6, RFC 3323, RFC 3325). */

import type { Address } from '../calls/commands.ts'
import { assertedIdentity, isPrivacyRequested, toE164 } from '../contract/phone-number.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { RequestSummary } from '../sip/types.ts'
import type { Directory, Extension, OwnNumber } from './directory.ts'

export interface Caller {
  readonly source: Address
  /** Of the call's `metadata`. */
  readonly metadata: JsonObject
}

/** @param account null for a peer that is trusted: what it asserts is believed */
export function callerOf(request: RequestSummary, account: Extension | null, country: string): Caller {
  const isPrivate = isPrivacyRequested(request.headers)
  const metadata = isPrivate ? { privacy: 'id' } : {}
  if (isPrivate) return { source: addressOf(account ? 'extension' : 'tel', 'anonymous', ''), metadata }
  if (account) return { source: addressOf('extension', account.extension, account.name), metadata }
  const asserted = assertedIdentity(request.headers)
  const number = asserted?.number || numberOf(request.from.user, country)
  const display = asserted?.display || request.fromDisplay
  if (number !== '') return { source: addressOf('tel', number, display), metadata }
  return { source: addressOf('sip', request.from.user, display), metadata }
}

export type Called =
  | { readonly kind: 'number'; readonly number: OwnNumber }
  /** To be connected to, for the customer of the calling phone. */
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'nobody' }

const PREFIXES = ['tel', 'agent', 'conference', 'extension', 'sip'] as const

/** @param account the phone that calls; null for a peer from outside, which reaches numbers only */
export async function calledBy(
  request: RequestSummary,
  account: Extension | null,
  directory: Directory,
  country: string,
): Promise<Called> {
  const user = request.requestUri.user
  const prefix = PREFIXES.find((one) => user.toLowerCase().startsWith(`${one}:`))
  if (account && prefix && prefix !== 'tel') {
    return { kind: 'address', address: addressOf(prefix, user.slice(prefix.length + 1), '') }
  }
  const dialled = prefix === 'tel' ? user.slice('tel:'.length) : user
  const own = await ownNumber([dialled, ...(account ? [] : [request.to.user])], directory, country)
  if (own) return { kind: 'number', number: own }
  if (!account) return { kind: 'nobody' }
  if (dialled.startsWith('+') || prefix === 'tel') return { kind: 'address', address: addressOf('tel', dialled, '') }
  const extension = addressOf('extension', dialled, '')
  if (await directory.extensionFor(account.customerId, extension, () => false)) {
    return { kind: 'address', address: extension }
  }
  const number = toE164(dialled, country)
  return { kind: 'address', address: number === null ? extension : addressOf('tel', number, '') }
}

/** As dialled, with and without `+`, then as a number of the country. */
async function ownNumber(texts: readonly string[], directory: Directory, country: string): Promise<OwnNumber | null> {
  for (const text of texts) {
    const number = toE164(text, country)
    const own = (await directory.ownNumber(text)) ?? (number === null ? null : await directory.ownNumber(number))
    if (own) return own
  }
  return null
}

function numberOf(user: string, country: string): string {
  return toE164(user, country) ?? (/^\+?\d{3,20}$/.test(user) ? user : '')
}

export function addressOf(type: string, target: string, targetName: string): Address {
  return { type, target, target_name: targetName, name: '', detail: '' }
}
