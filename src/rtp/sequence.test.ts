import assert from 'node:assert/strict'
import { test } from 'node:test'
import { laterTime, nextSequence, sequenceDistance, timeDistance } from './sequence.ts'

test('sequence numbers wrap at 2^16', () => {
  assert.equal(nextSequence(0xffff), 0)
  assert.equal(nextSequence(0xfffe, 4), 2)
  assert.equal(sequenceDistance(0xffff, 0), 1)
  assert.equal(sequenceDistance(0, 0xffff), -1)
  assert.equal(sequenceDistance(0, 0), 0)
  assert.equal(sequenceDistance(0, 0x7fff), 32_767)
  assert.equal(sequenceDistance(0, 0x8000), -32_768)
})

test('RTP time wraps at 2^32', () => {
  assert.equal(laterTime(0xffff_ff60, 160), 0)
  assert.equal(timeDistance(0xffff_ff60, 0), 160)
  assert.equal(timeDistance(0, 0xffff_ff60), -160)
  assert.equal(timeDistance(0, 0x7fff_ffff), 2 ** 31 - 1)
})
