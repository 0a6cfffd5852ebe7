import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_PHRASES, normalise, PhraseList, readPhrases } from './phrases.ts'

test('a sentence is brought to its spoken form', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['What are your opening hours?', 'what are your opening hours'],
    ['  Table for 12, at 7:30! ', 'table for twelve at seven thirty'],
    ['I don’t know', "i don't know"],
    ["'Quoted' words' end", 'quoted words end'],
    ["eight o'clock", "eight o'clock"],
    ['a café-bar & 50% off', 'a cafe bar and fifty percent off'],
    ['call 0049 or 112', 'call zero zero four nine or one hundred twelve'],
    ['1,250 people', 'one thousand two hundred fifty people'],
    ['version 2.5.', 'version two point five'],
    ['in 1999', 'in one thousand nine hundred ninety nine'],
    ['12345', 'one two three four five'],
    ['0', 'zero'],
    ['?!', ''],
  ]
  for (const [written, spoken] of cases) assert.equal(normalise(written), spoken)
})

test('the spoken form of a spoken form is itself', () => {
  for (const phrase of DEFAULT_PHRASES) assert.equal(normalise(normalise(phrase)), normalise(phrase))
})

test('a list has one sentence a line, and comments', () => {
  assert.deepEqual(readPhrases('# greetings\nGood morning\n\n  Hello there \r\n#x\n'), ['Good morning', 'Hello there'])
})

test('what was heard is reported as the user wrote it', () => {
  const phrases = new PhraseList(['Book a table, please!', 'Table for 4'])
  assert.deepEqual(phrases.spoken(), ['book a table please', 'table for four'])
  assert.equal(phrases.written('table for four'), 'Table for 4')
  assert.equal(phrases.written('table for'), 'table for')
})

test('phrases that sound the same count once, as first written', () => {
  const phrases = new PhraseList(['Stop!', 'stop', '...', 'STOP'])
  assert.deepEqual(phrases.spoken(), ['stop'])
  assert.equal(phrases.written('stop'), 'Stop!')
})

test('a phrase another one goes on from is extensible', () => {
  const phrases = new PhraseList(['i need help', 'i need help with my account', 'stop'])
  assert.equal(phrases.completeness('i need help'), 'extensible')
  assert.equal(phrases.completeness('i need help with my account'), 'complete')
  assert.equal(phrases.completeness('i need help with'), 'open')
  assert.equal(phrases.completeness('stop'), 'complete')
  assert.equal(phrases.completeness(''), 'open')
})

test('the words of a list are given once each', () => {
  assert.deepEqual(new PhraseList(['for two', 'for two people']).words(), ['for', 'two', 'people'])
})
