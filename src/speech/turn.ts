/**
 * When a caller's turn begins and ends: a policy over the voice detector's probabilities. It counts samples of the
 * ear's timeline and knows no clock. Pure.
 */

import { step, type Table } from '../kernel/machine.ts'
import type { Completeness } from './phrases.ts'

export interface TurnRules {
  /** A frame at least this probable is voice. */
  readonly voiceAbove: number
  /** A frame less probable than this is silence. Between the two, things stay as they are. */
  readonly silenceBelow: number
  /** Voice needed before an utterance begins. */
  readonly confirmMs: number
  /** Silence that ends an utterance whose text is a phrase no other phrase goes on from. */
  readonly completeWaitMs: number
  /** Silence that ends any other utterance. */
  readonly waitMs: number
  /** Longest utterance. */
  readonly limitMs: number
}

export const TURN_RULES: TurnRules = {
  voiceAbove: 0.5,
  silenceBelow: 0.35,
  confirmMs: 64,
  completeWaitMs: 300,
  waitMs: 500,
  limitMs: 15_000,
}

export type EndOfTurn = 'complete' | 'extensible' | 'silence' | 'limit' | 'finish'

export type TurnNews =
  /** `onset` is the first sample of the first frame with voice. */
  { readonly kind: 'started'; readonly onset: number } | { readonly kind: 'ended'; readonly why: EndOfTurn }

export type TurnState = 'quiet' | 'rising' | 'speaking' | 'falling'
type Input = 'voice' | 'enoughVoice' | 'unsure' | 'silence' | 'enoughSilence' | 'limit' | 'finish'
type Action = 'markOnset' | 'start' | 'markSilence' | 'end'

export const TURN: Table<TurnState, Input, Action> = {
  quiet: {
    voice: { to: 'rising', run: ['markOnset'] },
    enoughVoice: { to: 'speaking', run: ['markOnset', 'start'] },
    unsure: 'ignore',
    silence: 'ignore',
    enoughSilence: 'bug',
    limit: 'bug',
    finish: 'ignore',
  },
  rising: {
    voice: { to: 'rising' },
    enoughVoice: { to: 'speaking', run: ['start'] },
    unsure: { to: 'rising' },
    silence: { to: 'quiet' },
    enoughSilence: 'bug',
    limit: 'bug',
    finish: { to: 'quiet' },
  },
  speaking: {
    voice: { to: 'speaking' },
    enoughVoice: { to: 'speaking' },
    unsure: { to: 'speaking' },
    silence: { to: 'falling', run: ['markSilence'] },
    enoughSilence: { to: 'quiet', run: ['markSilence', 'end'] },
    limit: { to: 'quiet', run: ['end'] },
    finish: { to: 'quiet', run: ['end'] },
  },
  falling: {
    voice: { to: 'speaking' },
    enoughVoice: { to: 'speaking' },
    unsure: { to: 'falling' },
    silence: { to: 'falling' },
    enoughSilence: { to: 'quiet', run: ['end'] },
    limit: { to: 'quiet', run: ['end'] },
    finish: { to: 'quiet', run: ['end'] },
  },
}

/** One ear's turns. Frames come in order, without gaps; after a gap, `finish` and go on. */
export class TurnTaker {
  readonly #rules: TurnRules
  readonly #samplesPerMs: number
  #state: TurnState = 'quiet'
  #voiced = 0
  #onset = 0
  /** Where the silence after the last voice began. */
  #silentFrom = 0

  constructor(rateHz: number, rules: TurnRules = TURN_RULES) {
    this.#samplesPerMs = rateHz / 1000
    this.#rules = rules
  }

  get state(): TurnState {
    return this.#state
  }

  /** While falling: the first sample of the silence. Otherwise without meaning. */
  get silentFrom(): number {
    return this.#silentFrom
  }

  /**
   * Hears the frame of samples `from` up to (not with) `to`.
   *
   * @param text asked only in a silence: how the text heard so far relates to the phrases
   */
  hear(probability: number, from: number, to: number, text: () => Completeness): TurnNews | null {
    let why: EndOfTurn = 'limit'
    const input = this.#sort(probability, from, to)
    if (input === 'silence' && this.#isInTurn()) {
      const silentFrom = this.#state === 'falling' ? this.#silentFrom : from
      const silentMs = (to - silentFrom) / this.#samplesPerMs
      if (silentMs >= this.#rules.completeWaitMs) {
        const completeness = text()
        const waitMs = completeness === 'complete' ? this.#rules.completeWaitMs : this.#rules.waitMs
        why = completeness === 'open' ? 'silence' : completeness
        return this.#take(silentMs >= waitMs ? 'enoughSilence' : 'silence', from, why)
      }
    }
    return this.#take(input, from, why)
  }

  /** The sound is over, or has a gap. @returns the end of the utterance, when one was open */
  finish(why: 'finish' | 'silence'): TurnNews | null {
    return this.#take('finish', this.#silentFrom, why)
  }

  #isInTurn(): boolean {
    return this.#state === 'speaking' || this.#state === 'falling'
  }

  #sort(probability: number, from: number, to: number): Input {
    const { voiceAbove, silenceBelow, confirmMs, limitMs } = this.#rules
    if (this.#isInTurn() && (to - this.#onset) / this.#samplesPerMs >= limitMs) return 'limit'
    if (probability < silenceBelow) return 'silence'
    if (probability < voiceAbove) return 'unsure'
    this.#voiced = (this.#state === 'quiet' ? 0 : this.#voiced) + (to - from)
    return this.#voiced / this.#samplesPerMs >= confirmMs ? 'enoughVoice' : 'voice'
  }

  #take(input: Input, from: number, why: EndOfTurn): TurnNews | null {
    const { to, run } = step('turn', TURN, this.#state, input)
    this.#state = to
    if (run.includes('markOnset')) this.#onset = from
    if (run.includes('markSilence')) this.#silentFrom = from
    if (run.includes('start')) return { kind: 'started', onset: this.#onset }
    if (run.includes('end')) return { kind: 'ended', why }
    return null
  }
}
