/**
 * Which sentences are worth saying after which of the agent's lines, for a page that offers them to the caller. The
 * agent's line tells the topic by the question it ends with.
 */

import { QUESTION, SHALL_I_GO_ON, told } from './lines.ts'
import { phrasesFor, type Topic, understand } from './phrases.ts'

export interface GuideEntry {
  /** A line of the agent that ends like this is followed by `phrases`; '' fits every line. */
  readonly ending: string
  readonly phrases: readonly string[]
}

/** `speaking` holds while the agent speaks; of `entries` the first whose ending fits holds otherwise. */
export const PHRASE_GUIDE: { readonly speaking: readonly string[]; readonly entries: readonly GuideEntry[] } = {
  speaking: ['stop', 'wait a moment', 'start again'],
  entries: [
    { ending: SHALL_I_GO_ON, phrases: ['go on', 'no thank you', 'start again', 'yes please'] },
    entry(QUESTION.day, 'day'),
    entry(QUESTION.time, 'time'),
    entry(QUESTION.party, 'party'),
    entry(QUESTION.confirm, 'confirm'),
    entry(told('askChange', 'confirm'), 'confirm'),
    entry('', 'menu'),
  ],
}

function entry(ending: string, topic: Topic): GuideEntry {
  return { ending, phrases: variedFirst(phrasesFor(topic)) }
}

/** One sentence of each meaning, then the other ways to say the same. */
function variedFirst(phrases: readonly string[]): readonly string[] {
  const meant = phrases.map((phrase) => JSON.stringify(understand(phrase)))
  const isFirst = (_: string, index: number) => meant.indexOf(meant[index]!) === index
  return [...phrases.filter(isFirst), ...phrases.filter((phrase, index) => !isFirst(phrase, index))]
}
