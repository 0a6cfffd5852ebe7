import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Jitter, MAX_LATER, MAX_WAIT_MS } from './jitter.ts'
import { nextSequence } from './sequence.ts'

/** Packet number n carries n in its payload, and was recorded n * 20 ms after the first. */
function push(jitter: Jitter, n: number, now: number, first = 0): void {
  const payload = Uint8Array.of(99, n >> 8, n & 0xff)
  jitter.push(nextSequence(first, n), (n * 160) >>> 0, payload, 1, 2, now)
}

function pullAll(jitter: Jitter, now: number): (number | 'lost')[] {
  const pulled: (number | 'lost')[] = []
  for (;;) {
    const one = jitter.pull(now)
    if (one === 'wait') return pulled
    if (one === 'lost') pulled.push('lost')
    else {
      const n = (jitter.payload[0]! << 8) | jitter.payload[1]!
      assert.equal(jitter.rtpTime, n * 160)
      pulled.push(n)
    }
  }
}

test('a packet in order is given out at once', () => {
  const jitter = new Jitter()
  for (let n = 0; n < 200; n++) {
    push(jitter, n, n * 20)
    assert.deepEqual(pullAll(jitter, n * 20), [n])
  }
})

test('sequence numbers may begin anywhere and wrap', () => {
  for (const first of [0, 1, 65_535, 65_500]) {
    const jitter = new Jitter()
    for (let n = 0; n < 100; n++) {
      push(jitter, n, n * 20, first)
      assert.deepEqual(pullAll(jitter, n * 20), [n])
    }
  }
})

test('two packets that changed places come out in order', () => {
  const jitter = new Jitter()
  for (const n of [0, 1, 3]) push(jitter, n, n * 20)
  assert.deepEqual(pullAll(jitter, 60), [0, 1])
  push(jitter, 2, 61)
  assert.deepEqual(pullAll(jitter, 61), [2, 3])
  assert.equal(jitter.reordered, 1)
  assert.equal(jitter.lost, 0)
})

test('a gap is lost when a later packet has waited long enough', () => {
  const jitter = new Jitter()
  push(jitter, 0, 0)
  push(jitter, 2, 40)
  assert.deepEqual(pullAll(jitter, 40 + MAX_WAIT_MS - 1), [0])
  assert.deepEqual(pullAll(jitter, 40 + MAX_WAIT_MS), ['lost', 2])
  assert.equal(jitter.lost, 1)
})

test('a gap is lost when enough packets have come after it', () => {
  const jitter = new Jitter()
  push(jitter, 0, 0)
  assert.deepEqual(pullAll(jitter, 0), [0])
  for (let later = 1; later < MAX_LATER; later++) {
    push(jitter, 1 + later, 1)
    assert.deepEqual(pullAll(jitter, 1), [])
  }
  push(jitter, 1 + MAX_LATER, 1)
  assert.deepEqual(pullAll(jitter, 1), ['lost', 2, 3, 4])
})

test('a packet that comes twice, or after it was given up, is dropped and counted', () => {
  const jitter = new Jitter()
  push(jitter, 0, 0)
  push(jitter, 0, 0)
  push(jitter, 2, 40)
  push(jitter, 2, 40)
  assert.deepEqual(pullAll(jitter, 200), [0, 'lost', 2])
  push(jitter, 1, 201)
  assert.deepEqual(pullAll(jitter, 201), [])
  assert.equal(jitter.duplicate, 3)
})

test('a jump of the sequence is a restart, not a loss of thousands', () => {
  const jitter = new Jitter()
  push(jitter, 0, 0, 10)
  assert.deepEqual(pullAll(jitter, 0), [0])
  push(jitter, 0, 20, 40_000)
  push(jitter, 1, 40, 40_000)
  assert.deepEqual(pullAll(jitter, 40), [0, 1])
  assert.equal(jitter.lost, 0)
})

test('whatever the network does, packets come out in order, once, and none that came in time is missing', () => {
  const fate = fc.record({ lost: fc.nat({ max: 99 }), heldMs: fc.nat({ max: 50 }), twice: fc.boolean() })
  fc.assert(
    fc.property(fc.nat({ max: 0xffff }), fc.array(fate, { minLength: 1, maxLength: 120 }), (first, fates) => {
      const arrivals: { n: number; at: number }[] = [{ n: 0, at: 0 }]
      for (const [i, { lost, heldMs, twice }] of fates.entries()) {
        const n = i + 1
        if (lost < 10) continue
        arrivals.push({ n, at: n * 20 + heldMs })
        if (twice) arrivals.push({ n, at: n * 20 + heldMs + 3 })
      }
      arrivals.sort((a, b) => a.at - b.at)
      const jitter = new Jitter()
      const given: (number | 'lost')[] = []
      for (const { n, at } of arrivals) {
        push(jitter, n, at, first)
        given.push(...pullAll(jitter, at))
      }
      given.push(...pullAll(jitter, 1e9))
      const numbers = given.filter((one) => one !== 'lost')
      assert.deepEqual(
        numbers,
        [...new Set(arrivals.map(({ n }) => n))].sort((a, b) => a - b),
      )
      assert.equal(given.length - numbers.length, jitter.lost)
      assert.equal(given.length, numbers.at(-1)! + 1)
    }),
  )
})

test('one packet from far away is no restart, and nothing around it is lost', () => {
  const jitter = new Jitter()
  const given: (number | 'lost')[] = []
  for (let n = 0; n < 20; n++) {
    push(jitter, n, n * 20, 100)
    if (n === 10) push(jitter, 0, n * 20, 40_000)
    given.push(...pullAll(jitter, n * 20))
  }
  assert.deepEqual(
    given,
    Array.from({ length: 20 }, (_, n) => n),
  )
  assert.equal(jitter.lost, 0)
})

test('a restart whose first two packets changed places is followed from the earlier one', () => {
  const jitter = new Jitter()
  push(jitter, 0, 0, 10)
  assert.deepEqual(pullAll(jitter, 0), [0])
  for (const n of [1, 0, 2]) push(jitter, n, 20, 40_000)
  assert.deepEqual(pullAll(jitter, 60), [0, 1, 2])
})
