/**
 * What a leg gives to the others of its group: decoded as it comes, with a decoder of its own, for those who talk with each
 * other do not wait for a packet that is missing. What the next packet knows of a lost one is used; where there is comfort
 * noise in place of sound (RFC 3389), it is made here, as if it had been sent.
 */

import type { Millis } from '../kernel/clock.ts'
import type { RtpHeader } from '../rtp/packet.ts'
import { laterTime, sequenceDistance, timeDistance } from '../rtp/sequence.ts'
import { ComfortNoise } from './comfort-noise.ts'
import { MAX_PACKET_SAMPLES } from './hearing.ts'
import type { SoundIn } from './inbound.ts'

const FRAME_MS = 20
/** So many numbers back is a sender that began again, not a late packet. */
const RESTART_DISTANCE = 50
/** A longer gap is a pause, or past help. */
const MOST_RECOVERED_MS = 60
/** Used up before the next packet comes; one for all legs of a thread. */
const decoded = new Int16Array(MAX_PACKET_SAMPLES)

type Give = (stream: number, time: number, pcm: Int16Array, count: number) => void

export class Onward {
  readonly #give: Give
  readonly #samplesPerMs: number
  readonly #noise: ComfortNoise
  #stream = -1
  #sequence = 0
  /** Just after the last packet, on the leg's own count of RTP time. */
  #end = 0
  #noiseDueAt: Millis | null = null

  constructor(rateHz: number, give: Give) {
    this.#give = give
    this.#samplesPerMs = rateHz / 1000
    this.#noise = new ComfortNoise()
  }

  /** @param time of its first sample (`rtp-time.ts`) */
  sound(sound: SoundIn, bytes: Uint8Array, rtp: RtpHeader, stream: number, time: number): void {
    const distance = stream === this.#stream ? sequenceDistance(this.#sequence, rtp.sequence) : 1
    const ahead = distance < -RESTART_DISTANCE ? 1 : distance
    if (ahead <= 0 && sound.remembers) return
    if (ahead > 1) this.#recover(sound, bytes, rtp, stream, time)
    const { payloadAt, payloadBytes } = rtp
    const count = sound.others.decode(bytes, payloadAt, payloadBytes, decoded)
    if (ahead > 0) this.#note(stream, rtp.sequence, laterTime(time, count))
    this.#noiseDueAt = null
    if (count > 0) this.#give(stream, time, decoded, count)
  }

  /** A packet of comfort noise. @param level its first octet: dB below full scale */
  comfort(level: number, stream: number, sequence: number, time: number, now: Millis): void {
    this.#noise.level(level)
    this.#note(stream, sequence, time)
    this.#noiseDueAt ??= now
  }

  /** Once a tick. */
  tick(now: Millis): void {
    const count = FRAME_MS * this.#samplesPerMs
    // Nobody listened for a while: that time is not made up for.
    if (this.#noiseDueAt !== null && now - this.#noiseDueAt > MOST_RECOVERED_MS) this.#noiseDueAt = now
    while (this.#noiseDueAt !== null && now >= this.#noiseDueAt) {
      this.#noiseDueAt += FRAME_MS
      this.#noise.fill(decoded, count)
      this.#give(this.#stream, this.#end, decoded, count)
      this.#end = laterTime(this.#end, count)
    }
  }

  /** Nobody listens any more. */
  rest(): void {
    this.#stream = -1
    this.#noiseDueAt = null
  }

  #recover(sound: SoundIn, bytes: Uint8Array, rtp: RtpHeader, stream: number, time: number): void {
    const missing = timeDistance(this.#end, time)
    if (missing <= 0 || missing > MOST_RECOVERED_MS * this.#samplesPerMs) return
    const isMade = sound.others.conceal(decoded, missing, bytes, rtp.payloadAt, rtp.payloadBytes)
    if (isMade) this.#give(stream, this.#end, decoded, missing)
  }

  #note(stream: number, sequence: number, end: number): void {
    this.#stream = stream
    this.#sequence = sequence
    this.#end = end
  }
}
