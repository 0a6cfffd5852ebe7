import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Originate, Outcome } from '../calls/commands.ts'
import { dayOf } from '../contract/usage.ts'
import { CallGate } from '../drivers/gate.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { type Asker, World } from './test-world.ts'

const UNKNOWN = '99999999-9999-4999-8999-999999999999'
const OUTSIDE = { destinations: [{ type: 'tel', target: '+4930123456' }] }

const worlds: World[] = []
after(async () => {
  for (const world of worlds) await world.close()
})

function newWorld(settings: ConstructorParameters<typeof World>[0] = {}): World {
  const world = new World(settings)
  worlds.push(world)
  return world
}

/** The gate of the server in front of the calls of the test world. */
function withGate(world: World): World {
  const { store, clock } = world
  const gate = new CallGate({
    store,
    clock,
    records: world.records(),
    log: world.deps.log,
    defaultCountry: '',
    emergencyRoute: '',
  })
  const originate = world.calls.originate.bind(world.calls)
  world.calls.originate = async (request: Originate): Promise<Outcome> => {
    const { customerId, source, destinations } = request
    for (const destination of destinations) {
      const wish = { customerId, direction: 'outgoing', number: '', source, destination } as const
      const verdict = await gate.admit(wish)
      if (!verdict.ok) return { ok: false, code: verdict.code, details: verdict.details }
      gate.began(`${destination.target} ${clock.wallMicros()}`, wish)
    }
    return originate(request)
  }
  return world
}

test('limits have defaults, change field by field, and belong to one customer', async () => {
  const world = newWorld({ maxCalls: 200 })
  const alice = await world.customer('alice')
  const bob = await world.customer('bob')
  const first = await alice.get('/limits')
  assert.equal(first.status, 200)
  assert.deepEqual(first.body.allowed_prefixes, [])
  assert.equal(first.body.tm_update, null)

  const hours = { timezone: 'Europe/Berlin', weekdays: ['mon', 'tue'], from: '09:00', to: '20:00' }
  const changed = await alice.put('/limits', { allowed_prefixes: ['+49'], calling_hours: hours, calls_at_once: null })
  assert.equal(changed.status, 200)
  assert.deepEqual(changed.body.allowed_prefixes, ['+49'])
  assert.equal(changed.body.calls_at_once, first.body.calls_at_once)
  assert.equal((await alice.put('/limits', { calls_at_once: 2 })).body.calling_hours.timezone, 'Europe/Berlin')
  assert.equal((await alice.put('/limits', { calling_hours: null })).body.calling_hours, null)
  const { body } = await alice.get('/limits')
  assert.deepEqual([body.calls_at_once, body.allowed_prefixes], [2, ['+49']])
  assert.deepEqual((await bob.get('/limits')).body.allowed_prefixes, [])
})

test('limits that make no sense are refused by name', async () => {
  const world = newWorld({ maxCalls: 200 })
  const alice = await world.customer('alice')
  const hours = { timezone: 'Europe/Berlin', weekdays: ['mon'], from: '09:00', to: '20:00' }
  const wrong: readonly (readonly [string, JsonObject])[] = [
    ['calls_at_once', { calls_at_once: 201 }],
    ['calls_at_once', { calls_at_once: -1 }],
    ['allowed_prefixes.0', { allowed_prefixes: ['49'] }],
    ['minutes_per_day', { minutes_per_day: 1.5 }],
    ['calling_hours.timezone', { calling_hours: { ...hours, timezone: 'Mars/Olympus' } }],
    ['calling_hours.from', { calling_hours: { ...hours, from: '25:00' } }],
    ['calling_hours.to', { calling_hours: { ...hours, to: '09:00' } }],
    ['calling_hours.weekdays.0', { calling_hours: { ...hours, weekdays: ['funday'] } }],
  ]
  for (const [field, body] of wrong) {
    const answer = await alice.put('/limits', body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.ok(answer.body.message.startsWith(`${field}:`), answer.body.message)
  }
})

test('a call that the gate refuses is answered with its code and what opens the way', async () => {
  const world = withGate(newWorld())
  const alice = await world.customer('alice')
  const refused = async (status: number, reason: string, body: JsonObject = OUTSIDE): Promise<JsonObject> => {
    const answer = await alice.post('/calls', body)
    assert.equal(answer.status, status, JSON.stringify(answer.body))
    assert.equal(answer.body.error.reason, reason)
    return answer.body.error
  }
  const closed = await refused(400, 'DESTINATION_NOT_ALLOWED')
  assert.deepEqual(closed['details'], [
    { limit: 'allowed_prefixes', number: '+4930123456', fix: 'PUT /v1.0/limits {"allowed_prefixes":["+49"]}' },
  ])
  await refused(400, 'EMERGENCY_NOT_ROUTED', { destinations: [{ target: '112' }] })
  await alice.put('/limits', { allowed_prefixes: ['+49'], calls_at_once: 2 })
  assert.equal((await alice.post('/calls', OUTSIDE)).status, 200)
  assert.equal((await alice.post('/calls', OUTSIDE)).status, 200)
  const third = await refused(429, 'CALL_LIMIT_REACHED')
  assert.equal(third['status'], 'RESOURCE_EXHAUSTED')
  const told = world.events.filter(({ type }) => type === 'limit_reached').map(({ data }) => data['limit'])
  assert.deepEqual(told, ['allowed_prefixes', 'emergency', 'calls_at_once'])

  await alice.put('/limits', {
    calls_at_once: 10,
    calling_hours: { timezone: 'UTC', weekdays: ['sun'], from: '09:00', to: '10:00' },
  })
  await refused(400, 'OUTSIDE_CALLING_HOURS')
  await alice.put('/limits', { calling_hours: null })
  await alice.post('/do_not_call', { number: '+49 30 123456' })
  await refused(400, 'DO_NOT_CALL')
})

test('the do-not-call list takes a number once, in any form, and gives it back for good', async () => {
  const world = newWorld({ defaultCountry: 'DE' })
  const alice = await world.customer('alice')
  const bob = await world.customer('bob')
  const added = await alice.post('/do_not_call', { number: '030 123456', detail: 'asked on the phone' })
  assert.equal(added.status, 200)
  assert.equal(added.body.number, '+4930123456')
  const again = await alice.post('/do_not_call', { number: '+4930123456' })
  assert.deepEqual([again.status, again.body.error.reason], [409, 'DO_NOT_CALL_ALREADY_EXISTS'])
  assert.equal((await bob.post('/do_not_call', { number: '+4930123456' })).status, 200)
  assert.equal((await alice.post('/do_not_call', { number: '110' })).status, 400)
  assert.equal((await alice.get('/do_not_call')).body.result.length, 1)

  const { id } = added.body
  assert.equal((await bob.delete(`/do_not_call/${id}`)).status, 404)
  assert.equal((await alice.delete(`/do_not_call/${UNKNOWN}`)).status, 404)
  assert.equal((await alice.delete(`/do_not_call/${id}`)).body.number, '+4930123456')
  assert.equal((await alice.delete(`/do_not_call/${id}`)).status, 404)
  assert.deepEqual((await alice.get('/do_not_call')).body.result, [])
  assert.equal((await alice.post('/do_not_call', { number: '+4930123456' })).status, 200)
})

test('a number carries limits and a disclosure of its own, and no emergency number can be registered', async () => {
  const alice = await newWorld().customer('alice')
  const plain = (await alice.post('/numbers', { number: '+15550101' })).body
  assert.ok(!('limits' in plain) && !('disclosure' in plain))
  const limits = { calls_at_once: 3, minutes_per_day: 100 }
  const made = (await alice.post('/numbers', { number: '+15550102', limits, disclosure: 'You talk to a machine.' }))
    .body
  assert.deepEqual(made.limits, limits)
  assert.equal(made.disclosure, 'You talk to a machine.')
  const changed = (await alice.put(`/numbers/${made.id}`, { limits: { calls_at_once: 4 }, disclosure: '' })).body
  assert.deepEqual([changed.limits, changed.disclosure], [{ calls_at_once: 4 }, ''])
  assert.equal((await alice.post('/numbers', { number: '+112' })).status, 400)
  assert.equal((await alice.put(`/numbers/${made.id}`, { limits: { calls_at_once: 'many' } })).status, 400)
})

// ---------------------------------------------------------------- usage

let calls = 0

async function used(world: World, who: Asker, moment: string, changes: JsonObject = {}): Promise<void> {
  const us = Date.parse(moment) * 1000
  const id = `55555555-5555-4555-8555-${String(++calls).padStart(12, '0')}`
  const engines = { stt_seconds: { soundswallower: 1.5 }, tts_characters: { flite: 40 } }
  const day = dayOf(us)
  const doc = {
    call_id: id,
    customer_id: who.id,
    day,
    calls: 1,
    call_seconds: 10.1,
    stt_seconds: 1.5,
    tts_characters: 40,
    tts_characters_cached: 5,
    engines,
    tm_create: timestamp(us),
    ...changes,
  }
  const row = {
    id,
    customer_id: who.id,
    tm_create_us: us,
    tm_delete_us: null,
    keys: { call_id: id, day },
    doc,
    hidden: {},
  }
  assert.ok((await world.store.commit({ rows: [{ table: 'usages', row }] })).ok)
}

test('usage is summed by day, newest first, page by page, and only of the customer who asks', async () => {
  const world = newWorld() // 2026-01-15
  const alice = await world.customer('alice')
  const bob = await world.customer('bob')
  for (let i = 0; i < 120; i++) await used(world, alice, `2026-01-13T00:${String(i % 60).padStart(2, '0')}:00Z`)
  for (const day of ['11', '12', '14']) await used(world, alice, `2026-01-${day}T23:59:59Z`)
  await used(world, bob, '2026-01-14T10:00:00Z')

  const { body } = await alice.get('/usage')
  assert.deepEqual(
    body.result.map((one: JsonObject) => [one['day'], one['calls'], one['call_seconds'], one['tts_characters']]),
    [
      ['2026-01-14', 1, 10.1, 40],
      ['2026-01-13', 120, 1212, 4800],
      ['2026-01-12', 1, 10.1, 40],
      ['2026-01-11', 1, 10.1, 40],
    ],
  )
  assert.deepEqual(body.result[1].engines, { stt_seconds: { soundswallower: 180 }, tts_characters: { flite: 4800 } })
  assert.equal(body.next_page_token, '')

  const days: string[] = []
  for (let token = ''; ; ) {
    const page = (await alice.get(`/usage?page_size=2&page_token=${token}`)).body
    days.push(...page.result.map((one: JsonObject) => `${one['day']} ${one['calls']}`))
    token = page.next_page_token
    if (token === '') break
  }
  assert.deepEqual(days, ['2026-01-14 1', '2026-01-13 120', '2026-01-12 1', '2026-01-11 1'])
  const some = (await alice.get('/usage?from=2026-01-12&to=2026-01-14')).body.result
  assert.deepEqual(
    some.map((one: JsonObject) => one['day']),
    ['2026-01-13', '2026-01-12'],
  )
  assert.equal((await bob.get('/usage')).body.result[0].calls, 1)
})

test('usage is listed call by call, and a span that cannot be is refused', async () => {
  const world = newWorld()
  const alice = await world.customer('alice')
  for (let i = 0; i < 5; i++) await used(world, alice, `2026-01-13T0${i}:00:00Z`)
  const ids: string[] = []
  for (let token = ''; ; ) {
    const page = (await alice.get(`/usage?group=call&page_size=2&page_token=${token}`)).body
    ids.push(...page.result.map((one: JsonObject) => one['tm_create']))
    token = page.next_page_token
    if (token === '') break
  }
  assert.deepEqual(
    ids.map((time) => time.slice(11, 13)),
    ['04', '03', '02', '01', '00'],
  )
  const some = await alice.get('/usage?group=call&from=2026-01-13T02:00:00Z&to=2026-01-13T04:00:00Z')
  assert.equal(some.body.result.length, 2)
  for (const query of ['from=yesterday', 'from=2020-01-01', 'group=week', 'page_token=x']) {
    const answer = await alice.get(`/usage?${query}`)
    assert.deepEqual([answer.status, answer.body.error.reason], [400, 'INVALID_REQUEST_PARAMETER'], query)
  }
})

// ---------------------------------------------------------------- how often may be asked

async function from(world: World, address: string, path: string, body: JsonObject): Promise<number> {
  const answer = await world.app.inject({ method: 'POST', url: path, payload: body, remoteAddress: address })
  assert.equal(answer.headers['retry-after'], undefined)
  return answer.statusCode
}

test('a user who is attacked from everywhere gets in from where he has been before', async () => {
  const world = newWorld()
  await world.customer('alice')
  const right = { username: 'alice', password: 'alice secret' }
  const wrong = { ...right, password: 'guess' }
  assert.equal(await from(world, '198.51.100.7', '/auth/login', right), 200)
  const answers: number[] = []
  for (let i = 0; i < 12; i++) answers.push(await from(world, `203.0.113.${i}`, '/auth/login', wrong))
  assert.deepEqual(
    [answers.filter((code) => code === 400).length, answers.filter((code) => code === 429).length],
    [10, 2],
  )
  assert.equal(await from(world, '203.0.113.99', '/auth/login', right), 429, 'nobody knows him there')
  assert.equal(await from(world, '198.51.100.7', '/auth/login', right), 200)
  assert.equal(await from(world, '203.0.113.99', '/auth/signup', { ...wrong }), 429, 'sign-up is no way around')
  world.clock.advanceTo(world.clock.now() + 60_000)
  assert.equal(await from(world, '203.0.113.99', '/auth/login', right), 200)
})

test('requests of a customer are counted only when the operator says so, and never what silences or ends a call', async () => {
  const free = await newWorld().customer('alice')
  for (let i = 0; i < 50; i++) assert.equal((await free.get('/calls')).status, 200)
  const world = newWorld({ requestsPerSecond: 5 })
  const alice = await world.customer('alice')
  const bob = await world.customer('bob')
  for (let i = 0; i < 5; i++) assert.equal((await alice.get('/calls')).status, 200)
  const refused = await alice.get('/calls')
  assert.deepEqual([refused.status, refused.body.error.reason], [429, 'RATE_LIMIT_EXCEEDED'])
  for (const path of [`/speakings/${UNKNOWN}/say`, `/speakings/${UNKNOWN}/flush`, `/calls/${UNKNOWN}/hangup`]) {
    assert.notEqual((await alice.post(path, { text: 'hello' })).status, 429, path)
  }
  assert.equal((await bob.get('/calls')).status, 200)
  world.clock.advanceTo(world.clock.now() + 1_000)
  assert.equal((await alice.get('/calls')).status, 200)
})
