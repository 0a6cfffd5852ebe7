/** From a master key to the keys of packets (RFC 3711 §4.3.1; RFC 7714 §11 for salts of 12 bytes). Key derivation rate 0. */

import { KeyStream } from './keystream.ts'
import { type SrtpKeys, SUITES } from './suite.ts'

export interface SessionKeys {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  /** For HMAC-SHA1; unused where the cipher authenticates. */
  readonly auth: Uint8Array
}

/** RFC 3711 §4.3.2: three for RTP, then three for RTCP. */
const LABELS = { rtp: 0, rtcp: 3 } as const
const AUTH_BYTES = 20
const LABEL_AT = 7
const MASTER_SALT_BYTES = 14

export function deriveKeys(keys: SrtpKeys, kind: keyof typeof LABELS): SessionKeys {
  const { keyBytes, saltBytes } = SUITES[keys.suite]
  const first = LABELS[kind]
  return {
    key: derive(keys, first, keyBytes),
    auth: derive(keys, first + 1, AUTH_BYTES),
    salt: derive(keys, first + 2, saltBytes),
  }
}

/** @param bytes length of the result */
export function derive(keys: Pick<SrtpKeys, 'suite' | 'key'>, label: number, bytes: number): Uint8Array {
  const { keyBytes, saltBytes } = SUITES[keys.suite]
  const salt = new Uint8Array(MASTER_SALT_BYTES)
  salt.set(keys.key.subarray(keyBytes, keyBytes + saltBytes))
  salt[LABEL_AT]! ^= label
  const stream = new KeyStream(keys.key.subarray(0, keyBytes), salt)
  stream.seek(0, 0, bytes)
  return Uint8Array.from(stream.bytes.subarray(0, bytes))
}
