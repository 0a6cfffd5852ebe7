/** One utterance on its way to the recogniser: the sound that waits, how far it was fed, and the marks taken so far. */

import type { Millis } from '../../kernel/clock.ts'
import type { PhraseList } from '../phrases.ts'
import type { EndOfTurn } from '../turn.ts'
import type { Recogniser, Verdict } from './port.ts'

const FIRST_SAMPLES = 16_000

export interface TurnEnd {
  readonly lastVoicedAt: Millis
  readonly detectorAt: Millis
  readonly endOfTurnAt: Millis
  readonly endOfTurn: EndOfTurn
}

export class Utterance {
  readonly ear: number
  readonly number: number
  readonly phrases: PhraseList
  readonly onsetAt: Millis
  /** Timeline position of the first sample, pre-roll included. */
  readonly firstSample: number
  #sound = new Int16Array(FIRST_SAMPLES)
  #length = 0
  #fed = 0
  #furthest = 0
  /** The recogniser hears no further than this, in samples of the utterance. */
  #audibleTo = Number.POSITIVE_INFINITY

  /** Set while a recogniser works on it. */
  recogniser: Recogniser | null = null
  isPrimed = false
  /** What it is if nothing more is said. */
  verdict: Verdict | null = null
  /** The text so far, in spoken form. */
  text = ''
  /** Set when the turn is over: nothing more is added. */
  end: TurnEnd | null = null
  /** The interim text told last. */
  told = ''
  /** Its recogniser broke. */
  isFailed = false

  constructor(ear: number, number: number, phrases: PhraseList, onsetAt: Millis, firstSample: number) {
    this.ear = ear
    this.number = number
    this.phrases = phrases
    this.onsetAt = onsetAt
    this.firstSample = firstSample
  }

  add(samples: Int16Array): void {
    if (this.#length + samples.length > this.#sound.length) {
      const larger = new Int16Array(2 * (this.#length + samples.length))
      larger.set(this.#sound.subarray(0, this.#length))
      this.#sound = larger
    }
    this.#sound.set(samples, this.#length)
    this.#length += samples.length
  }

  /** Silence spoils recognition: sound after timeline position `sample` is held back, until this is called again. */
  hearUpTo(sample: number): void {
    this.#audibleTo = sample - this.firstSample
  }

  /** Samples the recogniser may have and has not had. */
  get waiting(): number {
    return Math.max(0, Math.min(this.#length, this.#audibleTo) - this.#fed)
  }

  /** Whether all that may be heard for now is here: a silence goes on. */
  get isShut(): boolean {
    return this.#length >= this.#audibleTo
  }

  get fed(): number {
    return this.#fed
  }

  /** Samples that a recogniser was given, however often. */
  get heard(): number {
    return this.#furthest
  }

  /** The first samples, for the recogniser to learn the line from. A view: use it before the next `add`. */
  beginning(limit: number): Int16Array {
    return this.#sound.subarray(0, Math.min(limit, this.#length, this.#audibleTo))
  }

  /** The recogniser starts over from the first sample. */
  rewind(): void {
    this.#fed = 0
  }

  /** The next piece for the recogniser, at most `limit` samples. A view: use it before the next `add`. */
  next(limit: number): Int16Array {
    const from = this.#fed
    this.#fed += Math.min(limit, this.waiting)
    this.#furthest = Math.max(this.#furthest, this.#fed)
    return this.#sound.subarray(from, this.#fed)
  }
}
