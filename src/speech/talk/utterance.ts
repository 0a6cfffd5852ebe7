/** One `utter`: its clauses still to be rendered, and its sound still to be written. */

import type { Millis } from '../../kernel/clock.ts'
import type { TalkCommand } from '../protocol.ts'
import { type Clause, splitClauses } from '../sentences.ts'
import type { RenderedClause, Synthesiser } from './engine.ts'
import { withoutMarkup } from './markup.ts'
import { SayWriter, type SoundSink } from './say-writer.ts'
import type { Spoken, Step } from './spoken.ts'

export type Utter = Extract<TalkCommand, { kind: 'utter' }>

export class Utterance implements Spoken {
  readonly command: Utter
  readonly #rateHz: number
  readonly #writer: SayWriter
  /** Clauses not rendered yet, in order; only those with something to say. */
  readonly #clauses: Clause[]
  #rendered = 0

  constructor(command: Utter, rateHz: number, engine: Synthesiser) {
    this.command = command
    this.#rateHz = rateHz
    this.#writer = new SayWriter(command, rateHz)
    this.#clauses = splitClauses(withoutMarkup(command.text)).filter((clause) => engine.isSpeakable(clause.text))
  }

  get hasMore(): boolean {
    return this.#clauses.length > 0
  }

  get hasEnded(): boolean {
    return this.#writer.hasEnded
  }

  get totalSamples(): number {
    return this.#writer.totalSamples
  }

  get waitingMs(): number {
    return this.#writer.waitingMs
  }

  lead(silenceMs: number): void {
    if (this.#rendered === 0) this.#writer.append(this.#silence(silenceMs))
  }

  /** Renders the next clause and appends the pause that belongs before the one after it. */
  renderNext(engine: Synthesiser): Step {
    const clause = this.#clauses.shift()!
    const rendered = this.#renderOrGiveUp(engine, clause)
    const before = this.totalSamples
    const words = rendered.words.map((word) => ({
      charStart: clause.charStart + word.charStart,
      charEnd: clause.charStart + word.charEnd,
      startSample: before + word.startSample,
      endSample: before + word.endSample,
    }))
    const final = this.#clauses.length === 0
    this.#writer.append(rendered.samples)
    if (!final) this.#writer.append(this.#silence(clause.pauseMs))
    const characters = [...clause.text.trim()].length
    const { name: spokenBy = '' } = engine
    const counts = { characters, cached: rendered.cached ?? false, engine: spokenBy }
    const news = { clause: this.#rendered++, words, totalSamples: this.totalSamples, final, ...counts }
    return { news, cpuMs: rendered.cpuMs }
  }

  pump(sink: SoundSink, now: Millis): void {
    this.#writer.pump(sink, !this.hasMore, now)
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
}
