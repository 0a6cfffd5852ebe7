import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fit, isBelieved, isPromising, voiceAboveNoise } from './credibility.ts'

const aligned = (...words: readonly (readonly [string, number, number])[]) => ({
  t: words.map(([word]) => word).join(' '),
  b: 0,
  d: 0,
  p: 1,
  w: words.map(([t, d, p]) => ({ t, b: 0, d, p })),
})

test('the fit is the mean over all frames, however many words they make', () => {
  const one = fit(aligned(['stop', 0.5, 0.9]))
  const two = fit(aligned(['stop', 0.5, 0.9], ['stop', 0.5, 0.9]))
  assert.ok(Math.abs(one - Math.log(0.9) / 50) < 1e-12)
  assert.ok(Math.abs(one - two) < 1e-12)
})

test('a phrase that fits well is believed, one with a word that was not said is not', () => {
  assert.ok(isBelieved(aligned(['<sil>', 0.13, 0.978], ['what', 0.29, 0.983], ['are', 0.18, 0.982]), 60))
  assert.ok(!isBelieved(aligned(['book', 0.39, 0.97], ['a', 0.44, 0.698], ['table', 0.44, 0.772]), 60))
})

test('nothing is not believed', () => {
  assert.ok(!isBelieved(aligned(), 0))
  assert.ok(!isBelieved(aligned(['stop', 0.5, 0]), 0))
  assert.ok(!isPromising(Number.NaN))
})

test('on a noisy line a phrase may fit a little worse', () => {
  const middling = aligned(['stop', 1, Math.exp(-0.205)])
  assert.ok(!isBelieved(middling, 60))
  assert.ok(isBelieved(middling, 20))
})

test('the voice is measured against the noise of the pre-roll', () => {
  const tone = (samples: number, level: number) =>
    Array.from({ length: samples }, (_, i) => Math.round(level * Math.SQRT2 * Math.sin(i)))
  const measured = voiceAboveNoise(Int16Array.from([...tone(1600, 100), ...tone(3200, 1000)]))
  assert.ok(Math.abs(measured - 20) < 1, `${measured}`)
  assert.equal(voiceAboveNoise(new Int16Array(4800)), 0)
})
