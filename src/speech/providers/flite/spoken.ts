/**
 * What flite is given to read for each word of the text. It reads plain ASCII, and numbers, money, times and common short
 * forms well by itself; addresses, symbols and letters of other alphabets are put into its words here.
 */

import { isShortForm } from '../../sentences.ts'

/** One word of the text: where it stands and what is read for it. */
export interface SpokenWord {
  /** UTF-16 units, surrounding punctuation left out. */
  readonly charStart: number
  readonly charEnd: number
  /** ASCII words separated by blanks. */
  readonly spoken: string
  /** Punctuation after it: '' none, ',' a breath, '.', '?' or '!' the end of a sentence. */
  readonly mark: '' | ',' | '.' | '?' | '!'
}

/** Words that can be read, in order. Empty when there is nothing to read (other scripts, pictures). */
export function spokenWords(text: string): SpokenWord[] {
  const words: SpokenWord[] = []
  for (const match of text.matchAll(/[^\s—–]+?(?=--|[\s—–]|$)|[—–]|--+/gu)) {
    const core = coreOf(match[0])
    const spoken = core === null ? '' : spokenForm(core.text)
    if (core === null || spoken === '') {
      const last = words.at(-1)
      if (last && last.mark === '') words[words.length - 1] = { ...last, mark: markOf(match[0]) }
      continue
    }
    const charStart = match.index + core.start
    const after = match[0].slice(core.start + core.text.length)
    const mark = after === '.' && isShortForm(core.text) ? '' : markOf(after)
    words.push({ charStart, charEnd: charStart + core.text.length, spoken, mark })
  }
  return words
}

/** True when flite has something to read in the text. */
export function isReadable(text: string): boolean {
  return spokenWords(text).length > 0
}

/** The line flite is given. */
export function spokenLine(words: readonly SpokenWord[]): string {
  return words.map((word) => word.spoken + word.mark).join(' ')
}

const SURROUNDING = /[\s"'“”‘’«»()[\]{}<>*_`~|,;:.!?…。、，！？¡¿·•-]/u

/** The word without the punctuation around it; signs that are read (`-5`, `+1`, `.5`, `C++`) stay. */
function coreOf(token: string): { text: string; start: number } | null {
  let start = 0
  let end = token.length
  while (start < end && SURROUNDING.test(token[start]!) && !/^[-.]\d/.test(token.slice(start))) start++
  while (end > start && SURROUNDING.test(token[end - 1]!)) end--
  return start === end ? null : { text: token.slice(start, end), start }
}

function markOf(after: string): SpokenWord['mark'] {
  const sentence = /[.!?…。！？]/u.exec(after)?.[0]
  if (sentence === '?' || sentence === '？') return '?'
  if (sentence === '!' || sentence === '！') return '!'
  if (sentence !== undefined) return '.'
  return /[,;:、，—–)]|--|^-+$/u.test(after) ? ',' : ''
}

const EMAIL = /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/
const URL_LIKE =
  /^(?:https?:\/\/|www\.)\S+$|^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|dev|ai|co|edu|gov|info|uk|de|fr|kr|jp|eu)(?:[/?#]\S*)?$/i
const MONEY_BEFORE = /^([€£¥₩₹])(\d[\d,]*)(?:\.(\d\d))?$/
const MONEY_AFTER = /^(\d[\d,]*)(?:\.(\d\d))?([€£¥₩₹])$/
const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const US_DATE = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/
const DOTTED = /^v?\d+(?:\.\d+){2,}$/i
const HALF_DAY = /^(.*\d)?([ap])\.?m\.?$/i

const MONTHS = 'january february march april may june july august september october november december'.split(' ')
const MONEY: Readonly<Record<string, readonly [one: string, many: string, part: string]>> = {
  '€': ['euro', 'euros', 'cents'],
  '£': ['pound', 'pounds', 'pence'],
  '¥': ['yen', 'yen', ''],
  '₩': ['won', 'won', ''],
  '₹': ['rupee', 'rupees', 'paise'],
}

function spokenForm(word: string): string {
  const plain = unaccented(word)
  if (EMAIL.test(plain)) return readSigns(plain)
  if (URL_LIKE.test(plain))
    return readSigns(
      plain
        .replace(/^https?:\/\//i, '')
        .replace(/\/$/, '')
        .replace(/^www\./i, 'w w w.'),
    )
  const special = moneyForm(plain) ?? dateForm(plain)
  if (special !== null) return special
  if (DOTTED.test(plain)) return asciiWords(plain.replace(/^v/i, 'v ').replaceAll('.', ' point '))
  const [, time, half] = HALF_DAY.exec(plain) ?? []
  if (half !== undefined && (time !== undefined || /^[ap]\.m/i.test(plain) || /^pm$/i.test(plain))) {
    return `${time ?? ''} ${half.toLowerCase()} m`.trim()
  }
  return asciiWords(readSymbols(plain))
}

function moneyForm(word: string): string | null {
  const before = MONEY_BEFORE.exec(word)
  const after = before ? null : MONEY_AFTER.exec(word)
  const [sign, whole, part] = before ? before.slice(1) : [after?.[3], after?.[1], after?.[2]]
  const names = MONEY[sign ?? '']
  if (!names || whole === undefined) return null
  const amount = `${whole} ${whole === '1' ? names[0] : names[1]}`
  return part !== undefined && names[2] !== '' ? `${amount} ${Number(part)} ${names[2]}` : amount
}

/** Dates of digits only. Of the two readings of 3/4/2026 the American one, like the voices. */
function dateForm(word: string): string | null {
  const iso = ISO_DATE.exec(word)
  const us = iso ? null : US_DATE.exec(word)
  const [year, month, day] = iso ? iso.slice(1).map(Number) : [Number(us?.[3]), Number(us?.[1]), Number(us?.[2])]
  const name = MONTHS[month! - 1]
  return name === undefined || !(day! >= 1 && day! <= 31) ? null : `${name} ${ordinal(day!)} ${year}`
}

function ordinal(n: number): string {
  const teen = n >= 11 && n <= 13
  return `${n}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')}`
}

const SIGNS: Readonly<Record<string, string>> = {
  '.': 'dot',
  '@': 'at',
  _: 'underscore',
  '-': 'dash',
  '+': 'plus',
  '/': 'slash',
  '?': 'question mark',
  '=': 'equals',
  '&': 'and',
  '#': 'hash',
  ':': 'colon',
  '%': 'percent',
  '~': 'tilde',
}

/** Addresses: every sign has its name. */
function readSigns(address: string): string {
  return asciiWords(address.replace(/[^A-Za-z0-9 ]/g, (sign) => ` ${SIGNS[sign] ?? ''} `))
}

const SYMBOLS: readonly (readonly [RegExp, string])[] = [
  [/°\s*C\b/g, ' degrees celsius'],
  [/°\s*F\b/g, ' degrees fahrenheit'],
  [/°/g, ' degrees '],
  [/&/g, ' and '],
  [/\+/g, ' plus '],
  [/=/g, ' equals '],
  [/@/g, ' at '],
  [/#(?=\d)/g, ' number '],
  [/(\d)\s*[×x]\s*(?=\d)/g, '$1 times '],
  [/÷/g, ' divided by '],
  [/±/g, ' plus or minus '],
  [/€/g, ' euros '],
  [/£/g, ' pounds '],
  [/([^\d\s])\/(?=\S)|(\d)\/(?=\D)/g, '$1$2 '],
]

function readSymbols(word: string): string {
  return SYMBOLS.reduce((text, [symbol, words]) => text.replace(symbol, words), word)
}

/** Letters that do not come apart into a base letter and a mark. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ı: 'i',
  '’': "'",
  '‘': "'",
  '‐': '-',
  '‑': '-',
  '−': '-',
  '…': '.',
}

function unaccented(word: string): string {
  return word
    .replace(/[ßæÆœŒøØłŁđĐðÐþÞı’‘‐‑−…]/g, (letter) => LETTERS[letter]!)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
}

/** What is left that flite can read; '' when no letter and no digit is. */
function asciiWords(text: string): string {
  const ascii = text
    .replace(/[^A-Za-z0-9'$%.,:/+-]+/g, ' ')
    .replace(/(?<!\d)[.,:/]+|[.,:/]+(?!\d)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return /[A-Za-z0-9]/.test(ascii) ? ascii : ''
}
