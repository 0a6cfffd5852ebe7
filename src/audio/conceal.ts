/**
 * What sounds in place of lost sound: the last pitch period again and again, fading out, in the manner of G.711 appendix I.
 * As there: 10 ms at full strength, then down to nothing at 60 ms, and longer blends after longer gaps. Unlike there no delay
 * is spent on a blend into the gap: the first made-up samples are bent to begin where the sound ended, and the period is
 * rounded off so that its end meets its beginning. No words are invented, and nothing clicks.
 */

/** Sound is made up for so long, then there is silence. */
const FADE_MS = 60
/** For so long it is as loud as what it goes on from. */
const FULL_MS = 10
/** Pitch of 66 to 400 Hz. */
const LONGEST_PERIOD_MS = 15
const SHORTEST_PERIOD_MS = 2.5
/** Of the end of the history that is compared with what was before it. */
const COMPARED_MS = 20
/** The first sound after a gap is blended with the end of what was made up: for so long, and longer after a longer gap. */
const BLEND_MS = 4
const BLEND_MORE = 0.4
const LONGEST_BLEND_MS = 10
/** How long the first made-up samples are bent. */
const BEND_MS = 2.5

export class Concealment {
  readonly #history: Int16Array
  /** One period, rounded off; made when a gap begins. */
  readonly #cycle: Float64Array
  readonly #longest: number
  readonly #shortest: number
  readonly #compared: number
  readonly #perMs: number
  /** Samples made up since the last sound, 0 when none are missing. */
  #madeUp = 0
  #period = 1
  /** Between the end of the sound and where the period would begin. */
  #step = 0
  /** Nothing made up is louder than what it is made of. */
  #lowest = 0
  #highest = 0
  #known = 0

  constructor(rateHz: number) {
    this.#perMs = rateHz / 1000
    this.#longest = LONGEST_PERIOD_MS * this.#perMs
    this.#shortest = SHORTEST_PERIOD_MS * this.#perMs
    this.#compared = COMPARED_MS * this.#perMs
    this.#history = new Int16Array(this.#compared + 2 * this.#longest)
    this.#cycle = new Float64Array(this.#longest)
  }

  /** Sound arrived. Its beginning is changed in place when some was made up before it. */
  heard(pcm: Int16Array, count: number): void {
    if (this.#madeUp > 0) this.#blend(pcm, Math.min(count, this.#blendSamples()))
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
    if (this.#madeUp === 0) this.#begin()
    for (let i = 0; i < count; i++) out[i] = this.#next()
  }

  /** Silence was put in instead: there is nothing to go on from. */
  forget(): void {
    this.#known = 0
    this.#madeUp = 0
    this.#history.fill(0)
  }

  /** The last period of the history. Its last quarter passes into what came just before its first sample. */
  #begin(): void {
    const history = this.#history
    const period = this.#findPeriod()
    const from = history.length - period
    const round = period >> 2
    this.#lowest = 0
    this.#highest = 0
    for (let i = 0; i < period; i++) {
      const sample = history[from + i]!
      if (sample < this.#lowest) this.#lowest = sample
      if (sample > this.#highest) this.#highest = sample
      const share = Math.max(0, (i - (period - round) + 1) / round)
      this.#cycle[i] = sample * (1 - share) + history[from + i - period]! * share
    }
    this.#period = period
    this.#step = history[history.length - 1]! - history[from - 1]!
  }

  #next(): number {
    const at = this.#madeUp++
    const fadeAt = at - FULL_MS * this.#perMs
    const gain = fadeAt <= 0 ? 1 : 1 - fadeAt / ((FADE_MS - FULL_MS) * this.#perMs)
    if (gain <= 0) return 0
    const bent = this.#step * Math.max(0, 1 - (at + 1) / (BEND_MS * this.#perMs))
    const sample = this.#cycle[at % this.#period]! + bent
    return Math.round(Math.max(this.#lowest, Math.min(this.#highest, sample)) * gain)
  }

  #blendSamples(): number {
    const ms = Math.min(LONGEST_BLEND_MS, BLEND_MS + (BLEND_MORE * this.#madeUp) / this.#perMs)
    return Math.round(ms * this.#perMs)
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
      for (let i = end - this.#compared; i < end; i += 2) {
        const before = history[i - period]!
        product += history[i]! * before
        power += before * before
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
