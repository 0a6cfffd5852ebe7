/**
 * How late packets of a stream come, each beside the earliest: what a play-out has to wait for. Times are in samples, of the
 * reader's clock (what it has taken so far) and of the sender's (RTP time), so that no other clock is needed and one of
 * packets that come between two takes is as good as the other.
 */

/** Packets remembered: 2.5 s of them at 20 ms. A power of two. */
const REMEMBERED = 128
/** Nothing older counts. */
const WINDOW_MS = 3_000
/** Of 100 packets three may come later than is waited for. With five, six times as many were too late for 4 ms less delay. */
const QUANTILE = 0.97
/** Worked out anew after so many. */
const EVERY = 8

export class Delays {
  readonly #window: number
  readonly #delays = new Float64Array(REMEMBERED)
  readonly #times = new Float64Array(REMEMBERED)
  readonly #sorted = new Float64Array(REMEMBERED)
  #count = 0
  #sinceLast = 0
  /** The shortest, and what 97 of 100 are not above. */
  #least = 0
  #high = 0

  constructor(rateHz: number) {
    this.#window = (WINDOW_MS * rateHz) / 1000
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  get least(): number {
    return this.#least
  }

  get high(): number {
    return this.#high
  }

  forget(): void {
    this.#count = 0
    this.#sinceLast = 0
  }

  /** @param delay reader's clock less sender's, @param at reader's clock. @returns whether `least` or `high` is another */
  note(delay: number, at: number): boolean {
    const slot = this.#count % REMEMBERED
    this.#delays[slot] = delay
    this.#times[slot] = at
    this.#count++
    if (this.#count === 1) {
      this.#least = delay
      this.#high = delay
      return true
    }
    if (++this.#sinceLast < EVERY && delay >= this.#least && this.#count >= EVERY) return false
    this.#sinceLast = 0
    this.#workOut(at)
    return true
  }

  #workOut(at: number): void {
    let count = 0
    for (let i = Math.min(this.#count, REMEMBERED) - 1; i >= 0; i--) {
      if (at - this.#times[i]! <= this.#window) this.#sorted[count++] = this.#delays[i]!
    }
    const recent = this.#sorted.subarray(0, count).sort()
    this.#least = recent[0]!
    this.#high = recent[Math.min(count - 1, Math.ceil(count * QUANTILE) - 1)]!
  }
}
