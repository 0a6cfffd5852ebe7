/** What the talk thread asks of a synthesiser. Synchronous: it has a thread for itself. */

import type { WordTime } from '../protocol.ts'

export interface RenderedClause {
  /** Mono at the rate asked for, without silence at either end. Never written to again, so it may be shared. */
  readonly samples: Int16Array
  /** In order. Characters count from the clause's start, samples from its first. */
  readonly words: readonly WordTime[]
  /** CPU time spent; 0 when it came from a cache. */
  readonly cpuMs: number
  /** True when it came from a cache. */
  readonly cached?: boolean
}

export interface Synthesiser {
  /** Of the engine. */
  readonly name?: string
  /**
   * Renders one clause.
   *
   * @param voice a name of `speech/voices.ts`; an unknown one is answered by the default voice
   * @throws when the engine fails; the next call works again
   */
  render(text: string, voice: string, rateHz: number): RenderedClause
  /** False when the text holds nothing this synthesiser can say. */
  isSpeakable(text: string): boolean
}
