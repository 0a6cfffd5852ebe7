/**
 * One attachment to a leg: reads its sound, keeps it in whole detector frames, and cuts utterances out of it. Knows
 * nothing of recognisers; it hands every utterance over the moment it begins.
 */

import type { Millis } from '../../kernel/clock.ts'
import { emptyHeader, MAX_RECORD_SAMPLES, type RecordHeader } from '../../kernel/ring.ts'
import type { LegRef } from '../../media/protocol.ts'
import type { PhraseList } from '../phrases.ts'
import type { ListenEvent } from '../protocol.ts'
import { type EndOfTurn, TurnTaker } from '../turn.ts'
import { Arrivals } from './arrivals.ts'
import type { Detector, Hearing } from './port.ts'
import { Utterance } from './utterance.ts'

const RATE_HZ = 8000
/** Sound before the onset that the recogniser hears too: soft beginnings, and what the noise is like. */
const PRE_ROLL_SAMPLES = 1536
/** Sound after the last voice that the recogniser hears too. */
const TAIL_SAMPLES = 1024
/** Sound kept while nobody speaks: the pre-roll, the confirming frames, and some room. */
const HISTORY_SAMPLES = 4096
/** A hole up to this size is filled with silence; a larger one ends the utterance. */
const LARGEST_HOLE_SAMPLES = 1600
/** An utterance without any new sound for this long is over. */
const STALLED_MS = 1000

export interface EarOptions {
  readonly ear: number
  readonly leg: LegRef
  readonly hearing: Hearing
  readonly detector: Detector
  readonly phrases: PhraseList
  readonly emit: (event: ListenEvent) => void
  readonly onUtterance: (utterance: Utterance) => void
}

export class Ear {
  readonly #options: EarOptions
  readonly #turns = new TurnTaker(RATE_HZ)
  readonly #arrivals = new Arrivals()
  readonly #record = emptyHeader()
  readonly #samples = new Int16Array(MAX_RECORD_SAMPLES)
  readonly #silence = new Int16Array(MAX_RECORD_SAMPLES)
  readonly #history = new Int16Array(HISTORY_SAMPLES)
  readonly #frame: Int16Array
  #frameFilled = 0
  /** Timeline position of the next sample, -1 before the first. */
  #position = -1
  /** Samples of the history that are sound of this stretch. */
  #historyFilled = 0
  #utterance: Utterance | null = null
  #utterances = 0
  #fellAt: Millis = 0
  #lastSoundAt: Millis = 0
  /** How long the latest record had waited for this thread, in ms. */
  waitedMs = 0
  phrases: PhraseList

  constructor(options: EarOptions) {
    this.#options = options
    this.#frame = new Int16Array(options.detector.frameSamples)
    this.phrases = options.phrases
  }

  get id(): number {
    return this.#options.ear
  }

  /** Records lost since the last time this was asked. */
  takeDropped(): number {
    return this.#options.hearing.takeDropped()
  }

  /** Reads all that has come. @returns how many records it read */
  listen(now: Millis): number {
    let read = 0
    while (this.#options.hearing.pop(this.#record, this.#samples)) {
      read++
      if (this.#record.generation === this.#options.leg.generation) this.#take(this.#record, now)
    }
    if (read > 0) this.#lastSoundAt = now
    else if (this.#utterance && now - this.#lastSoundAt >= STALLED_MS) this.#interrupt('silence', now)
    return read
  }

  /** No more sound will come: an open utterance ends here. */
  finish(now: Millis): void {
    this.#interrupt('finish', now)
  }

  #take(record: RecordHeader, now: Millis): void {
    this.waitedMs = now - record.atMs
    const hole = this.#position < 0 ? 0 : record.firstSample - this.#position
    if (hole < 0 || hole > LARGEST_HOLE_SAMPLES) this.#interrupt('silence', now)
    else if (hole > 0) this.#fill(hole, record.atMs, now)
    this.#position = record.firstSample
    this.#append(this.#samples, record.count, record.atMs, now)
  }

  #fill(hole: number, atMs: Millis, now: Millis): void {
    for (let left = hole; left > 0; left -= MAX_RECORD_SAMPLES) {
      this.#append(this.#silence, Math.min(left, MAX_RECORD_SAMPLES), atMs, now)
    }
  }

  #append(samples: Int16Array, count: number, atMs: Millis, now: Millis): void {
    this.#arrivals.add(this.#position, samples, count, atMs, this.#utterance !== null)
    for (let done = 0; done < count; ) {
      const part = Math.min(count - done, this.#frame.length - this.#frameFilled)
      this.#frame.set(samples.subarray(done, done + part), this.#frameFilled)
      this.#frameFilled += part
      this.#position += part
      done += part
      if (this.#frameFilled === this.#frame.length) this.#hearFrame(now)
    }
  }

  #hearFrame(now: Millis): void {
    const { detector } = this.#options
    this.#frameFilled = 0
    this.#remember(this.#frame)
    this.#utterance?.add(this.#frame)
    const from = this.#position - this.#frame.length
    const before = this.#turns.state
    const news = this.#turns.hear(detector.probability(this.#frame), from, this.#position, this.#completeness)
    if (news?.kind === 'started') this.#start(news.onset, now)
    else if (news) this.#end(news.why, now)
    else if (this.#turns.state !== before) this.#follow(now)
  }

  readonly #completeness = () => {
    const utterance = this.#utterance
    return utterance ? utterance.phrases.completeness(utterance.text) : 'open'
  }

  /** The recogniser's hearing follows the detector: shut in a silence, open again when the voice goes on. */
  #follow(now: Millis): void {
    if (this.#turns.state === 'falling') {
      this.#fellAt = now
      this.#utterance?.hearUpTo(this.#turns.silentFrom + TAIL_SAMPLES)
    } else if (this.#turns.state === 'speaking') {
      this.#utterance?.hearUpTo(Number.POSITIVE_INFINITY)
    }
  }

  #start(onset: number, now: Millis): void {
    const { ear, emit, onUtterance } = this.#options
    const samples = Math.min(this.#historyFilled, this.#position - onset + PRE_ROLL_SAMPLES)
    const firstSample = this.#position - samples
    const onsetAt = this.#arrivals.soundBegan(onset, firstSample)
    const utterance = new Utterance(ear, ++this.#utterances, this.phrases, onsetAt, firstSample)
    utterance.add(this.#history.subarray(HISTORY_SAMPLES - samples))
    this.#utterance = utterance
    emit({ kind: 'speechStarted', ear, utterance: utterance.number, onsetAt, at: now })
    onUtterance(utterance)
  }

  #end(endOfTurn: EndOfTurn, now: Millis): void {
    const utterance = this.#utterance
    if (!utterance) return
    const isSilent = endOfTurn !== 'limit' && this.#fellAt > 0
    const voiceEnd = isSilent ? this.#turns.silentFrom : this.#position
    const lastVoicedAt = this.#arrivals.lastSound(voiceEnd, utterance.firstSample)
    utterance.end = { lastVoicedAt, detectorAt: isSilent ? this.#fellAt : now, endOfTurnAt: now, endOfTurn }
    this.#utterance = null
    this.#fellAt = 0
    const { ear, emit } = this.#options
    emit({ kind: 'speechEnded', ear, utterance: utterance.number, lastVoicedAt, at: now })
  }

  /** The stretch of sound is over; what comes next has nothing to do with it. */
  #interrupt(why: 'finish' | 'silence', now: Millis): void {
    const news = this.#turns.finish(why)
    if (news?.kind === 'ended') this.#end(news.why, now)
    this.#options.detector.reset()
    this.#frameFilled = 0
    this.#historyFilled = 0
  }

  #remember(frame: Int16Array): void {
    this.#history.copyWithin(0, frame.length)
    this.#history.set(frame, HISTORY_SAMPLES - frame.length)
    this.#historyFilled = Math.min(HISTORY_SAMPLES, this.#historyFilled + frame.length)
  }
}
