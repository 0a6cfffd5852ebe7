/**
 * One `utter`: its clauses still to be rendered, and its sound still to be written into the play-out ring as records of
 * one frame each.
 */

import type { Millis } from '../../kernel/clock.ts'
import { type RecordHeader, type RingWriter, SAY_END, SAY_START } from '../../kernel/ring.ts'
import type { TalkCommand, WordTime } from '../protocol.ts'
import { type Clause, splitClauses } from '../sentences.ts'
import type { RenderedClause, Synthesiser } from './engine.ts'
import { withoutMarkup } from './markup.ts'

export type Utter = Extract<TalkCommand, { kind: 'utter' }>

/** What one rendered clause adds to its say. */
export interface ClauseNews {
  readonly clause: number
  /** Characters of the whole text, samples of the whole say. */
  readonly words: readonly WordTime[]
  readonly totalSamples: number
  readonly final: boolean
}

/** The writing end of a leg's play-out ring. */
export type SoundSink = Pick<RingWriter, 'push'>

const FRAMES_PER_SECOND = 50

export class Utterance {
  readonly command: Utter
  readonly #rateHz: number
  readonly #frame: Int16Array
  readonly #record: RecordHeader
  /** Clauses not rendered yet, in order; only those with something to say. */
  readonly #clauses: Clause[]
  #rendered = 0
  /** Sound not written yet; `#offset` samples of the first piece are. */
  readonly #pieces: Int16Array[] = []
  #offset = 0
  #totalSamples = 0
  #writtenSamples = 0
  #hasBegun = false
  #hasEnded = false

  constructor(command: Utter, rateHz: number, engine: Synthesiser) {
    this.command = command
    this.#rateHz = rateHz
    this.#frame = new Int16Array(rateHz / FRAMES_PER_SECOND)
    this.#record = {
      slot: command.leg.slot,
      generation: command.leg.generation,
      epoch: command.epoch,
      sayId: command.sayId,
      firstSample: 0,
      count: 0,
      rateHz,
      flags: 0,
      atMs: 0,
      lane: command.lane,
    }
    this.#clauses = splitClauses(withoutMarkup(command.text)).filter((clause) => engine.isSpeakable(clause.text))
  }

  get clausesLeft(): number {
    return this.#clauses.length
  }

  /** Every record is in the ring. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Of the sound rendered so far, silence included. */
  get totalSamples(): number {
    return this.#totalSamples
  }

  /** Sound rendered and not yet written. */
  get waitingMs(): number {
    return ((this.#totalSamples - this.#writtenSamples) * 1000) / this.#rateHz
  }

  /** Puts silence before the first clause. Once something is rendered it does nothing. */
  lead(silenceMs: number): void {
    if (this.#rendered === 0) this.#append(this.#silence(silenceMs))
  }

  /**
   * Renders the next clause and appends the pause that belongs before the one after it.
   *
   * @throws what the engine throws; then the utterance has no clauses left
   */
  renderNext(engine: Synthesiser): { news: ClauseNews; rendered: RenderedClause } {
    const clause = this.#clauses.shift()!
    const rendered = this.#renderOrGiveUp(engine, clause)
    const words = rendered.words.map((word) => ({
      charStart: clause.charStart + word.charStart,
      charEnd: clause.charStart + word.charEnd,
      startSample: this.#totalSamples + word.startSample,
      endSample: this.#totalSamples + word.endSample,
    }))
    const final = this.#clauses.length === 0
    this.#append(rendered.samples)
    if (!final) this.#append(this.#silence(clause.pauseMs))
    return { news: { clause: this.#rendered++, words, totalSamples: this.#totalSamples, final }, rendered }
  }

  #renderOrGiveUp(engine: Synthesiser, clause: Clause): RenderedClause {
    try {
      return engine.render(clause.text, this.command.voice, this.#rateHz)
    } catch (error) {
      this.#clauses.length = 0
      throw error
    }
  }

  #silence(ms: number): Int16Array {
    return new Int16Array(Math.round((ms * this.#rateHz) / 1000))
  }

  #append(samples: Int16Array): void {
    if (samples.length > 0) this.#pieces.push(samples)
    this.#totalSamples += samples.length
  }

  /**
   * Writes what fits. A frame that is not full waits for the next clause; the last one may be short or, when there is
   * nothing left to say, empty.
   */
  pump(sink: SoundSink, now: Millis): void {
    while (!this.#hasEnded) {
      const isLastClause = this.#clauses.length === 0
      const waiting = this.#totalSamples - this.#writtenSamples
      if (waiting < this.#frame.length && !isLastClause) return
      const count = Math.min(waiting, this.#frame.length)
      const isLast = isLastClause && count === waiting
      if (!this.#write(sink, count, isLast, now)) return
    }
  }

  #write(sink: SoundSink, count: number, isLast: boolean, now: Millis): boolean {
    const record = this.#record
    record.firstSample = this.#writtenSamples
    record.count = count
    record.flags = (this.#hasBegun ? 0 : SAY_START) | (isLast ? SAY_END : 0)
    record.atMs = now
    this.#peek(count)
    if (!sink.push(record, this.#frame)) return false
    this.#advance(count)
    this.#hasBegun = true
    this.#hasEnded = isLast
    return true
  }

  /** Fills the frame without taking the samples away: the ring may refuse them. */
  #peek(count: number): void {
    let filled = 0
    for (let p = 0, from = this.#offset; filled < count; p++, from = 0) {
      const piece = this.#pieces[p]!
      const part = piece.subarray(from, from + count - filled)
      this.#frame.set(part, filled)
      filled += part.length
    }
  }

  #advance(count: number): void {
    this.#writtenSamples += count
    this.#offset += count
    while (this.#pieces[0] && this.#offset >= this.#pieces[0].length) {
      this.#offset -= this.#pieces[0].length
      this.#pieces.shift()
    }
  }
}
