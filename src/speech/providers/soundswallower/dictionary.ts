/**
 * Pronunciations: the engine's dictionary file, read by us and held once, because inside each decoder it would take
 * 14 MB and most of the start-up time. One entry a line: the word, for further pronunciations with `(2)`, `(3)` ...
 * behind it, then its phones, all parted by blanks. The file is nearly sorted; only that words with the same first two
 * characters stand close together is used, for speed.
 */

export interface Pronunciation {
  /** The word, with `(2)` and so on for all but the first. */
  readonly entry: string
  readonly phones: string
}

const WORD = /^[a-z']+$/
const NEWLINE = 10
/** Endings that are said as they are written, by the last phone of the word before them. */
const HISSING = /(?:S|Z|SH|ZH|CH|JH)$/
const VOICELESS = /(?:P|T|K|F|TH)$/
const SHORTEST_PART = 3

export class Dictionary {
  readonly #bytes: Buffer
  /** First and last position of the lines that begin with two characters. */
  readonly #ranges = new Map<number, [number, number]>()
  readonly #known = new Map<string, readonly Pronunciation[]>()

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    for (let at = 0; at < bytes.length; ) {
      const found = bytes.indexOf(NEWLINE, at)
      const end = found < 0 ? bytes.length : found
      const key = bytes[at]! * 256 + bytes[at + 1]!
      const range = this.#ranges.get(key)
      if (range) range[1] = end
      else this.#ranges.set(key, [at, end])
      at = end + 1
    }
  }

  /**
   * @param word in spoken form (lower case)
   * @returns its pronunciations; of a word not in the file, those of its parts ("voicemails", "quietline"); else none
   */
  pronunciations(word: string): readonly Pronunciation[] {
    let known = this.#known.get(word)
    if (!known) {
      known = WORD.test(word) ? (this.#listed(word) ?? this.#derived(word) ?? []) : []
      this.#known.set(word, known)
    }
    return known
  }

  #listed(word: string): readonly Pronunciation[] | null {
    const first = this.#phones(word)
    if (first === null) return null
    const found = [{ entry: word, phones: first }]
    for (let number = 2; ; number++) {
      const entry = `${word}(${number})`
      const phones = this.#phones(entry)
      if (phones === null) return found
      found.push({ entry, phones })
    }
  }

  #phones(entry: string): string | null {
    const key = Buffer.from(`${entry} `)
    const range = this.#ranges.get(key[0]! * 256 + key[1]!)
    if (!range) return null
    const lines = this.#bytes.subarray(range[0], range[1])
    for (let at = lines.indexOf(key); at >= 0; at = lines.indexOf(key, at + 1)) {
      if (at > 0 && lines[at - 1] !== NEWLINE) continue
      const end = lines.indexOf(NEWLINE, at)
      return lines.toString('latin1', at + key.length - 1, end < 0 ? lines.length : end).trim()
    }
    return null
  }

  #derived(word: string): readonly Pronunciation[] | null {
    const phones = this.#inflected(word) ?? this.#compound(word)
    return phones === null ? null : [{ entry: word, phones }]
  }

  /** A known word with a plural or possessive ending. */
  #inflected(word: string): string | null {
    const stem = /^(.{3,}?)(?:'s|s)$/.exec(word)?.[1]
    const phones = stem === undefined ? null : this.#phones(stem)
    if (phones === null) return null
    if (HISSING.test(phones)) return `${phones} IH Z`
    return `${phones} ${VOICELESS.test(phones) ? 'S' : 'Z'}`
  }

  /** Two known words written as one; the split with the most even parts. */
  #compound(word: string): string | null {
    const splits = Array.from({ length: Math.max(0, word.length - 2 * SHORTEST_PART + 1) }, (_, i) => SHORTEST_PART + i)
    const evenness = (at: number) => Math.abs(word.length - 2 * at)
    for (const at of splits.sort((a, b) => evenness(a) - evenness(b))) {
      const head = this.#phones(word.slice(0, at))
      const tail = head === null ? null : this.#phones(word.slice(at))
      if (head !== null && tail !== null) return `${head} ${tail}`
    }
    return null
  }
}
