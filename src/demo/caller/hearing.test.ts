import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hearing, lastVoicedFrame } from './hearing.ts'

const SILENCE = new Int16Array(160)
const VOICE = new Int16Array(160).fill(3_000)
const BREATH = new Int16Array(160).fill(100)

test('the last voiced frame of a line is found behind its tail of silence', () => {
  const line = new Int16Array(5 * 160 + 40)
  line.fill(3_000, 160, 400)
  assert.equal(lastVoicedFrame(line, 160), 2)
  assert.equal(lastVoicedFrame(SILENCE, 160), -1)
})

test('a stretch tells voice from silence, and leaves breath uncounted', () => {
  const hearing = new Hearing()
  for (const [index, frame] of [SILENCE, VOICE, BREATH, SILENCE, VOICE].entries())
    hearing.note(frame, 1_000 + index * 20)
  assert.equal(hearing.lastVoicedAt, 1_080)
  assert.equal(hearing.firstVoicedAfter(1_020), 1_080)
  assert.equal(hearing.firstVoicedAfter(1_080), null)
  assert.deepEqual(hearing.between(1_020, 1_080), { frames: 2, voiced: 0, silent: 1 })
})
