import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Load, LoadGuard } from './load.ts'

const IDLE: Load = { listenBusy: 0, listenWaitMs: 0, talkBusy: 0, loopDelayMs: 2, mediaLateMs: 1, ears: 0, calls: 0 }
const LIMITS = { maxCalls: 200, capacity: 20 }

function guard(...measured: readonly Partial<Load>[]): LoadGuard {
  const made = new LoadGuard(LIMITS)
  for (const load of measured) made.measured({ ...IDLE, ...load })
  return made
}

const times = (count: number, load: Partial<Load>): Partial<Load>[] => Array.from({ length: count }, () => load)

/** Lets in as many as it takes. */
function letIn(one: LoadGuard): number {
  for (let begun = 0; ; begun++) {
    if (one.refusal(0, 0) !== null || begun === 1_000) return begun
    one.began()
  }
}

test('a fresh node takes four times as many calls at once as it holds conversations, until it knows more', () => {
  assert.equal(letIn(guard()), 80)
  assert.equal(letIn(guard(IDLE)), 80)
})

test('calls that nobody listens to do not count as conversations, once that has shown', () => {
  assert.ok(letIn(guard(...times(50, { calls: 100, ears: 0 }))) > 500)
})

test('what a listener really costs counts for more than the benchmark', () => {
  const light = guard(...times(50, { calls: 30, ears: 30, listenBusy: 0.3 }))
  assert.equal(letIn(light), 55, '85 % of the thread at 1 % each')
  const heavy = guard(...times(2, { calls: 10, ears: 10, listenBusy: 0.84 }))
  assert.equal(letIn(heavy), 0)
})

test('calls at once are bounded whatever they do', () => {
  assert.equal(guard(IDLE).refusal(199, 0), null)
  assert.equal(guard(IDLE).refusal(200, 0)?.why, 'calls')
})

test('one bad moment refuses nobody, four do, and it takes a cool one to open again', () => {
  const one = guard(...times(3, { loopDelayMs: 300 }))
  assert.equal(one.refusal(1, 0), null)
  one.measured({ ...IDLE, loopDelayMs: 300 })
  assert.equal(one.refusal(1, 0)?.why, 'loop')
  one.measured({ ...IDLE, loopDelayMs: 180 })
  assert.equal(one.refusal(1, 0)?.why, 'loop', 'not hot any more, and not yet cool')
  one.measured(IDLE)
  assert.equal(one.refusal(1, 0), null)
})

test('each part can be the full one', () => {
  const why = (load: Partial<Load>) => guard(...times(4, load)).refusal(1, 0)?.why
  assert.equal(why({ listenBusy: 0.9 }), 'listen')
  assert.equal(why({ listenWaitMs: 500 }), 'listen')
  assert.equal(why({ talkBusy: 0.9 }), 'talk')
  assert.equal(why({ mediaLateMs: 50 }), 'media')
})

test('a node that drains takes nobody, and those refused come back at different moments', () => {
  const one = guard(IDLE)
  one.isDraining = true
  assert.equal(one.refusal(0, 0)?.why, 'draining')
  const seconds = new Set([0, 1_000, 2_500, 5_999].map((now) => one.refusal(0, now)?.retryAfterS))
  assert.deepEqual([...seconds], [2, 3, 5, 8])
})
