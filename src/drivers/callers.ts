/** Who calls, and whom: what the headers and the request URI of a call from outside mean (contract §6, RFC 3323, RFC 3325). */

import type { Address } from '../calls/commands.ts'
import { assertedIdentity, isPrivacyRequested, toE164 } from '../contract/phone-number.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { RequestSummary } from '../sip/types.ts'
import { callerIdentity } from './caller-identity.ts'
import type { Directory, Extension, OwnNumber } from './directory.ts'

export interface Caller {
  readonly source: Address
  /** Of the call's `metadata`. */
  readonly metadata: JsonObject
}

/** @param account null for a peer that is trusted: what it asserts is believed */
export function callerOf(request: RequestSummary, account: Extension | null, country: string): Caller {
  const isPrivate = isPrivacyRequested(request.headers)
  const diverted = account ? '' : divertedFrom(request.headers, country)
  const metadata = {
    ...(isPrivate ? { privacy: 'id' } : {}),
    ...(diverted === '' ? {} : { diverted_from: diverted }),
    ...(account ? {} : callerIdentity(request.headers, isPrivate)),
  }
  if (isPrivate) return { source: addressOf(account ? 'extension' : 'tel', 'anonymous', ''), metadata }
  if (account) return { source: addressOf('extension', account.extension, account.name), metadata }
  const asserted = assertedIdentity(request.headers)
  const user = request.from.user.replace(/;.*$/s, '')
  const number = asserted?.number || numberOf(user, country)
  const display = asserted?.display || request.fromDisplay
  if (number !== '') return { source: addressOf('tel', number, display), metadata }
  return { source: addressOf('sip', user, display), metadata }
}

export type Called =
  | { readonly kind: 'number'; readonly number: OwnNumber }
  /** To be connected to, for the customer of the calling phone. */
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'nobody' }

const PREFIXES = ['tel', 'agent', 'conference', 'extension', 'sip'] as const

/**
 * @param account the phone that calls; null for a peer from outside, which reaches numbers only
 * @param techPrefix what the peer puts before numbers
 */
export async function calledBy(
  request: RequestSummary,
  account: Extension | null,
  directory: Directory,
  country: string,
  techPrefix = '',
): Promise<Called> {
  const user = request.requestUri.user
  const prefix = PREFIXES.find((one) => user.toLowerCase().startsWith(`${one}:`))
  if (account && prefix && prefix !== 'tel') {
    return { kind: 'address', address: addressOf(prefix, user.slice(prefix.length + 1), '') }
  }
  const dialled = prefix === 'tel' ? user.slice('tel:'.length) : user
  const own = account
    ? await ownNumber([dialled], directory, country)
    : await ownNumberCalled(request, directory, country, [techPrefix])
  if (own) return { kind: 'number', number: own }
  if (!account) return { kind: 'nobody' }
  return { kind: 'address', address: await addressDialled(user, account.customerId, directory, country) }
}

/**
 * What a phone of this customer means by what it dials.
 * @param user of the URI: with a prefix an address as it stands, else an extension or a number
 */
export async function addressDialled(
  user: string,
  customerId: string,
  directory: Directory,
  country: string,
): Promise<Address> {
  const prefix = PREFIXES.find((one) => user.toLowerCase().startsWith(`${one}:`))
  if (prefix) return addressOf(prefix, user.slice(prefix.length + 1), '')
  if (user.startsWith('+')) return addressOf('tel', user, '')
  const extension = addressOf('extension', user, '')
  if (await directory.extensionFor(customerId, extension, () => false)) return extension
  const number = toE164(user, country)
  return number === null ? extension : addressOf('tel', number, '')
}

/**
 * The number of this server that a peer calls: by the request URI, then To (a call by way of our registration names the
 * account in the first), then P-Called-Party-ID (RFC 7315 §4.2).
 */
export function ownNumberCalled(
  request: RequestSummary,
  directory: Directory,
  country: string,
  techPrefixes: readonly string[] = [],
): Promise<OwnNumber | null> {
  const { requestUri, to, headers } = request
  const party = headers.find(([name]) => name.toLowerCase() === 'p-called-party-id')?.[1] ?? ''
  const users = [requestUri.user, to.user, /(?:sips?|tel):([^@;>]*)/i.exec(party)?.[1] ?? '']
  const texts = users.map((user) => user.replace(/^tel:/i, '').replace(/;.*$/, '')).filter((user) => user !== '')
  const bare = texts.flatMap((text) =>
    techPrefixes
      .filter((prefix) => prefix !== '' && text.startsWith(prefix))
      .map((prefix) => text.slice(prefix.length)),
  )
  return ownNumber([...texts, ...bare], directory, country)
}

/** Who was called first (RFC 5806), as a number where it is one; '' when nobody was. */
function divertedFrom(headers: RequestSummary['headers'], country: string): string {
  const value = headers.find(([name]) => name.toLowerCase() === 'diversion')?.[1] ?? ''
  const user = /(?:sips?|tel):([^@;>\s]*)/i.exec(value)?.[1] ?? ''
  return numberOf(user, country)
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
