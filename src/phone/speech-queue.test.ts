import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SpeechQueue } from './speech-queue.ts'

const frame = new Int16Array(160)

test('an utterance tells when its first and its last sample left', async () => {
  const queue = new SpeechQueue()
  const spoken = queue.push(new Int16Array(400).fill(1), 0)
  for (const at of [20, 40, 60]) assert.equal(queue.take(frame, at), true)
  assert.equal(queue.take(frame, 80), false)
  assert.deepEqual(await spoken, { firstAt: 20, lastAt: 60 })
  assert.deepEqual([frame[79], frame[80]], [1, 0])
})

test('short utterances share a frame without a gap', async () => {
  const queue = new SpeechQueue()
  const first = queue.push(new Int16Array(100).fill(1), 0)
  const second = queue.push(new Int16Array(60).fill(2), 0)
  queue.take(frame, 20)
  assert.deepEqual([frame[99], frame[100], frame[159]], [1, 2, 2])
  assert.deepEqual(await Promise.all([first, second]), [
    { firstAt: 20, lastAt: 20 },
    { firstAt: 20, lastAt: 20 },
  ])
})

test('clearing resolves what waits, and an empty utterance resolves at once', async () => {
  const queue = new SpeechQueue()
  const spoken = queue.push(new Int16Array(1_000), 5)
  queue.take(frame, 20)
  queue.clear(30)
  assert.equal(queue.depthSamples, 0)
  assert.deepEqual(await spoken, { firstAt: 20, lastAt: 30 })
  assert.deepEqual(await queue.push(new Int16Array(0), 40), { firstAt: 40, lastAt: 40 })
})

test('whatever the lengths, every sample leaves once and in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 12 }), (lengths) => {
      const queue = new SpeechQueue()
      let next = 1
      for (const length of lengths) {
        void queue.push(
          Int16Array.from({ length }, () => next++),
          0,
        )
      }
      const out: number[] = []
      while (queue.take(frame, 0)) out.push(...frame)
      assert.deepEqual(
        out.filter((sample) => sample !== 0),
        Array.from({ length: next - 1 }, (_, index) => index + 1),
      )
    }),
  )
})
