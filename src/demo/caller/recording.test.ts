import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recording } from './recording.ts'

const frame = (value: number): Int16Array => new Int16Array(160).fill(value)

test('both sides lie where they were on the wire', () => {
  const recording = new Recording(1_000)
  recording.spoke(frame(5), 1_020)
  recording.heard(frame(7), 8_000, 1_040)
  const { left, right } = recording.channels()
  assert.equal(left.length, 480)
  assert.equal(right.length, 480)
  assert.deepEqual([left[159], left[160], left[319], left[320]], [0, 5, 5, 0])
  assert.deepEqual([right[319], right[320], right[479]], [0, 7, 7])
})

test('jitter of arrival does not move a frame, lost frames leave silence, the RTP clock may wrap', () => {
  const recording = new Recording(0)
  recording.heard(frame(1), 0xffff_ff60, 0)
  recording.heard(frame(3), 160, 47)
  recording.heard(frame(2), 0, 49)
  const { right } = recording.channels()
  assert.equal(right.length, 480)
  assert.deepEqual([right[0], right[160], right[320]], [1, 2, 3])
})

test('what came before the start is left out', () => {
  const recording = new Recording(1_000)
  recording.spoke(frame(9), 990)
  const { left } = recording.channels()
  assert.equal(left.length, 80)
  assert.ok(left.every((sample) => sample === 9))
})
