import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '../calls/commands.ts'
import type { GateWish, NewEvent, Records } from '../calls/ports.ts'
import { newNumber } from '../contract/number.ts'
import { rowOf } from '../contract/row.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { CallGate, type CallGateOptions } from './gate.ts'

const CUSTOMER = '22222222-2222-4222-8222-222222222222'
const OTHER = '33333333-3333-4333-8333-333333333333'
const NUMBER = '+15550100'
const NO_LOG = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

const to = (type: string, target: string): Address => ({ type, target, target_name: '', name: '', detail: '' })
const outgoing = (type: string, target: string, customerId = CUSTOMER): GateWish => ({
  customerId,
  direction: 'outgoing',
  number: '',
  source: null,
  destination: to(type, target),
})
const INCOMING: GateWish = {
  customerId: CUSTOMER,
  direction: 'incoming',
  number: NUMBER,
  source: to('tel', '+15550199'),
  destination: to('tel', NUMBER),
}

class Door {
  readonly clock = new VirtualClock()
  readonly store = new InThreadStore(openSqlite({ path: ':memory:' }))
  readonly events: NewEvent[] = []
  readonly records: Records = {
    save: async ({ events, ...batch }) => {
      this.events.push(...events)
      return this.store.commit(batch)
    },
  }
  gate: CallGate
  #ids = 0

  constructor(options: Partial<CallGateOptions> = {}) {
    this.gate = this.again(options)
  }

  /** As after a restart. */
  again(options: Partial<CallGateOptions> = {}): CallGate {
    const { clock, store, records } = this
    this.gate = new CallGate({
      store,
      records,
      clock,
      log: NO_LOG,
      defaultCountry: 'DE',
      emergencyRoute: '',
      ...options,
    })
    return this.gate
  }

  async has(
    table: 'numbers' | 'extensions' | 'do_not_call' | 'usages' | 'limits',
    doc: JsonObject,
    keys = {},
    hidden = {},
  ) {
    const id = `44444444-4444-4444-8444-${String(++this.#ids).padStart(12, '0')}`
    const tm_create = timestamp(this.clock.wallMicros())
    const done = await this.store.commit({
      rows: [rowOf(table, { id, customer_id: CUSTOMER, tm_create, ...doc }, hidden, keys)],
    })
    assert.ok(done.ok)
  }

  async number(limits?: JsonObject) {
    const id = '11111111-1111-4111-8111-111111111111'
    const doc = newNumber({
      id,
      customerId: CUSTOMER,
      number: NUMBER,
      limits,
      tmCreate: timestamp(this.clock.wallMicros()),
    })
    await this.has('numbers', doc, { number: NUMBER })
  }

  limits(changes: JsonObject) {
    return this.has('limits', { id: CUSTOMER, ...changes })
  }

  /** The code of the refusal, or 'ok'. */
  async ask(wish: GateWish): Promise<string> {
    const verdict = await this.gate.admit(wish)
    return verdict.ok ? 'ok' : verdict.code
  }
}

test('the public network is closed until a prefix opens it', async () => {
  const door = new Door()
  await door.number()
  assert.equal(await door.ask(outgoing('tel', '+4930123456')), 'DESTINATION_NOT_ALLOWED')
  assert.equal(await door.ask(outgoing('tel', NUMBER)), 'ok', 'an own number')
  assert.equal(await door.ask(outgoing('extension', '1001')), 'ok')
  assert.equal(await door.ask(outgoing('sip', 'sip:alice@10.0.0.9')), 'ok')
  await door.limits({ allowed_prefixes: ['+49'] })
  assert.equal(await door.ask(outgoing('tel', '+4930123456')), 'ok')
  assert.equal(await door.ask(outgoing('tel', '030 123456')), 'ok', 'as dialled in Germany')
  assert.equal(await door.ask(outgoing('tel', '+442079460018')), 'DESTINATION_NOT_ALLOWED')
  assert.equal(await door.ask(outgoing('tel', '+4930123456', OTHER)), 'DESTINATION_NOT_ALLOWED', 'another customer')
})

test('a refusal is told by an event, at most one a second for each limit', async () => {
  const door = new Door()
  for (let i = 0; i < 5; i++) await door.ask(outgoing('tel', '+4930123456'))
  await door.ask(outgoing('extension', '112'))
  assert.deepEqual(
    door.events.map(({ type, data }) => [type, data['limit'], data['reason'], data['direction'], data['number']]),
    [
      ['limit_reached', 'allowed_prefixes', 'DESTINATION_NOT_ALLOWED', 'outgoing', '+4930123456'],
      ['limit_reached', 'emergency', 'EMERGENCY_NOT_ROUTED', 'outgoing', '112'],
    ],
  )
  door.clock.advanceTo(door.clock.now() + 1_000)
  await door.ask(outgoing('tel', '+4930123456'))
  assert.equal(door.events.length, 3)
})

test('the third call of two at once is refused, however many ask in one moment', async () => {
  const door = new Door()
  await door.limits({ calls_at_once: 2 })
  const wishes = Array.from({ length: 20 }, () => outgoing('extension', '1001'))
  const answers = await Promise.all(wishes.map((wish) => door.ask(wish)))
  assert.deepEqual(answers.filter((one) => one === 'ok').length, 2)
  door.gate.began('a', wishes[0]!)
  door.gate.began('b', wishes[1]!)
  assert.equal(await door.ask(outgoing('extension', '1002')), 'CALL_LIMIT_REACHED')
  assert.equal(door.gate.liveCalls, 2)
  door.gate.over('a')
  assert.equal(await door.ask(outgoing('extension', '1002')), 'ok')
  door.gate.over('a')
  door.gate.over('unknown')
  assert.equal(door.gate.liveCalls, 1)
})

test('a call to a number that has as many as it may is answered with 486', async () => {
  const door = new Door()
  await door.number({ calls_at_once: 1 })
  assert.equal(await door.ask(INCOMING), 'ok')
  door.gate.began('a', INCOMING)
  const verdict = await door.gate.admit(INCOMING)
  assert.equal(verdict.ok, false)
  assert.deepEqual(!verdict.ok && verdict.sip, { code: 486, phrase: 'Busy Here' })
  assert.equal(door.events[0]?.data['limit'], 'number.calls_at_once')
  assert.equal(door.events[0]?.data['number'], NUMBER)
})

test('minutes of today are known after a restart', async () => {
  const door = new Door()
  await door.limits({ minutes_per_day: 10 })
  const day = timestamp(door.clock.wallMicros()).slice(0, 10)
  for (let i = 0; i < 250; i++) await door.has('usages', { call_seconds: 2 }, { call_id: String(i), day })
  await door.has('usages', { call_seconds: 9_000 }, { call_id: 'x', day: '2020-01-01' })
  assert.equal(await door.ask(outgoing('extension', '1001')), 'ok', '500 s of 600')
  await door.has('usages', { call_seconds: 100 }, { call_id: 'y', day })
  door.again()
  assert.equal(await door.ask(outgoing('extension', '1001')), 'MINUTES_LIMIT_REACHED')
})

test('the do-not-call list of a customer holds for that customer, in whatever form the number is dialled', async () => {
  const door = new Door()
  await door.limits({ allowed_prefixes: ['+49'] })
  await door.has('do_not_call', { number: '+4930123456' }, { number: '+4930123456' })
  assert.equal(await door.ask(outgoing('tel', '030 123456')), 'DO_NOT_CALL')
  assert.equal(await door.ask(outgoing('sip', 'sip:+4930123456@carrier.example')), 'DO_NOT_CALL')
  assert.equal(await door.ask(outgoing('sip', 'sip:%2B4930123456@carrier.example')), 'DO_NOT_CALL')
  assert.equal(await door.ask(outgoing('tel', '+4930123457')), 'ok')
  assert.equal(await door.ask(outgoing('sip', 'sip:+4930123456@carrier.example', OTHER)), 'ok')
})

test('calling hours are those of the moment', async () => {
  const door = new Door() // Thursday, 2026-01-15, 00:00 UTC
  await door.limits({
    allowed_prefixes: ['+49'],
    calling_hours: { timezone: 'Europe/Berlin', weekdays: ['thu'], from: '09:00', to: '20:00' },
  })
  assert.equal(await door.ask(outgoing('tel', '+4930123456')), 'OUTSIDE_CALLING_HOURS')
  assert.equal(await door.ask(outgoing('extension', '1001')), 'ok')
  door.clock.advanceTo(9 * 3_600_000)
  assert.equal(await door.ask(outgoing('tel', '+4930123456')), 'ok')
})

test('emergency calls are refused, or go to their route and past every limit', async () => {
  const door = new Door()
  await door.has('extensions', { extension: '110' }, { extension: '110', name: '' })
  for (const [type, target] of [
    ['extension', '112'],
    ['tel', '112'],
    ['tel', '+112'],
    ['sip', 'sip:112@10.0.0.9'],
    ['extension', '0110'],
  ]) {
    assert.equal(await door.ask(outgoing(type!, target!)), 'EMERGENCY_NOT_ROUTED', String(target))
  }
  assert.equal(await door.ask(outgoing('extension', '110')), 'ok', 'an own extension of that name')
  assert.equal(await door.ask(outgoing('extension', '110', OTHER)), 'EMERGENCY_NOT_ROUTED')

  await door.limits({ calls_at_once: 0 })
  door.again({ emergencyRoute: 'sip:gateway.example:5070' })
  const verdict = await door.gate.admit(outgoing('extension', '112'))
  assert.deepEqual(verdict.ok && verdict.instead?.target, 'sip:112@gateway.example:5070')
})

test('a store that cannot be read lets nobody through', async () => {
  const door = new Door()
  door.store.get = () => Promise.reject(new Error('broken'))
  assert.equal(await door.ask(outgoing('extension', '1001')), 'SERVICE_UNAVAILABLE')
})
