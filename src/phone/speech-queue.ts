/** Sound waiting to be spoken, cut into frames; each utterance remembers when its first and last samples left. */

import type { Millis } from '../kernel/clock.ts'

/** When an utterance left: the send times of the packets with its first and with its last sample. */
export interface Spoken {
  readonly firstAt: Millis
  readonly lastAt: Millis
}

interface Utterance {
  readonly pcm8k: Int16Array
  readonly done: (spoken: Spoken) => void
  taken: number
  firstAt: Millis
}

export class SpeechQueue {
  #waiting: Utterance[] = []
  #samples = 0

  /** Samples not sent yet. */
  get depthSamples(): number {
    return this.#samples
  }

  /** @returns when it was sent; an empty utterance, or one cut by `clear`, is told with what had left by then */
  push(pcm8k: Int16Array, now: Millis): Promise<Spoken> {
    if (pcm8k.length === 0) return Promise.resolve({ firstAt: now, lastAt: now })
    this.#samples += pcm8k.length
    return new Promise((done) => {
      this.#waiting.push({ pcm8k, done, taken: 0, firstAt: now })
    })
  }

  /**
   * Fills `frame` with the next samples, of several utterances when they are short, and with zeros behind the last one.
   * @returns false when nothing waits; `frame` is left alone then
   */
  take(frame: Int16Array, now: Millis): boolean {
    if (this.#samples === 0) return false
    let filled = 0
    while (filled < frame.length) {
      const next = this.#waiting[0]
      if (!next) break
      if (next.taken === 0) next.firstAt = now
      const piece = next.pcm8k.subarray(next.taken, next.taken + frame.length - filled)
      frame.set(piece, filled)
      filled += piece.length
      next.taken += piece.length
      if (next.taken < next.pcm8k.length) break
      this.#waiting.shift()
      next.done({ firstAt: next.firstAt, lastAt: now })
    }
    frame.fill(0, filled)
    this.#samples = Math.max(0, this.#samples - filled)
    return true
  }

  /** Drops everything that waits. */
  clear(now: Millis): void {
    for (const one of this.#waiting) one.done({ firstAt: one.firstAt, lastAt: now })
    this.#waiting = []
    this.#samples = 0
  }
}
