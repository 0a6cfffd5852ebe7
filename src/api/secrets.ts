/** Ids and tokens that must not be guessed, and how tokens are looked up again. */

import { hash } from 'node:crypto'
import { TOKEN_CHARS, TOKEN_MARK } from '../contract/accesskey.ts'
import { uuidFromWords } from '../kernel/random.ts'

export type RandomBytes = (size: number) => Uint8Array

const POOL_BYTES = 4_096

/** The same randomness drawn in larger pieces: one system call serves many ids. Every byte is given out once. */
export function pooledBytes(source: RandomBytes): RandomBytes {
  let pool: Uint8Array = new Uint8Array()
  let at = 0
  return (size) => {
    if (size > POOL_BYTES / 4) return source(size)
    if (at + size > pool.length) {
      // A copy: the slices of a Buffer would share its memory.
      pool = Uint8Array.from(source(POOL_BYTES))
      at = 0
    }
    const bytes = pool.slice(at, at + size)
    pool.fill(0, at, at + size)
    at += size
    return bytes
  }
}

/** A version 4 UUID, lower case. */
export function newUuid(randomBytes: RandomBytes): string {
  const bytes = randomBytes(16)
  const words = new DataView(bytes.buffer, bytes.byteOffset, 16)
  return uuidFromWords(words.getUint32(0), words.getUint32(4), words.getUint32(8), words.getUint32(12))
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** `length` characters of `alphabet`, each equally likely (bytes that would favour some are thrown away). */
export function randomText(randomBytes: RandomBytes, alphabet: string, length: number): string {
  const fair = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < fair && text.length < length) text += alphabet[byte % alphabet.length]
    }
  }
  return text
}

/** An access key's token: `vb_` and 32 letters and digits (190 bits). */
export function newToken(randomBytes: RandomBytes): string {
  return TOKEN_MARK + randomText(randomBytes, ALPHANUMERIC, TOKEN_CHARS)
}

/** Key of the webhook signature. */
export function newWebhookSecret(randomBytes: RandomBytes): string {
  return randomText(randomBytes, ALPHANUMERIC, 40)
}

/** `req_` and 26 base32 characters (contract §1). */
export function newRequestId(randomBytes: RandomBytes): string {
  return `req_${randomText(randomBytes, BASE32, 26)}`
}

/** SHA-256 in hex: all that is kept of a token. */
export function tokenHash(token: string): string {
  return hash('sha256', token)
}
