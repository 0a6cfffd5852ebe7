/**
 * From received packets to the ears: order, decoding, concealment, and silence where nothing came. No play-out clock:
 * a packet in order goes on at once.
 */

import type { SoundDecoder } from '../audio/codec.ts'
import { Concealment } from '../audio/conceal.ts'
import type { Millis } from '../kernel/clock.ts'
import { Jitter } from '../rtp/jitter.ts'
import type { RtpHeader } from '../rtp/packet.ts'
import type { Inbound } from './inbound.ts'
import type { HearingTap } from './taps.ts'
import { Timeline } from './timeline.ts'

/** Longest packet taken: 120 ms at the leg's 8 kHz. */
export const MAX_PACKET_SAMPLES = 960
/** Lost sound is made up for so long, the rest of a gap is silence. */
const MAX_CONCEALED_MS = 60
/** No packet for so long: silence is put in, so that a phone that stops sending cannot keep an utterance open. */
export const STARVED_MS = 60

export class Hearing {
  readonly #tap: HearingTap
  readonly #inbound: Inbound
  readonly #frameSamples: number
  readonly #samplesPerMs: number
  readonly #pcm = new Int16Array(MAX_PACKET_SAMPLES)
  readonly #concealment: Concealment
  readonly #timeline: Timeline
  #jitter = new Jitter()
  #stream: number | null = null
  #heardAt: Millis | null = null
  #lostBefore = 0
  #lost = 0
  #duplicate = 0
  #reordered = 0
  concealed = 0
  /** Silence goes on in place of what comes; time goes on as before. */
  isDeafened = false

  constructor(tap: HearingTap, inbound: Inbound, rateHz: number, frameSamples: number) {
    this.#tap = tap
    this.#inbound = inbound
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

  /**
   * A packet of sound.
   * @param stream who sends it, on which clock: with another one begins another timeline
   * @param time of its first sample (`rtp-time.ts`)
   */
  sound(bytes: Uint8Array, rtp: RtpHeader, stream: number, time: number, now: Millis): void {
    this.#follow(stream)
    this.#jitter.push(rtp.sequence, time, bytes, rtp.payloadAt, rtp.payloadBytes, now, rtp.payloadType)
    this.drain(now)
  }

  /** A packet of something else in the same stream: only its number counts. */
  other(bytes: Uint8Array, rtp: RtpHeader, stream: number, now: Millis): void {
    this.#follow(stream)
    this.#jitter.push(rtp.sequence, 0, bytes, rtp.payloadAt, 0, now)
    this.drain(now)
  }

  /** Takes what is in order, or has waited long enough for what is missing. */
  drain(now: Millis): void {
    const jitter = this.#jitter
    for (;;) {
      const pulled = jitter.pull(now)
      if (pulled === 'wait') return
      if (pulled === 'lost') this.#lostBefore++
      else if (jitter.bytes > 0) this.#packet()
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

  #packet(): void {
    const jitter = this.#jitter
    const decoder = this.#inbound.sound(jitter.payloadType)?.ears
    const count = decoder?.lengthOf(jitter.payload, 0, jitter.bytes) ?? 0
    // Rubbish: its place stays open, and is made up for by the next packet.
    if (decoder === undefined || count === 0 || count > MAX_PACKET_SAMPLES) {
      this.#lostBefore++
      return
    }
    const wasStarved = this.#timeline.filled > 0
    const missing = this.#timeline.place(jitter.rtpTime, count, jitter.at)
    if (missing > 0) this.#bridge(missing, this.#lostBefore > 0 && !wasStarved, jitter.at, decoder)
    this.#lostBefore = 0
    this.#heardAt = jitter.at
    if (decoder.decode(jitter.payload, 0, jitter.bytes, this.#pcm) === count) {
      this.#concealment.heard(this.#pcm, count)
    } else this.#concealment.fill(this.#pcm, count)
    this.#pass(count, jitter.at)
  }

  /** What was lost is made up while it is short; what was not sent (RFC 3551 §4.1) is silence. */
  #bridge(missing: number, isLoss: boolean, at: Millis, decoder: SoundDecoder): void {
    if (isLoss && this.#recover(missing, at, decoder)) return
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

  /** By the codec's own means, from the packet that follows. @returns false when it has none for this */
  #recover(missing: number, at: Millis, decoder: SoundDecoder): boolean {
    if (missing > MAX_CONCEALED_MS * this.#samplesPerMs) return false
    const { payload, bytes } = this.#jitter
    if (!decoder.conceal(this.#pcm, missing, payload, 0, bytes)) return false
    this.concealed += Math.ceil(missing / this.#frameSamples)
    this.#concealment.heard(this.#pcm, missing)
    this.#pass(missing, at)
    return true
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

  #follow(stream: number): void {
    if (stream === this.#stream) return
    if (this.#stream !== null) this.#forgetStream()
    this.#stream = stream
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
