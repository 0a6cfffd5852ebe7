/**
 * ITU-T G.722 at 64 kbit/s: sound of 16 kHz in two bands of adaptive differential PCM, six bits for the lower, two for the
 * upper. Names of blocks and signals are the recommendation's (§3 to §6).
 *
 * Where the sum of the bands is louder than 16 bits it is clipped, as §6.2.2 asks for.
 */

import { MAX_PAYLOAD_BYTES, type SoundDecoder, type SoundEncoder } from './codec.ts'

/** One octet is this many samples. */
const BANDS = 2
const QMF_TAPS = 24
/** What the filter keeps of the samples before. */
const QMF_KEPT = QMF_TAPS - BANDS
/** Longest frame taken at once: 120 ms. */
const MAX_OCTETS = MAX_PAYLOAD_BYTES

/** Decision levels of the lower band, 6 bits (table 14); the last one is never reached. */
const LOW_LEVELS = Int32Array.of(
  ...[0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650],
  ...[714, 786, 858, 940, 1_023, 1_121, 1_219, 1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919],
)
/** Code words of the intervals between them, for negative and positive differences (table 16). */
const LOW_NEGATIVE = Int32Array.from({ length: 31 }, (_, i) => (i === 0 ? 0 : i < 3 ? 64 - i : 34 - i))
const LOW_POSITIVE = Int32Array.from({ length: 31 }, (_, i) => (i === 0 ? 0 : 62 - i))
/** Output levels: 6 bits for the sound, the first 4 of them for the prediction (tables 17 and 19). */
const LOW_OUT_6 = Int32Array.of(
  ...[-136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232],
  ...[-9_360, -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776],
  ...[-2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280],
  ...[11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168],
  ...[2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432, 136, -432, -136],
)
const LOW_OUT_4 = Int32Array.of(
  ...[0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200],
  ...[20_456, 12_896, 8_968, 6_288, 4_240, 2_584, 1_200, 0],
)
/** How a 4-bit code moves the logarithm of the step (tables 18 and 20). */
const LOW_STEPS = Int32Array.of(
  ...[-60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60],
)
const LOW_MOST = 18_432
const HIGH_LEVEL = 564
const HIGH_OUT = Int32Array.of(-7_408, -1_616, 7_408, 1_616)
const HIGH_STEPS = Int32Array.of(798, -214, 798, -214)
const HIGH_MOST = 22_528
/** 2^11 times the powers of 2^(1/32): the step from its logarithm (table 15). */
const POWERS = Int32Array.from({ length: 32 }, (_, i) => Math.round(2_048 * 2 ** (i / 32)))
const FIRST_LOW_STEP = 32
const FIRST_HIGH_STEP = 8
/** Leaks of the predictor's coefficients and of the step's logarithm, in 1/32768 and 1/128. */
const ZERO_LEAK = 32_640
const POLE_2_LEAK = 32_512
const STEP_LEAK = 127

/** Scratch of the band filters; codecs of one thread take turns within one call. */
const lows = new Int32Array(MAX_OCTETS)
const highs = new Int32Array(MAX_OCTETS)
/** Samples for the band filters: the last ones of the frame before, then this frame's. */
const window = new Float64Array(QMF_KEPT + BANDS * MAX_OCTETS)
const ZEROS = new Int16Array(BANDS * MAX_OCTETS)

function clip16(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value
}

/** `by` with the sign of `like`. Without a branch: signs are as good as random here. */
function signed(by: number, like: number): number {
  const sign = like >> 31
  return (by ^ sign) - sign
}

/** One band's predictor: two poles, six zeros, and the step of its quantiser (blocks 3L, 4L; 3H, 4H). */
class Band {
  /** Prediction of the next sample, all of it and the part of the zeros. */
  s = 0
  #sz = 0
  #r1 = 0
  #a1 = 0
  #a2 = 0
  #p1 = 0
  #p2 = 0
  #d1 = 0
  #d2 = 0
  #d3 = 0
  #d4 = 0
  #d5 = 0
  #d6 = 0
  #b1 = 0
  #b2 = 0
  #b3 = 0
  #b4 = 0
  #b5 = 0
  #b6 = 0
  #logStep = 0
  step: number
  readonly #most: number
  readonly #shift: number

  /** @param shift between the logarithm's unit and the step's: 8 in the lower band, 10 in the upper */
  constructor(firstStep: number, most: number, shift: number) {
    this.step = firstStep
    this.#most = most
    this.#shift = shift
  }

  /** Blocks LOGSCL and SCALEL, LOGSCH and SCALEH. @param by how the code word moves it */
  scale(by: number): void {
    let log = (Math.imul(this.#logStep, STEP_LEAK) >> 7) + by
    if (log < 0) log = 0
    else if (log > this.#most) log = this.#most
    this.#logStep = log
    const power = POWERS[(log >> 6) & 31]!
    const shift = this.#shift - (log >> 11)
    this.step = (shift < 0 ? power << -shift : power >> shift) << 2
  }

  /** Block 4: adapts to the quantised difference and predicts the next sample. */
  adapt(d: number): void {
    const r = clip16(this.s + d)
    const p = clip16(this.#sz + d)
    this.#poles(p)
    this.#zeros(d)
    this.#predict(r)
    this.#p2 = this.#p1
    this.#p1 = p
  }

  /** Blocks UPPOL2 and UPPOL1. */
  #poles(p: number): void {
    const isLike1 = (p ^ this.#p1) >= 0
    const scaled = clip16(this.#a1 << 2)
    const pull = (isLike1 ? Math.min(-scaled, 32_767) : scaled) >> 7
    let a2 = pull + signed(128, p ^ this.#p2) + (Math.imul(this.#a2, POLE_2_LEAK) >> 15)
    a2 = a2 > 12_288 ? 12_288 : a2 < -12_288 ? -12_288 : a2
    const most = 15_360 - a2
    const a1 = signed(192, p ^ this.#p1) + (Math.imul(this.#a1, ZERO_LEAK) >> 15)
    this.#a1 = a1 > most ? most : a1 < -most ? -most : a1
    this.#a2 = a2
  }

  /** Block UPZERO, and the delay line of differences. */
  #zeros(d: number): void {
    const by = d === 0 ? 0 : 128
    this.#b1 = (Math.imul(this.#b1, ZERO_LEAK) >> 15) + signed(by, d ^ this.#d1)
    this.#b2 = (Math.imul(this.#b2, ZERO_LEAK) >> 15) + signed(by, d ^ this.#d2)
    this.#b3 = (Math.imul(this.#b3, ZERO_LEAK) >> 15) + signed(by, d ^ this.#d3)
    this.#b4 = (Math.imul(this.#b4, ZERO_LEAK) >> 15) + signed(by, d ^ this.#d4)
    this.#b5 = (Math.imul(this.#b5, ZERO_LEAK) >> 15) + signed(by, d ^ this.#d5)
    this.#b6 = (Math.imul(this.#b6, ZERO_LEAK) >> 15) + signed(by, d ^ this.#d6)
    this.#d6 = this.#d5
    this.#d5 = this.#d4
    this.#d4 = this.#d3
    this.#d3 = this.#d2
    this.#d2 = this.#d1
    this.#d1 = d
  }

  /** Blocks FILTEP, FILTEZ and PREDIC. */
  #predict(r: number): void {
    const poles = clip16(
      (Math.imul(this.#a1, clip16(r << 1)) >> 15) + (Math.imul(this.#a2, clip16(this.#r1 << 1)) >> 15),
    )
    this.#r1 = r
    this.#sz = clip16(
      (Math.imul(this.#b1, clip16(this.#d1 << 1)) >> 15) +
        (Math.imul(this.#b2, clip16(this.#d2 << 1)) >> 15) +
        (Math.imul(this.#b3, clip16(this.#d3 << 1)) >> 15) +
        (Math.imul(this.#b4, clip16(this.#d4 << 1)) >> 15) +
        (Math.imul(this.#b5, clip16(this.#d5 << 1)) >> 15) +
        (Math.imul(this.#b6, clip16(this.#d6 << 1)) >> 15),
    )
    this.s = clip16(poles + this.#sz)
  }
}

/**
 * One half of the band filter (table 11) at every second sample of the window from `at` on: 12 of its 24 taps, of which the
 * other half is the mirror image. Written out, and in floating point, whose products are exact here: a loop of integers
 * takes three times as long.
 */
function forwards(at: number): number {
  return (
    3 * window[at]! -
    11 * window[at + 2]! +
    12 * window[at + 4]! +
    32 * window[at + 6]! -
    210 * window[at + 8]! +
    951 * window[at + 10]! +
    3_876 * window[at + 12]! -
    805 * window[at + 14]! +
    362 * window[at + 16]! -
    156 * window[at + 18]! +
    53 * window[at + 20]! -
    11 * window[at + 22]!
  )
}

/** The mirror image. */
function backwards(at: number): number {
  return (
    53 * window[at + 2]! -
    11 * window[at]! -
    156 * window[at + 4]! +
    362 * window[at + 6]! -
    805 * window[at + 8]! +
    3_876 * window[at + 10]! +
    951 * window[at + 12]! -
    210 * window[at + 14]! +
    32 * window[at + 16]! +
    12 * window[at + 18]! -
    11 * window[at + 20]! +
    3 * window[at + 22]!
  )
}

function lowBand(): Band {
  return new Band(FIRST_LOW_STEP, LOW_MOST, 8)
}

function highBand(): Band {
  return new Band(FIRST_HIGH_STEP, HIGH_MOST, 10)
}

/** Block 1L (QUANTL) and what follows from its code. @returns the 6-bit code word */
function encodeLow(band: Band, x: number): number {
  const difference = clip16(x - band.s)
  const magnitude = difference < 0 ? ~difference : difference
  const { step } = band
  let below = 0
  let above = 30
  while (above - below > 1) {
    const middle = (below + above) >> 1
    if (magnitude < Math.imul(LOW_LEVELS[middle]!, step) >> 12) above = middle
    else below = middle
  }
  const code = difference < 0 ? LOW_NEGATIVE[above]! : LOW_POSITIVE[above]!
  adaptLow(band, code >> 2)
  return code
}

/** Blocks 2L to 4L. @param code4 the first 4 bits of the code word */
function adaptLow(band: Band, code4: number): void {
  const d = Math.imul(band.step, LOW_OUT_4[code4]!) >> 15
  band.scale(LOW_STEPS[code4]!)
  band.adapt(d)
}

/** @returns the lower band's sample, 15 bits */
function decodeLow(band: Band, code: number): number {
  const sample = band.s + (Math.imul(band.step, LOW_OUT_6[code]!) >> 15)
  adaptLow(band, code >> 2)
  return sample > 16_383 ? 16_383 : sample < -16_384 ? -16_384 : sample
}

/** Block 1H. @returns the 2-bit code word */
function encodeHigh(band: Band, x: number): number {
  const difference = clip16(x - band.s)
  const magnitude = difference < 0 ? ~difference : difference
  const isLarge = magnitude >= Math.imul(HIGH_LEVEL, band.step) >> 12
  const code = difference < 0 ? (isLarge ? 0 : 1) : isLarge ? 2 : 3
  decodeHigh(band, code)
  return code
}

/** Blocks 2H to 4H. @returns the upper band's sample, 15 bits */
function decodeHigh(band: Band, code: number): number {
  const d = Math.imul(band.step, HIGH_OUT[code]!) >> 15
  const sample = band.s + d
  band.scale(HIGH_STEPS[code]!)
  band.adapt(d)
  return sample > 16_383 ? 16_383 : sample < -16_384 ? -16_384 : sample
}

/** Sound to octets. */
export class G722Encoder implements SoundEncoder {
  readonly #low = lowBand()
  readonly #high = highBand()
  readonly #kept = new Float64Array(QMF_KEPT)

  /**
   * @param pcm at most 120 ms, an even number of samples
   * @param octets receives one octet per two samples, from `at` on
   * @returns how many octets
   */
  encode(pcm: Int16Array, octets: Uint8Array, at: number): number {
    const length = pcm.length >> 1
    this.#split(pcm, pcm.length)
    const low = this.#low
    for (let i = 0; i < length; i++) octets[at + i] = encodeLow(low, lows[i]!)
    const high = this.#high
    for (let i = 0; i < length; i++) octets[at + i]! |= encodeHigh(high, highs[i]!) << 6
    return length
  }

  silence(samples: number, octets: Uint8Array, at: number): number {
    return this.encode(ZEROS.subarray(0, samples), octets, at)
  }

  expectLoss(): void {}

  free(): void {}

  /** The transmit band filter (§3.1): every second sample of the sum and of the difference. */
  #split(pcm: Int16Array, count: number): void {
    window.set(this.#kept)
    for (let i = 0; i < count; i++) window[QMF_KEPT + i] = pcm[i]!
    for (let i = 0, from = 0; from < count; i++, from += BANDS) {
      const odd = forwards(from)
      const even = backwards(from + 1)
      lows[i] = (even + odd) >> 14
      highs[i] = (even - odd) >> 14
    }
    for (let i = 0; i < QMF_KEPT; i++) this.#kept[i] = window[count + i]!
  }
}

/** Octets to sound. */
export class G722Decoder implements SoundDecoder {
  readonly #low = lowBand()
  readonly #high = highBand()
  readonly #kept = new Float64Array(QMF_KEPT)

  /**
   * @param count octets to take; more than 120 ms are not taken at all
   * @param pcm receives two samples per octet
   * @returns how many samples
   */
  decode(octets: Uint8Array, at: number, count: number, pcm: Int16Array): number {
    if (count > MAX_OCTETS) return 0
    const low = this.#low
    for (let i = 0; i < count; i++) lows[i] = decodeLow(low, octets[at + i]! & 0x3f)
    const high = this.#high
    for (let i = 0; i < count; i++) highs[i] = decodeHigh(high, octets[at + i]! >> 6)
    this.#join(count, pcm)
    return BANDS * count
  }

  lengthOf(_octets: Uint8Array, _at: number, count: number): number {
    return BANDS * count
  }

  /** What was lost is made up from its sound (`conceal.ts`); the bands find back by themselves. */
  conceal(): boolean {
    return false
  }

  free(): void {}

  /** The receive band filter (§4.4). */
  #join(count: number, pcm: Int16Array): void {
    window.set(this.#kept)
    for (let i = 0, to = QMF_KEPT; i < count; i++, to += BANDS) {
      window[to] = lows[i]! + highs[i]!
      window[to + 1] = lows[i]! - highs[i]!
    }
    for (let from = 0; from < BANDS * count; from += BANDS) {
      pcm[from] = clip16(backwards(from + 1) >> 11)
      pcm[from + 1] = clip16(forwards(from) >> 11)
    }
    for (let i = 0; i < QMF_KEPT; i++) this.#kept[i] = window[BANDS * count + i]!
  }
}
