/**
 * The way from the synthesiser to the wire: takes records from the play-out ring, one frame every 20 ms. Nothing asked
 * before a flush can sound after it (but for the few ms of its fading), and what has left of each say is counted to the
 * sample.
 */

import { FADE_MS, fadeIn, fadeOut } from '../audio/fade.ts'
import { meanSquare, VOICED_FLOOR_DB } from '../audio/level.ts'
import type { Millis } from '../kernel/clock.ts'
import { emptyHeader, MAX_RECORD_SAMPLES, type RingReader, SAY_END } from '../kernel/ring.ts'
import type { Lane, LegRef, PlayedSay } from './protocol.ts'

export type PlayoutNews =
  | { readonly kind: 'voiceStarted'; readonly sayId: number }
  | { readonly kind: 'played'; readonly say: PlayedSay }
  | {
      readonly kind: 'flushed'
      readonly lane: Lane
      readonly epoch: number
      readonly cut: readonly PlayedSay[]
      readonly lastVoicedAt: Millis | null
    }

interface Say {
  readonly sayId: number
  readonly lane: Lane
  readonly epoch: number
  /** How many of its samples have left. */
  samples: number
  isVoiced: boolean
}

interface OwedAnswer {
  readonly lane: Lane
  readonly epoch: number
  readonly cut: readonly Say[]
}

const VOICED_POWER = 32_768 ** 2 * 10 ** (VOICED_FLOOR_DB / 10)

export class Playout {
  readonly #ring: RingReader
  readonly #leg: LegRef
  readonly #tell: (news: PlayoutNews) => void
  readonly #epochs: [number, number] = [0, 0]
  /** Says that have begun, or wait in the record in hand, and have not ended. */
  readonly #says: Say[] = []
  /** The record in hand: its header, and the samples from `#at` to `#end`. */
  readonly #header = emptyHeader()
  readonly #record = new Int16Array(MAX_RECORD_SAMPLES)
  #at = 0
  #end = 0
  #say: Say | null = null
  /** The say in whose middle the last frame ended. */
  #sounding: Say | null = null
  #lastSample = 0
  #isSuspended = false
  /** The end of a cut, faded: first in the next frame. */
  readonly #tail: Int16Array
  #hasTail = false
  #isTailVoiced = false
  /** Whose sound the tail is, and how much of it was not heard before: counted when it leaves. */
  #tailSay: Say | null = null
  #tailSamples = 0
  /** Samples of the ramp up that are still to come. */
  #rampLeft = 0
  #isFrameVoiced = false
  #lastVoicedAt: Millis | null = null
  readonly #started: Say[] = []
  readonly #ended: Say[] = []
  readonly #owed: OwedAnswer[] = []

  /** @param tell may be called from `left`, `flush`, `halt` and `abandon` only */
  constructor(ring: RingReader, leg: LegRef, rateHz: number, tell: (news: PlayoutNews) => void) {
    this.#ring = ring
    this.#leg = leg
    this.#tell = tell
    this.#tail = new Int16Array((rateHz * FADE_MS) / 1000)
  }

  /** True while a cut still has to be faded out by one more frame. */
  get isFading(): boolean {
    return this.#hasTail
  }

  /**
   * Fills one frame.
   * @returns false when it is all silence; `frame` is left alone then
   */
  pull(frame: Int16Array): boolean {
    this.#isFrameVoiced = this.#hasTail && this.#isTailVoiced
    let filled = this.#takeTail(frame)
    const isThere = this.#load()
    while (isThere && !this.#isSuspended && filled < frame.length && this.#load()) filled = this.#copy(frame, filled)
    if (filled < frame.length && this.#sounding) filled = this.#breakOff(frame, filled)
    if (filled === 0) return false
    frame.fill(0, filled)
    this.#lastSample = frame[frame.length - 1]!
    this.#isFrameVoiced ||= meanSquare(frame) > VOICED_POWER
    return true
  }

  /** The frame pulled last has been sent: tells what it began, ended and cut. */
  left(now: Millis): void {
    if (this.#isFrameVoiced) this.#lastVoicedAt = now
    while (this.#started.length > 0) this.#tell({ kind: 'voiceStarted', sayId: this.#started.shift()!.sayId })
    while (this.#ended.length > 0) this.#tell({ kind: 'played', say: playedOf(this.#ended.shift()!) })
    this.#answer()
  }

  /** What was cut is told at once when nothing of it was sounding, else when the frame that fades it out has left. */
  flush(lane: Lane, epoch: number): void {
    if (this.#sounding?.lane === lane && this.#sounding.epoch < epoch && !this.#isSuspended) this.#beginTail(true)
    this.#epochs[lane] = Math.max(this.#epochs[lane], epoch)
    if (this.#at < this.#end && this.#isStale()) this.#at = this.#end
    const cut: Say[] = []
    for (let i = this.#says.length - 1; i >= 0; i--) {
      const say = this.#says[i]!
      if (say.lane !== lane || say.epoch >= this.#epochs[lane]) continue
      this.#says.splice(i, 1)
      if (say.samples > 0) cut.unshift(say)
    }
    this.#owed.push({ lane, epoch, cut })
    if (!this.#hasTail) this.#answer()
  }

  /** Silence from the next frame on, faded; nothing is lost. */
  suspend(): void {
    if (this.#isSuspended) return
    if (this.#sounding) {
      this.#beginTail(false)
      this.#rampLeft = this.#tail.length
    }
    this.#isSuspended = true
  }

  /** Goes on from the sample where it was suspended. */
  resume(): void {
    this.#isSuspended = false
  }

  /** Nothing more will be pulled for now: whoever waits for a last frame is answered without it. */
  halt(): void {
    this.suspend()
    this.#hasTail = false
    this.#answer()
  }

  /** The leg closes. @returns what had begun and will not end */
  abandon(): PlayedSay[] {
    this.halt()
    return this.#says.filter((say) => say.samples > 0).map(playedOf)
  }

  #answer(): void {
    while (this.#owed.length > 0) {
      const { lane, epoch, cut } = this.#owed.shift()!
      this.#tell({ kind: 'flushed', lane, epoch, cut: cut.map(playedOf), lastVoicedAt: this.#lastVoicedAt })
    }
  }

  /** Makes sure there is sound in hand. @returns false when there is none to be had */
  #load(): boolean {
    while (this.#at >= this.#end) {
      if (!this.#ring.pop(this.#header, this.#record)) return false
      if (this.#header.generation !== this.#leg.generation || this.#isStale()) continue
      this.#at = 0
      this.#end = this.#header.count
      this.#say = this.#sayInHand()
      if (this.#end === 0) this.#recordDone()
    }
    return true
  }

  #isStale(): boolean {
    return this.#header.epoch < this.#epochs[this.#header.lane as Lane]
  }

  #sayInHand(): Say {
    const { sayId, lane, epoch } = this.#header
    for (const say of this.#says) if (say.sayId === sayId) return say
    const say: Say = { sayId, lane: lane as Lane, epoch, samples: 0, isVoiced: false }
    this.#says.push(say)
    return say
  }

  #copy(frame: Int16Array, to: number): number {
    const say = this.#say!
    const count = Math.min(frame.length - to, this.#end - this.#at)
    let power = 0
    for (let i = 0; i < count; i++) {
      const sample = this.#record[this.#at + i]!
      frame[to + i] = sample
      power += sample * sample
    }
    if (this.#rampLeft > 0) this.#ramp(frame, to, count)
    if (!say.isVoiced && power / frame.length > VOICED_POWER) {
      say.isVoiced = true
      this.#started.push(say)
    }
    say.samples += count
    this.#at += count
    this.#sounding = say
    if (this.#at >= this.#end) this.#recordDone()
    return to + count
  }

  #ramp(frame: Int16Array, at: number, count: number): void {
    const length = this.#tail.length
    const step = Math.min(count, this.#rampLeft)
    fadeIn(frame, at, step, length - this.#rampLeft, length)
    this.#rampLeft -= step
  }

  /** The record just used up may be the last of its say. */
  #recordDone(): void {
    if ((this.#header.flags & SAY_END) === 0) return
    const say = this.#say!
    this.#says.splice(this.#says.indexOf(say), 1)
    this.#ended.push(say)
    if (this.#sounding === say) this.#sounding = null
  }

  /** The ring ran dry in the middle of a say, or sound is suspended: down from the last sample, and up again later. */
  #breakOff(frame: Int16Array, at: number): number {
    this.#sounding = null
    const count = Math.min(this.#tail.length, frame.length - at)
    frame.fill(at > 0 ? frame[at - 1]! : this.#lastSample, at, at + count)
    fadeOut(frame, at, count)
    this.#rampLeft = this.#tail.length
    return at + count
  }

  /**
   * Keeps the next few ms of the say that is sounding, faded to nothing; where there are none, the last sample is held.
   * @param isCut they count when they leave, and will not come again
   */
  #beginTail(isCut: boolean): void {
    const tail = this.#tail
    const say = this.#sounding!
    this.#sounding = null
    const isThere = this.#load() && this.#say === say
    const count = isThere ? Math.min(tail.length, this.#end - this.#at) : 0
    tail.set(this.#record.subarray(this.#at, this.#at + count))
    tail.fill(count > 0 ? tail[count - 1]! : this.#lastSample, count)
    this.#isTailVoiced = meanSquare(tail) > VOICED_POWER
    fadeOut(tail, 0, tail.length)
    this.#hasTail = true
    this.#tailSay = say
    this.#tailSamples = isCut ? count : 0
    if (isCut) this.#at += count
  }

  #takeTail(frame: Int16Array): number {
    if (!this.#hasTail) return 0
    this.#hasTail = false
    this.#tailSay!.samples += this.#tailSamples
    frame.set(this.#tail)
    return this.#tail.length
  }
}

function playedOf(say: Say): PlayedSay {
  return { sayId: say.sayId, lane: say.lane, samples: say.samples }
}
