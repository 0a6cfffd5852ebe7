/**
 * A listen thread for simulations: the same commands, events and timing as `speech/listen/thread.ts`, but it understands
 * only the chords of `chord.ts`, and tells speech from silence by level. Anything else is heard and rejected.
 */

import type { Millis } from '../../../kernel/clock.ts'
import {
  emptyHeader,
  MAX_RECORD_SAMPLES,
  type RecordHeader,
  type RingBuffer,
  RingReader,
} from '../../../kernel/ring.ts'
import { normalise, PhraseList } from '../../phrases.ts'
import type { ListenCommand, ListenEvent } from '../../protocol.ts'
import { CHORD_RATE_HZ, ChordReader, encodeSpeech } from './chord.ts'

/** Every phrase of a simulation: a caller's voice and the ears share it. */
export type Vocabulary = readonly string[]

/** The sound of a phrase, as a simulated caller speaks it (8 kHz). @throws when the vocabulary does not hold it */
export function speakPhrase(vocabulary: Vocabulary, phrase: string): Int16Array {
  const spoken = normalise(phrase)
  const index = vocabulary.findIndex((known) => normalise(known) === spoken)
  if (index < 0) throw new RangeError(`not in the vocabulary: ${phrase}`)
  return encodeSpeech(index)
}

export interface ScriptedEarsOptions {
  readonly vocabulary: Vocabulary
  /** Accepted where a call names none; the whole vocabulary when left out. */
  readonly defaultPhrases?: readonly string[]
  readonly emit: (event: ListenEvent) => void
  /** Opens the reading end of a leg's hearing ring. */
  readonly newRingReader?: (hearing: RingBuffer) => Hearing
}

/** The reading end of a leg's hearing ring. */
export type Hearing = Pick<RingReader, 'pop'>

/** Voiced sound needed before speech is believed, and silence after which it is over. */
const CONFIRM_MS = 64
const HANG_OVER_MS = 300
const LIMIT_MS = 15_000
/** About -40 dBFS. */
const VOICED_RMS = 330

export class ScriptedEars {
  readonly #options: ScriptedEarsOptions
  readonly #defaultPhrases: PhraseList
  readonly #ears = new Map<number, Ear>()

  constructor(options: ScriptedEarsOptions) {
    this.#options = options
    this.#defaultPhrases = new PhraseList(options.defaultPhrases ?? options.vocabulary)
  }

  handle(command: ListenCommand, now: Millis): void {
    switch (command.kind) {
      case 'attach':
        this.#attach(command, now)
        break
      case 'setPhrases':
        this.#setPhrases(command.ear, command.phrases)
        break
      case 'detach':
        this.#detach(command.ear, command.finish, now)
        break
      case 'shutDown':
        for (const ear of [...this.#ears.keys()]) this.#detach(ear, false, now)
        break
      default:
        command satisfies never
    }
  }

  /** Hears what is in the rings. @returns records read */
  poll(now: Millis): number {
    let records = 0
    for (const ear of this.#ears.values()) records += ear.listen(now)
    return records
  }

  #attach(command: Extract<ListenCommand, { kind: 'attach' }>, now: Millis): void {
    const { ear, leg, hearing, rateHz, phrases } = command
    if (rateHz !== CHORD_RATE_HZ) {
      this.#options.emit({ kind: 'attachFailed', ear, why: `cannot hear at ${rateHz} Hz` })
      return
    }
    const reader = this.#options.newRingReader?.(hearing) ?? new RingReader(hearing)
    this.#ears.set(ear, new Ear(ear, leg.generation, reader, this.#phrases(phrases), this.#options))
    this.#options.emit({ kind: 'attached', ear, at: now })
  }

  #setPhrases(ear: number, phrases: readonly string[] | null): void {
    const known = this.#ears.get(ear)
    if (!known) return
    known.phrases = this.#phrases(phrases)
    this.#options.emit({ kind: 'phrasesSet', ear, count: known.phrases.spoken().length, unknownWords: [] })
  }

  #phrases(phrases: readonly string[] | null): PhraseList {
    return phrases === null ? this.#defaultPhrases : new PhraseList(phrases)
  }

  #detach(ear: number, finish: boolean, now: Millis): void {
    const known = this.#ears.get(ear)
    if (!known) return
    if (finish) known.listen(now)
    known.finish(now)
    this.#ears.delete(ear)
    this.#options.emit({ kind: 'detached', ear, at: now, heardMs: known.heardMs, engine: 'scripted' })
  }
}

/** One stretch of voiced sound. */
interface Utterance {
  readonly onsetAt: Millis
  readonly reader: ChordReader
  /** 0 until the speech is believed and told. */
  number: number
  voicedMs: number
  lastVoicedAt: Millis
  silentMs: number
  silentSince: Millis
  nextSample: number
}

class Ear {
  readonly #ear: number
  readonly #generation: number
  readonly #hearing: Hearing
  readonly #options: ScriptedEarsOptions
  readonly #record: RecordHeader = emptyHeader()
  readonly #samples = new Int16Array(MAX_RECORD_SAMPLES)
  #utterance: Utterance | null = null
  #utterances = 0
  phrases: PhraseList
  /** Sound of utterances so far. */
  heardMs = 0

  constructor(ear: number, generation: number, hearing: Hearing, phrases: PhraseList, options: ScriptedEarsOptions) {
    this.phrases = phrases
    this.#ear = ear
    this.#generation = generation
    this.#hearing = hearing
    this.#options = options
  }

  listen(now: Millis): number {
    let records = 0
    while (this.#hearing.pop(this.#record, this.#samples)) {
      records++
      if (this.#record.generation === this.#generation) this.#hear(now)
    }
    return records
  }

  /** What was begun ends with what was heard of it. */
  finish(now: Millis): void {
    if (this.#utterance) this.#end(this.#utterance, 'finish', now)
  }

  #hear(now: Millis): void {
    const { count, atMs, firstSample } = this.#record
    const lengthMs = (count * 1000) / CHORD_RATE_HZ
    const isVoiced = rms(this.#samples, count) >= VOICED_RMS
    if (!this.#utterance && !isVoiced) return
    this.#utterance ??= newUtterance(atMs, firstSample)
    this.heardMs += lengthMs
    const utterance = this.#utterance
    if (firstSample !== utterance.nextSample) utterance.reader.breakOff()
    utterance.nextSample = firstSample + count
    if (isVoiced) this.#voiced(utterance, lengthMs, now)
    else this.#silent(utterance, lengthMs, now)
  }

  #voiced(utterance: Utterance, lengthMs: number, now: Millis): void {
    utterance.reader.add(this.#samples, this.#record.count)
    utterance.voicedMs += lengthMs
    utterance.lastVoicedAt = this.#record.atMs
    utterance.silentMs = 0
    if (utterance.number === 0 && utterance.voicedMs >= CONFIRM_MS) {
      utterance.number = ++this.#utterances
      this.#options.emit({
        kind: 'speechStarted',
        ear: this.#ear,
        utterance: utterance.number,
        onsetAt: utterance.onsetAt,
        at: now,
      })
    }
    if (this.#record.atMs - utterance.onsetAt >= LIMIT_MS) this.#end(utterance, 'limit', now)
  }

  #silent(utterance: Utterance, lengthMs: number, now: Millis): void {
    if (utterance.silentMs === 0) utterance.silentSince = this.#record.atMs
    utterance.reader.breakOff()
    utterance.silentMs += lengthMs
    if (utterance.silentMs >= HANG_OVER_MS) this.#end(utterance, 'complete', now)
  }

  /** Sound too short to be speech leaves no trace. */
  #end(utterance: Utterance, endOfTurn: 'complete' | 'limit' | 'finish', now: Millis): void {
    this.#utterance = null
    if (utterance.number === 0) return
    const { number, onsetAt, lastVoicedAt } = utterance
    const text = this.#understood(utterance.reader.number())
    const detectorAt = utterance.silentMs > 0 ? utterance.silentSince : now
    const marks = {
      lastVoicedAt,
      detectorAt,
      endOfTurnAt: now,
      endOfTurn: text === '' && endOfTurn === 'complete' ? 'silence' : endOfTurn,
      finalAt: now,
    } as const
    this.#options.emit({ kind: 'speechEnded', ear: this.#ear, utterance: number, lastVoicedAt, at: now })
    this.#options.emit({
      kind: 'heard',
      ear: this.#ear,
      utterance: number,
      text,
      rejected: text === '',
      onsetAt,
      marks,
    })
  }

  #understood(index: number | null): string {
    const spoken = normalise((index === null ? undefined : this.#options.vocabulary[index]) ?? '')
    return this.phrases.completeness(spoken) === 'open' ? '' : this.phrases.written(spoken)
  }
}

function newUtterance(onsetAt: Millis, firstSample: number): Utterance {
  return {
    onsetAt,
    reader: new ChordReader(),
    number: 0,
    voicedMs: 0,
    lastVoicedAt: onsetAt,
    silentMs: 0,
    silentSince: onsetAt,
    nextSample: firstSample,
  }
}

function rms(samples: Int16Array, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += samples[i]! * samples[i]!
  return count === 0 ? 0 : Math.sqrt(sum / count)
}
