import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile, spread } from './figures.ts'

test('a percentile is a measured value, by nearest rank', () => {
  const values = [40, 10, 30, 20]
  assert.equal(percentile(values, 0.5), 20)
  assert.equal(percentile(values, 0.95), 40)
  assert.deepEqual(spread([7.4]), { p50: 7, p95: 7 })
})

test('nothing measured is null, not zero', () => {
  assert.deepEqual(spread([]), { p50: null, p95: null })
})
