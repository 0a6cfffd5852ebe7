/** Calls from carriers and to them, and registrations there (contract §4 `tel`, §6 "Trunks", "Providers and routes"). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Originate } from '../../src/calls/commands.ts'
import { newNumber } from '../../src/contract/number.ts'
import { rowOf } from '../../src/contract/row.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { addProvider, addRoute, addTrunk, Carrier, removeTrunk } from './carrier.ts'
import { allIsOver, callsOf } from './parties.ts'
import { NUMBER, World } from './world.ts'

const FAR = '+4930123456'
const tel = (target: string) => ({ type: 'tel', target, target_name: '', name: '', detail: '' })

async function originate(world: World, more: Partial<Originate> = {}): Promise<void> {
  void world.exchange.originate({
    customerId: world.customerId,
    source: tel(NUMBER),
    destinations: [tel(FAR)],
    flowId: '',
    actions: [],
    variables: {},
    anonymous: '',
    ...more,
  })
  // With nothing to wait for, time would leap over what comes of it.
  await world.run(1)
}

const hangups = (world: World): JsonObject[] =>
  world.events.filter(({ type }) => type === 'call_hangup').map(({ data }) => data)
const progressing = (world: World): number => world.events.filter(({ type }) => type === 'call_progressing').length
const headerOf = (
  call: { headers: readonly (readonly [string, string])[] } | undefined,
  name: string,
): string | undefined => call?.headers.find(([given]) => given.toLowerCase() === name)?.[1]

// ---------------------------------------------------------------- out

test('a number that is not ours goes through the gateway, with digest, number and caller as it wants them', async () => {
  const world = await World.open({ seed: 'out' })
  const carrier = await Carrier.open(world, { address: '10.2.0.1', account: { username: 'acme', password: 'secret' } })
  const caller_id = { number: '', from: 'number', identity: 'pai' } as const
  const provider_id = await addProvider(world, {
    hostname: '10.2.0.1',
    username: 'acme',
    password: 'secret',
    tech_prefix: '9001',
    number_format: 'digits',
    tech_headers: { 'X-Account': 'acme' },
    codecs: ['PCMA', 'PCMU'],
    caller_id,
  })
  await addRoute(world, { provider_id, target: '+49' })
  await originate(world)
  await world.until('answered', () => progressing(world) === 1)
  const [call] = carrier.calls
  assert.equal(call!.requestUri.user, '90014930123456')
  assert.equal(call!.to.user, '90014930123456')
  assert.equal(call!.from.user, NUMBER.slice(1))
  assert.match(headerOf(call, 'p-asserted-identity')!, /sip:15550100@/)
  assert.equal(headerOf(call, 'x-account'), 'acme')
  assert.match(carrier.texts.find((text) => text.startsWith('INVITE'))!, /^m=audio \d+ RTP\/AVP 8 0 101\r$/m)
  const { doc } = (await callsOf(world))[0]!
  assert.equal((doc['destination'] as JsonObject)['target'], FAR)
  void world.exchange.ask(world.customerId, String(doc['id']), { kind: 'hangup' })
  await world.until('the carrier hears of the end', () => carrier.ended.length === 1)
  carrier.close()
  await allIsOver(world)
})

test('a caller who withholds his number is known to the carrier alone', async () => {
  const world = await World.open({ seed: 'anonymous out' })
  const carrier = await Carrier.open(world, { address: '10.2.0.1', script: 486 })
  await addProvider(world, { hostname: '10.2.0.1' })
  await originate(world, { anonymous: 'yes' })
  await world.until('over', () => hangups(world).length === 1)
  const [call] = carrier.calls
  assert.equal(call!.from.host, 'anonymous.invalid')
  assert.equal(headerOf(call, 'privacy'), 'id')
  assert.match(headerOf(call, 'p-asserted-identity')!, /sip:\+15550100@/)
  assert.equal(hangups(world)[0]!['hangup_reason'], 'busy')
  carrier.close()
  await allIsOver(world)
})

test('without a route nothing goes out', async () => {
  const world = await World.open({ seed: 'no route' })
  const carrier = await Carrier.open(world, { address: '10.2.0.1' })
  const provider_id = await addProvider(world, { hostname: '10.2.0.1' })
  await addRoute(world, { provider_id, target: '+33' })
  await originate(world)
  await world.until('over', () => hangups(world).length === 1)
  assert.equal(hangups(world)[0]!['hangup_reason'], 'failed')
  assert.equal(carrier.calls.length, 0)
  carrier.close()
  await allIsOver(world)
})

test("another customer's routes and gateways are not ours", async () => {
  const world = await World.open({ seed: 'walls out' })
  const carrier = await Carrier.open(world, { address: '10.2.0.1' })
  await addProvider(world, { hostname: '10.2.0.1' }, { customerId: world.random.uuid() })
  await originate(world)
  await world.until('over', () => hangups(world).length === 1)
  assert.equal(carrier.calls.length, 0)
  carrier.close()
  await allIsOver(world)
})

for (const [what, script, dead] of [
  ['answers 503', 503, false],
  ['answers 500', 500, false],
  ['refuses our credentials', 407, false],
  ['is silent', 'answer', true],
] as const) {
  test(`the next gateway takes the call when the first ${what}; the call is one, and counted once`, async () => {
    const world = await World.open({ seed: `fail over ${what}` })
    const first = await Carrier.open(world, { address: '10.2.0.1', script })
    first.isDead = dead
    const second = await Carrier.open(world, { address: '10.2.0.2' })
    await addProvider(world, { hostname: '10.2.0.1', priority: 1 })
    await addProvider(world, { hostname: '10.2.0.2', priority: 2 })
    const began = world.clock.now()
    await originate(world)
    await world.until('answered', () => progressing(world) === 1)
    const tookMs = world.clock.now() - began
    assert.ok(dead ? tookMs >= 4_000 && tookMs < 5_000 : tookMs < 500, `${tookMs} ms`)
    assert.equal(second.calls.length, 1)
    const docs = await callsOf(world)
    assert.equal(docs.length, 1)
    await world.run(2_000)
    void world.exchange.ask(world.customerId, docs[0]!.id, { kind: 'hangup' })
    await world.until('over', () => hangups(world).length === 1)
    await world.run(3_000)
    assert.equal((await world.store.find('usages', {})).length, 1)
    for (const carrier of [first, second]) carrier.close()
    await allIsOver(world)
  })
}

test('a gateway that was silent is tried last for a while, and first again later', async () => {
  const world = await World.open({ seed: 'down' })
  const first = await Carrier.open(world, { address: '10.2.0.1', script: 486 })
  const second = await Carrier.open(world, { address: '10.2.0.2', script: 486 })
  await addProvider(world, { hostname: '10.2.0.1', priority: 1 })
  await addProvider(world, { hostname: '10.2.0.2', priority: 2 })
  const order = async (count: number): Promise<string> => {
    const before = [first.calls.length, second.calls.length]
    await originate(world)
    await world.until('over', () => hangups(world).length === count)
    return `${first.calls.length - before[0]!} ${second.calls.length - before[1]!}`
  }
  first.isDead = true
  assert.equal(await order(1), '0 1')
  // What was sent to the silent one runs out.
  await world.run(5_000)
  first.isDead = false
  assert.equal(await order(2), '0 1', 'within its rest the second is asked at once')
  await world.run(40_000)
  const heard = first.calls.length
  await originate(world)
  await world.until('over', () => hangups(world).length === 3)
  assert.equal(first.calls.length, heard + 1)
  for (const carrier of [first, second]) carrier.close()
  await allIsOver(world)
  assert.deepEqual(
    world.complaints.filter((text) => !text.startsWith('gateway failed')),
    [],
  )
})

test('what the called party decides is final, and so is what comes after it rang or was heard', async () => {
  for (const [script, reason] of [
    [404, 'failed'],
    [486, 'busy'],
    [480, 'noanswer'],
    [603, 'failed'],
    [{ ring: 503 }, 'failed'],
    [{ early: 503 }, 'failed'],
  ] as const) {
    const world = await World.open({ seed: `final ${JSON.stringify(script)}` })
    const first = await Carrier.open(world, { address: '10.2.0.1', script })
    const second = await Carrier.open(world, { address: '10.2.0.2' })
    await addProvider(world, { hostname: '10.2.0.1', priority: 1 })
    await addProvider(world, { hostname: '10.2.0.2', priority: 2 })
    await originate(world)
    await world.until('over', () => hangups(world).length === 1)
    assert.equal(hangups(world)[0]!['hangup_reason'], reason, JSON.stringify(script))
    assert.equal(second.calls.length, 0, JSON.stringify(script))
    for (const carrier of [first, second]) carrier.close()
    await allIsOver(world)
  }
})

test('all gateways fail: the call fails, once', async () => {
  const world = await World.open({ seed: 'all fail' })
  const carriers = await Promise.all(
    ['10.2.0.1', '10.2.0.2'].map((address) => Carrier.open(world, { address, script: 503 })),
  )
  for (const { address } of [{ address: '10.2.0.1' }, { address: '10.2.0.2' }])
    await addProvider(world, { hostname: address })
  await addProvider(world, { hostname: 'nowhere.invalid' })
  await originate(world)
  await world.until('over', () => hangups(world).length === 1)
  assert.equal(hangups(world)[0]!['hangup_reason'], 'failed')
  for (const carrier of carriers) {
    assert.equal(carrier.calls.length, 1)
    carrier.close()
  }
  await allIsOver(world)
})

test('hung up while a silent gateway is waited for: no other one is asked', async () => {
  const world = await World.open({ seed: 'cancel in between' })
  const first = await Carrier.open(world, { address: '10.2.0.1' })
  first.isDead = true
  const second = await Carrier.open(world, { address: '10.2.0.2', script: 'ring' })
  await addProvider(world, { hostname: '10.2.0.1', priority: 1 })
  await addProvider(world, { hostname: '10.2.0.2', priority: 2 })
  await originate(world)
  await world.run(1_000)
  const [early] = await callsOf(world)
  void world.exchange.ask(world.customerId, early!.id, { kind: 'hangup' })
  await world.until('over', () => hangups(world).length === 1, 60_000)
  assert.equal(hangups(world)[0]!['hangup_reason'], 'cancel')
  assert.equal(second.calls.length, 0)

  await originate(world)
  await world.until('it rings at the second', () => second.calls.length === 1)
  await world.run(100)
  const late = (await callsOf(world)).find(({ id }) => id !== early!.id)
  void world.exchange.ask(world.customerId, late!.id, { kind: 'hangup' })
  await world.until('over', () => hangups(world).length === 2)
  assert.equal(second.cancelled.length, 1)
  assert.equal(hangups(world)[1]!['hangup_reason'], 'cancel')
  for (const carrier of [first, second]) carrier.close()
  await allIsOver(world)
})

// ---------------------------------------------------------------- in

const sourceOf = async (world: World): Promise<JsonObject> => (await callsOf(world))[0]!.doc['source'] as JsonObject

test('a carrier is known by its address, and believed: PAI, Privacy, Diversion; number in the request URI or in To', async () => {
  const world = await World.open({ seed: 'in by address' })
  const carrier = await Carrier.open(world, { address: '10.2.0.9' })
  const trunk = await addTrunk(world, { auth_types: ['ip'], allowed_ips: ['10.2.0.0/24'] })
  const headers = [
    ['P-Asserted-Identity', '"Ann" <tel:+4930999>'],
    ['Diversion', '<sip:+4930888@carrier.test>;reason=unconditional'],
  ] as const
  const leg = carrier.call(`sip:${NUMBER}@10.0.0.1`, { headers })
  await world.until('answered', () => carrier.outcomes.get(leg) === 'answered')
  assert.equal((await sourceOf(world))['target'], '+4930999')
  assert.equal(((await callsOf(world))[0]!.doc['metadata'] as JsonObject)['diverted_from'], '+4930888')
  assert.equal(((await callsOf(world))[0]!.doc['metadata'] as JsonObject)['trunk_id'], trunk)
  const other = carrier.call('sip:line1@10.0.0.1', { to: `sip:${NUMBER.slice(1)}@10.0.0.1` })
  await world.until('by To', () => carrier.outcomes.get(other) === 'answered')
  const third = carrier.call('sip:line1@10.0.0.1', {
    to: 'sip:line1@carrier.test',
    headers: [['P-Called-Party-ID', `<sip:${NUMBER}@c>`]],
  })
  await world.until('by P-Called-Party-ID', () => carrier.outcomes.get(third) === 'answered')
  for (const one of [leg, other, third]) carrier.hangUp(one)
  await world.run(1_000)
  carrier.close()
  await allIsOver(world)
})

test('who is nobody is challenged, whatever he calls; a trunk reaches no number of another customer', async () => {
  const world = await World.open({ seed: 'walls in' })
  const stranger = await Carrier.open(world, { address: '10.3.0.1' })
  const carrier = await Carrier.open(world, { address: '10.2.0.9' })
  const others = { customerId: world.random.uuid() }
  await addTrunk(world, { auth_types: ['ip'], allowed_ips: ['10.2.0.9'] }, others)
  // The same answer for a number of ours, one of nobody, and a name.
  for (const from of [stranger, carrier]) {
    for (const user of [NUMBER, '+15559990000', '1001']) {
      const leg = from.call(`sip:${user}@10.0.0.1`)
      await world.until('refused', () => from.outcomes.has(leg))
      assert.equal(from.outcomes.get(leg), 407, user)
    }
  }
  // The owner of the number has the same carrier as provider: now it delivers.
  await addProvider(world, { hostname: '10.2.0.9' })
  const leg = carrier.call(`sip:${NUMBER}@10.0.0.1`)
  await world.until('taken', () => carrier.outcomes.get(leg) === 'answered')
  assert.equal((await callsOf(world))[0]!.customer_id, world.customerId)
  // And it still reaches numbers of each only through that customer's own.
  const theirs = newNumber({
    id: world.random.uuid(),
    ...others,
    number: '+15550777',
    tmCreate: '2026-01-15T09:30:00.000000Z',
  })
  await world.store.commit({ rows: [rowOf('numbers', theirs, {}, { number: '+15550777' })] })
  const second = carrier.call('sip:+15550777@10.0.0.1')
  await world.until('let in', () => carrier.outcomes.has(second))
  assert.equal(carrier.outcomes.get(second), 480, 'the number has no flow')
  carrier.hangUp(leg)
  await world.run(1_000)
  for (const one of [stranger, carrier]) one.close()
  await allIsOver(world)
})

test('a trunk with credentials calls from anywhere, by our address or by its own name; others do not', async () => {
  const world = await World.open({ seed: 'in by digest' })
  const pbx = await Carrier.open(world, { address: '10.4.0.1' })
  const credentials = { username: 'acme-pbx', password: 'pbx secret' }
  await addTrunk(world, { auth_types: ['basic'], domain_name: 'acme', ...credentials })
  const outcome = async (
    uri: string,
    more: Parameters<Carrier['call']>[1],
  ): Promise<number | 'answered' | undefined> => {
    const leg = pbx.call(uri, more)
    await world.until('an outcome', () => pbx.outcomes.has(leg))
    if (pbx.outcomes.get(leg) === 'answered') pbx.hangUp(leg)
    return pbx.outcomes.get(leg)
  }
  assert.equal(await outcome(`sip:${NUMBER}@10.0.0.1`, { credentials }), 'answered')
  assert.equal(await outcome(`sip:${NUMBER}@acme.trunk.quietline.test`, { credentials }), 'answered')
  assert.equal(await outcome(`sip:${NUMBER}@10.0.0.1`, { credentials, from: 'sip:acme-pbx@10.0.0.1' }), 'answered')
  assert.equal(await outcome(`sip:${NUMBER}@acme.trunk.quietline.test`, {}), 407)
  assert.equal(await outcome(`sip:${NUMBER}@other.trunk.quietline.test`, { credentials }), 407)
  assert.equal(await outcome(`sip:${NUMBER}@10.0.0.1`, { credentials: { ...credentials, password: 'x' } }), 407)
  assert.equal(await outcome('sip:+15559990000@10.0.0.1', { credentials }), 404)
  await world.run(1_000)
  pbx.close()
  await world.run(40_000)
  await allIsOver(world)
})

// ---------------------------------------------------------------- registrations

test('a trunk registers with digest, renews in time, is called by way of it, and leaves when deleted', async () => {
  const world = await World.open({ seed: 'register' })
  const account = { username: 'line1', password: 'secret' }
  const carrier = await Carrier.open(world, { address: '10.2.0.1', account })
  const id = await addTrunk(world, { registration: { registrar: '10.2.0.1', ...account, expires: 120 } })
  await world.until('registered', () => world.registrations.stateOf(id).status === 'registered')
  assert.match(carrier.contacts[0]!, /^sip:line1@10\.0\.0\.1:5060;line=[0-9a-f]{24}$/)
  const told = world.events.filter(({ type }) => type === 'trunk_updated').map(({ data }) => data)
  assert.equal(told.length, 1)
  assert.equal((told[0]!['registration_state'] as JsonObject)['status'], 'registered')
  assert.ok(!JSON.stringify(told).includes('secret'))

  const count = () => carrier.texts.filter((text) => text.startsWith('REGISTER')).length
  const before = count()
  await world.run(600_000)
  assert.equal(carrier.contacts.length, 1, 'never ran out')
  assert.ok(count() - before >= 10 && count() - before <= 20, `${count() - before} in ten minutes`)
  assert.equal(world.events.filter(({ type }) => type === 'trunk_updated').length, 1, 'renewals are no news')

  const pings = carrier.texts.filter((text) => text === '\r\n\r\n').length
  assert.ok(pings >= 15 && pings <= 24, `the way back was kept open ${pings} times`)
  const leg = carrier.call(carrier.contacts[0]!, { to: `sip:${NUMBER}@carrier.test` })
  await world.until('called', () => carrier.outcomes.get(leg) === 'answered')
  carrier.hangUp(leg)
  const elsewhere = await Carrier.open(world, { address: '10.9.9.9' })
  const byLine = elsewhere.call(carrier.contacts[0]!, { to: `sip:${NUMBER}@carrier.test` })
  await world.until('called from another server of the carrier', () => elsewhere.outcomes.get(byLine) === 'answered')
  elsewhere.hangUp(byLine)

  await removeTrunk(world, id)
  await world.until('gone', () => carrier.contacts.length === 0)
  assert.equal(world.registrations.stateOf(id).status, 'off')
  const after = carrier.call('sip:line1@10.0.0.1', { to: `sip:${NUMBER}@carrier.test` })
  await world.until('not known any more', () => carrier.outcomes.has(after))
  assert.equal(carrier.outcomes.get(after), 407)
  await world.run(1_000)
  for (const one of [carrier, elsewhere]) one.close()
  await allIsOver(world)
  assert.deepEqual(world.registrations.census(), { timers: 0, waiting: 0 })
})

test('a registrar that is silent or refuses is asked ever more seldom, and told about once; when it is back, so are we', async () => {
  const world = await World.open({ seed: 'register fails' })
  const carrier = await Carrier.open(world, { address: '10.2.0.1' })
  carrier.isDead = true
  const id = await addTrunk(world, { registration: { registrar: 'sip:10.2.0.1', username: 'line1', password: 'x' } })
  const state = () => world.registrations.stateOf(id)
  await world.until('failed', () => state().status === 'failed', 60_000)
  assert.equal(state().code, 408)
  assert.equal(state().why, 'the registrar does not answer')
  assert.ok(state().tm_next !== null)
  await world.run(600_000)
  assert.equal(world.events.filter(({ type }) => type === 'trunk_updated').length, 1)
  carrier.isDead = false
  await world.until('registered', () => state().status === 'registered', 1_800_000)
  assert.equal(world.events.filter(({ type }) => type === 'trunk_updated').length, 2)

  carrier.refusal = 403
  await world.until('refused', () => state().status === 'failed', 3_600_000)
  assert.equal(state().why, 'the registrar refuses these credentials')
  const asked = carrier.texts.length
  await world.run(3_600_000)
  assert.ok(carrier.texts.length - asked <= 12, `asked ${carrier.texts.length - asked} times in an hour`)
  let isStopped = false
  void world.registrations.stop().then(() => {
    isStopped = true
  })
  await world.until('stopped', () => isStopped)
  assert.deepEqual(world.registrations.census(), { timers: 0, waiting: 0 })
  carrier.close()
  await allIsOver(world)
})

test('a clean stop takes all trunks out', async () => {
  const world = await World.open({ seed: 'register stop' })
  const carriers = await Promise.all(['10.2.0.1', '10.2.0.2'].map((address) => Carrier.open(world, { address })))
  for (const registrar of ['10.2.0.1', '10.2.0.2']) {
    await addTrunk(world, { registration: { registrar, username: 'line1', password: 'x' } })
  }
  await world.until('registered', () => world.registrations.counts().registered === 2)
  let isStopped = false
  void world.registrations.stop().then(() => {
    isStopped = true
  })
  await world.until('stopped', () => isStopped, 2_000)
  for (const carrier of carriers) {
    assert.deepEqual(carrier.contacts, [])
    carrier.close()
  }
  await allIsOver(world)
})
