/**
 * The last seconds of an ear's timeline, piece by piece: when each arrived and how loud it was. Answers "when did this
 * sample come in" and "where was the last sound", neither of which the voice detector can tell (it lags by 30 to
 * 100 ms). Pure, fixed size, never allocates after construction.
 */

import { meanSquare } from '../../audio/level.ts'
import type { Millis } from '../../kernel/clock.ts'

const PIECES = 128
/** Sound this far below the utterance's loudest piece is taken for silence. */
const BELOW_PEAK = 10 ** (-30 / 10)
/** Sound has to be this far above the noise between utterances. */
const ABOVE_FLOOR = 10 ** (6 / 10)
/** Share of a piece in the noise floor, when nobody speaks. */
const FLOOR_WEIGHT = 0.05
/** The floor is learnt from pieces this old, because speech is confirmed only some pieces after it began. */
const FLOOR_DELAY = 12

export class Arrivals {
  readonly #first = new Float64Array(PIECES)
  readonly #end = new Float64Array(PIECES)
  readonly #atMs = new Float64Array(PIECES)
  readonly #power = new Float64Array(PIECES)
  #written = 0
  #peak = 0
  #floor = 0

  /** @param isSpeech whether an utterance is open: the floor is learnt between utterances, the peak inside them */
  add(firstSample: number, samples: Int16Array, count: number, atMs: Millis, isSpeech: boolean): void {
    const at = this.#written++ % PIECES
    const power = meanSquare(samples, count)
    this.#first[at] = firstSample
    this.#end[at] = firstSample + count
    this.#atMs[at] = atMs
    this.#power[at] = power
    this.#peak = isSpeech ? Math.max(this.#peak, power) : 0
    if (!isSpeech && this.#written > FLOOR_DELAY) {
      const old = this.#power[(at + PIECES - FLOOR_DELAY) % PIECES]!
      this.#floor += (old - this.#floor) * FLOOR_WEIGHT
    }
  }

  /** When `sample` arrived; for one that was forgotten or has not come, the nearest that is known. */
  arrivalOf(sample: number): Millis {
    let atMs = 0
    for (const at of this.#newestFirst()) {
      atMs = this.#atMs[at]!
      if (this.#first[at]! <= sample) break
    }
    return atMs
  }

  /** When the last sound before `sample` arrived, looking back as far as `since`; without any, when `since` did. */
  lastSound(sample: number, since: number): Millis {
    const threshold = this.#threshold()
    for (const at of this.#newestFirst()) {
      if (this.#first[at]! < since) break
      if (this.#first[at]! < sample && this.#power[at]! >= threshold) return this.#atMs[at]!
    }
    return this.arrivalOf(since)
  }

  /** When the sound that includes `sample` began, looking back without a break as far as `since`. */
  soundBegan(sample: number, since: number): Millis {
    const threshold = this.#threshold()
    let began = this.arrivalOf(sample)
    for (const at of this.#newestFirst()) {
      if (this.#first[at]! > sample) continue
      if (this.#first[at]! < since || this.#power[at]! < threshold) break
      began = this.#atMs[at]!
    }
    return began
  }

  #threshold(): number {
    let peak = this.#peak
    for (const at of this.#newestFirst(8)) peak = Math.max(peak, this.#power[at]!)
    return Math.max(peak * BELOW_PEAK, this.#floor * ABOVE_FLOOR)
  }

  *#newestFirst(limit = PIECES): Generator<number> {
    const oldest = Math.max(0, this.#written - Math.min(limit, PIECES))
    for (let piece = this.#written - 1; piece >= oldest; piece--) yield piece % PIECES
  }
}
