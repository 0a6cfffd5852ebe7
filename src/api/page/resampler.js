/**
 * Changes the rate of a stream of samples with a windowed-sinc low-pass, so that nothing above the lower rate's band
 * folds back into it. Runs in the audio worklets; knows nothing of the page.
 */

const ZERO_CROSSINGS = 12
/** Fractions of a sample the filter is computed for: exact for 48 kHz, near enough for 44.1 kHz. */
const PHASES = 240
/** Share of the band that passes; the rest is the filter's slope. */
const PASS = 0.92
const KAISER_BETA = 7

export class Resampler {
  /**
   * @param {number} from samples a second
   * @param {number} to samples a second
   */
  constructor(from, to) {
    this.step = from / to
    const cutoff = 0.5 * PASS * Math.min(1, to / from)
    this.half = Math.ceil(ZERO_CROSSINGS / (2 * cutoff))
    this.filters = filters(cutoff, this.half)
    this.history = new Float32Array(2 * this.half)
    /** Place of the next output, in input samples from the beginning of `history`. */
    this.position = this.half
  }

  /**
   * @param {Float32Array} input
   * @returns {Float32Array} what can be computed so far; the filter's half length is still to come
   */
  process(input) {
    const samples = new Float32Array(this.history.length + input.length)
    samples.set(this.history)
    samples.set(input, this.history.length)
    const output = new Float32Array(Math.max(0, Math.ceil((samples.length - this.half - this.position) / this.step)))
    for (let i = 0; i < output.length; i++) {
      output[i] = this.at(samples, this.position)
      this.position += this.step
    }
    const done = Math.max(0, Math.min(samples.length, Math.floor(this.position) - this.half))
    this.history = samples.slice(done)
    this.position -= done
    return output
  }

  /**
   * @param {Float32Array} samples
   * @param {number} position
   */
  at(samples, position) {
    const phase = Math.round((position % 1) * PHASES)
    const filter = this.filters[phase]
    const first = Math.floor(position) - this.half + 1
    let sum = 0
    for (let i = 0; i < filter.length; i++) sum += filter[i] * (samples[first + i] ?? 0)
    return sum
  }
}

/**
 * @param {number} cutoff cycles per input sample
 * @param {number} half input samples on each side
 */
function filters(cutoff, half) {
  return Array.from({ length: PHASES + 1 }, (_, phase) => {
    const taps = Float32Array.from({ length: 2 * half }, (_, i) => {
      const t = i - half + 1 - phase / PHASES
      return sinc(2 * cutoff * t) * kaiser(t / half)
    })
    const gain = taps.reduce((sum, tap) => sum + tap, 0)
    return taps.map((tap) => tap / gain)
  })
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** @param {number} x -1 to 1 */
function kaiser(x) {
  return Math.abs(x) >= 1 ? 0 : bessel(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel(KAISER_BETA)
}

/**
 * The modified Bessel function of order zero, by its series.
 * @param {number} x
 */
function bessel(x) {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-9; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}
