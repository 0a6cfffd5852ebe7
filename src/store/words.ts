/**
 * The words of a text, as the search sees them: NFKC, lower case, letters and digits. Scripts written without spaces are cut
 * into pairs of characters. Pure.
 */

const RUN = /[\p{L}\p{N}\p{M}]+/gu
/** Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese: looked for by pairs, so that a part of a run is found too. */
const SPACELESS = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}ー]+/gu
const LONGEST_WORD_CHARS = 64

/** What is looked for: whole words, and runs that may stand anywhere in a longer run. */
export interface Wanted {
  readonly words: readonly string[]
  readonly parts: readonly string[]
}

/** Every word to be indexed, each once. A run without spaces gives its pairs, and itself when it is one character. */
export function wordsOf(text: string): Set<string> {
  const { words, parts } = wantedOf(text)
  return new Set([...words, ...parts.flatMap(pairsOf)])
}

export function wantedOf(text: string): Wanted {
  const words: string[] = []
  const parts: string[] = []
  for (const [run] of normal(text).matchAll(RUN)) {
    let at = 0
    for (const part of run.matchAll(SPACELESS)) {
      if (part.index > at) words.push(run.slice(at, part.index))
      parts.push(part[0])
      at = part.index + part[0].length
    }
    if (at < run.length) words.push(run.slice(at))
  }
  return { words: words.map((word) => word.slice(0, LONGEST_WORD_CHARS)), parts }
}

/** Whether a text holds all that is wanted. */
export function holds(text: string, wanted: Wanted): boolean {
  const found = wantedOf(text)
  return (
    wanted.words.every((word) => found.words.includes(word)) &&
    wanted.parts.every((part) => found.parts.some((run) => run.includes(part)))
  )
}

function normal(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

function pairsOf(run: string): string[] {
  const characters = [...run]
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, i) => characters[i]! + character)
}
