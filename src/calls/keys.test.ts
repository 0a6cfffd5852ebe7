import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keys } from './keys.ts'

test('a key by one way counts each time it is pressed', () => {
  const keys = new Keys()
  assert.deepEqual(
    [keys.counts('5', 'info', 0), keys.counts('5', 'info', 100), keys.counts('5', 'info', 200)],
    [true, true, true],
  )
})

test('a key by both ways counts once, whichever is first, also typed twice in a row', () => {
  const keys = new Keys()
  assert.equal(keys.counts('5', 'info', 0), true)
  assert.equal(keys.counts('5', 'sound', 180), false)
  assert.equal(keys.counts('5', 'sound', 400), true)
  assert.equal(keys.counts('5', 'info', 410), false)
  assert.deepEqual([keys.counts('1', 'info', 500), keys.counts('1', 'info', 600)], [true, true])
  assert.deepEqual([keys.counts('1', 'sound', 700), keys.counts('1', 'sound', 800)], [false, false])
})

test('the same key much later by the other way is another press, and so is another key', () => {
  const keys = new Keys()
  keys.counts('5', 'info', 0)
  assert.equal(keys.counts('6', 'sound', 100), true)
  assert.equal(keys.counts('5', 'sound', 2_001), true)
})
