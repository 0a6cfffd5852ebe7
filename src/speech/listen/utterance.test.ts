import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PhraseList } from '../phrases.ts'
import { Utterance } from './utterance.ts'

test('sound that a recogniser is given again after a silence is counted once', () => {
  const utterance = new Utterance(1, 1, new PhraseList(['yes']), 0, 0)
  utterance.add(new Int16Array(1_000))
  assert.equal(utterance.heard, 0, 'not before it is given')
  assert.equal(utterance.next(600).length, 600)
  utterance.rewind()
  while (utterance.waiting > 0) utterance.next(256)
  assert.equal(utterance.heard, 1_000)
  utterance.rewind()
  utterance.next(256)
  assert.equal(utterance.heard, 1_000)
})

test('sound that is held back is not counted', () => {
  const utterance = new Utterance(1, 1, new PhraseList(['yes']), 0, 0)
  utterance.hearUpTo(300)
  utterance.add(new Int16Array(1_000))
  while (utterance.waiting > 0) utterance.next(256)
  assert.equal(utterance.heard, 300)
})
