/** Keys of a leg, in both directions: telephone events (RFC 4733), or tones for a far end that has none. */

import { fillKeyTone } from '../audio/tone.ts'
import type { Millis } from '../kernel/clock.ts'
import { DtmfReceiver, DtmfSender, EVENT_BYTES, type Press } from '../rtp/dtmf.ts'
import type { RtpHeader } from '../rtp/packet.ts'

export interface Key {
  readonly digit: string
  readonly durationMs: number
  readonly at: Millis
}

/** A press is over when no packet of it came for so long. Packets come every 20 to 50 ms. */
const EVENT_SILENT_MS = 150
const DTMF_CLOCK_HZ = 8_000
/** Silence after a relayed key, so that two of them stay two. */
const RELAY_GAP_MS = 40

/** Keys pressed at the far end. */
export class KeysIn {
  readonly #receiver = new DtmfReceiver()
  /** Of the events that came last. */
  #clockHz = DTMF_CLOCK_HZ
  readonly #onKey: (key: Key) => void
  #ssrc: number | null = null
  #heardAt: Millis = 0

  constructor(onKey: (key: Key) => void) {
    this.#onKey = onKey
  }

  /** @param clockHz of these events' timestamps and durations */
  receive(bytes: Uint8Array, rtp: RtpHeader, clockHz: number, now: Millis): void {
    if (rtp.ssrc !== this.#ssrc) {
      this.#tell(this.#receiver.end(), now)
      this.#receiver.restart()
      this.#ssrc = rtp.ssrc
    }
    this.#clockHz = clockHz
    this.#heardAt = now
    this.#tell(this.#receiver.receive(rtp.rtpTime, bytes, rtp.payloadAt, rtp.payloadBytes), now)
  }

  /** Once a tick: ends a press whose end packets were lost. */
  tick(now: Millis): void {
    if (this.#receiver.isOpen && now - this.#heardAt >= EVENT_SILENT_MS) this.#tell(this.#receiver.end(), now)
  }

  #tell(press: Press | null, at: Millis): void {
    if (!press) return
    this.#onKey({ digit: press.digit, durationMs: (press.durationSamples * 1000) / this.#clockHz, at })
  }
}

/** Keys we press. One frame's turn at a time; sound waits meanwhile. */
export class KeysOut {
  static readonly PAYLOAD_BYTES = EVENT_BYTES
  readonly #sender: DtmfSender
  readonly #rateHz: number
  #frameMs: number
  /** What the durations of events count in; for tones it is the rate of the sound. */
  #clockHz: number
  readonly #onDone: () => void
  readonly #scratch = new Uint8Array(EVENT_BYTES)
  /** Whether any of the keys that wait was asked for by `press`. */
  #isAsked = false

  constructor(rateHz: number, frameMs: number, onDone: () => void) {
    this.#sender = new DtmfSender((rateHz * frameMs) / 1000)
    this.#clockHz = rateHz
    this.#frameMs = frameMs
    this.#rateHz = rateHz
    this.#onDone = onDone
  }

  get isBusy(): boolean {
    return this.#sender.isBusy
  }

  /** How long frames are now, and by which clock. */
  pace(clockHz: number, frameMs: number): void {
    if (clockHz === this.#clockHz && frameMs === this.#frameMs) return
    this.#sender.repace((clockHz * frameMs) / 1000, frameMs, this.#frameMs)
    this.#clockHz = clockHz
    this.#frameMs = frameMs
  }

  /** Queues keys; `onDone` is told when all of them have been sent, also when there was nothing to send. */
  press(digits: string, durationMs: number, gapMs: number): void {
    this.#isAsked = true
    this.#sender.press(digits, durationMs, gapMs, this.#frameMs)
    this.#tellWhenDone()
  }

  /** Queues a key of another leg. Nobody is told. */
  relay({ digit, durationMs }: Key): void {
    this.#sender.press(digit, durationMs, RELAY_GAP_MS, this.#frameMs)
  }

  /**
   * This frame as an event packet.
   * @param out receives the payload at `at`
   * @returns what goes into the header, or null for a frame of silence between two keys
   */
  event(
    frameTime: number,
    out: Uint8Array,
    at: number,
  ): { readonly rtpTime: number; readonly isFirst: boolean } | null {
    const step = this.#sender.next(frameTime, out, at)
    this.#tellWhenDone()
    return step.kind === 'gap' ? null : step
  }

  /** This frame as sound. @returns false when it is silent */
  tone(frame: Int16Array): boolean {
    const step = this.#sender.next(0, this.#scratch, 0)
    this.#tellWhenDone()
    return (
      step.kind === 'event' &&
      !step.isRepeat &&
      fillKeyTone(frame, step.digit, this.#rateHz, (step.sample * this.#rateHz) / this.#clockHz)
    )
  }

  #tellWhenDone(): void {
    if (this.#sender.isBusy || !this.#isAsked) return
    this.#isAsked = false
    this.#onDone()
  }
}
