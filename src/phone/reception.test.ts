import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reception } from './reception.ts'

function received(sequences: readonly number[], ssrc = 7): Reception {
  const reception = new Reception()
  for (const sequence of sequences) reception.note(ssrc, sequence)
  return reception
}

test('a gap counts as lost until the late packet comes', () => {
  assert.equal(received([10, 11, 14]).lost, 2)
  const late = received([10, 11, 14, 12, 13])
  assert.deepEqual([late.lost, late.reordered, late.received], [0, 2, 5])
})

test('a packet that comes twice is told and counted once', () => {
  const reception = received([10, 11])
  assert.equal(reception.note(7, 11), false)
  assert.deepEqual([reception.received, reception.duplicates, reception.lost], [2, 1, 0])
})

test('sequence numbers wrap, also when the first one was zero', () => {
  const wrapped = received([65_534, 65_535, 0, 1])
  assert.deepEqual([wrapped.lost, wrapped.reordered, wrapped.received], [0, 0, 4])
  assert.equal(received([0, 1, 65_535]).reordered, 1)
})

test('a new stream starts afresh and keeps the losses of the old one', () => {
  const reception = received([10, 12])
  for (const sequence of [40_000, 40_001]) reception.note(8, sequence)
  assert.deepEqual([reception.lost, reception.received], [1, 4])
})
