/** What clients that exist rely on (contract §20), each with its own habits of writing. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../e2e/until.ts'
import { type Answer, askAnyone, Client, type Doc } from './client.ts'
import { House } from './house.ts'
import { assertAnswer } from './valid.ts'

const NUMBER = '+899300600'

let house: House
let client: Client

before(async () => {
  house = await House.open({ rtpPorts: '30600-30678' })
  client = await house.customer('habits')
})

after(() => house?.close())

/** As the Go SDK, the MCP server and the CLI ask: the key in the query. */
async function withKey(method: string, path: string, body?: unknown): Promise<Answer> {
  const mark = path.includes('?') ? '&' : '?'
  const answer = await askAnyone(`${client.origin}/v1.0${path}${mark}accesskey=${client.token}`, method, body)
  assertAnswer(method, path, answer.status, answer.body)
  if (answer.body !== '') assert.match(String(answer.headers.get('content-type')), /^application\/json; charset=utf-8$/)
  return answer
}

test('Go SDK: actions with id "", addresses without a type, on_end_flow_id "", 200 but for speakings and agents', {
  timeout: 30_000,
}, async () => {
  const login = await askAnyone(`${client.origin}/v1.0/auth/login`, 'POST', {
    username: 'habits',
    password: 'habits secret',
  })
  assert.equal(login.status, 200)
  assert.match(login.body.token, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  const actions = [
    { id: '', next_id: '', type: 'answer' },
    { id: '', type: 'transcribe_start', option: { language: 'en-US', on_end_flow_id: '' } },
    { id: '', type: 'sleep', option: { duration: 600_000 } },
  ]
  const flow = await withKey('POST', '/flows', { name: 'sdk', detail: '', actions, on_complete_flow_id: '' })
  assert.equal(flow.status, 200)
  for (const { id } of flow.body.actions) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/)
  const number = await withKey('POST', '/numbers', { number: NUMBER, call_flow_id: flow.body.id, message_flow_id: '' })
  assert.equal(number.status, 200)
  const extension = await withKey('POST', '/extensions', { extension: 'sdk-phone', password: 'sdk-secret' })
  assert.equal(extension.status, 200)
  const phone = await house.phone({ user: 'sdk-phone', password: 'sdk-secret', autoAnswer: true })
  const call = await withKey('POST', '/calls', {
    source: { target: NUMBER },
    destinations: [{ target: 'sdk-phone' }],
    flow_id: '',
    actions,
  })
  assert.equal(call.status, 200)
  assert.deepEqual(
    [call.body.calls[0].source.type, call.body.calls[0].destination.type],
    ['tel', 'extension'],
    'types are guessed',
  )
  const line = await phone.rings()
  await until('the call is up', async () => {
    const { body } = await withKey('GET', `/calls/${call.body.calls[0].id}`)
    return body.status === 'progressing'
  })
  const speaking = await withKey('POST', '/speakings', {
    reference_type: 'call',
    reference_id: call.body.calls[0].id,
    language: '',
    provider: '',
    voice_id: '',
    direction: '',
  })
  assert.equal(speaking.status, 201)
  const agent = await withKey('POST', '/agents', {
    username: 'sdk-agent',
    password: 'sdk-agent secret',
    permission: 16,
  })
  assert.equal(agent.status, 201)
  for (const path of [
    '/calls',
    '/flows',
    '/numbers',
    '/extensions',
    '/speakings',
    '/transcribes',
    '/agents',
    '/accesskeys',
  ]) {
    const { status, body } = await withKey('GET', path)
    assert.equal(status, 200, path)
    assert.equal(typeof body.next_page_token, 'string', path)
  }
  await line.hangup()
})

test('MCP server: accesskey in the query, a message at the top of errors, empty lists, POST /activeflows/{id}/stop', {
  timeout: 30_000,
}, async () => {
  for (const path of [
    ...['/contacts', '/campaigns', '/queues', '/queuecalls', '/routes', '/providers', '/billings', '/billing_accounts'],
    ...['/messages', '/emails', '/conversations', '/tags', '/teams', '/rags', '/outdials', '/outplans'],
    ...['/storage_files', '/aiaudits', '/recordings', '/conferences', '/conferencecalls', '/ais', '/trunks'],
  ]) {
    const { status, body } = await withKey('GET', path)
    assert.equal(status, 200, path)
    assert.deepEqual(body, { result: [], next_page_token: '' }, path)
  }
  const own = await withKey('GET', '/customers')
  assert.deepEqual(
    own.body.result.map(({ id }: Doc) => id),
    [client.customerId],
  )
  assert.equal((await withKey('GET', '/billing_account')).status, 200)
  const unknown = await withKey('GET', '/queues/3f1e5a9c-6d2b-4c8e-9a7f-0b1c2d3e4f50')
  assert.deepEqual([unknown.status, unknown.body.message], [404, unknown.body.error.message])
  const later = await withKey('POST', '/campaigns', {})
  assert.deepEqual([later.status, later.body.error.reason], [501, 'NOT_IMPLEMENTED'])

  const flow = await withKey('POST', '/flows', { name: 'stays', actions: [{ type: 'block' }] })
  const started = await withKey('POST', '/activeflows', { flow_id: flow.body.id })
  assert.deepEqual([started.status, started.body.status], [200, 'running'])
  // One more, which nobody stops: the node must be able to leave without it.
  await withKey('POST', '/activeflows', { flow_id: flow.body.id })
  const stopped = await withKey('POST', `/activeflows/${started.body.id}/stop`)
  assert.deepEqual([stopped.status, stopped.body.status], [200, 'ended'])
})

test('vn CLI: GET /me with a key, list envelopes, {} for mute, a DELETE that answers nothing', {
  timeout: 30_000,
}, async () => {
  const me = await withKey('GET', '/me')
  assert.deepEqual([me.status, me.body.permission, me.body.customer_id], [200, 32, client.customerId])
  const pages: Doc[] = []
  for (let i = 0; i < 3; i++) await withKey('POST', '/flows', { name: `page ${i}` })
  let token = ''
  do {
    const { body } = await withKey('GET', `/flows?page_size=2&page_token=${encodeURIComponent(token)}`)
    pages.push(...body.result)
    token = body.next_page_token
  } while (token !== '')
  assert.equal(new Set(pages.map(({ id }) => id)).size, pages.length)
  assert.ok(pages.length >= 3)

  const phone = await house.extension(client, 'cli-phone', { autoAnswer: true })
  const { body } = await withKey('POST', '/calls', { destinations: [{ target: 'cli-phone' }] })
  const [{ id, activeflow_id }] = body.calls
  await phone.rings()
  await until('the call is up', async () => (await withKey('GET', `/calls/${id}`)).body.status === 'progressing')
  assert.equal((await withKey('POST', `/calls/${id}/mute`, {})).body.mute_direction, 'both')
  assert.equal((await withKey('DELETE', `/calls/${id}/mute`)).body.mute_direction, '')
  assert.equal((await withKey('POST', `/calls/${id}/hangup`)).status, 200)
  const renewed = await withKey('GET', '/numbers')
  for (const number of renewed.body.result)
    assert.equal((await withKey('POST', `/numbers/${number.id}/renew`, {})).status, 200)
  const gone = await withKey('DELETE', `/activeflows/${activeflow_id}`)
  assert.ok([204, 404].includes(gone.status), `${gone.status}`)
  if (gone.status === 204) assert.equal(gone.body, '')
})

test('Sandbox scripts: /docs/, sign-in as admin@localhost, Bearer with the JWT, huge expiry, extensions without detail', async () => {
  const docs = await askAnyone(`${house.origin}/docs/`, 'GET')
  assert.equal(docs.status, 200)
  assert.match(String(docs.headers.get('content-type')), /text\/html/)
  const sign = { username: 'admin@localhost', password: house.node.first.password }
  const login = await askAnyone(`${house.origin}/auth/login`, 'POST', sign)
  assert.equal(login.status, 200)
  assert.match(String(login.headers.get('set-cookie')), /^token=.*HttpOnly.*SameSite=Strict/i)
  const admin = new Client(house.origin, login.body.token, house.node.customerId)
  const key = await admin.must('POST', '/accesskeys', { name: 'sandbox', expire: 315_360_000_000 })
  assert.match(key.token, /^vb_/)
  assert.equal((await askAnyone(`${house.origin}/v1.0/me?accesskey=${key.token}`, 'GET')).status, 200)
  const extension = await admin.must('POST', '/extensions', {
    extension: '2000',
    password: 'pass2000',
    name: 'sandbox',
  })
  assert.deepEqual([extension.detail, extension.username, extension.domain_name], ['', '2000', house.node.customerId])
})

test('Sandbox softphone and Linphone: REGISTER at <customer>.registrar.<base>, and an INVITE that is answered by itself', {
  timeout: 30_000,
}, async () => {
  await client.must('POST', '/extensions', { extension: 'softphone', password: 'soft-secret' })
  const domain = `${client.customerId}.registrar.quietline.local`
  const phone = await house.phone({ user: 'softphone', password: 'soft-secret', domain, autoAnswer: true })
  const { result } = await client.must('GET', '/extensions')
  const extension = result.find((one: Doc) => one.extension === 'softphone')
  assert.deepEqual([extension.registered, extension.contacts.length, extension.contacts[0].transport], [true, 1, 'udp'])
  await client.must('POST', '/calls', {
    destinations: [{ type: 'extension', target: 'softphone' }],
    actions: [{ type: 'talk', option: { text: 'Hello softphone.' } }],
  })
  const line = await phone.rings()
  await until('it hears the talk and is hung up on', () => line.end !== null)
  assert.ok(line.voicedMs() > 400, `${line.voicedMs()} ms heard`)
})

test('a browser: any origin may ask, without credentials', async () => {
  const asked = await askAnyone(`${house.origin}/v1.0/calls`, 'OPTIONS', undefined, {
    origin: 'https://console.example.com',
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'authorization,content-type',
  })
  assert.ok(asked.status < 300)
  assert.equal(asked.headers.get('access-control-allow-origin'), '*')
  assert.match(String(asked.headers.get('access-control-allow-methods')), /PUT/)
  assert.equal(asked.headers.get('access-control-allow-credentials'), null)
  assert.equal(asked.headers.get('access-control-max-age'), '43200')
})
