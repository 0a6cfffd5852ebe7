/**
 * What the store writes so that nobody can read it without the key. Texts are sealed with AES-256-GCM; values that are only
 * ever compared become keyed hashes. Without a data key texts stay plain, and only words of the search are hashed.
 */

import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Sealed texts begin with this, then the number of the format; JSON and input logs never do. */
const MARK = '~1'
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = KEY_ID_BYTES + NONCE_BYTES
/** A hash in place of a value; numbers and addresses never look like this. */
const BLIND = /^~h[\w-]{22}$/
const TOKEN_CHARS = 12
const KEPT_TOKENS = 20_000

/** A text cannot be opened: its key is not here, or it was changed. The message names the place, never the text. */
export class SealBroken extends Error {
  constructor(place: string, why: string) {
    super(`What is stored at ${place} cannot be read: ${why}.`)
    this.name = 'SealBroken'
  }
}

interface Key {
  readonly id: string
  readonly secret: Uint8Array
}

/** Seals with one key, opens with any of several. Made once per connection. */
export class Sealer {
  readonly #writing: Key | null
  readonly #keys = new Map<string, Key>()

  /** @param dataKeys hex of 32 bytes each: the first writes, all read; none leaves texts plain */
  constructor(dataKeys: readonly string[]) {
    const keys = dataKeys.map(keyOf)
    this.#writing = keys[0] ?? null
    for (const key of keys) this.#keys.set(key.id, key)
  }

  /** Names the key that writes, without telling it; null when texts stay plain. */
  get keyId(): string | null {
    return this.#writing?.id ?? null
  }

  knows(keyId: string): boolean {
    return this.#keys.has(keyId)
  }

  /** @param place table, id and column: a sealed text opens nowhere else */
  seal(text: string, place: string): string {
    const key = this.#writing
    if (!key) return text
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key.secret, nonce)
    cipher.setAAD(Buffer.from(place))
    const sealed = [Buffer.from(key.id, 'hex'), nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
    return MARK + Buffer.concat(sealed).toString('base64')
  }

  /** Plain texts come back as they are. @throws SealBroken */
  open(text: string, place: string): string {
    if (!text.startsWith(MARK)) return text
    const bytes = Buffer.from(text.slice(MARK.length), 'base64')
    const key = this.#keys.get(bytes.toString('hex', 0, KEY_ID_BYTES))
    if (!key) throw new SealBroken(place, 'its key is not among those given')
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.secret, bytes.subarray(KEY_ID_BYTES, HEAD_BYTES))
      decipher.setAAD(Buffer.from(place))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      return decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    } catch {
      throw new SealBroken(place, 'it was changed')
    }
  }

  /** Whether a text is as this sealer would write it. */
  isPresent(text: string): boolean {
    const key = this.#writing
    if (!key) return true
    if (!text.startsWith(MARK)) return false
    return Buffer.from(text.slice(MARK.length, MARK.length + 8), 'base64').toString('hex', 0, KEY_ID_BYTES) === key.id
  }
}

/** Hashes of values and words, with a key that stays the same as long as the store lives. */
export class Blinder {
  readonly #secret: Uint8Array
  readonly #hidesValues: boolean
  readonly #tokens = new Map<string, string>()

  /** @param hidesValues false leaves values of keys plain (no data key): words are hashed all the same */
  constructor(secret: Uint8Array, hidesValues: boolean) {
    this.#secret = secret
    this.#hidesValues = hidesValues
  }

  /** A value as a column holds it. What is hashed already stays. */
  value(value: string): string {
    if (!this.#hidesValues || value === '' || BLIND.test(value)) return value
    return `~h${this.#hash(`value\0${value}`).slice(0, 22)}`
  }

  /** Stands for a word of a customer. */
  token(customerId: string, word: string): string {
    const name = `${customerId}\0${word}`
    const known = this.#tokens.get(name)
    if (known !== undefined) return known
    if (this.#tokens.size >= KEPT_TOKENS) this.#tokens.clear()
    const token = this.#hash(`word\0${name}`).slice(0, TOKEN_CHARS)
    this.#tokens.set(name, token)
    return token
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64url')
  }
}

function keyOf(dataKey: string): Key {
  const secret = new Uint8Array(hkdfSync('sha256', Buffer.from(dataKey, 'hex'), '', 'quietline store', 32))
  return {
    id: createHash('sha256')
      .update(secret)
      .digest('hex')
      .slice(0, KEY_ID_BYTES * 2),
    secret,
  }
}
