/**
 * What one leg gives to others: its received sound by the sender's own time, a little late. It is filled as packets come,
 * in any order, and emptied by whoever mixes; what is missing when its turn comes is made up.
 *
 * Not fed by `hearing.ts`: that waits up to 60 ms for a missing packet, which ears do not mind, but people who talk with
 * each other would hear a hole at every loss, or more delay.
 *
 * A leg of another thread would be fed the same way: its thread writes its packets' samples into a ring whose `firstSample`
 * is the RTP time (`kernel/ring.ts`), this side calls `sound` for each record, and gives back the group's sum without it
 * through a second ring.
 */

import { Concealment } from '../audio/conceal.ts'
import { timeDistance } from '../rtp/sequence.ts'

/** So much is there before it begins. */
export const PREFILL_MS = 40
/** Never further behind: the oldest is skipped. */
export const MAX_BEHIND_MS = 120
/** What lies unused longer than the window is skipped down to this, so that a fast sender or an old hold-up costs no delay. */
const SPARE_MS = 20
const WINDOW_MS = 1_000
/** Two places of the sound are blended where some is skipped. */
const BLEND_MS = 8
/** Lost sound is made up for so long. */
const MADE_UP_MS = 60
/** 256 ms at 8 kHz. A power of two. */
const RING_SAMPLES = 2_048
/** No sample of G.711 is this loud: nothing came for this place. */
const MISSING = -32_768

export class Feed {
  readonly #ring = new Int16Array(RING_SAMPLES).fill(MISSING)
  readonly #concealment: Concealment
  readonly #prefill: number
  readonly #most: number
  readonly #spare: number
  readonly #window: number
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
  #isPlaying = false
  /** How long a beginning has waited for more. */
  #waited = 0
  #madeUp: number
  /** Least that was left after a take in this window, and how long the window has been. */
  #least = RING_SAMPLES
  #watched = 0
  /** Packets that came after their turn, and places where sound was skipped. */
  late = 0
  skips = 0

  constructor(rateHz: number) {
    const perMs = rateHz / 1000
    this.#concealment = new Concealment(rateHz)
    this.#prefill = PREFILL_MS * perMs
    this.#most = MAX_BEHIND_MS * perMs
    this.#spare = SPARE_MS * perMs
    this.#window = WINDOW_MS * perMs
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
    if (count > RING_SAMPLES) throw new RangeError(`a packet of ${count} samples`)
    if (count === 0) return
    if (ssrc !== this.#ssrc) this.forget()
    this.#ssrc = ssrc
    const place = this.#placeOf(rtpTime, count)
    if (place + count <= this.#at) {
      this.late++
      return
    }
    for (let i = Math.max(0, this.#at - place); i < count; i++) this.#ring[(place + i) & (RING_SAMPLES - 1)] = pcm[i]!
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
    this.#isPlaying ||= this.#mayBegin(count)
    if (!this.#isPlaying) return this.#makeUp(out, count)
    this.#keepShort(count)
    const there = Math.min(count, this.#end - this.#at)
    this.#read(out, there)
    this.#taken = this.#at
    if (there < count) {
      this.#stop()
      this.#makeUp(out.subarray(there, count), count - there)
    }
    return true
  }

  /** Full enough, or so old that no more will come: a word's end after a pause. */
  #mayBegin(count: number): boolean {
    if (this.depth === 0) return false
    this.#waited += count
    return this.depth >= this.#prefill || this.#waited > this.#prefill
  }

  #stop(): void {
    this.#isPlaying = false
    this.#waited = 0
    this.#least = RING_SAMPLES
    this.#watched = 0
  }

  // ---------------------------------------------------------------- places

  #placeOf(rtpTime: number, count: number): number {
    const place = this.#place + timeDistance(this.#rtpTime, rtpTime)
    const isEmpty = this.depth === 0 && !this.#isPlaying
    const isFarAhead = place + count - this.#at > RING_SAMPLES
    if (this.#isFresh || isFarAhead || (isEmpty && place < this.#at - RING_SAMPLES)) this.#jump(rtpTime)
    else if (isEmpty && place >= this.#taken) this.#begin(rtpTime, place)
    else this.#note(rtpTime, place)
    // Nothing of it has been taken yet: an earlier packet may still come first.
    const isFirst = !this.#isPlaying && this.#place < this.#at && this.#place >= this.#taken
    if (isFirst && this.#end - this.#place <= RING_SAMPLES) this.#at = this.#place
    return this.#place
  }

  #note(rtpTime: number, place: number): void {
    this.#rtpTime = rtpTime
    this.#place = place
  }

  /** The pause before it has passed already. */
  #begin(rtpTime: number, place: number): void {
    this.#at = place
    this.#end = place
    this.#note(rtpTime, place)
  }

  /** Another clock, or far more at once than anybody takes: what waits is dropped, this packet is next. */
  #jump(rtpTime: number): void {
    if (this.depth > 0) this.skips++
    this.#drop()
    // Room for packets that belong before it.
    this.#begin(rtpTime, this.#end + RING_SAMPLES)
    this.#isFresh = false
  }

  #drop(): void {
    this.#ring.fill(MISSING)
    this.#at = this.#end
    this.#taken = this.#end
    this.#stop()
  }

  // ---------------------------------------------------------------- taking

  /** Skips when too much waits now, or when more than needed has waited all the time. */
  #keepShort(count: number): void {
    const { depth } = this
    if (depth > this.#most) this.#skip(depth - this.#prefill)
    this.#watched += count
    this.#least = Math.min(this.#least, Math.max(0, this.#end - this.#at - count))
    if (this.#watched < this.#window) return
    if (this.#least > 2 * this.#spare) this.#skip(this.#least - this.#spare)
    this.#watched = 0
    this.#least = RING_SAMPLES
  }

  /** Goes on `samples` later, blended with what would have come. */
  #skip(samples: number): void {
    const ring = this.#ring
    const mask = RING_SAMPLES - 1
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
    for (let i = 0; i < samples; i++) this.#ring[(this.#at + i) & (RING_SAMPLES - 1)] = MISSING
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
      const sample = ring[(at + length) & (RING_SAMPLES - 1)]!
      if (sample === MISSING) break
      out[from + length] = sample
    }
    return length
  }

  #holes(most: number): number {
    let holes = 0
    while (holes < most && this.#ring[(this.#at + holes) & (RING_SAMPLES - 1)] === MISSING) holes++
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
