import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phrasesFor, understand } from '../agent/phrases.ts'
import { normalised, SCRIPT } from './script.ts'

test('every line but the foreign one is a sentence of the agent', () => {
  for (const line of SCRIPT) {
    assert.equal(understand(line.text) !== null, line.kind !== 'foreign', line.text)
  }
})

test('the booking follows the agent through its topics', () => {
  const valid = (topic: Parameters<typeof phrasesFor>[0], text: string): void =>
    assert.ok(phrasesFor(topic).includes(normalised(text)), `${text} in ${topic}`)
  valid('menu', 'I would like to book a table.')
  valid('day', 'On Friday.')
  valid('time', 'At seven.')
  valid('party', 'For four people.')
  valid('confirm', 'Yes please.')
})

test('punctuation, case and blanks do not count when texts are compared', () => {
  assert.equal(normalised('  What are your OPENING-hours?! '), 'what are your opening hours')
  assert.equal(normalised("Seven o'clock."), "seven o'clock")
})
