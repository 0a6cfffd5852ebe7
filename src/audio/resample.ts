/**
 * Sample rate conversion between the rates of telephones and sound files (8 to 48 kHz, 44.1 kHz and its halves among them): a
 * polyphase FIR low-pass, streaming, for mono 16-bit sound.
 */

/** Taps per output sample, counted at the lower of the two rates. */
const TAPS = 32
/** Cut-off as a share of the lower rate: full suppression begins a tenth above its Nyquist frequency. */
const CUTOFF = 0.4715
/** Taps per round of the inner loop. */
const UNROLLED = 4
/** Shape of the Kaiser window, for 80 dB of suppression. */
const KAISER_BETA = 7.86
/** From 11,025 to 8,000 Hz. */
const MOST_PHASES = 320

interface Filter {
  /** Output samples per `down` input samples, in lowest terms. */
  readonly up: number
  readonly down: number
  /** Input samples under the filter. */
  readonly span: number
  /** `up` phases of `span` taps each; tap 0 meets the oldest sample. */
  readonly taps: Float64Array
}

const filters = new Map<string, Filter>()

/**
 * A stream of sound whose rate is changed. Chunk borders leave no trace: any cutting of the input gives the same output.
 * The output is late by `delaySamples`.
 */
export class Resampler {
  readonly #filter: Filter
  /** The last `span - 1` input samples, then the current chunk. */
  #window: Float64Array
  /** Where in `#window` the next output's newest sample is, and its phase. */
  #newest: number
  #phase = 0

  /** @throws RangeError for rates that are not multiples of 1 Hz or have no common measure of use (above MOST_PHASES) */
  constructor(fromHz: number, toHz: number) {
    this.#filter = filterFor(fromHz, toHz)
    this.#window = new Float64Array(this.#filter.span - 1)
    this.#newest = this.#filter.span - 1
  }

  /** How much later the output is, in output samples (a fraction is possible). */
  get delaySamples(): number {
    const { up, down, span } = this.#filter
    return ((span * up - 1) / 2 / up) * (up / down)
  }

  /** Most samples that `process` gives for `count` input samples. */
  outputBound(count: number): number {
    return Math.ceil((count * this.#filter.up) / this.#filter.down) + 1
  }

  /**
   * @param pcm the next samples; the first `count` are taken
   * @param out receives at most `outputBound(count)` samples
   * @returns how many samples were written
   */
  process(pcm: Int16Array, out: Int16Array, count: number = pcm.length): number {
    const { up, down, span, taps } = this.#filter
    const kept = span - 1
    const window = this.#load(pcm, count)
    const end = kept + count
    let written = 0
    while (this.#newest < end) {
      const first = this.#newest - kept
      const tap = this.#phase * span
      // Four sums at a time: one by itself would wait for each addition before the next.
      let sum = 0
      let sum1 = 0
      let sum2 = 0
      let sum3 = 0
      for (let i = 0; i < span; i += UNROLLED) {
        sum += window[first + i]! * taps[tap + i]!
        sum1 += window[first + i + 1]! * taps[tap + i + 1]!
        sum2 += window[first + i + 2]! * taps[tap + i + 2]!
        sum3 += window[first + i + 3]! * taps[tap + i + 3]!
      }
      sum = sum + sum1 + (sum2 + sum3)
      out[written++] = sum >= 32_767 ? 32_767 : sum <= -32_768 ? -32_768 : Math.floor(sum + 0.5)
      this.#phase += down
      while (this.#phase >= up) {
        this.#phase -= up
        this.#newest++
      }
    }
    this.#newest -= count
    window.copyWithin(0, count, end)
    return written
  }

  #load(pcm: Int16Array, count: number): Float64Array {
    const kept = this.#filter.span - 1
    if (this.#window.length < kept + count) {
      const longer = new Float64Array(kept + count)
      longer.set(this.#window.subarray(0, kept))
      this.#window = longer
    }
    for (let i = 0; i < count; i++) this.#window[kept + i] = pcm[i]!
    return this.#window
  }
}

/**
 * Converts a whole recording, without delay: sample n of the result sounds when sample n * fromHz / toHz did.
 * @returns `pcm` itself when the rates are equal, else a new array of `pcm.length * toHz / fromHz` samples, rounded
 */
export function resample(pcm: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return pcm
  const resampler = new Resampler(fromHz, toHz)
  const length = Math.round((pcm.length * toHz) / fromHz)
  const delay = Math.round(resampler.delaySamples)
  const padding = new Int16Array(Math.ceil(((delay + 2) * fromHz) / toHz))
  const out = new Int16Array(resampler.outputBound(pcm.length) + resampler.outputBound(padding.length))
  const written = resampler.process(pcm, out)
  resampler.process(padding, out.subarray(written))
  return out.slice(delay, delay + length)
}

function filterFor(fromHz: number, toHz: number): Filter {
  const name = `${fromHz}>${toHz}`
  let filter = filters.get(name)
  if (!filter) {
    filter = design(fromHz, toHz)
    filters.set(name, filter)
  }
  return filter
}

function design(fromHz: number, toHz: number): Filter {
  const common = greatestCommonDivisor(fromHz, toHz)
  const up = toHz / common
  const down = fromHz / common
  if (!(up >= 1 && up <= MOST_PHASES && Number.isInteger(up) && Number.isInteger(down))) {
    throw new RangeError(`cannot resample ${fromHz} Hz to ${toHz} Hz`)
  }
  const slowdown = Math.max(1, down / up)
  const span = UNROLLED * Math.ceil((TAPS * slowdown) / UNROLLED)
  const cutoff = CUTOFF / slowdown
  const length = span * up
  const middle = (length - 1) / 2
  const taps = new Float64Array(length)
  for (let phase = 0; phase < up; phase++) {
    let gain = 0
    for (let i = 0; i < span; i++) {
      // The oldest sample meets the end of the impulse response.
      const at = phase + (span - 1 - i) * up
      const time = (at - middle) / up
      const weight = sinc(2 * cutoff * time) * kaiser((2 * (at - middle)) / length)
      taps[phase * span + i] = weight
      gain += weight
    }
    for (let i = 0; i < span; i++) taps[phase * span + i] = taps[phase * span + i]! / gain
  }
  return { up, down, span, taps }
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** @param x -1 to 1 over the length of the window */
function kaiser(x: number): number {
  return bessel(KAISER_BETA * Math.sqrt(Math.max(0, 1 - x * x))) / bessel(KAISER_BETA)
}

/** The modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
