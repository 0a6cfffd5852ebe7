/**
 * Everything the agent says. Written for the ear of a telephone and for a plain synthesiser: short clauses, numbers in
 * words, no symbols.
 */

import { counted } from './numbers.ts'
import type { Meaning, Topic } from './phrases.ts'

export interface Booking {
  readonly day: string | null
  readonly time: string | null
  readonly people: number | null
}

export const NO_BOOKING: Booking = { day: null, time: null, people: null }

export const GREETING =
  'Hello, this is the Quietline demo. I answer for a small restaurant. ' +
  'Ask for the opening hours, book a table, or ask how fast I am. Say help at any time.'

const ABILITIES =
  'I can tell you the opening hours, book a table, and tell you how fast I answer. ' +
  'Stop me whenever you like, and I will know the last word you heard.'

/** Long on purpose: this is the sentence to interrupt. */
const HOURS =
  'From Monday to Thursday we open at five in the afternoon, and the kitchen closes at ten. ' +
  'On Friday and Saturday we stay open until midnight, with live music after nine. ' +
  'On Sunday we open at noon, and the last table is at eight in the evening. ' +
  'In August we are by the sea.'

const NOBODY =
  'In a real restaurant I would connect you now. This is a demo, so nobody is sitting at the other end. I am sorry.'

export const GOODBYE = 'Thank you for calling. Goodbye.'
export const LONELY_GOODBYE = 'I cannot hear you any more, so I will hang up. Goodbye.'
const NO_BOOKING_THEN = 'All right, no booking then.'
export const NOT_SPEAKING = 'I was not speaking.'
export const NOTHING_LEFT = 'I had said everything.'
export const JUST_FINISHED = 'I had just finished.'
export const SHALL_I_GO_ON = 'Shall I go on?'
export const YES_OR_NO = `Say, yes please, or, no thank you. ${SHALL_I_GO_ON}`
export const NO_TIMINGS = 'I could not read the record of this call just now.'

const MENU_HELP =
  'You can say, what are your opening hours, book a table, how fast are you, talk to a person, or goodbye. ' +
  'While I speak, say stop, or wait a moment. On the keypad, press one for the hours, two for a table, ' +
  'three for my speed, and the hash key to leave.'

const ASK_CHANGE = 'Tell me what to change. Say a day, a time, or how many people.'

export const BOOKING = 'With pleasure. Which day would you like?'

/** The question that stays open in each topic; every answer inside the topic ends with it. */
export const QUESTION: { readonly [topic in Topic]: string } = {
  menu: 'What can I do for you?',
  day: 'Which day would you like?',
  time: 'At what time, between five and nine?',
  party: 'For how many people?',
  confirm: 'Is that right?',
  leaving: '',
}

const EXAMPLE: { readonly [topic in Topic]: string } = {
  menu: MENU_HELP,
  day: 'Say a day, for example, on Friday. Or press one for Monday, up to seven for Sunday.',
  time: 'Say a time, for example, at half past seven. Or press the hour.',
  party: 'Say, for example, for four people. Or press the number.',
  confirm: 'Say, yes please, or, no thank you. Or press one, or two. You can also say what to change.',
  leaving: '',
}

function help(topic: Topic): string {
  return topic === 'menu' ? MENU_HELP : `${EXAMPLE[topic]} ${QUESTION[topic]}`
}

export const ANYTHING_ELSE = 'What else can I do for you?'

/** `answer`, and then the question that is still open, if there is one. */
export function thenAsk(answer: string, topic: Topic): string {
  return topic === 'menu' || topic === 'leaving' ? answer : `${answer} ${QUESTION[topic]}`
}

/** Nothing was said for a long while. */
export function stillThere(topic: Topic): string {
  return topic === 'menu'
    ? 'Are you still there? Say help to hear what I understand.'
    : thenAsk('Are you still there?', topic)
}

/** The caller does not want to hear the rest. */
export function dropped(topic: Topic): string {
  return topic === 'menu' ? `All right. ${ANYTHING_ELSE}` : thenAsk('All right.', topic)
}

/** Said back at once, so that a wrong day is noticed before the table is full. */
export function noted(meaning: Meaning, booking: Booking, topic: Topic): string {
  if (topic === 'confirm') return readBack(booking)
  if (meaning.intent === 'day') return `${capital(meaning.day)}, good. ${QUESTION[topic]}`
  if (meaning.intent === 'time') return `${capital(meaning.time)}, good. ${QUESTION[topic]}`
  return QUESTION[topic]
}

/** Answers that need to know nothing but where the conversation is. */
export function told(
  what: 'tellAbilities' | 'tellHours' | 'tellNobody' | 'tellHelp' | 'ask' | 'askChange' | 'dropBooking',
  topic: Topic,
): string {
  switch (what) {
    case 'tellAbilities':
      return `${ABILITIES} ${QUESTION[topic]}`
    case 'tellHours':
      return thenAsk(HOURS, topic)
    case 'tellNobody':
      return thenAsk(NOBODY, topic)
    case 'tellHelp':
      return help(topic)
    case 'ask':
      return QUESTION[topic]
    case 'askChange':
      return ASK_CHANGE
    case 'dropBooking':
      return `${NO_BOOKING_THEN} ${ANYTHING_ELSE}`
  }
}

/** @param times how often in a row nothing was understood, from 1 */
export function outside(topic: Topic, times: number): string {
  if (times > 2) return thenAsk('Say help.', topic)
  return thenAsk('That is outside my demo phrases. Say help to hear what I understand.', topic)
}

function readBack(booking: Booking): string {
  return `A table ${details(booking)}. ${QUESTION.confirm}`
}

export function booked(booking: Booking): string {
  return `Your table is booked, ${details(booking)}. As this is a demo, nobody will cook. ${ANYTHING_ELSE}`
}

function details(booking: Booking): string {
  return `for ${counted(booking.people ?? 0, 'person', 'people')}, ${booking.day}, ${booking.time}`
}

/** @param word the last word the caller heard whole, '' when there was none */
export function stoppedAfter(word: string): string {
  const where = word === '' ? 'before my first word' : `after the word '${word}'`
  return `You stopped me ${where}. ${SHALL_I_GO_ON}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
