/**
 * Messages to and from the listen and talk threads. Same rules as `media/protocol.ts`: plain data, one monotonic base,
 * sound only through rings.
 */

import type { Millis } from '../kernel/clock.ts'
import type { RingBuffer } from '../kernel/ring.ts'
import type { Lane, LegRef } from '../media/protocol.ts'

// ---------------------------------------------------------------- listen: voice detector first, then recognisers

export type ListenCommand =
  /** Starts listening to a leg. `ear` is unique in the process and names this attachment in every event. */
  | {
      readonly kind: 'attach'
      readonly ear: number
      readonly leg: LegRef
      readonly hearing: RingBuffer
      readonly rateHz: number
      /** BCP47. */
      readonly language: string
      /** Sentences to recognise; null = the server's default list. Anything else spoken is rejected, never guessed. */
      readonly phrases: readonly string[] | null
    }
  | { readonly kind: 'setPhrases'; readonly ear: number; readonly phrases: readonly string[] | null }
  /** `finish`: sound already in the ring is recognised first. Ends with `detached`. */
  | { readonly kind: 'detach'; readonly ear: number; readonly finish: boolean }
  | { readonly kind: 'shutDown' }

export type ListenEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'attached'; readonly ear: number; readonly at: Millis }
  | { readonly kind: 'attachFailed'; readonly ear: number; readonly why: string }
  /** The detector confirmed speech. `onsetAt` is when its first voiced sample arrived, `at` when we were sure. */
  | {
      readonly kind: 'speechStarted'
      readonly ear: number
      readonly utterance: number
      readonly onsetAt: Millis
      readonly at: Millis
    }
  | {
      readonly kind: 'interim'
      readonly ear: number
      readonly utterance: number
      readonly text: string
      readonly at: Millis
    }
  /** The detector closed the utterance (end of turn). Always paired with `speechStarted`. */
  | {
      readonly kind: 'speechEnded'
      readonly ear: number
      readonly utterance: number
      readonly lastVoicedAt: Millis
      readonly at: Millis
    }
  /** After every `speechEnded`. `text` is '' when nothing was recognised: silence, noise, or speech outside the phrases (`rejected`). */
  | {
      readonly kind: 'heard'
      readonly ear: number
      readonly utterance: number
      readonly text: string
      readonly rejected: boolean
      readonly onsetAt: Millis
      readonly marks: HearingMarks
    }
  | {
      readonly kind: 'phrasesSet'
      readonly ear: number
      readonly count: number
      readonly unknownWords: readonly string[]
    }
  /** `heardMs`: sound that the recognisers of `engine` were given for this ear. */
  | {
      readonly kind: 'detached'
      readonly ear: number
      readonly at: Millis
      readonly heardMs?: number
      readonly engine?: string
    }
  /** Sound was lost because the thread was too slow. Told at most once a second. */
  | { readonly kind: 'dropped'; readonly ear: number; readonly frames: number }
  | {
      readonly kind: 'load'
      readonly busyShare: number
      readonly waitP99Ms: number
      readonly decodersBusy: number
      readonly decoders: number
    }

/** When each stage of one heard utterance happened. */
export interface HearingMarks {
  /** Arrival of the last voiced sample. */
  readonly lastVoicedAt: Millis
  /** The detector first saw silence after it. */
  readonly detectorAt: Millis
  /** The silence was long enough: end of turn decided. */
  readonly endOfTurnAt: Millis
  /** Why the turn ended when it did. */
  readonly endOfTurn: 'complete' | 'extensible' | 'silence' | 'limit' | 'finish'
  /** The recogniser's final text was there. */
  readonly finalAt: Millis
}

// ---------------------------------------------------------------- talk: synthesisers, earliest deadline first

export type TalkCommand =
  | { readonly kind: 'openVoice'; readonly leg: LegRef; readonly playout: RingBuffer; readonly rateHz: number }
  | {
      readonly kind: 'utter'
      readonly leg: LegRef
      readonly lane: Lane
      readonly epoch: number
      /** Unique within the leg, counting up. */
      readonly sayId: number
      /** At most 5,000 code points. */
      readonly text: string
      /** Name of a voice of `speech/voices.ts`. */
      readonly voice: string
      /** When it was asked for: its deadline counts from here. */
      readonly askedAt: Millis
    }
  /**
   * Plays ready sound in the order of the utterances; told about like one (`rendered` without words, `utterFailed`).
   * WAV as PCM 16 or 8 bit, mono or stereo, 8 to 48 kHz, or G.711, at most 20 MB and 30 minutes; anything else fails. The
   * one `rendered` comes with the first sound and tells the length of the whole.
   */
  | {
      readonly kind: 'play'
      readonly leg: LegRef
      readonly lane: Lane
      readonly epoch: number
      readonly sayId: number
      /** The whole file, best in shared memory: then nothing is copied. Never written to again. */
      readonly wav: Uint8Array
      readonly askedAt: Millis
    }
  /** Utterances of `lane` older than `epoch` are dropped, also between their clauses. */
  | { readonly kind: 'drop'; readonly leg: LegRef; readonly lane: Lane; readonly epoch: number }
  | { readonly kind: 'closeVoice'; readonly leg: LegRef }
  | { readonly kind: 'shutDown' }

/** A word's place: characters in the text as sent (UTF-16 units), samples of the say at the leg's rate. */
export interface WordTime {
  readonly charStart: number
  readonly charEnd: number
  readonly startSample: number
  readonly endSample: number
}

export type TalkEvent =
  | { readonly kind: 'ready' }
  /** One clause is rendered. Sent before its first sample is written to the ring. */
  | {
      readonly kind: 'rendered'
      readonly leg: LegRef
      readonly sayId: number
      readonly clause: number
      readonly words: readonly WordTime[]
      /** Samples of this say so far, pauses included. */
      readonly totalSamples: number
      /** True with the say's last clause. */
      readonly final: boolean
      /** When the first sample of PCM was there. */
      readonly at: Millis
      readonly cpuMs: number
      /** Unicode characters of the clause; `cached` when they cost no synthesis by `engine`. */
      readonly characters?: number
      readonly cached?: boolean
      readonly engine?: string
    }
  /** Nothing (more) of this say will come. What was written still plays. */
  | { readonly kind: 'utterFailed'; readonly leg: LegRef; readonly sayId: number; readonly why: string }
  | { readonly kind: 'voiceClosed'; readonly leg: LegRef }
  | { readonly kind: 'load'; readonly busyShare: number; readonly queued: number }
