/**
 * Nonces that need no memory until they are used: time and salt, signed with the core's key. Of a used one only the
 * highest count is kept, until it expires.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Millis } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'

/** Used nonces that are remembered at once: one for each request with credentials in the life of a nonce. */
export const MOST_USED = 200_000

const FORM = /^([0-9a-f]{12})([0-9a-f]{8})([0-9a-f]{32})$/

export class Nonces {
  readonly #key: Uint8Array
  readonly #lifeMs: number
  readonly #random: Random
  /** In order of first use, so the oldest are in front (nearly: life counts from making). */
  readonly #counts = new Map<string, { highest: number; expiresAt: Millis }>()

  constructor(key: Uint8Array, lifeMs: number, random: Random) {
    this.#key = key
    this.#lifeMs = lifeMs
    this.#random = random
  }

  make(now: Millis): string {
    const time = Math.floor(now).toString(16).padStart(12, '0')
    const salt = this.#random.u32().toString(16).padStart(8, '0')
    return time + salt + this.#sign(time + salt)
  }

  /** True for a nonce made with our key that has not expired. */
  isFresh(nonce: string, now: Millis): boolean {
    const match = FORM.exec(nonce)
    if (!match) return false
    const [, time = '', salt = '', signature = ''] = match
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(time + salt)))) return false
    const madeAt = Number.parseInt(time, 16)
    return madeAt <= now && now - madeAt < this.#lifeMs
  }

  /**
   * Notes one use of a fresh nonce.
   * @returns false when this count, or a higher one, was used before (RFC 7616 §3.4), or no more can be remembered: who is
   * told so asks again with a new one
   */
  use(nonce: string, count: number, now: Millis): boolean {
    this.#forgetExpired(now)
    const known = this.#counts.get(nonce)
    if (known !== undefined && count <= known.highest) return false
    if (known !== undefined) known.highest = count
    else if (this.#counts.size >= MOST_USED) return false
    else this.#counts.set(nonce, { highest: count, expiresAt: now + this.#lifeMs })
    return true
  }

  #forgetExpired(now: Millis): void {
    for (const [nonce, { expiresAt }] of this.#counts) {
      if (expiresAt > now) return
      this.#counts.delete(nonce)
    }
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex').slice(0, 32)
  }
}
