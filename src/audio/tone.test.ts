import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSine, amplitudeAt, fillKeyTone, keyToneIn, sine } from './tone.ts'

test('a sine has its amplitude at its own frequency and none elsewhere', () => {
  const pcm = sine(1_000, 8_000, 800, 10_000)
  assert.ok(Math.abs(amplitudeAt(pcm, 1_000, 8_000) - 10_000) < 5)
  assert.ok(amplitudeAt(pcm, 1_500, 8_000) < 5)
  assert.equal(amplitudeAt(new Int16Array(0), 1_000, 8_000), 0)
})

test('frames of a tone join without a seam', () => {
  const whole = sine(440, 8_000, 480)
  for (let at = 0; at < 480; at += 160) {
    const frame = new Int16Array(160)
    addSine(frame, 440, 8_000, undefined, at)
    assert.deepEqual(frame, whole.subarray(at, at + 160))
  }
})

test('tones saturate and never wrap', () => {
  const pcm = new Int16Array(160).fill(32_000)
  addSine(pcm, 500, 8_000, 32_000)
  assert.ok(pcm.every((sample) => sample >= 0))
})

test('every key is found by its tones in 40 ms, and none in silence or a single tone', () => {
  for (const digit of '0123456789*#ABCD') {
    const pcm = new Int16Array(320)
    assert.ok(fillKeyTone(pcm, digit, 8_000))
    assert.equal(keyToneIn(pcm, 8_000), digit)
  }
  const pcm = new Int16Array(320).fill(7)
  assert.equal(fillKeyTone(pcm, 'x', 8_000), false)
  assert.equal(fillKeyTone(pcm, '', 8_000), false)
  assert.equal(keyToneIn(pcm, 8_000), null)
  assert.equal(keyToneIn(sine(697, 8_000, 320), 8_000), null)
})
