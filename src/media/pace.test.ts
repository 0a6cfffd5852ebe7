import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from './pace.ts'

test('percentiles are those of the frames since the last time', () => {
  const pace = new Pace()
  assert.deepEqual(pace.take(), { ticks: 0, lateP50Ms: 0, lateP99Ms: 0, lateMaxMs: 0 })
  for (let i = 0; i < 100; i++) pace.note(i < 98 ? 0.1 : 7.3)
  pace.note(10_000)
  pace.ticked()
  assert.deepEqual(pace.take(), { ticks: 1, lateP50Ms: 0.25, lateP99Ms: 7.5, lateMaxMs: 10_000 })
  pace.note(0.05)
  assert.deepEqual(pace.take(), { ticks: 0, lateP50Ms: 0.05, lateP99Ms: 0.05, lateMaxMs: 0.05 })
})
