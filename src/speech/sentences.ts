/**
 * Cuts text into the pieces that are synthesised one by one: a short first clause, so that something can be heard soon,
 * then whole sentences up to a length. Clauses joined are the text, to the last blank.
 */

export interface Clause {
  /** Place in the text, UTF-16 units; `charEnd` is exclusive and lies after the blanks that follow. */
  readonly charStart: number
  readonly charEnd: number
  readonly text: string
  /** Silence that belongs after this clause when another follows. */
  readonly pauseMs: number
}

export const SENTENCE_PAUSE_MS = 300
export const COMMA_PAUSE_MS = 150
const SEAM_PAUSE_MS = 0

const FIRST_MIN_WORDS = 5
const FIRST_MAX_WORDS = 7
const MIN_WORDS = 8
const MAX_WORDS = 15

/** All clauses of a text. */
export function splitClauses(text: string): Clause[] {
  const splitter = new ClauseSplitter()
  return [...splitter.push(text), ...splitter.end()]
}

/**
 * For text that arrives in pieces. A clause is given out as soon as nothing that may follow can change it, so the clauses
 * do not depend on how the text was cut up on its way.
 */
export class ClauseSplitter {
  #held = ''
  #charStart = 0
  #isFirst = true

  push(text: string): Clause[] {
    this.#held += text
    return this.#take(false)
  }

  /** The rest. */
  end(): Clause[] {
    return this.#take(true)
  }

  #take(isComplete: boolean): Clause[] {
    const clauses: Clause[] = []
    for (;;) {
      const cut = nextCut(this.#held, this.#isFirst, isComplete)
      if (cut === null) return clauses
      const text = this.#held.slice(0, cut.length)
      const charEnd = this.#charStart + cut.length
      clauses.push({ charStart: this.#charStart, charEnd, text, pauseMs: cut.pauseMs })
      this.#held = this.#held.slice(cut.length)
      this.#charStart = charEnd
      this.#isFirst = false
    }
  }
}

interface Cut {
  /** UTF-16 units of the clause. */
  readonly length: number
  readonly pauseMs: number
}

interface Token {
  /** Without blanks. */
  readonly word: string
  /** Where the token with its blanks ends. */
  readonly end: number
  readonly blanks: string
}

/** The next clause of `text`, or null when more text is needed to tell (or none is left). */
function nextCut(text: string, isFirst: boolean, isComplete: boolean): Cut | null {
  const maxWords = isFirst ? FIRST_MAX_WORDS : MAX_WORDS
  const tokens = firstTokens(text, maxWords + 2)
  if (!isComplete && tokens.length < maxWords + 2) tokens.pop()
  let words = 0
  for (const [i, token] of tokens.entries()) {
    const next = tokens[i + 1]
    if (!next && !isComplete) return null
    words += spokenWords(token.word)
    if (words > maxWords && i > 0) return bestCut(tokens, i, isFirst ? FIRST_MIN_WORDS : MIN_WORDS, isFirst)
    if (endsSentence(token, next, i === 0)) return { length: token.end, pauseMs: SENTENCE_PAUSE_MS }
  }
  if (!isComplete || text === '') return null
  return { length: text.length, pauseMs: SENTENCE_PAUSE_MS }
}

/** Words as separated by blanks; scripts without blanks are separated after their full stops. Endless ones are cut. */
const TOKEN = /(\s*)([^\s。！？]{1,80}[。！？]{0,8}|[。！？]{1,8})(\s*)/gu

function firstTokens(text: string, atMost: number): Token[] {
  const tokens: Token[] = []
  for (const match of text.matchAll(TOKEN)) {
    tokens.push({ word: match[2]!, blanks: match[3]!, end: match.index + match[0].length })
    if (tokens.length === atMost) break
  }
  return tokens
}

/** How many words a token will roughly be when read out: long numbers and addresses are many. */
function spokenWords(word: string): number {
  const digits = word.replace(/\D/g, '').length
  return 1 + Math.floor(Math.max(0, digits - 4) / 2) + Math.floor(word.length / 24)
}

const LIST_MARK = /^(?:[-*•]|\d{1,3}[.)])$/u
const CLOSING = /["'”’)\]}»]+$/u
const SENTENCE_MARK = /[.!?…。！？]$/u

/** Never the end of a sentence: a name follows. */
const TITLES = new Set([
  'dr',
  'mr',
  'mrs',
  'ms',
  'prof',
  'st',
  'gen',
  'rev',
  'hon',
  'capt',
  'lt',
  'sgt',
  'mt',
  'ft',
  'fig',
  'vs',
])
/** The end of a sentence only when a capital follows. */
const SHORT_FORMS = new Set(
  'etc inc ltd co corp ave rd blvd jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun approx dept est ext min max tel no a.m p.m u.s u.k e.g i.e ph.d'.split(
    ' ',
  ),
)

function endsSentence(token: Token, next: Token | undefined, isFirst: boolean): boolean {
  if (/\n\s*\n/.test(token.blanks) || (token.blanks.includes('\n') && LIST_MARK.test(next?.word ?? ''))) return true
  const word = token.word.replace(CLOSING, '')
  if (!SENTENCE_MARK.test(word)) return false
  if (!word.endsWith('.') || !next) return true
  const stem = word.slice(0, -1).replace(/^[^\p{L}\p{N}]+/u, '')
  if (TITLES.has(stem.toLowerCase()) || /^\p{Lu}$/u.test(stem)) return false
  const isNumber = /^\d+$/.test(stem)
  if (isNumber && isFirst) return false
  return !(isNumber || isShortForm(stem)) || /^["'“‘(]?\p{Lu}/u.test(next.word)
}

/** A word written short with a full stop that does not end a sentence by itself. Given without the stop: `Dr`, `p.m`, `J`. */
export function isShortForm(stem: string): boolean {
  const lower = stem.toLowerCase()
  return TITLES.has(lower) || SHORT_FORMS.has(lower) || /^\p{Lu}$/u.test(stem)
}

function isTitle(word: string): boolean {
  return word.endsWith('.') && TITLES.has(word.slice(0, -1).replace(/^\W+/, '').toLowerCase())
}

const JOINING = new Set(
  'and or but because so which who whose when while if then as where that until unless although'.split(' '),
)
const PLACING = new Set(
  'to for with from in on at of by about after before into over through between than during under'.split(' '),
)

/** How well the text can be cut after `token`; 0 is a bad place, -1 is inside one thing. */
function placeQuality(token: Token, next: Token): number {
  if (isOneThing(token.word, next.word)) return -1
  if (token.blanks === '') return 0
  if (isPhraseEnd(token)) return 3
  const following = next.word.toLowerCase()
  if (JOINING.has(following)) return 2
  return PLACING.has(following) ? 1 : 0
}

function isPhraseEnd(token: Token): boolean {
  return /[,;:–—)]$/u.test(token.word) || token.blanks.includes('\n')
}

const NUMBER_END = /\d[\d.,:%°$€£]*$/u
const NUMBER_START = /^[$€£#+(-]?\d/u
const UNIT =
  /^(million|billion|thousand|hundred|percent|per|dollars?|euros?|pounds?|cents?|a\.?m|p\.?m|o'clock|degrees|minutes?|hours?|seconds?|days?|km|kg|cm|mm|mb|gb|ghz|mhz)\b/i
const COUNTED =
  /^(january|february|march|april|may|june|july|august|september|october|november|december|number|no\.|room|flat|extension|ext\.|page|gate|plus|jan\.?|feb\.?|mar\.?|apr\.?|jun\.?|jul\.?|aug\.?|sept?\.?|oct\.?|nov\.?|dec\.?)$/i

/** Two tokens that are read as one: a number and its unit, a date, a title and a name. */
function isOneThing(word: string, next: string): boolean {
  if (isTitle(word)) return true
  if (NUMBER_END.test(word)) return NUMBER_START.test(next) || UNIT.test(next)
  return COUNTED.test(word) && NUMBER_START.test(next)
}

/**
 * The sentence is too long: `over` is the first token beyond the limit. The best place with enough words before it; the
 * first clause ends at the earliest of equals, later ones at the last. When all of these are inside one thing, any place.
 */
function bestCut(tokens: readonly Token[], over: number, minWords: number, isFirst: boolean): Cut {
  let best = over - 1
  let bestQuality = -1
  let words = 0
  for (let i = 0; i < over; i++) {
    words += spokenWords(tokens[i]!.word)
    const quality = placeQuality(tokens[i]!, tokens[i + 1]!)
    const isEnough = words >= minWords
    const wanted = isEnough ? quality + 10 : quality
    if (quality < 0) continue
    if (wanted > bestQuality || (wanted === bestQuality && !(isFirst && isEnough))) {
      best = i
      bestQuality = wanted
    }
  }
  const token = tokens[best]!
  return { length: token.end, pauseMs: isPhraseEnd(token) ? COMMA_PAUSE_MS : SEAM_PAUSE_MS }
}
