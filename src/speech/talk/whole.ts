/** A whole text as one sound, for callers that play by themselves: the demo's caller, the page's chips, tests. */

import type { WordTime } from '../protocol.ts'
import { splitClauses } from '../sentences.ts'
import type { Synthesiser } from './engine.ts'
import { withoutMarkup } from './markup.ts'

export interface WholeSpeech {
  /** Mono at the rate asked for. Empty when there is nothing to say. */
  readonly samples: Int16Array
  readonly words: readonly WordTime[]
}

/** @throws what the engine throws */
export function speakWhole(engine: Synthesiser, text: string, voice: string, rateHz: number): WholeSpeech {
  const words: WordTime[] = []
  const parts: Int16Array[] = []
  let total = 0
  let pause = 0
  for (const clause of splitClauses(withoutMarkup(text))) {
    if (!engine.isSpeakable(clause.text)) continue
    const rendered = engine.render(clause.text, voice, rateHz)
    total += pause
    for (const word of rendered.words) {
      words.push({
        charStart: clause.charStart + word.charStart,
        charEnd: clause.charStart + word.charEnd,
        startSample: total + word.startSample,
        endSample: total + word.endSample,
      })
    }
    parts.push(new Int16Array(pause), rendered.samples)
    total += rendered.samples.length
    pause = Math.round((clause.pauseMs * rateHz) / 1000)
  }
  return { samples: joined(parts, total), words }
}

function joined(parts: readonly Int16Array[], total: number): Int16Array {
  const samples = new Int16Array(total)
  let at = 0
  for (const part of parts) {
    samples.set(part, at)
    at += part.length
  }
  return samples
}
