import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isReadable, spokenLine, spokenWords } from './spoken.ts'

const line = (text: string) => spokenLine(spokenWords(text))

test('plain text is read as it stands, with its punctuation', () => {
  assert.equal(line('Hello, how are you today?'), 'Hello, how are you today?')
  assert.equal(line("It's fine; really!"), "It's fine, really!")
})

test('numbers, money, times and ordinals are left to flite', () => {
  assert.equal(line('$5.20 at 7:30 for 3rd 1,234.5 1/2 24/7 50%'), '$5.20 at 7:30 for 3rd 1,234.5 1/2 24/7 50%')
})

test('short forms keep no stop that would sound like the end of a sentence', () => {
  assert.equal(line('Dr. Smith at 7 p.m. on Jan. 3'), 'Dr Smith at 7 p m on Jan 3')
})

test('addresses are read sign by sign', () => {
  assert.equal(line('bob.smith@example.com.'), 'bob dot smith at example dot com.')
  assert.equal(line('https://www.example.com/a'), 'w w w dot example dot com slash a')
  assert.equal(line('example.org,'), 'example dot org,')
})

test('symbols, money of other countries and dates of digits become words', () => {
  assert.equal(line('Tom & Jerry + 1'), 'Tom and Jerry plus 1')
  assert.equal(line('€20.50 or 1£'), '20 euros 50 cents or 1 pound')
  assert.equal(line('2026-12-25 12/1/2026'), 'december 25th 2026 december 1st 2026')
  assert.equal(line('20°C'), '20 degrees celsius')
  assert.equal(line('v1.2.3'), 'v 1 point 2 point 3')
})

test('accents, curly quotes and dashes are made plain', () => {
  assert.equal(line('“Café” — naïve it’s'), "Cafe, naive it's")
})

test('markdown and other scripts are passed over, what is left is read', () => {
  assert.equal(line('**bold** _it_ `code` hello 안녕 there 😀 ok'), 'bold it code hello there ok')
  for (const nothing of ['', '안녕하세요', '😀 🎉', '...', '— !', 'привет'])
    assert.equal(isReadable(nothing), false, nothing)
})

test('a word is placed without the punctuation around it', () => {
  const text = 'Well, "hello" (you)... -5 €20!'
  assert.deepEqual(
    spokenWords(text).map(({ charStart, charEnd }) => text.slice(charStart, charEnd)),
    ['Well', 'hello', 'you', '-5', '€20'],
  )
})

const seed = 20261121
test(`any text gives plain ASCII, and places in order inside the text (seed ${seed})`, () => {
  const texts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.string())
  fc.assert(
    fc.property(texts, (text) => {
      let at = 0
      for (const { charStart, charEnd, spoken } of spokenWords(text)) {
        assert.match(spoken, /^[\x20-\x7e]*[A-Za-z0-9][\x20-\x7e]*$/)
        assert.ok(charStart >= at && charEnd > charStart && charEnd <= text.length)
        at = charEnd
      }
    }),
    { seed, numRuns: 300 },
  )
})
