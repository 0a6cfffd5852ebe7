/** One sentence of the agent between being said and being heard, and what is left of it after a cut. */

/** `full` is the whole text; said was the part that begins at `from` (UTF-16 units). */
export interface Spoken {
  readonly full: string
  readonly from: number
}

/** How one `say` ended, as the server tells it. */
export interface CutSay {
  /** As it was sent. */
  readonly text: string
  /** The beginning of `text` that the caller heard, whole words only. */
  readonly heard: string
  /** Heard to its end. */
  readonly finished: boolean
}

export function toSay(spoken: Spoken): string {
  return spoken.full.slice(spoken.from)
}

/**
 * The part still to be said: from the word that was cut in two, or from the next one.
 *
 * @param heard the beginning of what was said that the caller heard
 * @returns null when no word is left
 */
export function unheardFrom(spoken: Spoken, heard: string): Spoken | null {
  const from = spoken.from + heard.length
  const skipped = spoken.full.slice(from).search(/[\p{L}\p{N}]/u)
  return skipped < 0 ? null : { full: spoken.full, from: from + skipped }
}

/** The last word before the place where it was cut, '' when it was cut before its first word. */
export function heardWord(rest: Spoken): string {
  const words = rest.full.slice(0, rest.from).match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu)
  return words?.at(-1) ?? ''
}
