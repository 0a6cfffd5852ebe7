/**
 * Answers binding requests without credentials: a phone that asks which address it is seen with. On a port that is open for
 * other things anyway; the answer is little longer than the question (32 octets over IPv4, 44 over IPv6, for 20 at least),
 * and so many per second only, so that nobody gains by asking in another's name.
 */

import type { Millis } from '../kernel/clock.ts'
import { NO_PROOF, parseStun, writeBindingError, writeBindingSuccess } from './stun.ts'

interface From {
  readonly address: string
  readonly port: number
}

export class PlainStun {
  readonly #perSecond: number
  #left: number
  #at: Millis = 0
  answered = 0
  refused = 0

  /** @param perSecond answers at most, and as many at once after a rest */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  /**
   * @param out receives the answer, MAX_STUN_BYTES at most
   * @returns its length in octets; 0: no answer
   */
  answer(bytes: Uint8Array, from: From, now: Millis, out: Uint8Array): number {
    const message = parseStun(bytes)
    // Silence is what a server without a second address gives who asks for an answer from there.
    if (message?.kind !== 'request' || message.wantsOtherSource || message.isFingerprintRight === false) return 0
    if (!this.#mayAnswer(now)) return 0
    if (message.unknown.length > 0) return writeBindingError(out, bytes, 420, message.unknown, NO_PROOF)
    return writeBindingSuccess(out, bytes, message.isClassic, from, NO_PROOF)
  }

  #mayAnswer(now: Millis): boolean {
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
    if (this.#left < 1) {
      this.refused++
      return false
    }
    this.#left--
    this.answered++
    return true
  }
}

/** Whether a datagram on a port of SIP is STUN: no message of SIP begins so, nor does a keep-alive. */
export function looksLikeStun(bytes: Uint8Array): boolean {
  return bytes.length >= 20 && bytes[0]! < 4
}
