import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isVoiced, levelDb, meanSquare, VOICED_FLOOR_DB } from './level.ts'

test('a full-scale square is 0 dB, each halving 6 dB less, silence -100', () => {
  assert.equal(levelDb(new Int16Array(160).fill(-32_768)), 0)
  assert.ok(Math.abs(levelDb(new Int16Array(160).fill(16_384)) + 6.02) < 0.01)
  assert.equal(levelDb(new Int16Array(160)), -100)
  assert.equal(levelDb(new Int16Array(0)), -100)
  assert.equal(meanSquare(new Int16Array(0)), 0)
})

test('only the first samples count', () => {
  const pcm = new Int16Array(160).fill(1_000, 80)
  assert.equal(levelDb(pcm, 80), -100)
  assert.ok(levelDb(pcm) > -40)
})

test('voiced is what lies above the floor', () => {
  const atFloor = 32_768 * 10 ** (VOICED_FLOOR_DB / 20)
  assert.ok(isVoiced(new Int16Array(160).fill(Math.ceil(atFloor))))
  assert.ok(!isVoiced(new Int16Array(160).fill(Math.floor(atFloor))))
})
