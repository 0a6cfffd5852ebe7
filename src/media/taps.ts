/**
 * The way from a leg to the ears: a cheap energy gate on the leg's timeline. While it is open all of the timeline goes into
 * the hearing ring, sound or silence, so that whoever listens sees time pass even when packets do not. A missed onset
 * costs a word, a needless opening only CPU: when in doubt it opens.
 */

import { levelDb } from '../audio/level.ts'
import type { Millis } from '../kernel/clock.ts'
import { emptyHeader, FILLED, type RingWriter } from '../kernel/ring.ts'
import type { LegRef } from './protocol.ts'

/** Sound above this opens the gate, whatever the line's own noise is. */
const LOUD_DB = -45
/** Sound so far above the line's noise opens it too. */
const OVER_NOISE_DB = 8
/** Noise quieter than this is taken for this, or the rustle of an A-law zero would count as loud. */
const QUIETEST_NOISE_DB = -70
/** The noise floor follows a quieter line at once and a louder one slowly, per second of sound. */
const NOISE_RISE_DB = 2.5
/** Stays open so long after the last loud frame: the detector behind must see its silence. */
const HANG_OVER_MS = 1_000
/** Sound from before the opening that goes out first. */
const PRE_ROLL_MS = 320
/** While nobody hears, the noise floor is followed by one frame of so many. */
const UNHEARD_FRAMES = 4
/** Room for the pre-roll in frames of 10 ms and more. */
const PRE_ROLL_SLOTS = 32

export interface GateNews {
  readonly open: boolean
  readonly at: Millis
  readonly lastVoicedAt: Millis | null
}

interface Kept {
  readonly pcm: Int16Array
  at: Millis
  first: number
  count: number
  isFilled: boolean
}

export class HearingTap {
  readonly #ring: RingWriter
  readonly #header = emptyHeader()
  readonly #samplesPerMs: number
  readonly #silence: Int16Array
  readonly #preRoll: readonly Kept[]
  readonly #onGate: (news: GateNews) => void
  /** Frames in the pre-roll so far, old ones overwritten included. */
  #kept = 0
  #isHearing = false
  #passed = 0
  #isOpen = false
  #quietSamples = 0
  #noiseDb = QUIETEST_NOISE_DB
  #position = 0
  #lastLoudAt: Millis | null = null
  /** Records put into the ring so far. */
  pushed = 0

  constructor(ring: RingWriter, leg: LegRef, rateHz: number, frameSamples: number, onGate: (news: GateNews) => void) {
    this.#ring = ring
    this.#samplesPerMs = rateHz / 1000
    this.#header.slot = leg.slot
    this.#header.generation = leg.generation
    this.#header.rateHz = rateHz
    this.#silence = new Int16Array(frameSamples)
    this.#onGate = onGate
    // One buffer for all of them: 32 small ones a leg are as much again in headers.
    const frames = new Int16Array(PRE_ROLL_SLOTS * frameSamples)
    this.#preRoll = Array.from({ length: PRE_ROLL_SLOTS }, (_, i) => ({
      pcm: frames.subarray(i * frameSamples, (i + 1) * frameSamples),
      at: 0,
      first: 0,
      count: 0,
      isFilled: false,
    }))
  }

  /** Records that fell out of the ring because nobody read them in time. */
  get dropped(): number {
    return this.#ring.dropped
  }

  /** Samples on the timeline so far. */
  get position(): number {
    return this.#position
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Switches the ears on or off. The noise floor is followed in either case. */
  hear(on: boolean, now: Millis): void {
    if (on === this.#isHearing) return
    this.#isHearing = on
    if (on) this.#header.epoch++
    else if (this.#isOpen) this.#close(now)
  }

  /**
   * The next stretch of the timeline.
   * @param count at most one frame
   * @param at when it arrived
   */
  sound(pcm: Int16Array, count: number, at: Millis): void {
    const isMeasured = this.#isHearing || ++this.#passed % UNHEARD_FRAMES === 0
    this.#take(pcm, count, at, false, isMeasured && this.#isLoud(pcm, count))
  }

  /** The next stretch of the timeline, for which nothing came. */
  silence(count: number, at: Millis): void {
    this.#take(this.#silence, count, at, true, false)
  }

  #take(pcm: Int16Array, count: number, at: Millis, isFilled: boolean, isLoud: boolean): void {
    const first = this.#position
    this.#position += count
    if (isLoud) this.#lastLoudAt = at
    this.#quietSamples = isLoud ? 0 : this.#quietSamples + count
    if (isLoud && this.#isHearing && !this.#isOpen) this.#open(at)
    if (!this.#isOpen) return this.#keep(pcm, count, at, first, isFilled)
    this.#push(pcm, count, at, first, isFilled)
    if (this.#quietSamples >= HANG_OVER_MS * this.#samplesPerMs) this.#close(at)
  }

  #isLoud(pcm: Int16Array, count: number): boolean {
    const db = levelDb(pcm, count)
    const passed = this.#isHearing ? count : count * UNHEARD_FRAMES
    const risen = this.#noiseDb + (NOISE_RISE_DB * passed) / (1_000 * this.#samplesPerMs)
    this.#noiseDb = Math.max(QUIETEST_NOISE_DB, Math.min(db, risen))
    return db > Math.min(LOUD_DB, this.#noiseDb + OVER_NOISE_DB)
  }

  #open(at: Millis): void {
    this.#isOpen = true
    this.#onGate({ open: true, at, lastVoicedAt: null })
    for (let i = this.#firstKept(); i < this.#kept; i++) {
      const kept = this.#preRoll[i % PRE_ROLL_SLOTS]!
      this.#push(kept.pcm, kept.count, kept.at, kept.first, kept.isFilled)
    }
    this.#kept = 0
  }

  #close(at: Millis): void {
    this.#isOpen = false
    this.#onGate({ open: false, at, lastVoicedAt: this.#lastLoudAt })
  }

  /** Where in the pre-roll to begin, so that it is not longer than it should be. */
  #firstKept(): number {
    const oldest = Math.max(0, this.#kept - PRE_ROLL_SLOTS)
    let samples = 0
    for (let i = this.#kept - 1; i >= oldest; i--) {
      samples += this.#preRoll[i % PRE_ROLL_SLOTS]!.count
      if (samples > PRE_ROLL_MS * this.#samplesPerMs) return i + 1
    }
    return oldest
  }

  #keep(pcm: Int16Array, count: number, at: Millis, first: number, isFilled: boolean): void {
    const kept = this.#preRoll[this.#kept++ % PRE_ROLL_SLOTS]!
    for (let i = 0; i < count; i++) kept.pcm[i] = pcm[i]!
    kept.at = at
    kept.first = first
    kept.count = count
    kept.isFilled = isFilled
  }

  #push(pcm: Int16Array, count: number, at: Millis, first: number, isFilled: boolean): void {
    const header = this.#header
    header.firstSample = first
    header.count = count
    header.flags = isFilled ? FILLED : 0
    header.atMs = at
    this.#ring.push(header, pcm)
    this.pushed++
  }
}
