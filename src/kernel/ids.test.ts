import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uuidInOrder } from './ids.ts'

test('ids of later events come later, and are version 4 in form', () => {
  const random = '9b2f6c1e-7d3a-4e58-a0b1-0c9d8e7f6a5b'
  const ids = [1_795_000_000_000_000, 1_795_000_000_001_000, 1_795_000_000_500_000].map((us) => uuidInOrder(us, random))
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(new Set(ids).size, 3)
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})
