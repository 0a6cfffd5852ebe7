/** The call as one stereo recording: left the caller, right the agent, both on one time axis. */

import type { Millis } from '../../kernel/clock.ts'

export const RECORDING_RATE_HZ = 8_000

const PER_MS = RECORDING_RATE_HZ / 1_000

interface Piece {
  readonly start: number
  readonly pcm: Int16Array
}

export class Recording {
  readonly #startedAt: Millis
  readonly #left: Piece[] = []
  readonly #right: Piece[] = []
  #anchor: { readonly rtpTime: number; readonly start: number } | null = null

  constructor(startedAt: Millis) {
    this.#startedAt = startedAt
  }

  /** An utterance of the caller whose first packet left at `firstAt`. */
  spoke(pcm8k: Int16Array, firstAt: Millis): void {
    this.#left.push({ start: this.#sampleAt(firstAt), pcm: pcm8k })
  }

  /**
   * One received frame. The first one is placed by its arrival, all others by their RTP timestamp, so that jitter of the
   * network does not tear the sound.
   */
  heard(pcm8k: Int16Array, rtpTime: number, at: Millis): void {
    this.#anchor ??= { rtpTime, start: this.#sampleAt(at) }
    const start = this.#anchor.start + ((rtpTime - this.#anchor.rtpTime) | 0)
    this.#right.push({ start, pcm: pcm8k })
  }

  /** @returns both channels in equal length, at `RECORDING_RATE_HZ` */
  channels(): { readonly left: Int16Array; readonly right: Int16Array } {
    const end = [...this.#left, ...this.#right].reduce((most, { start, pcm }) => Math.max(most, start + pcm.length), 0)
    return { left: laidOut(this.#left, end), right: laidOut(this.#right, end) }
  }

  #sampleAt(at: Millis): number {
    return Math.round((at - this.#startedAt) * PER_MS)
  }
}

/** What lies before the start is left out. */
function laidOut(pieces: readonly Piece[], length: number): Int16Array {
  const out = new Int16Array(length)
  for (const { start, pcm } of pieces) {
    const skipped = Math.max(0, -start)
    if (skipped < pcm.length) out.set(pcm.subarray(skipped), start + skipped)
  }
  return out
}
