import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alignWords, parsePhones } from './phones.ts'

/** Phones of 100 ms each. */
const spoken = (names: string) => names.split(' ').map((name, i) => ({ name, start: i / 10, end: (i + 1) / 10 }))
const word = (phones: string, pauseAfter = false) => ({ phones: phones === '' ? [] : phones.split(' '), pauseAfter })
const tenths = (spans: readonly { start: number; end: number }[]) =>
  spans.map(({ start, end }) => [Math.round(start * 10), Math.round(end * 10)])

test('the printed line is read with start times', () => {
  assert.deepEqual(parsePhones('pau:0.164 hh:0.255 \n'), [
    { name: 'pau', start: 0, end: 0.164 },
    { name: 'hh', start: 0.164, end: 0.255 },
  ])
})

test('words that sound as expected get exactly their phones', () => {
  const spans = alignWords([word('hh ax l ow'), word('y uw')], spoken('pau hh ax l ow y uw pau'))
  assert.deepEqual(tenths(spans), [
    [1, 5],
    [5, 7],
  ])
})

test('a pause belongs to no word', () => {
  const spans = alignWords([word('w eh l', true), word('hh ay')], spoken('pau w eh l pau hh ay pau'))
  assert.deepEqual(tenths(spans), [
    [1, 4],
    [5, 7],
  ])
})

test('other vowels, left out and added phones stay inside their word', () => {
  const words = [word('dh ax'), word('ae p ax l'), word('w ah n t')]
  const spans = alignWords(words, spoken('pau dh iy ae p l w ao n t s pau'))
  assert.deepEqual(tenths(spans), [
    [1, 3],
    [3, 6],
    [6, 11],
  ])
})

test('a word that left no phone has an empty place between its neighbours', () => {
  const spans = alignWords([word('hh ay'), word(''), word('y uw')], spoken('pau hh ay y uw pau'))
  assert.deepEqual(tenths(spans), [
    [1, 3],
    [3, 3],
    [3, 5],
  ])
})

test('no words, no phones: no failure', () => {
  assert.deepEqual(alignWords([], spoken('pau')), [])
  assert.deepEqual(alignWords([word('hh ay')], []), [{ start: 0, end: 0 }])
})
