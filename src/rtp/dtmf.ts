/**
 * Keys as telephone events (RFC 4733 §2.3): event code, end bit, volume, duration in RTP units; all packets of one press
 * share the timestamp of its start.
 */

import { timeDistance } from './sequence.ts'

const KEYS = '0123456789*#ABCD'
/** Length of one event in a payload. */
export const EVENT_BYTES = 4
const END_BIT = 0x80
const VOLUME = 10
/** The last packet of a press is sent three times (§2.5.1.4). */
export const END_PACKETS = 3

export interface Press {
  readonly digit: string
  readonly durationSamples: number
}

/** Long presses come in segments, each as long as the field can say (§2.5.1.3). */
const MAX_DURATION = 0xffff

interface OpenPress {
  readonly digit: string
  /** Timestamp of the current segment. */
  rtpTime: number
  /** Length of the segments before it. */
  before: number
  duration: number
}

export class DtmfReceiver {
  #open: OpenPress | null = null
  #lastEnded: number | null = null

  get isOpen(): boolean {
    return this.#open !== null
  }

  /**
   * @param at where the payload begins in `bytes`
   * @returns the press that this packet ends (also by beginning another), else null
   */
  receive(rtpTime: number, bytes: Uint8Array, at: number, payloadBytes: number): Press | null {
    const digit = KEYS[bytes[at] ?? KEYS.length]
    if (payloadBytes < EVENT_BYTES || digit === undefined) return null
    if (this.#lastEnded !== null && timeDistance(this.#lastEnded, rtpTime) <= 0) return null
    const isEnd = (bytes[at + 1]! & END_BIT) !== 0
    const duration = (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (this.#open && timeDistance(this.#open.rtpTime, rtpTime) < 0) return null
    const ended = this.#isAnother(rtpTime, digit) ? this.end() : null
    this.#open ??= { digit, rtpTime, before: 0, duration }
    this.#open.duration = Math.max(this.#open.duration, duration)
    // Two presses cannot end with one packet: the second is told by its next end packet, or by `end`.
    return isEnd ? (ended ?? this.end()) : ended
  }

  /** Ends a press whose end packets were lost. @returns it, or null when none is open */
  end(): Press | null {
    const open = this.#open
    this.#open = null
    if (!open) return null
    this.#lastEnded = open.rtpTime
    return { digit: open.digit, durationSamples: open.before + open.duration }
  }

  /** Another sender, with timestamps of its own. */
  restart(): void {
    this.#open = null
    this.#lastEnded = null
  }

  #isAnother(rtpTime: number, digit: string): boolean {
    const open = this.#open
    if (!open || open.rtpTime === rtpTime) return false
    if (digit !== open.digit || timeDistance(open.rtpTime, rtpTime) !== MAX_DURATION) return true
    open.rtpTime = rtpTime
    open.before += MAX_DURATION
    open.duration = 0
    return false
  }
}

export interface DtmfStep {
  readonly kind: 'event' | 'gap'
  readonly digit: string
  /** What goes into the RTP header: every packet of a press has the timestamp of its start. */
  readonly rtpTime: number
  /** The first packet of a press is marked. */
  readonly isFirst: boolean
  /** The press is over; this only says so again. */
  readonly isRepeat: boolean
  /** Where in the press this frame begins. */
  readonly sample: number
}

interface Queued {
  readonly code: number
  readonly durationMs: number
  readonly frames: number
  readonly gapFrames: number
}

/** Sends keys one after another, one packet a frame. */
export class DtmfSender {
  #frameSamples: number
  #queue: Queued[] = []
  /** Frames of the first key in the queue that have had their turn. */
  #sent = 0
  #startTime = 0

  constructor(frameSamples: number) {
    this.#frameSamples = frameSamples
  }

  get isBusy(): boolean {
    return this.#queue.length > 0
  }

  /** Frames are of another length from now on, or another clock counts them. What waits keeps its time; a key being pressed begins again. */
  repace(frameSamples: number, frameMs: number, frameMsBefore: number): void {
    this.#frameSamples = frameSamples
    this.#queue = this.#queue.map(({ code, durationMs, gapFrames }) =>
      this.#queued(code, durationMs, gapFrames * frameMsBefore, frameMs),
    )
    this.#sent = 0
  }

  /**
   * Queues keys; characters that are none are left out.
   * @param durationMs of each press, rounded to frames, at least two
   * @param gapMs silence after each
   */
  press(digits: string, durationMs: number, gapMs: number, frameMs: number): void {
    for (const digit of digits.toUpperCase()) {
      const code = KEYS.indexOf(digit)
      if (code >= 0) this.#queue.push(this.#queued(code, durationMs, gapMs, frameMs))
    }
  }

  #queued(code: number, durationMs: number, gapMs: number, frameMs: number): Queued {
    const mostFrames = Math.floor(MAX_DURATION / this.#frameSamples)
    const frames = Math.min(mostFrames, Math.max(2, Math.round(durationMs / frameMs)))
    return { code, durationMs, frames, gapFrames: Math.max(0, Math.round(gapMs / frameMs)) }
  }

  /**
   * One frame's turn. Only while `isBusy`.
   * @param frameTime RTP time of the frame
   * @param out receives the payload of an event at `at`
   */
  next(frameTime: number, out: Uint8Array, at: number): DtmfStep {
    const { code, frames, gapFrames } = this.#queue[0]!
    const index = this.#sent++
    if (index === 0) this.#startTime = frameTime
    const events = frames + END_PACKETS - 1
    if (this.#sent >= events + gapFrames) {
      this.#queue.shift()
      this.#sent = 0
    }
    const step = {
      digit: KEYS[code]!,
      isFirst: index === 0,
      isRepeat: index >= frames,
      sample: index * this.#frameSamples,
    }
    if (index >= events) return { ...step, kind: 'gap', rtpTime: frameTime }
    const duration = Math.min(index + 1, frames) * this.#frameSamples
    out[at] = code
    out[at + 1] = (index >= frames - 1 ? END_BIT : 0) | VOLUME
    out[at + 2] = duration >> 8
    out[at + 3] = duration & 0xff
    return { ...step, kind: 'event', rtpTime: this.#startTime }
  }
}
