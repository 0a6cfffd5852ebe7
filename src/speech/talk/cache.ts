/** Rendered clauses kept for the next time: a greeting said to every caller costs CPU once. */

import type { RenderedClause, Synthesiser } from './engine.ts'

const DEFAULT_BYTES = 16 * 1024 * 1024
/** What a clause holds beside its samples, roughly. */
const BYTES_PER_WORD = 64

export class CachedSynthesiser implements Synthesiser {
  readonly #engine: Synthesiser
  readonly #limitBytes: number
  /** Least recently used first. */
  readonly #clauses = new Map<string, RenderedClause>()
  #bytes = 0

  constructor(engine: Synthesiser, limitBytes = DEFAULT_BYTES) {
    this.#engine = engine
    this.#limitBytes = limitBytes
  }

  get name(): string {
    return this.#engine.name ?? ''
  }

  get sizeBytes(): number {
    return this.#bytes
  }

  isSpeakable(text: string): boolean {
    return this.#engine.isSpeakable(text)
  }

  render(text: string, voice: string, rateHz: number): RenderedClause {
    const trimmed = text.trim()
    const key = `${voice} ${rateHz} ${trimmed}`
    const known = this.#clauses.get(key)
    const clause = known ?? this.#engine.render(trimmed, voice, rateHz)
    this.#clauses.delete(key)
    if (known) this.#clauses.set(key, known)
    else this.#keep(key, { ...clause, cpuMs: 0, cached: true })
    return shifted(clause, text.length - text.trimStart().length)
  }

  #keep(key: string, clause: RenderedClause): void {
    const size = sizeOf(key, clause)
    if (size > this.#limitBytes / 4) return
    this.#clauses.set(key, clause)
    this.#bytes += size
    for (const [oldest, old] of this.#clauses) {
      if (this.#bytes <= this.#limitBytes) break
      this.#clauses.delete(oldest)
      this.#bytes -= sizeOf(oldest, old)
    }
  }
}

function sizeOf(key: string, clause: RenderedClause): number {
  return clause.samples.byteLength + 2 * key.length + BYTES_PER_WORD * clause.words.length
}

/** Clauses are kept without the blanks around them; the words of this one begin after its own. */
function shifted(clause: RenderedClause, chars: number): RenderedClause {
  if (chars === 0) return clause
  const words = clause.words.map((word) => ({
    ...word,
    charStart: word.charStart + chars,
    charEnd: word.charEnd + chars,
  }))
  return { ...clause, words }
}
