import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MediaCommand, MediaEvent } from '../media/protocol.ts'
import type { Channel } from './channel.ts'
import { MediaThreads } from './media-threads.ts'

function channels(count: number): Channel<MediaCommand, MediaEvent>[] {
  return Array.from({ length: count }, () => ({
    onEvents: () => {},
    onLost: () => {},
    post: () => {},
    close: async () => {},
  }))
}

const pace = (legs: number, cpuMs: number, lateP99Ms = 1) =>
  ({ kind: 'pace', legs, ticks: 200, lateP50Ms: 0.5, lateP99Ms, lateMaxMs: 2, cpuMs }) as const

test('without figures legs are spread evenly; a leg that closed makes room', () => {
  const threads = new MediaThreads(channels(3))
  assert.deepEqual(
    Array.from({ length: 6 }, () => threads.place(null)),
    [0, 1, 2, 0, 1, 2],
  )
  threads.closed(1)
  assert.equal(threads.place(null), 1)
})

test('what threads tell of themselves outweighs the number of their legs', () => {
  const threads = new MediaThreads(channels(2))
  for (let n = 0; n < 4; n++) threads.place(null)
  threads.pace(0, pace(2, 300))
  threads.pace(1, pace(2, 20))
  assert.deepEqual(
    Array.from({ length: 5 }, () => threads.place(null)),
    [1, 1, 1, 1, 1],
  )
})

test('a leg goes where its peer is, unless that thread is gone; when all are gone it goes nowhere', () => {
  const threads = new MediaThreads(channels(2))
  assert.equal(threads.place(null), 0)
  assert.equal(threads.place(0), 0)
  threads.lost(0)
  assert.equal(threads.place(0), 1)
  threads.lost(1)
  assert.equal(threads.isThere, false)
  assert.equal(threads.place(null), null)
  threads.back(0)
  assert.equal(threads.place(null), 0)
})

test('the pace of all is that of the latest one on its own, with the worst lateness and the legs of all', () => {
  const threads = new MediaThreads(channels(2))
  for (let n = 0; n < 2; n++) threads.place(null)
  assert.equal(threads.pace(0, pace(1, 1, 7)).legs, 1)
  const both = threads.pace(1, pace(4, 1, 3))
  assert.deepEqual([both.legs, both.lateP99Ms], [5, 7])
  threads.closed(0)
  assert.equal(threads.pace(1, pace(4, 1, 3)).lateP99Ms, 3)
})
