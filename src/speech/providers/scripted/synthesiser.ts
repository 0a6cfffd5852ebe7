/** A synthesiser for simulations: one tone for each word, all words equally long, word times exact, nothing to load. */

import type { WordTime } from '../../protocol.ts'
import type { RenderedClause, Synthesiser } from '../../talk/engine.ts'

export const WORD_MS = 200
/** The rest of a word's time is silent, so that words can be told apart. */
export const WORD_TONE_MS = 160
const AMPLITUDE = 8_000
/** Whole numbers of cycles in a tone, so that each begins and ends at zero. */
const WORD_TONES_HZ: readonly number[] = [400, 500, 600, 700, 800, 900, 1000, 1100]

/** The tone of a clause's word `index`. */
export function wordToneHz(index: number): number {
  return WORD_TONES_HZ[index % WORD_TONES_HZ.length]!
}

/** A text that holds this makes the synthesiser fail, for tests of failure. */
export const FAILING_WORD = '[fail]'

export class ScriptedSynthesiser implements Synthesiser {
  readonly name = 'scripted'
  /** CPU time every clause pretends to have cost. */
  readonly #cpuMs: number
  readonly #tones = new Map<string, Int16Array>()

  constructor(cpuMs = 0) {
    this.#cpuMs = cpuMs
  }

  isSpeakable(text: string): boolean {
    return /[\p{L}\p{N}]/u.test(text)
  }

  render(text: string, _voice: string, rateHz: number): RenderedClause {
    if (text.includes(FAILING_WORD)) throw new Error('scripted failure')
    const wordSamples = (rateHz * WORD_MS) / 1000
    const toneSamples = (rateHz * WORD_TONE_MS) / 1000
    const found = [...text.matchAll(/[\p{L}\p{N}]\S*/gu)].map((match) => placed(match[0], match.index))
    const samples = new Int16Array(found.length * wordSamples)
    const words = found.map((word, i): WordTime => {
      samples.set(this.#tone(i, rateHz, toneSamples), i * wordSamples)
      return { ...word, startSample: i * wordSamples, endSample: i * wordSamples + toneSamples }
    })
    return { samples, words, cpuMs: this.#cpuMs }
  }

  #tone(index: number, rateHz: number, length: number): Int16Array {
    const hz = wordToneHz(index)
    const key = `${hz} ${rateHz}`
    const known = this.#tones.get(key)
    if (known) return known
    const tone = Int16Array.from({ length }, (_, i) =>
      Math.round(AMPLITUDE * Math.sin((2 * Math.PI * hz * i) / rateHz)),
    )
    this.#tones.set(key, tone)
    return tone
  }
}

function placed(word: string, charStart: number): { charStart: number; charEnd: number } {
  const core = word.replace(/[^\p{L}\p{N}]+$/u, '')
  return { charStart, charEnd: charStart + core.length }
}
