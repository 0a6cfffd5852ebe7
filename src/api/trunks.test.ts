/** Trunks, providers and routes (contract §6): what is kept, what is never shown, and what is refused. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { newUuid } from './secrets.ts'
import { type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
let other: Asker
before(async () => {
  world = new World()
  owner = await world.customer('trunks')
  other = await world.customer('others')
})
after(() => world.close())

const hiddenOf = async (table: 'trunks' | 'providers', id: string) =>
  (await world.store.get(table, owner.id, id))?.hidden

test("a trunk has the contract's fields and ours; passwords are kept and never shown", async () => {
  const { body, status } = await owner.post('/trunks', {
    name: 'Acme',
    detail: 'main line',
    domain_name: 'Acme.trunk.quietline.test',
    auth_types: ['basic', 'ip'],
    username: 'acme',
    password: 'pw-of-trunk',
    allowed_ips: ['192.0.2.0/24', '2001:db8::1'],
    registration: { registrar: 'sip:carrier.example:5070;transport=tcp', username: 'line1', password: 'pw-of-line' },
  })
  assert.equal(status, 200)
  assert.equal(body.domain_name, 'acme')
  assert.deepEqual([body.password, body.password_set, body.setup_timeout, body.transport], ['', true, 4000, 'udp'])
  assert.deepEqual(body.registration, {
    registrar: 'sip:carrier.example:5070;transport=tcp',
    username: 'line1',
    auth_username: '',
    expires: 3600,
  })
  assert.equal(body.registration_state.status, 'registering')
  assert.deepEqual(await hiddenOf('trunks', body.id), { password: 'pw-of-trunk', registration_password: 'pw-of-line' })

  const changed = (await owner.put(`/trunks/${body.id}`, { name: 'B', registration: { expires: 120 } })).body
  assert.deepEqual([changed.name, changed.detail, changed.registration.expires], ['B', 'main line', 120])
  assert.deepEqual([changed.registration.username, changed.auth_types], ['line1', ['basic', 'ip']])
  assert.deepEqual(await hiddenOf('trunks', body.id), { password: 'pw-of-trunk', registration_password: 'pw-of-line' })
  await owner.put(`/trunks/${body.id}`, { password: 'pw-second', registration: { registrar: '' } })
  assert.equal((await hiddenOf('trunks', body.id))?.['password'], 'pw-second')
  const shown = (await owner.get(`/trunks/${body.id}`)).body
  assert.deepEqual([shown.registration_state.status, shown.registration.registrar], ['off', ''])

  assert.equal((await owner.get('/trunks')).body.result.length, 1)
  const gone = (await owner.delete(`/trunks/${body.id}`)).body
  assert.ok(gone.tm_delete)
  assert.equal((await owner.get(`/trunks/${body.id}`)).body.error.reason, 'TRUNK_NOT_FOUND')
  const told = world.events.filter(({ type }) => type.startsWith('trunk_'))
  assert.deepEqual(
    told.map(({ type }) => type),
    ['trunk_created', 'trunk_updated', 'trunk_updated', 'trunk_deleted'],
  )
  for (const text of ['pw-of-trunk', 'pw-of-line', 'pw-second'])
    assert.ok(!JSON.stringify([told, shown]).includes(text))
})

test('a domain name is one for all customers, and free again after its trunk is gone', async () => {
  const first = await owner.post('/trunks', { domain_name: 'one' })
  assert.equal((await other.post('/trunks', { domain_name: 'ONE' })).body.error.reason, 'TRUNK_ALREADY_EXISTS')
  await owner.delete(`/trunks/${first.body.id}`)
  assert.equal((await other.post('/trunks', { domain_name: 'one' })).status, 200)
  for (const asker of [owner, other]) assert.equal((await asker.post('/trunks', {})).status, 200, 'many have none')
})

test('what would open a door, or break out of a header, is refused', async () => {
  const bad: readonly (readonly [path: string, body: object])[] = [
    ['/trunks', { allowed_ips: ['0.0.0.0/0'] }],
    ['/trunks', { allowed_ips: ['::/0'] }],
    ['/trunks', { allowed_ips: ['carrier.example'] }],
    ['/trunks', { auth_types: ['none'] }],
    ['/trunks', { username: 'a"b' }],
    ['/trunks', { password: 'a\r\nb' }],
    ['/trunks', { domain_name: 'a.b' }],
    ['/trunks', { registration: { registrar: 'sip:user@carrier.example' } }],
    ['/trunks', { registration: { registrar: 'carrier.example\r\nX: y' } }],
    ['/trunks', { registration: { registrar: 'carrier.example', expires: 5 } }],
    ['/trunks', { caller_id: { number: '030123' } }],
    ['/providers', {}],
    ['/providers', { hostname: '' }],
    ['/providers', { hostname: 'a b' }],
    ['/providers', { hostname: 'sip:carrier.example' }],
    ['/providers', { hostname: 'c.example', port: 70_000 }],
    ['/providers', { hostname: 'c.example', transport: 'sctp' }],
    ['/providers', { hostname: 'c.example', tech_prefix: '9@1' }],
    ['/providers', { hostname: 'c.example', tech_headers: { Via: 'x' } }],
    ['/providers', { hostname: 'c.example', tech_headers: { 'X-A': 'a\r\nB: c' } }],
    ['/providers', { hostname: 'c.example', tech_headers: { 'X A': 'a' } }],
    ['/routes', {}],
    ['/routes', { target: '+49' }],
    ['/routes', { provider_id: 'x' }],
  ]
  for (const [path, body] of bad) {
    const answer = await owner.post(path, body)
    assert.deepEqual(
      [answer.status, answer.body.error.reason],
      [400, 'INVALID_ARGUMENT'],
      `${path} ${JSON.stringify(body)}`,
    )
  }
})

test('providers are made, changed and deleted; a blank field of a PUT keeps what is there', async () => {
  const made = await owner.post('/providers', {
    hostname: 'sip.carrier.example',
    username: 'u',
    password: 'pw-p',
    tech_prefix: '9#',
    priority: 3,
  })
  assert.deepEqual([made.status, made.body.type, made.body.password, made.body.password_set], [200, 'sip', '', true])
  const path = `/providers/${made.body.id}`
  const changed = (await owner.put(path, { hostname: '', caller_id: { identity: 'ppi' }, number_format: 'digits' }))
    .body
  assert.deepEqual([changed.hostname, changed.tech_prefix, changed.priority], ['sip.carrier.example', '9#', 3])
  assert.deepEqual(changed.caller_id, { number: '', from: 'number', identity: 'ppi' })
  assert.deepEqual(await hiddenOf('providers', made.body.id), { password: 'pw-p' })
  assert.equal((await other.get(path)).body.error.reason, 'PROVIDER_NOT_FOUND')
  assert.equal((await owner.delete(path)).status, 200)
  assert.equal((await owner.get(path)).status, 404)
  assert.ok(!JSON.stringify(world.events).includes('pw-p'))
})

test('a route leads to one provider or trunk of the same customer', async () => {
  const provider_id: string = (await owner.post('/providers', { hostname: 'a.example' })).body.id
  const trunk_id: string = (await owner.post('/trunks', { hostname: 'b.example' })).body.id
  const made = (await owner.post('/routes', { provider_id, target: '49', countries: ['de'], priority: 1 })).body
  assert.deepEqual([made.target, made.countries, made.trunk_id], ['+49', ['DE'], NIL_UUID])
  for (const target of ['', 'all', 'ALL'])
    assert.equal((await owner.post('/routes', { provider_id, target })).body.target, 'all')
  const path = `/routes/${made.id}`
  const moved = (await owner.put(path, { trunk_id })).body
  assert.deepEqual([moved.provider_id, moved.trunk_id, moved.target], [NIL_UUID, trunk_id, '+49'])
  for (const body of [
    { provider_id, trunk_id },
    { provider_id: newUuid(world.randomBytes) },
    { trunk_id: provider_id },
  ]) {
    assert.equal((await owner.put(path, body)).status, 400)
  }
  assert.equal((await other.post('/routes', { provider_id })).status, 400)
  await owner.delete(`/trunks/${trunk_id}`)
  assert.equal((await owner.put(path, { name: 'still there' })).status, 200)
  assert.equal((await owner.delete(path)).status, 200)
  assert.equal((await owner.get(path)).body.error.reason, 'ROUTE_NOT_FOUND')
})

test('only administrators change them', async () => {
  await owner.post('/agents', { username: 'clerk', password: 'clerk secret', permission: 16 })
  const { token } = (await world.ask('POST', '/auth/login', { username: 'clerk', password: 'clerk secret' })).body
  for (const [path, body] of [
    ['/trunks', {}],
    ['/providers', { hostname: 'a.example' }],
    ['/routes', {}],
  ] as const) {
    assert.equal((await world.ask('POST', `/v1.0${path}?token=${token}`, body)).status, 403, path)
    assert.equal((await world.ask('GET', `/v1.0${path}?token=${token}`)).status, 200, path)
  }
})
