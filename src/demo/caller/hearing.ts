/**
 * What the caller hears, frame by frame, as a person would notice it: is somebody speaking, since when is it quiet.
 * Keeps the whole picture of the call, so that claims about sound and silence are checked against received frames.
 */

import { levelDb } from '../../audio/level.ts'
import type { Millis } from '../../kernel/clock.ts'

/** Level from which a frame counts as voice. Above the decay of a word's last sound, so that no figure is flattered. */
export const VOICED_DB = -45
/** Level below which a frame counts as silence. The frames between the two are neither. */
export const SILENT_DB = -60

/** Index of the frame that holds the last voiced sample, -1 when there is none. */
export function lastVoicedFrame(pcm: Int16Array, frameSamples: number): number {
  for (let frame = Math.ceil(pcm.length / frameSamples) - 1; frame >= 0; frame--) {
    if (levelDb(pcm.subarray(frame * frameSamples, (frame + 1) * frameSamples)) > VOICED_DB) return frame
  }
  return -1
}

/** What arrived in a stretch of time; frames that are neither voiced nor silent are only in `frames`. */
export interface Stretch {
  readonly frames: number
  readonly voiced: number
  readonly silent: number
}

export class Hearing {
  readonly #frames: { readonly at: Millis; readonly levelDb: number }[] = []
  #lastVoicedAt: Millis | null = null

  /** Frames come in the order of `at`. */
  note(pcm: Int16Array, at: Millis): void {
    const level = levelDb(pcm)
    this.#frames.push({ at, levelDb: level })
    if (level > VOICED_DB) this.#lastVoicedAt = at
  }

  get lastVoicedAt(): Millis | null {
    return this.#lastVoicedAt
  }

  /** Arrival of the first voiced frame later than `from`, or null. */
  firstVoicedAfter(from: Millis): Millis | null {
    return this.#frames.find((frame) => frame.at > from && frame.levelDb > VOICED_DB)?.at ?? null
  }

  /** Frames that arrived after `from` and before `to`. */
  between(from: Millis, to: Millis): Stretch {
    const inside = this.#frames.filter((frame) => frame.at > from && frame.at < to)
    return {
      frames: inside.length,
      voiced: inside.filter((frame) => frame.levelDb > VOICED_DB).length,
      silent: inside.filter((frame) => frame.levelDb < SILENT_DB).length,
    }
  }
}
