import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
before(async () => {
  world = new World()
  owner = await world.customer('server')
})
after(() => world.close())

test('every refusal has the body of the contract, with a copy of its message at the top', async () => {
  const { status, body, headers } = await owner.get(`/calls/${NIL_UUID}`)
  assert.equal(status, 404)
  assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  assert.deepEqual(body, {
    error: {
      status: 'NOT_FOUND',
      reason: 'CALL_NOT_FOUND',
      message: 'There is no such call.',
      request_id: headers['x-request-id'],
    },
    message: 'There is no such call.',
  })
})

test('an unknown path and a known path with another method are 404 ROUTE_NOT_FOUND', async () => {
  for (const answer of [
    await owner.get('/nothing'),
    await owner.ask('PATCH', '/calls'),
    await owner.delete('/customer'),
    await world.ask('GET', '/auth/login'),
    await world.ask('GET', '/%E0%A4%A'),
  ]) {
    assert.deepEqual([answer.status, answer.body.error.reason], [404, 'ROUTE_NOT_FOUND'])
  }
})

test('a path id that is no UUID is 400 INVALID_ID, also before the record is looked for', async () => {
  for (const path of ['/calls/1', '/speakings/x', '/flows/%20', `/numbers/${'a'.repeat(200)}`]) {
    const { status, body } = await owner.get(path)
    assert.deepEqual([status, body.error.reason, body.error.status], [400, 'INVALID_ID', 'INVALID_ARGUMENT'], path)
  }
})

test('a body that is no JSON is 400 INVALID_JSON_BODY; one of another shape 400 INVALID_ARGUMENT', async () => {
  for (const raw of ['{"name":', 'hello', '{"__proto__":{"a":1}}']) {
    const { status, body } = await owner.post('/flows', raw)
    assert.deepEqual([status, body.error.reason], [400, 'INVALID_JSON_BODY'], raw)
  }
  for (const raw of ['[]', '"text"', '7', '{"name":7}']) {
    const { status, body } = await owner.post('/flows', raw)
    assert.deepEqual([status, body.error.reason], [400, 'INVALID_ARGUMENT'], raw)
  }
})

test('a POST without a body is fine where nothing is needed, whatever its content type', async () => {
  const headers = { authorization: `Bearer ${owner.token}` }
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain', '']) {
    const typed = type === '' ? headers : { ...headers, 'content-type': type }
    const { status } = await world.ask('POST', '/v1.0/accesskeys', undefined, typed)
    assert.equal(status, 200, type)
  }
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  assert.equal((await world.ask('POST', '/v1.0/flows', '{"name":"curl -d"}', form)).body.name, 'curl -d')
})

test('bodies are read up to 1 MiB', async () => {
  const near = { name: 'big', detail: 'x'.repeat(1_000_000) }
  assert.equal((await owner.post('/flows', near)).status, 200)
  const over = await owner.post('/flows', { name: 'big', detail: 'x'.repeat(1_100_000) })
  assert.deepEqual([over.status, over.body.message], [400, 'The body is longer than 1 MiB.'])
})

test('a safe request id is echoed, an unsafe one replaced', async () => {
  const given = await world.ask('GET', '/ping', undefined, { 'x-request-id': 'my-id.42' })
  assert.equal(given.headers['x-request-id'], 'my-id.42')
  for (const bad of ['a b', 'x'.repeat(65), '<b>']) {
    const { headers } = await world.ask('GET', '/ping', undefined, { 'x-request-id': bad })
    assert.match(String(headers['x-request-id']), /^req_[a-z2-7]{26}$/)
  }
})

test('any origin may ask, and preflights are answered without a credential', async () => {
  const { status, headers } = await world.ask('OPTIONS', '/v1.0/calls', undefined, { origin: 'https://a.example' })
  assert.equal(status, 204)
  assert.equal(headers['access-control-allow-origin'], '*')
  assert.equal(headers['access-control-max-age'], '43200')
  assert.match(String(headers['access-control-allow-methods']), /PUT/)
  assert.equal((await owner.get('/me')).headers['access-control-allow-origin'], '*')
})

test('a trailing slash is accepted', async () => {
  assert.equal((await world.ask('GET', `/v1.0/customer/?token=${owner.token}`)).status, 200)
  assert.equal((await world.ask('GET', '/docs/')).status, 200)
  assert.equal((await world.ask('GET', '/docs')).status, 200)
})

test('the root answers people with a page and programs with JSON, without a credential', async () => {
  const program = await world.ask('GET', '/v1.0')
  assert.deepEqual(program.body, { name: 'Quietline', version: '0.0.0-test', docs: '/docs/', openapi: '/openapi.json' })
  const browser = await world.ask('GET', '/v1.0', undefined, { accept: 'text/html,application/xhtml+xml' })
  assert.match(String(browser.headers['content-type']), /^text\/html/)
  assert.match(browser.body, /POST \/v1\.0\/speakings\/\{id\}\/say/)
})

test('the description is OpenAPI 3.1, covers the resources and promises the error body', async () => {
  const { body } = await world.ask('GET', '/openapi.json')
  assert.equal(body.openapi, '3.1.0')
  const say = body.paths['/v1.0/speakings/{id}/say'].post
  assert.deepEqual(say.requestBody.content['application/json'].schema.required, ['text'])
  assert.equal(say.responses['200'].content['application/json'].schema.$ref, '#/components/schemas/Speaking')
  assert.equal(say.responses.default.content['application/json'].schema.$ref, '#/components/schemas/Error')
  for (const name of ['Call', 'Groupcall', 'Transcribe', 'Transcript', 'Speaking', 'Number', 'Flow', 'Customer']) {
    assert.ok(body.components.schemas[name], name)
  }
  assert.equal(body.paths['/v1.0/auth/login'], undefined)
  const call = body.paths['/v1.0/calls'].post.requestBody.content['application/json'].schema
  assert.deepEqual(call.required, ['destinations'])
  assert.equal(call.properties.destinations.items.required, undefined)
  const named = JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g)
  for (const [, name = ''] of named) assert.ok(body.components.schemas[name], name)
})

test('health, readiness and counters are served to anybody', async () => {
  assert.deepEqual((await world.ask('GET', '/ping')).body, { message: 'pong' })
  assert.equal((await world.ask('GET', '/healthz')).status, 200)
  assert.equal((await world.ask('GET', '/readyz')).status, 200)
  assert.equal((await world.ask('GET', '/metrics')).body, 'calls 1\n')
})

test('a store that cannot write is 503, and readiness says so', async () => {
  world.isFull = true
  const { status, body } = await owner.post('/flows', { name: 'x' })
  assert.deepEqual([status, body.error.status, body.error.reason], [503, 'UNAVAILABLE', 'SERVICE_UNAVAILABLE'])
  assert.equal((await world.ask('GET', '/readyz')).status, 503)
  world.isFull = false
})

test('a store that cannot read is 503, also for the credential', async () => {
  const own = new World()
  const someone = await own.customer('unlucky')
  await own.store.close()
  assert.equal((await someone.get('/calls')).status, 503)
  await own.app.close()
})

test('no log line holds a credential', async () => {
  const login = await world.ask('POST', '/auth/login', { username: 'server', password: 'server secret' })
  await world.ask('GET', `/v1.0/me?token=${login.body.token}`)
  await world.ask('GET', `/v1.0/none?token=${owner.token}`)
  const lines = JSON.stringify(world.logged)
  assert.ok(world.logged.length > 0)
  for (const secret of [owner.token, login.body.token, 'server secret']) assert.ok(!lines.includes(secret))
})

test('two changes of one record at once are both kept', async () => {
  const { body } = await owner.post('/flows', { name: 'one' })
  await Promise.all([
    owner.put(`/flows/${body.id}`, { name: 'two' }),
    owner.put(`/flows/${body.id}`, { detail: 'of it' }),
  ])
  const { body: after_ } = await owner.get(`/flows/${body.id}`)
  assert.deepEqual([after_.name, after_.detail], ['two', 'of it'])
})
