/** Digest arithmetic and header form (RFC 7616 §3, RFC 8760). Knows no users and no nonces. */

import { createHash } from 'node:crypto'
import { endOfQuote, isToken, quote, unquote } from '../message/grammar.ts'

export type Algorithm = 'SHA-256' | 'SHA-512-256' | 'MD5'

const HASHES: Readonly<Record<Algorithm, string>> = { 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256', MD5: 'md5' }

/** Parameters of a challenge or of credentials: names in lower case, values without quotes. */
export type DigestFields = ReadonlyMap<string, string>

export interface DigestInput {
  readonly algorithm: Algorithm
  readonly username: string
  readonly realm: string
  readonly password: string
  readonly method: string
  /** The digest-uri, as the client wrote it. */
  readonly uri: string
  readonly nonce: string
  /** Absent for clients of RFC 2069, who know no quality of protection. */
  readonly protection?: { readonly qop: 'auth'; readonly nc: string; readonly cnonce: string }
}

/** @returns lower-case hexadecimal, 32 digits for MD5 and 64 for the others */
export function digestResponse(input: DigestInput): string {
  const hash = (text: string) => createHash(HASHES[input.algorithm]).update(text).digest('hex')
  const secret = hash(`${input.username}:${input.realm}:${input.password}`)
  const request = hash(`${input.method}:${input.uri}`)
  const { protection } = input
  if (protection === undefined) return hash(`${secret}:${input.nonce}:${request}`)
  return hash(`${secret}:${input.nonce}:${protection.nc}:${protection.cnonce}:${protection.qop}:${request}`)
}

/** @returns null for a name this core does not compute; a missing one means MD5 */
export function algorithmOf(name: string | undefined): Algorithm | null {
  const upper = (name ?? 'MD5').toUpperCase()
  return upper === 'MD5' || upper === 'SHA-256' || upper === 'SHA-512-256' ? upper : null
}

/** Reads `Digest name=value, name="value"`. @returns null for another scheme and for rubbish */
export function parseDigest(text: string): DigestFields | null {
  if (!/^digest\s/i.test(text)) return null
  const fields = new Map<string, string>()
  let at = 'digest'.length
  while (at < text.length) {
    const equals = text.indexOf('=', at)
    if (equals === -1) return text.slice(at).trim() === '' ? fields : null
    const name = text.slice(at, equals).trim().toLowerCase()
    if (!isToken(name)) return null
    const value = readValue(text, equals + 1)
    if (value === null) return null
    if (!fields.has(name)) fields.set(name, value.text)
    at = value.end
  }
  return fields
}

/** @returns the value and the place after its comma */
function readValue(text: string, from: number): { text: string; end: number } | null {
  let start = from
  while (text[start] === ' ' || text[start] === '\t') start++
  const close = text[start] === '"' ? endOfQuote(text, start) : start
  if (close === -1) return null
  const comma = text.indexOf(',', close)
  const end = comma === -1 ? text.length : comma
  return { text: unquote(text.slice(start, end).trim()), end: end + 1 }
}

const BARE: ReadonlySet<string> = new Set(['algorithm', 'nc', 'stale'])

/** Prints challenge or credentials. @param inQuotes whether `qop` is quoted: in a challenge it is, in credentials not */
export function printDigest(fields: Iterable<readonly [string, string]>, inQuotes: boolean): string {
  const parts: string[] = []
  for (const [name, value] of fields) {
    const bare = BARE.has(name) || (name === 'qop' && !inQuotes)
    parts.push(`${name}=${bare ? value : quote(value)}`)
  }
  return `Digest ${parts.join(', ')}`
}
