/**
 * What has come of one sender's stream: how many packets, how many are missing, and how unevenly they came (RFC 3550
 * appendices A.1, A.3 and A.8). Counts go on over restarts of the stream; a report speaks of the present one only.
 */

import type { Millis } from '../kernel/clock.ts'
import type { ReportBlock } from './rtcp.ts'
import { nextSequence, sequenceDistance, timeDistance } from './sequence.ts'

/** A.1: further ahead, or further behind, is no packet of this run unless a second one follows it. */
const MAX_DROPOUT = 3_000
const MAX_MISORDER = 100
/** Two packets in a row that are so far from each other in time say that somebody set a clock, not that the net is uneven. */
const CLOCK_SET_MS = 1_000

export class Reception {
  #ssrc: number | null = null
  #first = 0
  #highest = 0
  /** Times the 16 bits have wrapped, times 65,536. */
  #wraps = 0
  #received = 0
  #doubt: number | null = null
  #priorExpected = 0
  #priorReceived = 0
  /** Of runs that are over. */
  #expectedBefore = 0
  #receivedBefore = 0
  #arrival: Millis = 0
  #rtpTime = 0
  #jitter = 0
  #isTimed = false
  /** Sum and count, for the mean over the call. */
  #jitterSumMs = 0
  #jitterCount = 0
  #clockHz = 8_000
  jitterMaxMs = 0
  restarts = 0

  /** Of the stream that comes now, null before any. */
  get ssrc(): number | null {
    return this.#ssrc
  }

  /** Packets that should have come, since the first one of all. */
  get expected(): number {
    return this.#expectedBefore + (this.#ssrc === null ? 0 : this.#expectedNow())
  }

  /** Of these, missing; doubles do not make it less than nothing. */
  get lost(): number {
    return Math.max(0, this.expected - this.#receivedBefore - this.#received)
  }

  get jitterMs(): number {
    return (this.#jitter * 1000) / this.#clockHz
  }

  get jitterMeanMs(): number {
    return this.#jitterCount === 0 ? 0 : this.#jitterSumMs / this.#jitterCount
  }

  /**
   * Every packet of the stream, once.
   * @param clockHz of RTP time
   * @param isTimed its time is that of its first sample; not so that of keys
   */
  note(ssrc: number, sequence: number, rtpTime: number, clockHz: number, now: Millis, isTimed = true): void {
    if (clockHz !== this.#clockHz) this.#otherClock(clockHz)
    if (ssrc !== this.#ssrc) this.#begin(ssrc, sequence)
    else if (!this.#count(sequence)) return
    if (isTimed) this.#time(rtpTime, now)
  }

  /** A block for our next report; the fraction is of what came since the last block. Null before anything came. */
  takeBlock(lastReport: number, sinceLastReport: number): ReportBlock | null {
    if (this.#ssrc === null) return null
    const expected = this.#expectedNow()
    const expectedSince = expected - this.#priorExpected
    const lostSince = expectedSince - (this.#received - this.#priorReceived)
    this.#priorExpected = expected
    this.#priorReceived = this.#received
    return {
      ssrc: this.#ssrc,
      fractionLost:
        expectedSince <= 0 || lostSince <= 0 ? 0 : Math.min(255, Math.floor((lostSince * 256) / expectedSince)),
      lost: Math.max(-0x80_0000, Math.min(0x7f_ffff, expected - this.#received)),
      highest: (this.#wraps + this.#highest) >>> 0,
      jitter: Math.floor(this.#jitter),
      lastReport,
      sinceLastReport,
    }
  }

  /** Another codec: what is known of the net stays, in its units. */
  #otherClock(clockHz: number): void {
    this.#jitter *= clockHz / this.#clockHz
    this.#clockHz = clockHz
    this.#isTimed = false
  }

  #expectedNow(): number {
    return this.#wraps + this.#highest - this.#first + 1
  }

  #begin(ssrc: number, sequence: number): void {
    if (this.#ssrc !== null) {
      this.#expectedBefore += this.#expectedNow()
      this.#receivedBefore += this.#received
      this.restarts++
    }
    this.#ssrc = ssrc
    this.#first = sequence
    this.#highest = sequence
    this.#wraps = 0
    this.#received = 1
    this.#doubt = null
    this.#priorExpected = 0
    this.#priorReceived = 0
    this.#isTimed = false
  }

  /** @returns false for a packet that does not belong here, as yet */
  #count(sequence: number): boolean {
    const ahead = sequenceDistance(this.#highest, sequence)
    if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
      const isSecond = sequence === this.#doubt
      this.#doubt = nextSequence(sequence)
      if (!isSecond) return false
      // The one before it was the first of the new run.
      this.#begin(this.#ssrc!, nextSequence(sequence, -1))
      this.#count(sequence)
      return true
    }
    if (ahead > 0) {
      if (sequence < this.#highest) this.#wraps += 0x1_0000
      this.#highest = sequence
    } else if (ahead < 0 && this.#received === 1 && this.#wraps + sequence < this.#first) {
      // It came before the first one was sent: they changed places.
      this.#first = sequence
    }
    this.#received++
    return true
  }

  /** A.8. Packets of one and the same time (keys, parts of a frame) say nothing of the net. */
  #time(rtpTime: number, now: Millis): void {
    const sent = timeDistance(this.#rtpTime, rtpTime)
    if (this.#isTimed && sent === 0) return
    const apart = ((now - this.#arrival) * this.#clockHz) / 1000 - sent
    const isUseful = this.#isTimed && Math.abs(apart) < (CLOCK_SET_MS * this.#clockHz) / 1000
    this.#isTimed = true
    this.#rtpTime = rtpTime
    this.#arrival = now
    if (!isUseful) return
    this.#jitter += (Math.abs(apart) - this.#jitter) / 16
    const ms = this.jitterMs
    this.#jitterSumMs += ms
    this.#jitterCount++
    if (ms > this.jitterMaxMs) this.jitterMaxMs = ms
  }
}
