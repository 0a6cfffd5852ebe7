/** How alike two sounds are when one is shifted against the other: whether what was heard is what was said. */

/** Samples that a first look compares, how many places it keeps, and how far around each is looked again. */
const ROUGH_SAMPLES = 1_000
const CANDIDATES = 12
const REFINED = 3

export interface Likeness {
  /** 1: the same but for loudness; 0: nothing in common. */
  readonly correlation: number
  /** Samples by which the second sound is later than the first. */
  readonly lagSamples: number
}

/**
 * Peak of the normalised cross-correlation: all of `said` against every stretch of `heard` that is as long.
 * @param said neither silent nor longer than `heard`
 * @returns a correlation of 0 when there is nothing to compare
 */
export function likeness(said: Int16Array, heard: Int16Array): Likeness {
  let best: Likeness = { correlation: 0, lagSamples: 0 }
  for (const around of roughLags(said, heard)) {
    for (let lag = Math.max(0, around - REFINED); lag <= around + REFINED && lag + said.length <= heard.length; lag++) {
      const correlation = correlationAt(said, heard, lag)
      if (correlation > best.correlation) best = { correlation, lagSamples: lag }
    }
  }
  return best
}

/** Lags that look best when only some samples are compared: a few, for a voice is like itself one period later. */
function roughLags(said: Int16Array, heard: Int16Array): number[] {
  const stride = Math.max(1, Math.floor(said.length / ROUGH_SAMPLES))
  let heardPower = power(heard, 0, Math.min(said.length, heard.length))
  const found: { lag: number; like: number }[] = []
  for (let lag = 0; lag + said.length <= heard.length; lag++) {
    let product = 0
    for (let i = 0; i < said.length; i += stride) product += said[i]! * heard[lag + i]!
    const like = heardPower > 0 ? product / Math.sqrt(heardPower) : 0
    if (found.length < CANDIDATES || like > found.at(-1)!.like) {
      found.push({ lag, like })
      found.sort((one, other) => other.like - one.like)
      found.length = Math.min(found.length, CANDIDATES)
    }
    heardPower += (heard[lag + said.length] ?? 0) ** 2 - heard[lag]! ** 2
  }
  return found.map(({ lag }) => lag)
}

function correlationAt(said: Int16Array, heard: Int16Array, lag: number): number {
  let product = 0
  for (let i = 0; i < said.length; i++) product += said[i]! * heard[lag + i]!
  const powers = power(said, 0, said.length) * power(heard, lag, lag + said.length)
  return powers > 0 ? product / Math.sqrt(powers) : 0
}

/**
 * Signal to noise of a sound that came through a codec, in dB: after its delay and its loudness have been taken out.
 * @param said a stretch from the middle of what went in
 */
export function snrDb(said: Int16Array, heard: Int16Array): number {
  const { correlation } = likeness(said, heard)
  return 10 * Math.log10(correlation ** 2 / (1 - correlation ** 2))
}

function power(pcm: Int16Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += pcm[i]! * pcm[i]!
  return sum
}
