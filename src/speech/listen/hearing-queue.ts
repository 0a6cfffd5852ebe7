/**
 * The utterances of all ears and the few recognisers they share. An ear's utterances keep their order; one without a
 * recogniser waits with its sound. Callers who wait for an answer come first.
 */

import type { Millis } from '../../kernel/clock.ts'
import type { ListenEvent } from '../protocol.ts'
import type { Recogniser, RecogniserPool, Verdict } from './port.ts'
import type { TurnEnd, Utterance } from './utterance.ts'

/** Samples fed in one go: a detector frame. Recognising one takes about 2 ms. */
const PIECE_SAMPLES = 256
/** No text before this much sound, of which 192 ms are pre-roll: the first guesses are noise. */
const FIRST_TEXT_SAMPLES = 3936
/** What is shorter and no phrase is a cough or a knock: not speech that was rejected. */
const SHORTEST_SPEECH_MS = 160
const NOTHING: Verdict = { text: '', rejected: false }

export interface HearingQueueOptions {
  readonly pool: RecogniserPool
  readonly emit: (event: ListenEvent) => void
  /** For the mark of the final text, taken after the work is done, and to keep to the time given. */
  readonly clock: () => Millis
}

export class HearingQueue {
  readonly #pool: RecogniserPool
  readonly #emit: (event: ListenEvent) => void
  readonly #clock: () => Millis
  #utterances: Utterance[] = []
  /** Samples heard of utterances that are over, by ear. */
  readonly #heard = new Map<number, number>()

  constructor(options: HearingQueueOptions) {
    this.#pool = options.pool
    this.#emit = options.emit
    this.#clock = options.clock
  }

  add(utterance: Utterance): void {
    this.#utterances.push(utterance)
  }

  /** Samples that recognisers were given for an ear that is let go of. */
  takeHeard(ear: number): number {
    const heard = this.#heard.get(ear) ?? 0
    this.#heard.delete(ear)
    return heard
  }

  /** Whether an utterance of this ear still waits for its result. */
  has(ear: number): boolean {
    return this.#utterances.some((utterance) => utterance.ear === ear)
  }

  /** Gives up on an ear's utterances, all of which have ended: they are told without a text. */
  abandon(ear: number): void {
    for (const utterance of this.#utterances.filter((other) => other.ear === ear)) this.#dismiss(utterance)
  }

  /** Works until nothing can be done now, or until `deadline`. @returns pieces of work done */
  work(deadline: Millis): number {
    let done = 0
    while (this.#clock() <= deadline && this.#byUrgency().some((utterance) => this.#advance(utterance))) done++
    return done
  }

  /** Those whose caller waits for an answer first, then those that may end any moment, then the others, oldest first. */
  #byUrgency(): readonly Utterance[] {
    const urgency = ({ end, isShut }: Utterance) => (end ? 0 : isShut ? 1 : 2)
    return this.#utterances.length < 2
      ? this.#utterances
      : [...this.#utterances].sort((a, b) => urgency(a) - urgency(b))
  }

  /** Takes one step with one utterance. @returns whether there was one to take */
  #advance(utterance: Utterance): boolean {
    if (utterance.isFailed) return this.#dismiss(utterance)
    const recogniser = utterance.recogniser ?? this.#begin(utterance)
    if (!recogniser) return false
    const task = this.#nextTask(utterance, recogniser)
    if (task) this.#guard(utterance, task)
    return task !== null
  }

  #nextTask(utterance: Utterance, recogniser: Recogniser): (() => void) | null {
    const { waiting, end, isShut, verdict } = utterance
    const isWhole = isShut || end !== null
    if (!utterance.isPrimed) {
      return isWhole || waiting >= recogniser.primeSamples ? () => this.#prime(utterance, recogniser) : null
    }
    if (waiting >= PIECE_SAMPLES || (waiting > 0 && isWhole)) {
      return verdict ? () => this.#startOver(utterance, recogniser) : () => this.#feed(utterance, recogniser)
    }
    if (isWhole && !verdict) return () => this.#settle(utterance, recogniser)
    return end && verdict ? () => this.#tell(utterance, end, verdict) : null
  }

  #begin(utterance: Utterance): Recogniser | null {
    const isNext = this.#utterances.find((other) => other.ear === utterance.ear) === utterance
    const recogniser = isNext ? this.#pool.take() : null
    utterance.recogniser = recogniser
    if (recogniser) this.#guard(utterance, () => recogniser.begin(utterance.phrases))
    return utterance.recogniser
  }

  #prime(utterance: Utterance, recogniser: Recogniser): void {
    utterance.isPrimed = true
    recogniser.prime(utterance.beginning(recogniser.primeSamples))
  }

  #feed(utterance: Utterance, recogniser: Recogniser): void {
    recogniser.feed(utterance.next(PIECE_SAMPLES))
    if (utterance.fed >= FIRST_TEXT_SAMPLES) this.#show(utterance, recogniser.partial())
  }

  /**
   * In a silence the result is made at once, for the case that the turn ends here: then it is ready when the end is
   * decided, and whether it is a whole phrase is known, which decides when that is.
   */
  #settle(utterance: Utterance, recogniser: Recogniser): void {
    utterance.verdict = recogniser.end()
    this.#show(utterance, utterance.verdict.text)
  }

  #startOver(utterance: Utterance, recogniser: Recogniser): void {
    utterance.verdict = null
    recogniser.again()
    utterance.rewind()
  }

  #show(utterance: Utterance, spoken: string): void {
    utterance.text = spoken
    const text = utterance.phrases.written(spoken)
    if (text === '' || text === utterance.told || utterance.end) return
    utterance.told = text
    this.#emit({ kind: 'interim', ear: utterance.ear, utterance: utterance.number, text, at: this.#clock() })
  }

  /** The turn ends without a text: its recogniser broke, or nobody wants to know. */
  #dismiss(utterance: Utterance): boolean {
    if (!utterance.end) return false
    this.#tell(utterance, utterance.end, NOTHING)
    return true
  }

  #tell(utterance: Utterance, end: TurnEnd, verdict: Verdict): void {
    this.#utterances = this.#utterances.filter((other) => other !== utterance)
    if (utterance.recogniser) this.#pool.give(utterance.recogniser)
    utterance.recogniser = null
    const { ear, number, phrases, onsetAt } = utterance
    this.#heard.set(ear, (this.#heard.get(ear) ?? 0) + utterance.heard)
    const text = verdict.text === '' ? '' : phrases.written(verdict.text)
    const rejected = verdict.rejected && end.lastVoicedAt - onsetAt >= SHORTEST_SPEECH_MS
    const marks = { ...end, finalAt: this.#clock() }
    this.#emit({ kind: 'heard', ear, utterance: number, text, rejected, onsetAt, marks })
  }

  /** Engines may throw: then that utterance has no text, and a new recogniser takes the broken one's place. */
  #guard(utterance: Utterance, work: () => void): void {
    const { recogniser } = utterance
    try {
      work()
    } catch {
      utterance.isFailed = true
      utterance.recogniser = null
      utterance.text = ''
      if (recogniser) this.#pool.replace(recogniser)
    }
  }
}
