import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMA_PAUSE_MS, SENTENCE_PAUSE_MS, splitClauses } from './sentences.ts'

const texts = (text: string) => splitClauses(text).map((clause) => clause.text.trim())
const wordsOf = (text: string) => text.trim().split(/\s+/).length

test('short sentences stand alone', () => {
  assert.deepEqual(texts('Hello there. How can I help you today? Fine!'), [
    'Hello there.',
    'How can I help you today?',
    'Fine!',
  ])
})

test('a long first sentence begins with a clause of 5 to 7 words, cut at a comma where there is one', () => {
  const [first] = texts(
    'I can tell you our opening hours, book a table, or answer any other question you may have today.',
  )
  assert.equal(first, 'I can tell you our opening hours,')
})

test('without a comma the first clause ends before a joining word', () => {
  const [first] = texts('We are open every single day because people like to eat with us in the evening.')
  assert.equal(first, 'We are open every single day')
})

test('later sentences stay whole up to 15 words and are cut between 8 and 15 above', () => {
  const fifteen = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen.'
  assert.deepEqual(texts(`Hi. ${fifteen}`), ['Hi.', fifteen])
  const long = `Hi. ${'word '.repeat(40)}end.`
  for (const clause of texts(long).slice(1, -1)) assert.ok(wordsOf(clause) >= 8 && wordsOf(clause) <= 15, clause)
})

test('pauses follow the punctuation', () => {
  const text = 'Well, if you like to come Sunday, we have a table for you and your friends. Bye.'
  const [first, , last] = splitClauses(text)
  assert.equal(first?.pauseMs, COMMA_PAUSE_MS)
  assert.equal(last?.pauseMs, SENTENCE_PAUSE_MS)
})

test('abbreviations, numbers, times, addresses and initials end no sentence', () => {
  for (const whole of [
    'Ask Dr. Smith or Mr. J. Brown.',
    'It costs $5.20 or 3.5 percent.',
    'Come at 7 p.m. on Sunday.',
    'Mail bob.smith@example.com today.',
    'See www.example.com/help.html now.',
    'Meet me Jan. 3 at St. Paul.',
    'Some fruit, e.g. apples.',
    '1. Open the door.',
  ]) {
    assert.deepEqual(texts(whole), [whole])
  }
})

test('a short form ends a sentence when a capital follows', () => {
  assert.deepEqual(texts('We close at 7 p.m. Please come early.'), ['We close at 7 p.m.', 'Please come early.'])
})

test('a number stays with its unit, a date with its month, a title with its name', () => {
  const text =
    'It will take about as many as 15 million people and then on March 3 Dr. Adams calls 555 123 4567 for 20 minutes or so.'
  for (const clause of texts(text)) {
    assert.doesNotMatch(clause, /(\b15|March|Dr\.|555|123|\b20)$/, clause)
  }
})

test('lists and paragraphs without full stops are taken apart', () => {
  assert.deepEqual(texts('We have\n\n1. Pizza\n2. Pasta\n\nEnjoy'), ['We have', '1. Pizza', '2. Pasta', 'Enjoy'])
})

test('scripts without blanks end at their own full stop', () => {
  assert.deepEqual(texts('こんにちは。元気ですか？はい'), ['こんにちは。', '元気ですか？', 'はい'])
})

test('nothing gives nothing, blanks give blanks', () => {
  assert.deepEqual(splitClauses(''), [])
  assert.deepEqual(
    splitClauses(' \n ').map(({ text }) => text),
    [' \n '],
  )
})
