/** What existing clients rely on (contract §20), and the rules they all share (§1) where no other test holds them. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NIL_UUID, parseTimestamp, timestamp } from '../kernel/ids.ts'
import { newUuid } from './secrets.ts'
import { type Asker, World } from './test-world.ts'

const UUID_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/
/** Contract §19. */
const EMPTY_LISTS =
  'contacts campaigns queues queuecalls billings billing_accounts messages emails conversations tags teams rags outdials outplans storage_files aiaudits'

let world: World
let owner: Asker
before(async () => {
  world = new World()
  owner = await world.customer('clients')
})
after(() => world.close())

// ---------------------------------------------------------------- §1

test('unknown fields of a body and unknown query parameters are ignored', async () => {
  const { body, status } = await owner.post('/flows', { name: 'f', colour: 'red', id: owner.id, customer_id: NIL_UUID })
  assert.deepEqual([status, body.colour, body.id === owner.id, body.customer_id], [200, undefined, false, owner.id])
  assert.equal((await owner.get('/flows?colour=red&filter[name]=x')).status, 200)
})

test('absent, null and "" all mean not given, also for ids', async () => {
  const bodies = [
    {},
    { detail: null, on_complete_flow_id: null },
    { detail: '', on_complete_flow_id: '' },
    { on_complete_flow_id: NIL_UUID },
  ]
  for (const more of bodies) {
    const { body } = await owner.post('/flows', { name: 'f', ...more })
    assert.deepEqual([body.detail, body.on_complete_flow_id], ['', NIL_UUID], JSON.stringify(more))
  }
  const made = await owner.post('/flows', { name: 'kept', detail: 'kept' })
  const { body } = await owner.put(`/flows/${made.body.id}`, { name: null, on_complete_flow_id: '' })
  assert.deepEqual([body.name, body.detail], ['kept', 'kept'])
})

test('ids are UUIDs of version 4 in lower case, and are read in any case', async () => {
  const { body } = await owner.post('/flows', { name: 'f', actions: [{ type: 'answer' }] })
  assert.match(body.id, UUID_4)
  assert.match(body.actions[0].id, UUID_4)
  assert.equal((await owner.get(`/flows/${body.id.toUpperCase()}`)).body.id, body.id)
  const number = await owner.post('/numbers', { number: '+15553330001', call_flow_id: body.id.toUpperCase() })
  assert.equal(number.body.call_flow_id, body.id)
})

test('times have six digits and Z, unset ones are null, and a fresh record was updated when it was made', async () => {
  const { body } = await owner.post('/flows', { name: 'f' })
  assert.match(body.tm_create, TIME)
  assert.deepEqual([body.tm_update, body.tm_delete], [body.tm_create, null])
})

test('a page may begin at a time in any of the forms that clients have', async () => {
  const asker = await world.customer('pages')
  for (let count = 0; count < 3; count++) await asker.post('/flows', { name: `f${count}` })
  const [newest] = (await asker.get('/flows')).body.result
  const us = parseTimestamp(newest.tm_create)!
  const forms = [timestamp(us), timestamp(us).slice(0, -1), timestamp(us).replace('T', ' ').slice(0, -1)]
  for (const token of forms) {
    const { body } = await asker.get(`/flows?page_token=${encodeURIComponent(token)}`)
    assert.equal(body.result.length, 2, token)
  }
})

test('every list has the envelope, speakings too, and the last page an empty token', async () => {
  const lists = ['calls', 'groupcalls', 'flows', 'activeflows', 'transcribes', 'speakings', 'numbers', 'extensions']
  for (const name of [...lists, 'agents', 'accesskeys', 'languages', 'customers', 'aggregated-events']) {
    const { body, status } = await owner.get(`/${name}`)
    assert.deepEqual([status, Array.isArray(body.result), body.next_page_token], [200, true, ''], name)
  }
})

test('refusals carry the request id that was given, and the message twice', async () => {
  const headers = { authorization: `Bearer ${owner.token}`, 'x-request-id': 'trace-7' }
  const { body } = await world.ask('GET', `/v1.0/calls/${NIL_UUID}`, undefined, headers)
  assert.deepEqual([body.error.request_id, body.message], ['trace-7', body.error.message])
})

test('two routes answer 201, one 204, all others 200', async () => {
  const { body } = await world.ask('GET', '/openapi.json')
  const odd: string[] = []
  for (const [path, methods] of Object.entries<Record<string, { responses: object }>>(body.paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const status = Object.keys(responses).find((one) => one.startsWith('2'))
      if (status !== '200') odd.push(`${status} ${method} ${path}`)
    }
  }
  assert.deepEqual(odd.sort(), [
    '201 post /v1.0/agents',
    '201 post /v1.0/speakings',
    '204 delete /v1.0/activeflows/{id}',
  ])
})

test('metadata of customers and numbers is kept, and renewing notes the time', async () => {
  assert.deepEqual((await owner.put('/customer/metadata', { rtp_debug: true })).body.metadata, { rtp_debug: true })
  const { id } = (await owner.post('/numbers', { number: '+15553330009' })).body
  assert.deepEqual((await owner.put(`/numbers/${id}/metadata`, { rtp_debug: false })).body.metadata, {
    rtp_debug: false,
  })
  const renewed = await owner.post(`/numbers/${id}/renew`, { tm_renew: '2027-01-15 09:30:00.000000' })
  assert.equal(renewed.body.tm_renew, '2027-01-15T09:30:00.000000Z')
  assert.equal((await owner.post(`/numbers/${id}/renew`, { tm_renew: 'soon' })).status, 400)
  assert.equal((await owner.post('/numbers/renew', {})).status, 200)
})

test('mails that nobody sends are accepted all the same', async () => {
  for (const name of ['password-forgot', 'password-reset', 'email-verify']) {
    for (const base of ['', '/v1.0']) {
      const { body, status } = await world.ask('POST', `${base}/auth/${name}`, { username: 'a@b.example', token: 'x' })
      assert.deepEqual([status, body], [200, {}], name)
    }
  }
})

// ---------------------------------------------------------------- §19

test('lists of what is not here are empty, single ones not found, changes not implemented', async () => {
  for (const name of EMPTY_LISTS.split(' ')) {
    const list = await owner.get(`/${name}?page_size=10`)
    assert.deepEqual([list.status, list.body], [200, { result: [], next_page_token: '' }], name)
    const path = `/${name}/${newUuid(world.randomBytes)}`
    assert.equal((await owner.get(path)).status, 404, name)
    const changes = [await owner.post(`/${name}`, { name: 'x' }), await owner.put(path, {}), await owner.delete(path)]
    for (const { body, status } of changes) {
      assert.deepEqual([status, body.error.status, body.error.reason], [501, 'UNAVAILABLE', 'NOT_IMPLEMENTED'], name)
    }
  }
  const { body, status } = await owner.get('/billing_account')
  assert.deepEqual([status, body.customer_id], [200, owner.id])
})

test('customers are oneself', async () => {
  assert.deepEqual(
    (await owner.get('/customers')).body.result.map((one: { id: string }) => one.id),
    [owner.id],
  )
  assert.equal((await owner.get(`/customers/${owner.id}`)).body.id, owner.id)
  assert.equal((await owner.get(`/customers/${NIL_UUID}`)).status, 404)
  assert.equal((await owner.post('/customers', {})).status, 501)
})

// ---------------------------------------------------------------- §20

test('the generated SDK: accesskey in the query, addresses without type, ids of "", sign-in under /v1.0', async () => {
  const ask = (path: string, body?: unknown) =>
    world.ask(body ? 'POST' : 'GET', `/v1.0${path}?accesskey=${owner.token}`, body)
  const flow = await ask('/flows', {
    name: 'sdk',
    actions: [
      { id: '', next_id: '', type: 'answer', option: {} },
      { id: '', type: 'transcribe_start', option: { language: 'en-US', on_end_flow_id: '' } },
    ],
  })
  assert.equal(flow.status, 200)
  const call = await ask('/calls', {
    source: { target: '+15551230000' },
    destinations: [{ target: '+15559876543' }, { target: 'sip:bob@example.com' }, { target: '2001' }],
    flow_id: flow.body.id,
  })
  assert.equal(call.status, 200)
  const types = call.body.calls.map((one: { destination: { type: string } }) => one.destination.type)
  assert.deepEqual(types, ['tel', 'sip', 'extension'])
  assert.match(String(call.headers['content-type']), /json/)
  const login = { username: 'clients', password: 'clients secret' }
  assert.equal((await world.ask('POST', '/v1.0/auth/login', login)).status, 200)
})

test('the MCP server: a message at the top of errors, and runs that can be stopped', async () => {
  const wrong = await owner.get(`/activeflows/${NIL_UUID}`)
  assert.equal(typeof wrong.body.message, 'string')
  const run = await owner.post('/activeflows', { actions: [] })
  assert.equal((await owner.post(`/activeflows/${run.body.id}/stop`)).status, 200)
})

test('the command line: /me with a key, {} for mute and recordings, files as their own route', async () => {
  const me = await owner.get('/me')
  assert.deepEqual([me.body.permission, me.body.customer_id], [32, owner.id])
  const { calls } = (await owner.post('/calls', { destinations: [{ target: '+15559876543' }] })).body
  assert.equal((await owner.post(`/calls/${calls[0].id}/mute`, {})).status, 200)
  assert.equal((await owner.post(`/calls/${calls[0].id}/recording_start`, {})).status, 501)
  assert.equal((await owner.get(`/recordingfiles/${NIL_UUID}`)).body.error.reason, 'RECORDING_NOT_FOUND')
})

test('the sandbox: extensions without detail, keys that live for ever, a token in Bearer', async () => {
  const login = await world.ask('POST', '/auth/login', { username: 'clients', password: 'clients secret' })
  const headers = { authorization: `Bearer ${login.body.token}` }
  const extension = { extension: '1000', password: 'pw', name: 'sandbox' }
  assert.equal((await world.ask('POST', '/v1.0/extensions', extension, headers)).status, 200)
  const key = await world.ask('POST', '/v1.0/accesskeys', { name: 'k', expire: 3_153_600_000 }, headers)
  assert.deepEqual([key.status, key.body.tm_expire > '2100'], [200, true])
})
