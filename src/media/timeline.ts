/**
 * Where received sound belongs on a leg's own timeline. The sender's RTP time leads; our clock fills in while nothing
 * comes. Time on the timeline never goes back, and sound is never thrown away to keep it short.
 */

import type { Millis } from '../kernel/clock.ts'
import { laterTime, timeDistance } from '../rtp/sequence.ts'

/** The sender's clock may be so far ahead of ours; more is a new clock, not a pause. */
const SLACK_MS = 1_000

export class Timeline {
  readonly #samplesPerMs: number
  /** RTP time just after the last packet, null before the first and after a restart. */
  #next: number | null = null
  #at: Millis = 0
  /** Silence put in by the clock since the last packet. */
  #filled = 0
  /** Silence put in that turned out to be late packets: taken back from pauses to come. */
  #ahead = 0

  constructor(rateHz: number) {
    this.#samplesPerMs = rateHz / 1000
  }

  /** Samples of silence put in since the last packet. */
  get filled(): number {
    return this.#filled
  }

  /**
   * A packet is next.
   * @param rtpTime of its first sample
   * @param count its length in samples
   * @param at when it arrived
   * @returns how many samples are missing before it
   */
  place(rtpTime: number, count: number, at: Millis): number {
    const missing = this.#next === null ? 0 : this.#missing(timeDistance(this.#next, rtpTime), at)
    this.#next = laterTime(rtpTime, count)
    this.#at = at
    this.#filled = 0
    return missing
  }

  /** Time passed without packets. */
  fill(count: number): void {
    this.#filled += count
  }

  /** The next packet's RTP time says nothing about the last one's: another sender, or another codec. */
  restart(): void {
    this.#next = null
  }

  #missing(gap: number, at: Millis): number {
    const possible = (at - this.#at + SLACK_MS) * this.#samplesPerMs
    if (gap < 0 || gap > possible) return 0
    const open = gap - this.#filled
    if (open <= 0) {
      this.#ahead -= open
      return 0
    }
    const takenBack = Math.min(open, this.#ahead)
    this.#ahead -= takenBack
    return open - takenBack
  }
}
