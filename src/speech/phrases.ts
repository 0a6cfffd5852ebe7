/**
 * The sentences a phrase-limited recogniser listens for: reading them, bringing them to spoken form, and the way back
 * to what the user wrote. Pure.
 */

/**
 * What the server understands when a transcription names no phrases of its own. Phrases that differ in one short word
 * only ("half past seven", "at half past seven") are easily taken for each other: choose one.
 */
export const DEFAULT_PHRASES: readonly string[] = [
  'what can you do',
  'opening hours',
  'what are your opening hours',
  'when do you open',
  'book a table',
  'i would like to book a table',
  'how fast are you',
  'talk to a person',
  'i want to talk to a person',
  'say that again',
  'help',
  'goodbye',
  'stop',
  'wait a moment',
  'go on',
  'start again',
  'yes please',
  'no thank you',
  ...['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday', 'tomorrow', 'today'],
  ...['at six', 'at seven', 'at eight', 'half past seven'],
  ...[
    'for two',
    'for two people',
    'for three people',
    'for four',
    'for four people',
    'for six people',
    'for eight people',
  ],
  'hi this is a test of the transcription feature',
  'hi good to see you how are you today',
  'i need help with my account',
  'i need help with my account balance',
]

/**
 * How a text that is being heard relates to the phrases:
 * - `complete`: it is a phrase, and no phrase goes on from it
 * - `extensible`: it is a phrase, and the start of a longer one
 * - `open`: anything else
 */
export type Completeness = 'complete' | 'extensible' | 'open'

/** A set of phrases. Phrases that sound the same count once, as first written; empty ones are left out. */
export class PhraseList {
  /** Spoken form to the phrase as written, in the order given. */
  readonly #written = new Map<string, string>()
  /** Spoken forms that a longer phrase begins with. */
  readonly #beginnings = new Set<string>()

  constructor(phrases: readonly string[]) {
    for (const phrase of phrases) {
      const spoken = normalise(phrase)
      if (spoken === '' || this.#written.has(spoken)) continue
      this.#written.set(spoken, phrase.trim())
      const words = spoken.split(' ')
      for (let count = 1; count < words.length; count++) this.#beginnings.add(words.slice(0, count).join(' '))
    }
  }

  /** Spoken forms, in the order given. */
  spoken(): readonly string[] {
    return [...this.#written.keys()]
  }

  /** Every word of the spoken forms, once. */
  words(): readonly string[] {
    return [...new Set(this.spoken().flatMap((sentence) => sentence.split(' ')))]
  }

  /** The phrase as the user wrote it, or `spoken` itself when it is not (yet) a phrase. */
  written(spoken: string): string {
    return this.#written.get(spoken) ?? spoken
  }

  completeness(spoken: string): Completeness {
    if (!this.#written.has(spoken)) return 'open'
    return this.#beginnings.has(spoken) ? 'extensible' : 'complete'
  }
}

/** Reads a list: one sentence a line; blank lines and lines that start with `#` are skipped. */
export function readPhrases(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

/**
 * The spoken form: lower case, words with one blank between them, apostrophes inside words kept, accents and all other
 * punctuation gone, numbers as words ("Table for 12, at 7:30!" gives "table for twelve at seven thirty").
 */
export function normalise(sentence: string): string {
  return sentence
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/&/g, ' and ')
    .replace(/%/g, ' percent ')
    .replace(/(\d),(?=\d{3}\b)/g, '$1')
    .replace(/(\d)\.(?=\d)/g, '$1 point ')
    .replace(/\d+/g, (digits) => ` ${numberWords(digits)} `)
    .replace(/[^\p{L}']+/gu, ' ')
    .replace(/(?<!\p{L})'+|'+(?!\p{L})/gu, ' ')
    .replace(/ +/g, ' ')
    .trim()
}

const ONES = [
  ...['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'],
]
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety']

/** A number below 10,000 is read as one; a longer one, or one with a leading zero, digit by digit. */
function numberWords(digits: string): string {
  const isRead = digits.length <= 4 && (digits === '0' || !digits.startsWith('0'))
  if (!isRead) return [...digits].map((digit) => ONES[Number(digit)]).join(' ')
  return below10000(Number(digits))
}

function below10000(number: number): string {
  if (number < 20) return ONES[number]!
  if (number < 100) return joined(TENS[Math.floor(number / 10)]!, number % 10)
  if (number < 1000) return joined(`${ONES[Math.floor(number / 100)]} hundred`, number % 100)
  return joined(`${ONES[Math.floor(number / 1000)]} thousand`, number % 1000)
}

function joined(head: string, rest: number): string {
  return rest === 0 ? head : `${head} ${below10000(rest)}`
}
