/** Decides whether a request carries the right digest, and makes the challenge when not (RFC 3261 §22, RFC 8760 §2). */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Millis } from '../../kernel/clock.ts'
import type { SipRequest } from '../message/message.ts'
import { parseUri } from '../message/uri.ts'
import type { AuthPolicy } from '../types.ts'
import { type Algorithm, algorithmOf, type DigestFields, digestResponse, parseDigest, printDigest } from './digest.ts'
import type { Nonces } from './nonce.ts'

export type DigestPolicy = Extract<AuthPolicy, { kind: 'digest' }>

export type Verdict =
  | { readonly kind: 'allowed'; readonly identity: string }
  /** One value for each algorithm, the preferred one first. `failedUser` is set when credentials came and were wrong. */
  | { readonly kind: 'challenge'; readonly values: readonly string[]; readonly failedUser: string | null }

/** All of them; MD5 for phones that know nothing else. */
export const ALGORITHMS: readonly Algorithm[] = ['SHA-256', 'SHA-512-256', 'MD5']
/** Higher than any count: a nonce that came without one is used up. */
const USED_UP = 0x1_0000_0000

/** Credentials are taken from either header: phones mix them up. */
const HEADERS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization'])

/** The user name of the first digest credentials in a request, null without any. */
export function authUserOf(request: SipRequest): string | null {
  return credentialsOf(request)[0]?.get('username') ?? null
}

/**
 * A nonce that is too old, not ours any more, or used before gives `stale=true`, but only to who knows the password.
 * Answers by any of `taken` are looked at, a challenge names those of `offered`.
 * An unknown account costs the same work and gets the same challenge as a wrong password.
 */
export function check(
  request: SipRequest,
  policy: DigestPolicy,
  nonces: Nonces,
  now: Millis,
  taken: readonly Algorithm[] = ALGORITHMS,
  offered: readonly Algorithm[] = taken,
): Verdict {
  const challenge = (stale: boolean, failedUser: string | null): Verdict => ({
    kind: 'challenge',
    values: challengesOf(policy.realm, nonces.make(now), offered, stale),
    failedUser,
  })
  const credentials = chosen(credentialsOf(request), policy.realm, taken)
  if (credentials === undefined) return challenge(false, null)
  const right = isRight(request, credentials, policy, taken)
  if (!right) return challenge(false, credentials.get('username') ?? '')
  const nonce = credentials.get('nonce') ?? ''
  const usable = nonces.isFresh(nonce, now) && isFirstUse(credentials, nonce, nonces, now)
  if (!usable) return challenge(true, null)
  return { kind: 'allowed', identity: policy.account!.identity }
}

/** Who answers several challenges at once is taken at its best answer. */
function chosen(all: readonly DigestFields[], realm: string, offered: readonly Algorithm[]): DigestFields | undefined {
  const meant = all.filter((each) => each.get('realm') === realm)
  for (const algorithm of offered) {
    const found = meant.find((each) => algorithmOf(each.get('algorithm')) === algorithm)
    if (found) return found
  }
  return meant[0] ?? all[0]
}

function credentialsOf(request: SipRequest): DigestFields[] {
  const all: DigestFields[] = []
  for (const { key, value } of request.fields) {
    const fields = HEADERS.has(key) ? parseDigest(value) : null
    if (fields !== null) all.push(fields)
  }
  return all
}

function isRight(
  request: SipRequest,
  credentials: DigestFields,
  policy: DigestPolicy,
  offered: readonly Algorithm[],
): boolean {
  const given = (name: string) => credentials.get(name) ?? ''
  const algorithm = algorithmOf(credentials.get('algorithm'))
  const qop = credentials.get('qop')
  const account = policy.account ?? { username: '', password: '' }
  const expected = digestResponse({
    algorithm: algorithm ?? 'MD5',
    username: given('username'),
    realm: policy.realm,
    password: account.password,
    method: request.method,
    uri: given('uri'),
    nonce: given('nonce'),
    ...(qop === undefined ? {} : { protection: { qop: 'auth', nc: given('nc'), cnonce: given('cnonce') } }),
  })
  const sameResponse = isEqual(given('response').toLowerCase(), expected)
  const sameUser = isEqual(given('username'), account.username)
  const readable =
    algorithm !== null && offered.includes(algorithm) && (qop === undefined || qop.toLowerCase() === 'auth')
  const meant = given('realm') === policy.realm && isSameTarget(given('uri'), request.uri)
  return sameResponse && sameUser && readable && meant && policy.account !== null
}

/** Proxies may rewrite host and parameters on the way, the user part is what decides where a call goes (RFC 3261 §22.4). */
function isSameTarget(digestUri: string, requestUri: string): boolean {
  const one = parseUri(digestUri)
  const other = parseUri(requestUri)
  return one.ok && other.ok && one.value.user === other.value.user
}

/** Without qop there is no count: such an answer is good once, or whoever overheard it could send it again. */
function isFirstUse(credentials: DigestFields, nonce: string, nonces: Nonces, now: Millis): boolean {
  if (!credentials.has('qop')) return nonces.use(nonce, USED_UP, now)
  const count = credentials.get('nc') ?? ''
  return /^[0-9a-f]{8}$/i.test(count) && nonces.use(nonce, Number.parseInt(count, 16), now)
}

/** RFC 8760 §2.4: one header for each algorithm, the most preferred one on top. */
function challengesOf(realm: string, nonce: string, offered: readonly Algorithm[], stale: boolean): string[] {
  return offered.map((algorithm) => {
    const fields: [string, string][] = [
      ['realm', realm],
      ['nonce', nonce],
      ['algorithm', algorithm],
      ['qop', 'auth'],
    ]
    if (stale) fields.push(['stale', 'true'])
    return printDigest(fields, true)
  })
}

/** Constant time, whatever the lengths. */
function isEqual(one: string, other: string): boolean {
  const fingerprint = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(fingerprint(one), fingerprint(other))
}
