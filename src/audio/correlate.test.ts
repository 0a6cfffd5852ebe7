import assert from 'node:assert/strict'
import { test } from 'node:test'
import { likeness, snrDb } from './correlate.ts'
import { noise, voice } from './signals.suite.ts'

const SAID = voice(8_000, 16_000).subarray(4_000, 8_000)

test('what was said is found in what was heard, wherever and however loud', () => {
  const heard = new Int16Array(12_000)
  for (const [n, sample] of SAID.entries()) heard[5_217 + n] = Math.round(sample / 3)
  const { correlation, lagSamples } = likeness(SAID, heard)
  assert.equal(lagSamples, 5_217)
  assert.ok(correlation > 0.999)
})

test('something else is not like it', () => {
  assert.ok(likeness(SAID, noise(12_000, 8_000)).correlation < 0.2)
  assert.ok(likeness(SAID, voice(8_000, 20_000, 2).subarray(9_000)).correlation < 0.85)
})

test('silence, and what is too short, is like nothing', () => {
  assert.deepEqual(likeness(SAID, new Int16Array(8_000)), { correlation: 0, lagSamples: 0 })
  assert.deepEqual(likeness(SAID, SAID.subarray(1)), { correlation: 0, lagSamples: 0 })
})

test('noise of a tenth is 20 dB below', () => {
  const hiss = noise(SAID.length, 1_000)
  const power = (pcm: Int16Array): number => pcm.reduce((sum, sample) => sum + sample ** 2, 0)
  const share = Math.sqrt(power(SAID) / power(hiss) / 100)
  const heard = SAID.map((sample, n) => sample + Math.round(hiss[n]! * share))
  assert.ok(Math.abs(snrDb(SAID, heard) - 20) < 0.5, `${snrDb(SAID, heard)}`)
})
