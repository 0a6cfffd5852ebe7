import assert from 'node:assert/strict'
import { test } from 'node:test'
import { levelDb } from '../audio/level.ts'
import { amplitudeAt } from '../audio/tone.ts'
import { backgroundLoop } from './background.ts'

const RATE_HZ = 8_000

test('the music is quiet, never clips, and its end joins its beginning', () => {
  const loop = backgroundLoop('music', RATE_HZ)
  assert.ok(Math.abs(levelDb(loop) + 26) < 0.2)
  let peak = 0
  let step = 0
  for (const [i, sample] of loop.entries()) {
    peak = Math.max(peak, Math.abs(sample))
    step = Math.max(step, Math.abs(sample - loop.at(i - 1)!))
  }
  assert.ok(peak < 16_000, `${peak}`)
  // The seam is one of the steps: none of them is a click.
  assert.ok(step < peak / 2, `${step} of ${peak}`)
  assert.equal(backgroundLoop('music', RATE_HZ), loop)
})

test('ringback is 440 and 480 Hz for 2 of 6 s, busy 480 and 620 Hz for half of each second', () => {
  const ringback = backgroundLoop('ringback', RATE_HZ)
  assert.equal(ringback.length, 48_000)
  for (const hz of [440, 480]) assert.ok(Math.abs(amplitudeAt(ringback.subarray(0, 16_000), hz, RATE_HZ) - 3_200) < 5)
  assert.equal(levelDb(ringback.subarray(16_000)), -100)
  const busy = backgroundLoop('busy', RATE_HZ)
  assert.equal(busy.length, 8_000)
  for (const hz of [480, 620]) assert.ok(Math.abs(amplitudeAt(busy.subarray(0, 4_000), hz, RATE_HZ) - 3_200) < 5)
  assert.equal(levelDb(busy.subarray(4_000)), -100)
})
