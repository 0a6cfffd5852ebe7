/**
 * What a trusted peer says of a caller beside his number: the network's check of it (`verstat`), the attestation of his
 * carrier (RFC 8224, RFC 8225, RFC 8588), and by whom the call came here (RFC 5806, RFC 7044). Read and shown, never
 * verified here: whether to believe it is a matter of the peer.
 */

import type { JsonObject } from '../kernel/json.ts'

type Headers = readonly (readonly [name: string, value: string])[]

/** Longer ones are no PASSporT of a carrier. */
const MAX_IDENTITY = 8_192
const MAX_ENTRIES = 10

/** @param isPrivate the caller's number is withheld: nothing that names him is shown */
export function callerIdentity(headers: Headers, isPrivate: boolean): JsonObject {
  const verstat = verstatOf(headers)
  const attestation = attestationOf(valuesOf(headers, 'identity'), isPrivate)
  const asserted = isPrivate ? '' : (valuesOf(headers, 'p-asserted-identity')[0] ?? '')
  const diversions = isPrivate ? [] : chainOf(valuesOf(headers, 'diversion'))
  const history = isPrivate ? [] : chainOf(valuesOf(headers, 'history-info'))
  return {
    ...(asserted === '' ? {} : { asserted_identity: asserted.slice(0, 256) }),
    ...(verstat === '' ? {} : { verstat }),
    ...(attestation === null ? {} : { attestation }),
    ...(diversions.length === 0 ? {} : { diversion: diversions }),
    ...(history.length === 0 ? {} : { history_info: history }),
  }
}

/** TS 24.229 §7.2A.20: a parameter of the tel URI, or of the number within a SIP URI, in P-Asserted-Identity or From. */
function verstatOf(headers: Headers): string {
  const texts = [...valuesOf(headers, 'p-asserted-identity'), ...valuesOf(headers, 'from'), ...valuesOf(headers, 'f')]
  for (const text of texts) {
    const found = /;\s*verstat\s*=\s*"?([A-Za-z0-9-]{1,64})/i.exec(text)?.[1]
    if (found) return found
  }
  return ''
}

/** The first PASSporT with an attestation. `verified` is always false: its signature was not checked. */
function attestationOf(values: readonly string[], isPrivate: boolean): JsonObject | null {
  for (const value of values.slice(0, MAX_ENTRIES)) {
    const claims = claimsOf(value)
    const level = claims?.['attest']
    if (claims && typeof level === 'string' && /^[ABC]$/.test(level)) return shownClaims(claims, level, isPrivate)
  }
  return null
}

function shownClaims(claims: JsonObject, level: string, isPrivate: boolean): JsonObject {
  const orig = (claims['orig'] as JsonObject | undefined)?.['tn']
  const { iat, origid } = claims
  return {
    level,
    verified: false,
    ...(typeof origid === 'string' ? { origination_id: origid.slice(0, 64) } : {}),
    ...(typeof iat === 'number' && Number.isFinite(iat) ? { issued_at: iat } : {}),
    ...(typeof orig === 'string' && !isPrivate ? { number: orig.slice(0, 32) } : {}),
  }
}

/** `header.payload.signature;info=...`; the compact form has no payload to show (RFC 8224 §4.1). */
function claimsOf(value: string): JsonObject | null {
  if (value.length > MAX_IDENTITY) return null
  const payload = value.split(';')[0]!.trim().split('.')[1] ?? ''
  if (!/^[A-Za-z0-9_-]+$/.test(payload)) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as JsonObject) : null
  } catch {
    return null
  }
}

/** Whoever the call was meant for before, the latest first, with the reason where one is given. */
function chainOf(values: readonly string[]): JsonObject[] {
  const entries = values.flatMap((value) => value.match(/(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+/g) ?? [])
  return entries.slice(0, MAX_ENTRIES).flatMap((entry) => {
    const uri = /<([^>]{1,256})>/.exec(entry)?.[1] ?? /^\s*((?:sips?|tel):[^;\s]{1,256})/i.exec(entry)?.[1]
    if (!uri) return []
    const [address = '', embedded = ''] = uri.split('?')
    const told = /;\s*reason\s*=\s*"?([A-Za-z0-9-]{1,32})/i.exec(entry.replace(/<[^>]*>/, ''))?.[1]
    const inside = /(?:^|&)reason=([^&]{1,128})/i.exec(embedded)?.[1]
    const reason = told ?? (inside === undefined ? '' : decoded(inside))
    return [{ uri: address, ...(reason === '' ? {} : { reason }) }]
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function valuesOf(headers: Headers, name: string): string[] {
  return headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)
}
