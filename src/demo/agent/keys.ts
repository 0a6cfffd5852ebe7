/** Telephone keys mirror the spoken sentences: the same meanings, for callers who cannot or would rather not speak. */

import { inWords } from './numbers.ts'
import {
  FIRST_HOUR,
  LARGEST_PARTY,
  LAST_HOUR,
  type Meaning,
  type PlainIntent,
  type Topic,
  understand,
  WEEKDAYS,
} from './phrases.ts'

const EVERYWHERE: { readonly [key: string]: PlainIntent } = { '0': 'help', '#': 'bye', '*': 'stop' }
const MENU: { readonly [key: string]: PlainIntent } = { '1': 'hours', '2': 'book', '3': 'speed', '4': 'person' }
const YES_NO: { readonly [key: string]: PlainIntent } = { '1': 'yes', '2': 'no' }

/**
 * @param stopped the agent has been interrupted and asked whether it shall go on
 * @returns null for a key without a meaning here
 */
export function keyMeaning(digit: string, topic: Topic, stopped: boolean): Meaning | null {
  const everywhere = EVERYWHERE[digit]
  if (everywhere) return { intent: everywhere }
  const number = Number(digit)
  if (stopped || topic === 'confirm') return plain(YES_NO[digit])
  if (topic === 'menu') return plain(MENU[digit])
  if (topic === 'day') return understand(WEEKDAYS[number - 1] ?? '')
  if (topic === 'time') return number >= FIRST_HOUR && number <= LAST_HOUR ? understand(`at ${inWords(number)}`) : null
  if (topic === 'party') return number >= 1 && number <= LARGEST_PARTY ? { intent: 'party', people: number } : null
  return null
}

function plain(intent: PlainIntent | undefined): Meaning | null {
  return intent ? { intent } : null
}
