/**
 * What a speech engine must offer to be plugged in. Times are ms on the call's media clock (counted from its samples), not
 * wall time; an engine that restarts its own count gets an offset added by its adapter.
 */

export type Encoding = 'pcm_s16le' | 'mulaw' | 'alaw'

export interface AudioFormat {
  readonly encoding: Encoding
  readonly rateHz: number
}

/** A word and when it sounds. Character ranges count UTF-16 units of the text as sent. */
export interface Word {
  readonly text: string
  readonly startMs: number
  readonly endMs: number
  readonly charStart?: number
  readonly charEnd?: number
  /** 0 to 1, when the engine tells it. */
  readonly confidence?: number
}

// ---------------------------------------------------------------- speech to text

export interface SpeechToText {
  readonly id: string
  capabilities(): SttCapabilities
  /** @throws when the engine refuses or cannot be reached before `signal` aborts */
  open(options: SttOptions): Promise<SttStream>
}

export interface SttCapabilities {
  /** Formats taken as they are; the first is preferred. */
  readonly inputs: readonly AudioFormat[]
  /** BCP47 tags. */
  readonly languages: readonly string[]
  readonly interim: boolean
  /** Who decides that a turn is over when the engine does: by silence, or by a model of what was said. */
  readonly endOfTurn: 'none' | 'silence' | 'model'
  readonly words: boolean
  /** Recognises only phrases of a list. */
  readonly grammar: boolean
  /** Answers `finalize` with a final. */
  readonly finalize: boolean
  /** The engine ends a stream after this long; its adapter opens the next one. */
  readonly maxStreamMs?: number
  readonly minChunkMs?: number
  readonly maxChunkBytes?: number
}

export interface SttOptions {
  readonly language: string
  readonly input: AudioFormat
  readonly interim: boolean
  /** Words likely to be heard. */
  readonly hints?: readonly string[]
  /** The only phrases to be heard, for engines with `grammar`. */
  readonly phrases?: readonly string[]
  readonly signal: AbortSignal
}

export interface SttStream {
  /**
   * Never blocks, never throws.
   *
   * @param frame sound in the format of `SttOptions.input`; not kept after the call
   * @param startMs when its first sample was heard
   * @returns false when the buffer is above its mark: the oldest sound is being dropped, counted and told
   */
  write(frame: Uint8Array, startMs: number): boolean
  /** Asks for the final of all that was written. */
  finalize(reason: 'vad' | 'turn' | 'dtmf'): void
  /** Ends after the finals of what was written. May be called twice. */
  close(): Promise<void>
  /** Ends at once. */
  abort(): void
  readonly events: AsyncIterable<SttEvent>
}

export type SpeechErrorCode = 'auth' | 'quota' | 'network' | 'protocol' | 'unsupported'

export type SttEvent =
  | { readonly kind: 'speechStarted' | 'speechEnded'; readonly atMs: number }
  | { readonly kind: 'interim'; readonly segment: number; readonly text: string; readonly stability?: number }
  | {
      readonly kind: 'final'
      readonly segment: number
      readonly text: string
      readonly startMs: number
      readonly endMs: number
      readonly words?: readonly Word[]
      readonly confidence?: number
    }
  /** `eager`: likely over, may be taken back by `turnResumed`. */
  | { readonly kind: 'endOfTurn'; readonly eager: boolean; readonly confidence?: number }
  | { readonly kind: 'turnResumed' }
  | { readonly kind: 'error'; readonly code: SpeechErrorCode; readonly retryable: boolean; readonly message: string }
  | { readonly kind: 'closed' }

// ---------------------------------------------------------------- text to speech

export interface TextToSpeech {
  readonly id: string
  capabilities(): TtsCapabilities
  /** One session per call, kept warm. */
  open(options: TtsOptions): Promise<TtsSession>
}

export interface TtsCapabilities {
  readonly outputs: readonly AudioFormat[]
  readonly languages: readonly string[]
  /** Takes text that is still being written. */
  readonly streamsText: boolean
  /** Where word times come from; 'none': they are estimated by the adapter. */
  readonly words: 'engine' | 'none'
  readonly ssml: boolean
}

export interface TtsOptions {
  readonly voice: string
  readonly language: string
  readonly output: AudioFormat
  readonly signal: AbortSignal
}

export interface TtsSession {
  /**
   * Says one utterance. Reading the events pulls the sound: an adapter stops reading its socket while nobody reads here.
   *
   * @param utterance.signal what was asked for is not wanted any more; nothing comes after it
   */
  speak(utterance: TtsUtterance): AsyncIterable<TtsEvent>
  close(): Promise<void>
}

export interface TtsUtterance {
  readonly id: string
  readonly text: string | AsyncIterable<string>
  readonly signal: AbortSignal
}

export type TtsEvent =
  | { readonly kind: 'audio'; readonly data: Uint8Array; readonly format: AudioFormat }
  /** Times count from the utterance's start. `estimated`: shared out, not measured by the engine. */
  | { readonly kind: 'words'; readonly words: readonly Word[]; readonly estimated: boolean }
  | { readonly kind: 'end'; readonly durationMs: number }
  | { readonly kind: 'error'; readonly code: SpeechErrorCode; readonly retryable: boolean; readonly message: string }

// ---------------------------------------------------------------- detectors

/** Voice activity. Synchronous, without allocation; one instance per ear. */
export interface Vad {
  readonly frameMs: number
  readonly rateHz: 8000 | 16000
  /** @returns the probability (0 to 1) that the frame holds speech */
  process(frame: Int16Array): number
  /** Forgets what was heard before. */
  reset(): void
}

export interface TurnContext {
  /** Up to the last 8 s. */
  readonly audio16k?: () => Float32Array
  readonly text?: string
  /** Oldest first. */
  readonly history?: readonly { readonly who: 'caller' | 'agent'; readonly text: string }[]
  readonly silenceMs: number
}

export interface TurnDetector {
  /** @returns how likely (0 to 1) the caller has finished, and how long to wait before asking again */
  predict(context: TurnContext): Promise<{ readonly complete: number; readonly waitMs?: number }>
}
