/**
 * At most so many within any stretch of time, exactly: the moments of the last ones are kept. A bucket of tokens would let
 * twice as many pass within one stretch.
 */

import type { Millis } from '../../kernel/clock.ts'

export class Window {
  readonly #lengthMs: number
  /** Oldest first; `#first` of them are forgotten. */
  #moments: Millis[] = []
  #first = 0

  /** @param lengthMs of the stretch */
  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs
  }

  /** Moments within the stretch that ends now. */
  count(now: Millis): number {
    while (this.#first < this.#moments.length && this.#moments[this.#first]! <= now - this.#lengthMs) this.#first++
    if (this.#first > 32 && this.#first * 2 > this.#moments.length) {
      this.#moments = this.#moments.slice(this.#first)
      this.#first = 0
    }
    return this.#moments.length - this.#first
  }

  fits(limit: number, now: Millis): boolean {
    return this.count(now) < limit
  }

  note(now: Millis): void {
    this.#moments.push(now)
  }

  /** The last one noted does not count after all. */
  takeBack(): void {
    if (this.#moments.length > this.#first) this.#moments.pop()
  }
}

/** Windows by key, of a bounded number of keys: when there are too many, the one that was noted longest ago goes. */
export class Windows {
  readonly #lengthMs: number
  readonly #mostKeys: number
  readonly #byKey = new Map<string, Window>()

  constructor(lengthMs: number, mostKeys: number) {
    this.#lengthMs = lengthMs
    this.#mostKeys = mostKeys
  }

  get size(): number {
    return this.#byKey.size
  }

  fits(key: string, limit: number, now: Millis): boolean {
    return this.#byKey.get(key)?.fits(limit, now) ?? limit > 0
  }

  note(key: string, now: Millis): void {
    const window = this.#byKey.get(key) ?? new Window(this.#lengthMs)
    window.note(now)
    // Noted last stands last.
    this.#byKey.delete(key)
    this.#byKey.set(key, window)
    this.#forget(now)
  }

  takeBack(key: string): void {
    this.#byKey.get(key)?.takeBack()
  }

  /** Two a time, so that what is empty goes sooner than new keys come. */
  #forget(now: Millis): void {
    let looked = 0
    for (const [key, window] of this.#byKey) {
      if (looked++ === 2) return
      if (this.#byKey.size > this.#mostKeys || window.count(now) === 0) this.#byKey.delete(key)
    }
  }
}
