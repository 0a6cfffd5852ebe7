import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallingHours, Limits } from '../../contract/limits.ts'
import { DEFAULT_LIMITS, limitsOf } from '../../contract/limits.ts'
import type { Address } from '../commands.ts'
import { Book } from './book.ts'
import { isWithin } from './hours.ts'
import { forbiddenBy, reachOf } from './law.ts'
import { refused } from './refusals.ts'
import { Windows } from './window.ts'

const DAY = '2026-01-15'
const at = (now: number) => ({ now, day: DAY })
const limits = (changes: Partial<Limits>): Limits => ({ ...DEFAULT_LIMITS, ...changes })
const to = (type: string, target: string): Address => ({ type, target, target_name: '', name: '', detail: '' })
const UNKNOWN = { isOwnNumber: false, isExtension: false }
const wallOf = (text: string): number => Date.parse(text) * 1000

test('the third call of two at once is refused until one is over', () => {
  const book = new Book()
  const two = limits({ calls_at_once: 2 })
  const asked = { number: '', destination: null }
  for (const id of ['a', 'b']) {
    assert.equal(book.admit(asked, two, {}, at(0)), null)
    book.began(id, '', 0)
  }
  assert.equal(book.admit(asked, two, {}, at(10)), 'calls_at_once')
  book.over('a', at(20))
  assert.equal(book.admit(asked, two, {}, at(30)), null)
})

test('calls admitted together count before any of them has begun', () => {
  const book = new Book()
  const two = limits({ calls_at_once: 2 })
  const asked = { number: '', destination: null }
  assert.equal(book.admit(asked, two, {}, at(0)), null)
  assert.equal(book.admit(asked, two, {}, at(0)), null)
  assert.equal(book.admit(asked, two, {}, at(0)), 'calls_at_once')
  // One that was admitted long ago, or not at all, takes nobody's place.
  book.began('late', '', 1, 'another')
  book.over('late', at(2))
  assert.equal(book.admit(asked, two, {}, at(2)), 'calls_at_once')
  // Those that never begin are forgotten.
  assert.equal(book.admit(asked, two, {}, at(10_001)), null)
})

test('a number has limits of its own beside those of its customer', () => {
  const book = new Book()
  const one = { calls_at_once: 1 }
  const asked = (number: string) => ({ number, destination: null })
  assert.equal(book.admit(asked('+1001'), limits({}), one, at(0)), null)
  book.began('a', '+1001', 0)
  assert.equal(book.admit(asked('+1001'), limits({}), one, at(1)), 'number.calls_at_once')
  assert.equal(book.admit(asked('+1002'), limits({}), one, at(1)), null)
})

test('minutes of today count those of calls that are up, those of before, and not those of yesterday', () => {
  const book = new Book()
  const ten = limits({ minutes_per_day: 10 })
  const asked = { number: '+1001', destination: null }
  book.restore('+1001', 5 * 60_000, '2026-01-14')
  book.restore('+1001', 4 * 60_000, DAY)
  assert.equal(book.admit(asked, ten, {}, at(0)), null)
  book.began('a', '+1001', 0)
  assert.equal(book.admit(asked, ten, {}, at(5 * 60_000)), null)
  assert.equal(book.admit(asked, ten, {}, at(6 * 60_000)), 'minutes_per_day')
  book.over('a', at(6 * 60_000))
  assert.equal(book.admit(asked, ten, {}, at(6 * 60_000)), 'minutes_per_day')
  assert.equal(book.admit(asked, ten, {}, { now: 7 * 60_000, day: '2026-01-16' }), null)
  const tomorrow = { now: 8 * 60_000, day: '2026-01-16' }
  assert.equal(book.admit(asked, limits({}), { minutes_per_day: 4 }, tomorrow), null, 'a new day is counted')
})

test('the same destination is called so often within a minute, another one still may be', () => {
  const book = new Book()
  const thrice = limits({ per_destination_per_minute: 3 })
  const asked = (destination: string) => ({ number: '', destination })
  for (let i = 0; i < 3; i++) assert.equal(book.admit(asked('x'), thrice, {}, at(i * 1_000)), null)
  assert.equal(book.admit(asked('x'), thrice, {}, at(3_000)), 'per_destination_per_minute')
  assert.equal(book.admit(asked('y'), thrice, {}, at(3_000)), null)
  assert.equal(book.admit(asked('x'), thrice, {}, at(60_000)), null)
})

test('a book without calls is idle, one with a call that is expected is not', () => {
  const book = new Book()
  assert.equal(book.isIdle(0), true)
  book.admit({ number: '', destination: null }, limits({}), {}, at(0))
  assert.equal(book.isIdle(1_500), false)
  book.began('a', '', 1_600)
  assert.equal(book.isIdle(20_000), false)
  book.over('a', at(30_000))
  assert.equal(book.isIdle(30_000), true)
})

test('windows keep to their number of keys', () => {
  const windows = new Windows(1_000, 100)
  for (let i = 0; i < 10_000; i++) windows.note(`key ${i}`, i / 100)
  assert.ok(windows.size <= 101)
})

test('the public network is closed until prefixes open it, and what is inside never needs one', () => {
  const reach = (address: Address, known = UNKNOWN) => reachOf(address, known, 'DE')
  const closed = (address: Address, known = UNKNOWN) => forbiddenBy(reach(address, known), DEFAULT_LIMITS, false, 0)
  assert.equal(closed(to('tel', '+4930123456')), 'allowed_prefixes')
  assert.equal(closed(to('tel', '030 123456')), 'allowed_prefixes')
  assert.equal(closed(to('tel', '4930123456')), 'allowed_prefixes')
  assert.equal(closed(to('tel', '+15550100'), { ...UNKNOWN, isOwnNumber: true }), null)
  for (const inside of [
    to('extension', '1001'),
    to('agent', 'x'),
    to('sip', 'alice@example.com'),
    to('sip', 'sip:+4930123456@10.0.0.9'),
  ]) {
    assert.equal(closed(inside), null, inside.target)
  }
  const german = limits({ allowed_prefixes: ['+49'] })
  assert.equal(forbiddenBy(reach(to('tel', '030 123456')), german, false, 0), null)
  assert.equal(forbiddenBy(reach(to('tel', '+442079460018')), german, false, 0), 'allowed_prefixes')
})

test('the do-not-call list holds for numbers outside, also behind a SIP address', () => {
  const open = limits({ allowed_prefixes: ['+'] })
  const listed = (address: Address) => forbiddenBy(reachOf(address, UNKNOWN, ''), open, true, 0)
  assert.equal(listed(to('tel', '+4930123456')), 'do_not_call')
  assert.equal(listed(to('sip', '+4930123456@carrier.example')), 'do_not_call')
  assert.equal(listed(to('extension', '1001')), null)
})

test('emergency numbers are not put through in any form; the lesser ones yield to an own extension', () => {
  const kind = (address: Address, known = UNKNOWN, country = 'DE') => reachOf(address, known, country).kind
  const extension = { ...UNKNOWN, isExtension: true }
  const number = { ...UNKNOWN, isOwnNumber: true }
  for (const address of [
    to('tel', '112'),
    to('tel', '+112'),
    to('extension', '112'),
    to('extension', '911'),
    to('sip', 'sip:112@carrier.example'),
    to('tel', '+49112'),
    to('extension', '0112'),
    to('extension', '110'),
    to('tel', '110'),
  ]) {
    assert.equal(kind(address), 'emergency', address.target)
  }
  assert.equal(kind(to('extension', '112'), extension), 'emergency')
  assert.equal(kind(to('tel', '112'), number), 'emergency')
  assert.equal(kind(to('extension', '110'), extension), 'inside')
  assert.equal(kind(to('extension', '100')), 'inside', 'not in Germany')
  assert.equal(kind(to('extension', '100'), UNKNOWN, ''), 'emergency', 'somewhere, where the country is not known')
  assert.equal(kind(to('sip', 'sip:110@10.0.0.9')), 'sip')
  assert.equal(kind(to('agent', '112')), 'inside')
})

test('calling hours hold in their time zone, over summer time and over midnight', () => {
  const days: CallingHours['weekdays'] = ['mon', 'tue', 'wed', 'thu', 'fri']
  const berlin: CallingHours = { timezone: 'Europe/Berlin', weekdays: days, from: '09:00', to: '20:00' }
  const table: readonly (readonly [moment: string, isWithin: boolean])[] = [
    ['2026-01-15T08:00:00Z', true], // Thursday 09:00
    ['2026-01-15T07:59:59Z', false],
    ['2026-01-15T18:59:59Z', true],
    ['2026-01-15T19:00:00Z', false],
    ['2026-07-15T07:00:00Z', true], // summer time
    ['2026-07-15T18:00:00Z', false],
    ['2026-01-17T12:00:00Z', false], // Saturday
    ['2026-01-18T23:30:00Z', false], // Monday 00:30
  ]
  for (const [moment, expected] of table) assert.equal(isWithin(berlin, wallOf(moment)), expected, moment)

  const night: CallingHours = { timezone: 'UTC', weekdays: ['fri'], from: '22:00', to: '02:00' }
  assert.equal(isWithin(night, wallOf('2026-01-16T23:00:00Z')), true)
  assert.equal(isWithin(night, wallOf('2026-01-17T01:59:00Z')), true, 'still the night of Friday')
  assert.equal(isWithin(night, wallOf('2026-01-16T01:00:00Z')), false, 'the night of Thursday')
  assert.equal(isWithin(night, wallOf('2026-01-17T02:00:00Z')), false)
  const whole: CallingHours = { timezone: 'Asia/Tokyo', weekdays: ['thu'], from: '00:00', to: '24:00' }
  assert.equal(isWithin(whole, wallOf('2026-01-14T15:00:00Z')), true, 'Thursday 00:00 in Tokyo')
  assert.equal(isWithin(whole, wallOf('2026-01-15T15:00:00Z')), false)
})

test('calls outside the hours are refused, those within this server are not', () => {
  const wall = wallOf('2026-01-17T12:00:00Z')
  const open = limits({
    allowed_prefixes: ['+49'],
    calling_hours: { timezone: 'UTC', weekdays: ['mon'], from: '09:00', to: '20:00' },
  })
  assert.equal(forbiddenBy(reachOf(to('tel', '+4930123456'), UNKNOWN, ''), open, false, wall), 'calling_hours')
  assert.equal(forbiddenBy(reachOf(to('sip', 'alice@example.com'), UNKNOWN, ''), open, false, wall), null)
  assert.equal(forbiddenBy(reachOf(to('extension', '1001'), UNKNOWN, ''), open, false, wall), null)
})

test('a refusal says what would open the way', () => {
  const closed = refused('allowed_prefixes', '+4930123456', DEFAULT_LIMITS)
  assert.deepEqual(closed.details, [
    { limit: 'allowed_prefixes', number: '+4930123456', fix: 'PUT /v1.0/limits {"allowed_prefixes":["+49"]}' },
  ])
  assert.deepEqual(closed.sip.code, 403)
  assert.equal(refused('calls_at_once', '', DEFAULT_LIMITS).sip.code, 486)
  assert.equal(refused('emergency', '112', DEFAULT_LIMITS).sip.code, 503)
})

test('limits that cannot be read are the defaults', () => {
  assert.deepEqual(limitsOf(null), DEFAULT_LIMITS)
  assert.deepEqual(limitsOf({ calls_at_once: 'many' }), DEFAULT_LIMITS)
  assert.equal(limitsOf({ calls_at_once: 3, other: 1 }).calls_at_once, 3)
})
