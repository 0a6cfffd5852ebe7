/**
 * RTP time of a sender in samples of the leg's rate: what a timeline and a mix count in. One number per moment, whatever the
 * codec's clock is; it wraps at 2^32 as RTP time does.
 */

import { laterTime, timeDistance } from '../rtp/sequence.ts'

export class RtpTime {
  readonly #rateHz: number
  #stream = -1
  #theirs = 0
  #ours = 0

  /** @param rateHz of the leg; every clock is a whole multiple of it */
  constructor(rateHz: number) {
    this.#rateHz = rateHz
  }

  /** @param stream another number, another beginning: a sender's SSRC, or that of its stream with another clock */
  at(stream: number, clockHz: number, rtpTime: number): number {
    if (clockHz === this.#rateHz) return rtpTime
    if (stream !== this.#stream) {
      this.#stream = stream
      this.#theirs = rtpTime
      return this.#ours
    }
    const ratio = clockHz / this.#rateHz
    const passed = Math.trunc(timeDistance(this.#theirs, rtpTime) / ratio)
    this.#theirs = laterTime(this.#theirs, passed * ratio)
    this.#ours = laterTime(this.#ours, passed)
    return this.#ours
  }
}
