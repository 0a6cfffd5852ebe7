/**
 * The demo's vocabulary: whole sentences, each with one meaning. The recogniser is given the sentences that are valid in
 * the present topic and rejects everything else, so a sentence is understood or refused, never guessed.
 *
 * No sentence begins another one where that can be helped: after a sentence that could still grow the recogniser has to
 * wait longer for the end of the turn.
 */

import { inWords } from './numbers.ts'

/** What the conversation is about: the next thing the caller is asked for. */
export type Topic = 'menu' | 'day' | 'time' | 'party' | 'confirm' | 'leaving'

export type Meaning =
  | { readonly intent: PlainIntent }
  | { readonly intent: 'day'; readonly day: string }
  | { readonly intent: 'time'; readonly time: string }
  | { readonly intent: 'party'; readonly people: number }

export type PlainIntent =
  | 'abilities'
  | 'hours'
  | 'book'
  | 'speed'
  | 'person'
  | 'again'
  | 'help'
  | 'bye'
  | 'yes'
  | 'no'
  | 'stop'
  | 'goOn'
  | 'restart'

export type Intent = PlainIntent | 'day' | 'time' | 'party'

const PLAIN: { readonly [intent in PlainIntent]: readonly string[] } = {
  abilities: ['what can you do', 'what else can you do'],
  hours: ['opening hours', 'what are your opening hours', 'when do you open'],
  book: ['book a table', 'i would like to book a table', 'i want to book a table'],
  speed: ['how fast are you', 'how fast do you answer'],
  person: ['talk to a person', 'i want to talk to a person'],
  again: ['say that again', 'please say that again'],
  help: ['help'],
  bye: ['goodbye'],
  yes: ['yes please', 'that is right'],
  no: ['no thank you', 'that is wrong'],
  stop: ['stop', 'wait a moment'],
  goOn: ['go on', 'please go on'],
  restart: ['start again'],
}

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/** Tables are given out at these hours, and at the half hours between them. */
export const FIRST_HOUR = 5
export const LAST_HOUR = 9
export const LARGEST_PARTY = 8

interface Sentence {
  readonly text: string
  readonly meaning: Meaning
}

const SENTENCES: readonly Sentence[] = [...plainSentences(), ...daySentences(), ...timeSentences(), ...partySentences()]
const BY_TEXT = new Map(SENTENCES.map((sentence) => [sentence.text, sentence.meaning]))

const EVERYWHERE: readonly Intent[] = [
  'hours',
  'book',
  'speed',
  'abilities',
  'person',
  'help',
  'again',
  'bye',
  'yes',
  'no',
  'stop',
  'goOn',
  'restart',
]

/** What may be asked and answered in each topic. An earlier answer may be corrected while a later one is asked for. */
const VALID: { readonly [topic in Topic]: readonly Intent[] } = {
  menu: EVERYWHERE,
  day: ['day', 'no', ...EVERYWHERE],
  time: ['time', 'no', 'day', ...EVERYWHERE],
  party: ['party', 'no', 'time', 'day', ...EVERYWHERE],
  confirm: ['yes', 'no', 'party', 'time', 'day', ...EVERYWHERE],
  leaving: [],
}

/** The sentences to recognise in `topic`, the most wanted first. */
export function phrasesFor(topic: Topic): readonly string[] {
  const valid = VALID[topic]
  const rank = (sentence: Sentence) => valid.indexOf(sentence.meaning.intent)
  return SENTENCES.filter((sentence) => rank(sentence) >= 0)
    .sort((a, b) => rank(a) - rank(b))
    .map((sentence) => sentence.text)
}

/** @returns the meaning of a recognised sentence, or null when it is none of ours; case and punctuation do not matter */
export function understand(text: string): Meaning | null {
  const plain = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}' ]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return BY_TEXT.get(plain) ?? null
}

function plainSentences(): Sentence[] {
  return (Object.keys(PLAIN) as PlainIntent[]).flatMap((intent) =>
    PLAIN[intent].map((text) => ({ text, meaning: { intent } })),
  )
}

function daySentences(): Sentence[] {
  const weekdays = WEEKDAYS.flatMap((day) => {
    const meaning: Meaning = { intent: 'day', day: `on ${day[0]!.toUpperCase()}${day.slice(1)}` }
    return [`on ${day}`, day].map((text) => ({ text, meaning }))
  })
  const near = ['today', 'tomorrow'].map((day): Sentence => ({ text: day, meaning: { intent: 'day', day } }))
  return [...weekdays, ...near]
}

function timeSentences(): Sentence[] {
  const sentences: Sentence[] = []
  for (let hour = FIRST_HOUR; hour <= LAST_HOUR; hour++) {
    const full: Meaning = { intent: 'time', time: `at ${inWords(hour)}` }
    sentences.push(...[`at ${inWords(hour)}`, `${inWords(hour)} o'clock`].map((text) => ({ text, meaning: full })))
    if (hour === LAST_HOUR) break
    const half: Meaning = { intent: 'time', time: `at half past ${inWords(hour)}` }
    const texts = [`half past ${inWords(hour)}`, `at half past ${inWords(hour)}`]
    sentences.push(...texts.map((text) => ({ text, meaning: half })))
  }
  return sentences
}

function partySentences(): Sentence[] {
  const sentences: Sentence[] = [{ text: 'for one person', meaning: { intent: 'party', people: 1 } }]
  for (let people = 2; people <= LARGEST_PARTY; people++) {
    const meaning: Meaning = { intent: 'party', people }
    const words = inWords(people)
    sentences.push(...[`for ${words} people`, `for ${words}`, `${words} people`].map((text) => ({ text, meaning })))
  }
  return sentences
}
