/** What the listening thread needs: sound, a voice detector for each ear, and recognisers shared between the ears. */

import type { RecordHeader } from '../../kernel/ring.ts'
import type { PhraseList } from '../phrases.ts'

/** The reading end of a leg's hearing ring: a `RingReader`. */
export interface Hearing {
  /** Takes the oldest record. @returns false when there is none. Never allocates. */
  pop(header: RecordHeader, samples: Int16Array): boolean
  /** Records the writer dropped since the last time this was asked, because the ring was full. */
  takeDropped(): number
}

export interface Detector {
  /** Samples of one frame at 8 kHz. */
  readonly frameSamples: number
  /** Hears one frame. @returns the probability that it holds speech, 0 to 1. Never allocates, never throws. */
  probability(frame: Int16Array): number
  /** Forgets what was heard: the next frame belongs to another stream, or comes after a gap. */
  reset(): void
}

/**
 * Recognises one utterance at a time: `begin`, `prime`, `feed` ..., `end`, and, when the caller goes on after all, `again`
 * and `feed` from the beginning. Every method may throw; the recogniser is then thrown away.
 */
export interface Recogniser {
  /** Starts a new utterance without any memory of the last one. */
  begin(phrases: PhraseList): void
  /** How much of the beginning `prime` wants. */
  readonly primeSamples: number
  /** Once after `begin`: the first `primeSamples` (or all, of a shorter utterance) to learn the line from. Not fed yet. */
  prime(samples: Int16Array): void
  /** 8 kHz mono samples; the recogniser does not keep the array. */
  feed(samples: Int16Array): void
  /** The text so far in spoken form, '' when there is none worth showing. */
  partial(): string
  end(): Verdict
  /** The utterance that has ended goes on: it will be fed anew from its first sample. */
  again(): void
}

export interface Verdict {
  /** Spoken form of a phrase, or ''. */
  readonly text: string
  /** Speech was heard, and it was none of the phrases. */
  readonly rejected: boolean
}

export interface RecogniserPool {
  /** Of the engine. */
  readonly name?: string
  readonly size: number
  readonly busy: number
  /** Whether a BCP 47 tag is one that these recognisers understand. */
  speaks(language: string): boolean
  /** Words of `phrases` that cannot be recognised: their phrases are left out. */
  unknownWords(phrases: PhraseList): readonly string[]
  /** @returns null when all are busy */
  take(): Recogniser | null
  give(recogniser: Recogniser): void
  /** For one that threw: it is thrown away, another takes its place as soon as it is made. */
  replace(broken: Recogniser): void
}
