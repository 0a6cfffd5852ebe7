import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { newRequestId, newToken, newUuid, pooledBytes } from './secrets.ts'

test('pooled bytes are all different, also after the pool has been drawn again, and never blank', () => {
  let drawn = 0
  const pooled = pooledBytes((size) => {
    drawn++
    return randomBytes(size)
  })
  const kept = Array.from({ length: 2_000 }, () => pooled(16))
  const texts = kept.map((bytes) => Buffer.from(bytes).toString('hex'))
  assert.equal(new Set(texts).size, 2_000)
  assert.ok(!texts.includes('0'.repeat(32)))
  assert.ok(drawn < 20, `${drawn}`)
  assert.equal(pooled(5_000).length, 5_000)
})

test('ids and tokens have the forms of the contract', () => {
  const pooled = pooledBytes((size) => randomBytes(size))
  assert.match(newUuid(pooled), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(newToken(pooled), /^vb_[A-Za-z0-9]{32}$/)
  assert.match(newRequestId(pooled), /^req_[a-z2-7]{26}$/)
})
