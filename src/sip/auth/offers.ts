/**
 * Which digest algorithms a caller is offered. RFC 8760 wants phones to skip challenges they do not know; older ones give up
 * at the first of them, wherever it stands. So a phone known for that, or one that did not answer when it was offered
 * everything, is offered MD5 alone.
 */

import type { Algorithm } from './digest.ts'

/**
 * Who gives up at any challenge but MD5: libre before it learned SHA-256 (baresip 1.0.0), and SIPp 3.6, which as other small
 * tools does not say what it is.
 */
const MD5_ONLY = /^(?:baresip v?[012]\.|$)/i
/** Callers that have been challenged and not answered yet. */
export const MOST_UNANSWERED = 10_000

export class Offers {
  readonly #all: readonly Algorithm[]
  readonly #unanswered = new Set<string>()

  constructor(all: readonly Algorithm[]) {
    this.#all = all
  }

  /** What may be answered with, by whomever. */
  get all(): readonly Algorithm[] {
    return this.#all
  }

  /**
   * @param caller address and user
   * @param isAnswer it came with credentials
   */
  next(caller: string, userAgent: string, isAnswer: boolean): readonly Algorithm[] {
    if (!this.#all.includes('MD5')) return this.#all
    const gaveUp = this.#unanswered.delete(caller) && !isAnswer
    if (!isAnswer) this.#note(caller)
    return gaveUp || MD5_ONLY.test(userAgent) ? ['MD5'] : this.#all
  }

  #note(caller: string): void {
    this.#unanswered.add(caller)
    if (this.#unanswered.size <= MOST_UNANSWERED) return
    for (const oldest of this.#unanswered) return void this.#unanswered.delete(oldest)
  }
}
