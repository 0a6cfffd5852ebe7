/** What a leg has to say: a text to be rendered clause by clause, or ready sound. */

import type { Millis } from '../../kernel/clock.ts'
import type { WordTime } from '../protocol.ts'
import type { Synthesiser } from './engine.ts'
import type { SayCommand, SoundSink } from './say-writer.ts'

/** What one rendered clause adds to its say. */
export interface ClauseNews {
  readonly clause: number
  /** Characters of the whole text, samples of the whole say. */
  readonly words: readonly WordTime[]
  readonly totalSamples: number
  readonly final: boolean
  /** As in `rendered` of `speech/protocol.ts`. */
  readonly characters?: number
  readonly cached?: boolean
  readonly engine?: string
}

export interface Step {
  /** To be told before the sound is in the ring, or null. */
  readonly news: ClauseNews | null
  /** Time that the engine says it took; null: by the clock. */
  readonly cpuMs: number | null
}

export interface Spoken {
  readonly command: SayCommand
  /** Whether there is anything left to be rendered. */
  readonly hasMore: boolean
  /** Every record is in the ring. */
  readonly hasEnded: boolean
  /** Of the sound rendered so far, silence included. */
  readonly totalSamples: number
  /** Sound rendered and not yet written. */
  readonly waitingMs: number
  /** Puts silence before the beginning, where it wants some. Later it does nothing. */
  lead(silenceMs: number): void
  /**
   * Renders the next piece, some ms of work.
   * @throws when it fails; then there is nothing left to be rendered
   */
  renderNext(engine: Synthesiser): Step
  /** Writes what fits into the ring. */
  pump(sink: SoundSink, now: Millis): void
}
