import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timestamp, uuidInOrder } from './ids.ts'

test('ids of later events come later, and are version 4 in form', () => {
  const random = '9b2f6c1e-7d3a-4e58-a0b1-0c9d8e7f6a5b'
  const ids = [1_795_000_000_000_000, 1_795_000_000_001_000, 1_795_000_000_500_000].map((us) => uuidInOrder(us, random))
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(new Set(ids).size, 3)
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('timestamps have six digits, in any order, before 1970 too', () => {
  const cases: [number, string][] = [
    [1_768_469_400_000_000, '2026-01-15T09:30:00.000000Z'],
    [1_768_469_400_000_001, '2026-01-15T09:30:00.000001Z'],
    [1_768_469_401_999_999, '2026-01-15T09:30:01.999999Z'],
    [1_768_469_400_000_000, '2026-01-15T09:30:00.000000Z'],
    [-1, '1969-12-31T23:59:59.999999Z'],
  ]
  for (const [us, text] of cases) assert.equal(timestamp(us), text)
})
