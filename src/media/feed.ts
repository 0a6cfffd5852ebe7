/**
 * What one leg gives to others: its received sound by the sender's own time, a little late. It is filled as packets come,
 * in any order, and emptied by whoever mixes; what is missing when its turn comes is made up.
 *
 * How late follows the network: as late as 97 of 100 packets need, 20 to 120 ms of sound waiting, 40 to begin with. More is
 * waited for at once, by making some up; less a frame at a time where nobody speaks, or at any time when it would be much.
 *
 * Not fed by `hearing.ts`: that waits up to 60 ms for a missing packet, which ears do not mind, but people who talk with
 * each other would hear a hole at every loss, or more delay.
 *
 * A leg of another thread is fed the same way (`media/guest.ts`).
 */

import { Concealment } from '../audio/conceal.ts'
import { timeDistance } from '../rtp/sequence.ts'
import { Delays } from './delays.ts'

/** So much is there before the first of it is taken, until it is known what is needed; and what it may be then. */
export const START_MS = 40
export const LEAST_MS = 20
export const MAX_BEHIND_MS = 120
/** What more than needed waits is skipped by this much in silence; by all of it when it has been twice this much for a while. */
const FRAME_MS = 20
const WINDOW_MS = 1_000
/** Too much has waited for this part of the window before any of it goes. */
const PATIENCE = 8
/** Less than this is not made up for. */
const HARDLY_MS = 5
/** Delays of a stream that begins again so much later than before are those of another way. */
const OTHER_WAY_MS = 100
/** Mean amplitude of what may be left out unheard: about -44 dB. */
const QUIET = 200
/** Two places of the sound are blended where some is skipped. */
const BLEND_MS = 8
/** Lost sound is made up for so long. */
const MADE_UP_MS = 60
/** 256 ms at any rate of ours. */
const RING_SAMPLES_PER_KHZ = 256
/** No sample that is decoded is this loud: nothing came for this place. */
const MISSING = -32_768

export class Feed {
  readonly #ring: Int16Array
  readonly #mask: number
  readonly #concealment: Concealment
  readonly #delays: Delays
  readonly #start: number
  readonly #leastDepth: number
  readonly #most: number
  readonly #frame: number
  readonly #window: number
  readonly #hardly: number
  readonly #otherWay: number
  readonly #blend: number
  readonly #madeUpMost: number
  #ssrc = 0
  /** The next packet says nothing about the last one's place. */
  #isFresh = true
  /** Where the last packet lies: RTP time, and place on the feed's own timeline. */
  #rtpTime = 0
  #place = 0
  /** Next sample to be taken, and the end of what is there. */
  #at = 0
  #end = 0
  /** What is before this has been taken. */
  #taken = 0
  /** Samples asked for so far: the reader's clock. */
  #clock = 0
  /** When the present stream began, by that clock. */
  #began = 0
  #isPlaying = false
  #madeUp: number
  /** Least that was waited too long in this window, and how long the window has been. */
  #leastExcess = Number.POSITIVE_INFINITY
  #watched = 0
  /** Packets that came after their turn, places where sound was skipped, and samples of waiting that were put in. */
  late = 0
  skips = 0
  held = 0

  constructor(rateHz: number) {
    const perMs = rateHz / 1000
    this.#ring = new Int16Array(RING_SAMPLES_PER_KHZ * 2 ** Math.ceil(Math.log2(perMs))).fill(MISSING)
    this.#mask = this.#ring.length - 1
    this.#concealment = new Concealment(rateHz)
    this.#delays = new Delays(rateHz)
    this.#start = START_MS * perMs
    this.#leastDepth = LEAST_MS * perMs
    this.#most = MAX_BEHIND_MS * perMs
    this.#frame = FRAME_MS * perMs
    this.#window = WINDOW_MS * perMs
    this.#hardly = HARDLY_MS * perMs
    this.#otherWay = OTHER_WAY_MS * perMs
    this.#blend = BLEND_MS * perMs
    this.#madeUpMost = MADE_UP_MS * perMs
    this.#madeUp = this.#madeUpMost
  }

  /** Of its buffer; what concealment keeps is little beside it. */
  get sizeBytes(): number {
    return this.#ring.byteLength
  }

  /** Samples that wait, holes included. */
  get depth(): number {
    return this.#end - this.#at
  }

  /**
   * One packet's samples.
   * @param ssrc of the sender: another one has another clock
   */
  sound(ssrc: number, rtpTime: number, pcm: Int16Array, count: number): void {
    if (count > this.#ring.length) throw new RangeError(`a packet of ${count} samples`)
    if (count === 0) return
    if (ssrc !== this.#ssrc) this.forget()
    this.#ssrc = ssrc
    const place = this.#placeOf(rtpTime, count)
    this.#delays.note(this.#clock - place, this.#clock)
    if (place + count <= this.#at) {
      this.late++
      return
    }
    for (let i = Math.max(0, this.#at - place); i < count; i++) this.#ring[(place + i) & this.#mask] = pcm[i]!
    this.#end = Math.max(this.#end, place + count)
  }

  /** Drops what waits; what sounded last fades. */
  forget(): void {
    this.#drop()
    this.#isFresh = true
  }

  /**
   * Takes the next stretch.
   * @param out receives `count` samples, silence where there are none
   * @returns false when all of it is silence
   */
  take(out: Int16Array, count: number): boolean {
    this.#isPlaying ||= this.#mayBegin()
    const isSound = this.#isPlaying ? this.#play(out, count) : this.#makeUp(out, count)
    this.#clock += count
    return isSound
  }

  #play(out: Int16Array, count: number): true {
    const held = this.#adapt(count)
    if (held > 0) this.#makeUp(out, held)
    const there = Math.min(count - held, this.#end - this.#at)
    if (there > 0) this.#read(part(out, held, held + there), there)
    this.#taken = this.#at
    const done = held + there
    if (done < count) {
      this.#stop()
      this.#makeUp(out.subarray(done, count), count - done)
    }
    return true
  }

  /** So late sound is taken as the network needs. */
  #mayBegin(): boolean {
    return this.depth > 0 && this.#offset >= this.#target
  }

  /** How far the reader's clock is ahead of the place that is taken next. */
  get #offset(): number {
    return this.#clock - this.#at
  }

  /** What the offset is to be. A packet's own length waits too, for it is there all at once. */
  get #target(): number {
    const spread = this.#delays.high - this.#delays.least
    const isKnown = this.#clock - this.#began >= this.#window
    const depth = Math.max(this.#leastDepth + spread, isKnown ? 0 : this.#start)
    return this.#delays.least + Math.min(depth, this.#most) - this.#frame
  }

  #stop(): void {
    this.#isPlaying = false
    this.#watchAnew()
  }

  #watchAnew(): void {
    this.#leastExcess = Number.POSITIVE_INFINITY
    this.#watched = 0
  }

  // ---------------------------------------------------------------- places

  #placeOf(rtpTime: number, count: number): number {
    const place = this.#place + timeDistance(this.#rtpTime, rtpTime)
    const isEmpty = this.depth === 0 && !this.#isPlaying
    const isFarAhead = place + count - this.#at > this.#ring.length
    if (this.#isFresh || isFarAhead || (isEmpty && place < this.#at - this.#ring.length)) this.#jump(rtpTime)
    else if (isEmpty && place >= this.#taken) this.#begin(rtpTime, place)
    else this.#note(rtpTime, place)
    // Nothing of it has been taken yet: an earlier packet may still come first.
    const isFirst = !this.#isPlaying && this.#place < this.#at && this.#place >= this.#taken
    if (isFirst && this.#end - this.#place <= this.#ring.length) this.#at = this.#place
    return this.#place
  }

  #note(rtpTime: number, place: number): void {
    this.#rtpTime = rtpTime
    this.#place = place
  }

  /** The pause before it has passed already. */
  #begin(rtpTime: number, place: number): void {
    if (this.#clock - place > this.#delays.high + this.#otherWay) this.#forgetDelays()
    this.#at = place
    this.#end = place
    this.#note(rtpTime, place)
  }

  /** Another clock, or far more at once than anybody takes: what waits is dropped, this packet is next. */
  #jump(rtpTime: number): void {
    if (this.depth > 0) this.skips++
    this.#drop()
    // Room for packets that belong before it.
    this.#begin(rtpTime, this.#end + this.#ring.length)
    this.#forgetDelays()
    this.#isFresh = false
  }

  #forgetDelays(): void {
    this.#delays.forget()
    this.#began = this.#clock
  }

  #drop(): void {
    this.#ring.fill(MISSING)
    this.#at = this.#end
    this.#taken = this.#end
    this.#stop()
  }

  // ---------------------------------------------------------------- taking

  /** Comes nearer to the target. @returns how many samples are to be made up first, so that more waits */
  #adapt(count: number): number {
    if (this.depth > this.#most) this.#skip(Math.max(this.#offset - this.#target, this.depth - this.#most))
    const excess = this.#offset - this.#target
    if (excess <= -this.#hardly) {
      const held = Math.min(count, -excess)
      this.held += held
      this.#watchAnew()
      return held
    }
    this.#watch(count, excess)
    if (this.#mayShrink && this.#isQuiet()) {
      this.#skip(this.#frame)
      this.#watchAnew()
    }
    return 0
  }

  #watch(count: number, excess: number): void {
    this.#watched += count
    this.#leastExcess = Math.min(this.#leastExcess, excess)
    if (this.#watched < this.#window) return
    if (this.#leastExcess > 2 * this.#frame) this.#skip(this.#leastExcess)
    this.#watchAnew()
  }

  /** Too much has waited for a while, not only since the last packet. */
  get #mayShrink(): boolean {
    return PATIENCE * this.#watched >= this.#window && this.#leastExcess >= this.#frame
  }

  /** Nobody would miss the next frame, and there is one after it. */
  #isQuiet(): boolean {
    const frame = this.#frame
    if (this.depth < 2 * frame) return false
    let sum = 0
    for (let i = 0; i < frame; i++) {
      const sample = this.#ring[(this.#at + i) & this.#mask]!
      if (sample === MISSING) return false
      sum += Math.abs(sample)
    }
    return sum < QUIET * frame
  }

  /** Goes on `samples` later, blended with what would have come. */
  #skip(samples: number): void {
    const ring = this.#ring
    const mask = this.#mask
    const to = this.#at + samples
    for (let i = 0; i < this.#blend; i++) {
      const old = ring[(this.#at + i) & mask]!
      const young = ring[(to + i) & mask]!
      if (old === MISSING || young === MISSING) continue
      const share = (i + 1) / (this.#blend + 1)
      ring[(to + i) & mask] = Math.round(young * share + old * (1 - share))
    }
    this.#clear(samples)
    this.skips++
  }

  #clear(samples: number): void {
    for (let i = 0; i < samples; i++) this.#ring[(this.#at + i) & this.#mask] = MISSING
    this.#at += samples
  }

  /** `count` samples, run by run: there, or to be made up. */
  #read(out: Int16Array, count: number): void {
    for (let from = 0; from < count; ) {
      const length = this.#copyRun(out, from, count)
      if (length > 0) this.#concealment.heard(part(out, from, from + length), length)
      if (length > 0) this.#madeUp = 0
      const holes = length > 0 ? 0 : this.#holes(count - from)
      if (holes > 0) this.#makeUp(part(out, from, from + holes), holes)
      from += length + holes
      this.#clear(length + holes)
    }
  }

  /** @returns how many samples were there in a row */
  #copyRun(out: Int16Array, from: number, to: number): number {
    const ring = this.#ring
    const at = this.#at
    let length = 0
    for (; from + length < to; length++) {
      const sample = ring[(at + length) & this.#mask]!
      if (sample === MISSING) break
      out[from + length] = sample
    }
    return length
  }

  #holes(most: number): number {
    let holes = 0
    while (holes < most && this.#ring[(this.#at + holes) & this.#mask] === MISSING) holes++
    return holes
  }

  /** @returns false when even that is over */
  #makeUp(out: Int16Array, count: number): boolean {
    if (this.#madeUp >= this.#madeUpMost) {
      out.fill(0, 0, count)
      return false
    }
    this.#concealment.fill(out, count)
    this.#madeUp += count
    return true
  }
}

/** Most often all of it, without a new view. */
function part(pcm: Int16Array, from: number, to: number): Int16Array {
  return from === 0 ? pcm : pcm.subarray(from, to)
}
