import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dictionary } from './dictionary.ts'

const FILE = `;; a comment
a AH
a(2) EY
are AA R
are(2) ER
area EH R IY AH
bus B AH S
line L AY N
o'clock AH K L AA K
quiet K W AY AH T
mail M EY L
voice V OY S
on AA N`

const dictionary = new Dictionary(Buffer.from(FILE))
const phones = (word: string) => dictionary.pronunciations(word).map((found) => found.phones)

test('a word has all its pronunciations, in order', () => {
  assert.deepEqual(dictionary.pronunciations('are'), [
    { entry: 'are', phones: 'AA R' },
    { entry: 'are(2)', phones: 'ER' },
  ])
  assert.deepEqual(phones('a'), ['AH', 'EY'])
  assert.deepEqual(phones("o'clock"), ['AH K L AA K'])
  assert.deepEqual(phones('on'), ['AA N'])
})

test('the beginning of a word is not that word', () => {
  assert.deepEqual(phones('qui'), [])
  assert.deepEqual(phones('areas of'), [])
})

test('endings are said as English says them', () => {
  assert.deepEqual(phones('lines'), ['L AY N Z'])
  assert.deepEqual(phones("quiet's"), ['K W AY AH T S'])
  assert.deepEqual(phones("bus's"), ['B AH S IH Z'])
})

test('a compound is said as its parts', () => {
  assert.deepEqual(phones('quietline'), ['K W AY AH T L AY N'])
  assert.deepEqual(phones('voicemail'), ['V OY S M EY L'])
})

test('what cannot be read has no pronunciation', () => {
  for (const word of ['안녕', 'zzz', ';;', '', 'x']) assert.deepEqual(phones(word), [])
})
