/**
 * What sounds in place of lost sound: the last pitch period again and again, fading out. In the manner of G.711 appendix I,
 * but simpler. For recognisers more than for ears: no gap in the rhythm, no click, no invented words.
 */

/** Sound is made up for so long, then there is silence. */
const FADE_MS = 60
/** Pitch of 50 to 400 Hz. */
const LONGEST_PERIOD_MS = 20
const SHORTEST_PERIOD_MS = 2.5
/** The first sound after a gap is blended with the end of what was made up. */
const BLEND_MS = 5

export class Concealment {
  readonly #history: Int16Array
  readonly #longest: number
  readonly #shortest: number
  readonly #fadeSamples: number
  readonly #blendSamples: number
  /** Samples made up since the last sound, 0 when none are missing. */
  #madeUp = 0
  #period = 1
  #known = 0

  constructor(rateHz: number) {
    this.#longest = (rateHz * LONGEST_PERIOD_MS) / 1000
    this.#shortest = (rateHz * SHORTEST_PERIOD_MS) / 1000
    this.#fadeSamples = (rateHz * FADE_MS) / 1000
    this.#blendSamples = (rateHz * BLEND_MS) / 1000
    this.#history = new Int16Array(2 * this.#longest)
  }

  /** Sound arrived. Its beginning is changed in place when some was made up before it. */
  heard(pcm: Int16Array, count: number): void {
    if (this.#madeUp > 0) this.#blend(pcm, Math.min(count, this.#blendSamples))
    this.#madeUp = 0
    const history = this.#history
    const kept = Math.min(count, history.length)
    history.copyWithin(0, kept)
    // By hand: for so few samples a view costs more than its copy.
    for (let to = history.length - kept, from = count - kept; from < count; to++, from++) history[to] = pcm[from]!
    this.#known = Math.min(history.length, this.#known + kept)
  }

  /** Fills the first `count` samples of `out` for sound that did not arrive. */
  fill(out: Int16Array, count: number): void {
    if (this.#madeUp === 0) this.#period = this.#findPeriod()
    for (let i = 0; i < count; i++) out[i] = this.#next()
  }

  /** Silence was put in instead: there is nothing to go on from. */
  forget(): void {
    this.#known = 0
    this.#madeUp = 0
    this.#history.fill(0)
  }

  #next(): number {
    const gain = 1 - this.#madeUp / this.#fadeSamples
    const sample = this.#history[this.#history.length - this.#period + (this.#madeUp % this.#period)]!
    this.#madeUp++
    return gain > 0 ? Math.round(sample * gain) : 0
  }

  #blend(pcm: Int16Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const share = (i + 1) / (count + 1)
      pcm[i] = Math.round(pcm[i]! * share + this.#next() * (1 - share))
    }
  }

  /** The shift under which the end of the history is most like itself. */
  #findPeriod(): number {
    const history = this.#history
    if (this.#known < history.length) return this.#longest
    const end = history.length
    let best = this.#longest
    let bestLikeness = 0
    for (let period = this.#shortest; period <= this.#longest; period++) {
      let product = 0
      let power = 1
      for (let i = end - this.#longest; i < end; i += 2) {
        product += history[i]! * history[i - period]!
        power += history[i - period]! * history[i - period]!
      }
      const likeness = product / Math.sqrt(power)
      if (likeness > bestLikeness) {
        bestLikeness = likeness
        best = period
      }
    }
    return best
  }
}
