import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_LIMITS } from '../../contract/limits.ts'
import { Book } from './book.ts'
import { Window } from './window.ts'

const SEED = 20_260_115

/** Gaps between asks, in ms: bursts, and now and then a rest. */
const gaps = fc.array(fc.oneof({ weight: 4, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(3_000) }), {
  maxLength: 200,
})

test('never more than the limit within any second, and never fewer than could be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), gaps, (limit, waits) => {
      const window = new Window(1_000)
      const passed: number[] = []
      let now = 0
      for (const wait of waits) {
        now += wait
        const lately = passed.filter((at) => at > now - 1_000).length
        // It neither lets too many pass nor refuses one that fits.
        assert.equal(window.fits(limit, now), lately < limit)
        if (lately < limit) {
          window.note(now)
          passed.push(now)
        }
      }
      for (const start of passed) {
        assert.ok(passed.filter((at) => at >= start && at < start + 1_000).length <= limit)
      }
    }),
    { seed: SEED, numRuns: 500 },
  )
})

const acts = fc.array(
  fc.record({
    wait: fc.nat(700),
    what: fc.constantFrom('ask', 'ask', 'ask', 'begin', 'end', 'lose'),
    number: fc.constantFrom('', '+1001', '+1002'),
  }),
  { maxLength: 300 },
)

test('never more calls at once than allowed, and a caller who waits for one to end gets through', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), acts, (atOnce, perSecond, script) => {
      const book = new Book()
      const limits = { ...DEFAULT_LIMITS, calls_at_once: atOnce, new_calls_per_second: perSecond }
      const own = { calls_at_once: Math.max(1, atOnce - 1) }
      const expected: { number: string }[] = []
      const live: { id: string; number: string }[] = []
      let now = 0
      let made = 0
      const moment = () => ({ now, day: 'today' })
      for (const { wait, what, number } of script) {
        now += wait
        if (what === 'ask' && book.admit({ number, destination: null }, limits, own, moment()) === null)
          expected.push({ number })
        if (what === 'lose') expected.shift()
        if (what === 'begin') {
          const next = expected.shift()
          if (next) {
            const call = { id: String(made++), number: next.number }
            live.push(call)
            book.began(call.id, call.number, now)
          }
        }
        const [oldest] = live
        if (what === 'end' && oldest) {
          live.shift()
          book.over(oldest.id, moment())
        }
        assert.ok(live.length <= atOnce)
        for (const one of ['+1001', '+1002']) {
          assert.ok(live.filter((call) => call.number === one).length <= own.calls_at_once)
        }
      }
      // All hang up, and everything that was promised and not taken runs out: the next one passes.
      for (const call of live) book.over(call.id, moment())
      now += 11_000
      assert.equal(book.admit({ number: '', destination: null }, limits, own, moment()), null)
      assert.equal(book.liveCalls, 0)
    }),
    { seed: SEED, numRuns: 300 },
  )
})
