/** Numbers outgoing packets (RFC 3550 §5.1): sequence, timestamp, and the marker after a jump. */

import { RTP_HEADER_BYTES, writeRtpHeader } from './packet.ts'
import { laterTime, nextSequence } from './sequence.ts'

export class RtpSender {
  readonly #ssrc: number
  #sequence: number
  #rtpTime: number
  #isMarked = true
  packets = 0

  constructor(ssrc: number, firstSequence: number, firstRtpTime: number) {
    this.#ssrc = ssrc >>> 0
    this.#sequence = firstSequence & 0xffff
    this.#rtpTime = firstRtpTime >>> 0
  }

  /** Timestamp of the frame whose turn it is. */
  get rtpTime(): number {
    return this.#rtpTime
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Writes the header of the next packet. @param rtpTime other than the frame's own for telephone events */
  write(out: Uint8Array, payloadType: number, rtpTime = this.#rtpTime, isMarked = this.#isMarked): void {
    writeRtpHeader(out, payloadType, isMarked, this.#sequence, rtpTime, this.#ssrc)
    this.#sequence = nextSequence(this.#sequence)
    this.#isMarked = false
    this.packets++
  }

  /** One frame's time has passed. */
  advance(samples: number): void {
    this.#rtpTime = laterTime(this.#rtpTime, samples)
  }

  /** Time passed without packets: the next one is marked. */
  skip(samples: number): void {
    this.advance(samples)
    this.#isMarked = true
  }
}

export { RTP_HEADER_BYTES }
