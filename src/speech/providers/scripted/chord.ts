/**
 * A number as sound that a telephone line cannot garble: a chord of five tones held all the way, four for the digits of the
 * number and one to check them. Any quarter of it is enough, so lost, repeated or reordered packets do not matter, and
 * neither does where it begins. Simulated callers speak it; `ears.ts` reads it.
 */

/** All sound here is 8 kHz mono. */
export const CHORD_RATE_HZ = 8_000
export const CHORD_MS = 640
/** Numbers are below this. */
export const CHORD_NUMBERS = 8 ** 4

const BASE = 8
const DIGITS = 4
const BANDS = DIGITS + 1
/** Whole cycles in a block, so that no tone leaks into its neighbour's measurement. */
const BLOCK = 256
const LOWEST_CYCLES = 16
const CYCLES_APART = 2
const AMPLITUDE = 3_000
const FADE = 80
/** A band's strongest tone must have this many times the power of its second. */
const CLEARNESS = 4
/** Power below which a band is taken as empty; a full tone has about 1. */
const WEAKEST = 0.02

/** The chord of a number, below `CHORD_NUMBERS`. A fresh array of 16-bit samples at 8 kHz. */
export function encodeSpeech(number: number): Int16Array {
  const digits = digitsOf(number)
  const samples = new Int16Array((CHORD_RATE_HZ * CHORD_MS) / 1000)
  for (let i = 0; i < samples.length; i++) {
    let sum = 0
    for (let band = 0; band < BANDS; band++) sum += WAVE[(cyclesOf(band, digits[band]!) * i) % BLOCK]!
    samples[i] = Math.round(sum * Math.min(1, i / FADE, (samples.length - i) / FADE))
  }
  return samples
}

/** One block of one cycle of a tone. */
const WAVE = Float64Array.from({ length: BLOCK }, (_, i) => AMPLITUDE * Math.sin((2 * Math.PI * i) / BLOCK))

function cyclesOf(band: number, digit: number): number {
  return LOWEST_CYCLES + CYCLES_APART * (band * BASE + digit)
}

function digitsOf(number: number): number[] {
  if (!Number.isInteger(number) || number < 0 || number >= CHORD_NUMBERS) throw new RangeError(`no chord for ${number}`)
  const digits = Array.from({ length: DIGITS }, (_, band) => Math.floor(number / BASE ** band) % BASE)
  return [...digits, checkOf(digits)]
}

/** Weights are odd, so that any single wrong digit changes the sum. */
function checkOf(digits: readonly number[]): number {
  return digits.reduce((sum, digit, band) => sum + (2 * band + 1) * digit, 5) % BASE
}

/** Adds up sound of any length and tells the number in it. */
export class ChordReader {
  readonly #block = new Float64Array(BLOCK)
  readonly #power = new Float64Array(BANDS * BASE)
  #filled = 0
  #blocks = 0

  /** @param samples 8 kHz; not kept */
  add(samples: Int16Array, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#block[this.#filled++] = samples[i]!
      if (this.#filled === BLOCK) this.#measure()
    }
  }

  /** The sound goes on elsewhere: what is not a whole block is forgotten. */
  breakOff(): void {
    this.#filled = 0
  }

  #measure(): void {
    this.#filled = 0
    this.#blocks++
    for (let tone = 0; tone < this.#power.length; tone++) {
      this.#power[tone]! += tonePower(this.#block, LOWEST_CYCLES + CYCLES_APART * tone)
    }
  }

  /** The number, or null when what was heard is not a chord. */
  number(): number | null {
    if (this.#blocks === 0) return null
    const digits: number[] = []
    for (let band = 0; band < BANDS; band++) {
      const digit = this.#strongest(band)
      if (digit === null) return null
      digits.push(digit)
    }
    const check = digits.pop()
    return check === checkOf(digits) ? digits.reduce((sum, digit, band) => sum + digit * BASE ** band, 0) : null
  }

  #strongest(band: number): number | null {
    const powers = this.#power.subarray(band * BASE, (band + 1) * BASE)
    const best = powers.indexOf(Math.max(...powers))
    const second = Math.max(...powers.filter((_, digit) => digit !== best))
    const isClear = powers[best]! > CLEARNESS * second && powers[best]! > WEAKEST * this.#blocks
    return isClear ? best : null
  }
}

/** Goertzel's measurement of one tone in one block; 1 for a tone as loud as we make them. */
function tonePower(block: Float64Array, cycles: number): number {
  const twoCos = 2 * Math.cos((2 * Math.PI * cycles) / BLOCK)
  let last = 0
  let before = 0
  for (let i = 0; i < BLOCK; i++) {
    const here = block[i]! + twoCos * last - before
    before = last
    last = here
  }
  const power = last * last + before * before - twoCos * last * before
  return power / ((AMPLITUDE * BLOCK) / 2) ** 2
}
