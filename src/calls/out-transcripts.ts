/**
 * Our own speech as `out` transcripts (contract §10.2): sentences of one utterance share a transcript, which is closed
 * before the sentence that would take it past ten seconds, and holds only what was really played.
 */

import type { Millis } from '../kernel/clock.ts'
import type { WordTime } from '../speech/protocol.ts'
import type { SaySettled } from './mouth.ts'

const LONGEST_S = 10

export interface OutTranscript {
  readonly message: string
  /** When its first word began to sound. */
  readonly at: Millis
}

interface Sentence {
  readonly charStart: number
  readonly charEnd: number
  readonly startSample: number
  readonly endSample: number
}

export function outTranscripts(end: SaySettled, rateHz: number): OutTranscript[] {
  const { say, heardChars } = end
  if (heardChars === 0 || say.startedAt === null) return []
  const startedAt = say.startedAt
  const parts: Sentence[] = []
  for (const sentence of sentencesOf(say.text, say.words, heardChars)) {
    const last = parts.at(-1)
    const joins = last && sentence.endSample - last.startSample <= LONGEST_S * rateHz
    if (joins) parts[parts.length - 1] = { ...last, charEnd: sentence.charEnd, endSample: sentence.endSample }
    else parts.push(sentence)
  }
  return parts
    .map((part) => ({
      message: say.text.slice(part.charStart, part.charEnd).trim(),
      at: startedAt + (part.startSample * 1000) / rateHz,
    }))
    .filter((part) => part.message !== '')
}

/** Heard sentences with their place in the sound. Without word times the whole heard text is one. */
function sentencesOf(text: string, words: readonly WordTime[], heardChars: number): Sentence[] {
  const heard = words.filter((word) => word.charEnd <= heardChars)
  const sentences: Sentence[] = []
  let charStart = 0
  let first: WordTime | null = null
  heard.forEach((word, index) => {
    first ??= word
    const next = heard[index + 1]
    const between = text.slice(word.charEnd, next?.charStart ?? heardChars)
    if (next && !/[.!?…]/.test(between)) return
    const charEnd = next ? next.charStart : heardChars
    sentences.push({ charStart, charEnd, startSample: first.startSample, endSample: word.endSample })
    charStart = charEnd
    first = null
  })
  return sentences.length > 0 ? sentences : [{ charStart: 0, charEnd: heardChars, startSample: 0, endSample: 0 }]
}
