/**
 * From received packets to the ears: order, decoding, concealment, and silence where nothing came. No play-out clock:
 * a packet in order goes on at once.
 */

import { Concealment } from '../audio/conceal.ts'
import { decodeG711 } from '../audio/g711.ts'
import type { Millis } from '../kernel/clock.ts'
import { Jitter } from '../rtp/jitter.ts'
import type { RtpHeader } from '../rtp/packet.ts'
import type { CodecName } from './protocol.ts'
import type { HearingTap } from './taps.ts'
import { Timeline } from './timeline.ts'

/** Longest packet taken: 120 ms at 8 kHz. */
export const MAX_PACKET_SAMPLES = 960
/** Lost sound is made up for so long, the rest of a gap is silence. */
const MAX_CONCEALED_MS = 60
/** No packet for so long: silence is put in, so that a phone that stops sending cannot keep an utterance open. */
export const STARVED_MS = 60

export class Hearing {
  readonly #tap: HearingTap
  readonly #frameSamples: number
  readonly #samplesPerMs: number
  readonly #pcm = new Int16Array(MAX_PACKET_SAMPLES)
  readonly #concealment: Concealment
  readonly #timeline: Timeline
  #jitter = new Jitter()
  #ssrc: number | null = null
  #heardAt: Millis | null = null
  #lostBefore = 0
  #lost = 0
  #duplicate = 0
  #reordered = 0
  concealed = 0
  /** Silence goes on in place of what comes; time goes on as before. */
  isDeafened = false

  constructor(tap: HearingTap, rateHz: number, frameSamples: number) {
    this.#tap = tap
    this.#frameSamples = frameSamples
    this.#samplesPerMs = rateHz / 1000
    this.#concealment = new Concealment(rateHz)
    this.#timeline = new Timeline(rateHz)
  }

  get lost(): number {
    return this.#lost + this.#jitter.lost
  }

  get duplicate(): number {
    return this.#duplicate + this.#jitter.duplicate
  }

  get reordered(): number {
    return this.#reordered + this.#jitter.reordered
  }

  /** A packet of sound. */
  sound(codec: CodecName, bytes: Uint8Array, rtp: RtpHeader, now: Millis): void {
    this.#follow(rtp)
    this.#jitter.push(rtp.sequence, rtp.rtpTime, bytes, rtp.payloadAt, rtp.payloadBytes, now)
    this.drain(codec, now)
  }

  /** A packet of something else in the same stream: only its number counts. */
  other(codec: CodecName, bytes: Uint8Array, rtp: RtpHeader, now: Millis): void {
    this.#follow(rtp)
    this.#jitter.push(rtp.sequence, rtp.rtpTime, bytes, rtp.payloadAt, 0, now)
    this.drain(codec, now)
  }

  /** Takes what is in order, or has waited long enough for what is missing. */
  drain(codec: CodecName, now: Millis): void {
    const jitter = this.#jitter
    for (;;) {
      const pulled = jitter.pull(now)
      if (pulled === 'wait') return
      if (pulled === 'lost') this.#lostBefore++
      else if (jitter.bytes > 0) this.#packet(codec)
    }
  }

  /** Once a tick: puts in silence while nothing comes. */
  tick(now: Millis): void {
    if (this.#heardAt === null || this.#jitter.isWaiting) return
    const frameMs = this.#frameSamples / this.#samplesPerMs
    for (;;) {
      const at = this.#heardAt + this.#timeline.filled / this.#samplesPerMs + frameMs
      if (now < at + STARVED_MS) return
      this.#timeline.fill(this.#frameSamples)
      this.#concealment.forget()
      this.#tap.silence(this.#frameSamples, at)
    }
  }

  #packet(codec: CodecName): void {
    const jitter = this.#jitter
    const count = jitter.bytes
    const wasStarved = this.#timeline.filled > 0
    const missing = this.#timeline.place(jitter.rtpTime, count, jitter.at)
    if (missing > 0) this.#bridge(missing, this.#lostBefore > 0 && !wasStarved, jitter.at)
    this.#lostBefore = 0
    this.#heardAt = jitter.at
    decodeG711(codec, jitter.payload, this.#pcm, 0, count)
    this.#concealment.heard(this.#pcm, count)
    this.#pass(count, jitter.at)
  }

  /** What was lost is made up while it is short; what was not sent (RFC 3551 §4.1) is silence. */
  #bridge(missing: number, isLoss: boolean, at: Millis): void {
    let left = missing
    let conceal = isLoss ? Math.min(missing, MAX_CONCEALED_MS * this.#samplesPerMs) : 0
    while (left > 0) {
      const count = Math.min(conceal > 0 ? conceal : left, this.#frameSamples)
      if (conceal > 0) {
        this.#concealment.fill(this.#pcm, count)
        this.concealed++
        conceal -= count
        this.#pass(count, at)
      } else {
        this.#concealment.forget()
        this.#tap.silence(count, at)
      }
      left -= count
    }
  }

  /** Hands on the first `count` samples of `#pcm`, at most a frame at a time. */
  #pass(count: number, at: Millis): void {
    if (count <= this.#frameSamples) return this.#give(this.#pcm, count, at)
    for (let from = 0; from < count; from += this.#frameSamples) {
      const part = this.#pcm.subarray(from, Math.min(count, from + this.#frameSamples))
      this.#give(part, part.length, at)
    }
  }

  #give(pcm: Int16Array, count: number, at: Millis): void {
    if (this.isDeafened) this.#tap.silence(count, at)
    else this.#tap.sound(pcm, count, at)
  }

  #follow(rtp: RtpHeader): void {
    if (rtp.ssrc === this.#ssrc) return
    if (this.#ssrc !== null) this.#forgetStream()
    this.#ssrc = rtp.ssrc
  }

  #forgetStream(): void {
    this.#lost += this.#jitter.lost
    this.#duplicate += this.#jitter.duplicate
    this.#reordered += this.#jitter.reordered
    this.#jitter = new Jitter()
    this.#lostBefore = 0
    this.#timeline.restart()
  }
}
