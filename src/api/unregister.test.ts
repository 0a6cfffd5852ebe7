import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { World } from './test-world.ts'

let world: World
before(() => {
  world = new World()
})
after(() => world.close())

const leave = (token: string, body: unknown, method: 'POST' | 'DELETE' = 'POST') =>
  world.ask(method, `/auth/unregister?token=${token}`, body)

test('leaving needs a credential and the password or the phrase', async () => {
  const { id, token } = await world.customer('leaver')
  assert.equal((await world.ask('POST', '/auth/unregister', { confirmation_phrase: 'DELETE' })).status, 401)
  assert.equal((await leave(token, {})).status, 400)
  assert.equal((await leave(token, { confirmation_phrase: 'delete' })).status, 400)
  const { body } = await world.ask('POST', '/auth/login', { username: 'leaver', password: 'leaver secret' })
  const wrong = await leave(body.token, { password: 'guess' })
  assert.deepEqual([wrong.status, wrong.body.error.reason], [400, 'INVALID_CREDENTIALS'])
  const noted = await leave(body.token, { password: 'leaver secret' })
  assert.deepEqual([noted.status, noted.body.id, noted.body.tm_delete], [200, id, null])
  assert.notEqual(noted.body.tm_deletion_scheduled, null)
  assert.equal((await world.ask('GET', `/v1.0/me?token=${token}`)).status, 200)
})

test('leaving at once ends every credential, phone and number, and frees their names', async () => {
  const { body: first } = await world.ask('POST', '/auth/signup', { username: 'gone', password: 'gone secret' })
  const token: string = first.accesskey.token
  const ask = (method: 'GET' | 'POST', path: string, body?: unknown) =>
    world.ask(method, `/v1.0${path}?token=${token}`, body)
  await ask('POST', '/numbers', { number: '+15550001111' })
  const phone = (await ask('POST', '/extensions', { extension: '1', password: 'x' })).body.id
  world.contacts.set(phone, [{ uri: 'sip:1@10.0.0.1', transport: 'udp', expires: 60 }])
  const spare = (await ask('POST', '/accesskeys', {})).body.token
  const login = await world.ask('POST', '/auth/login', { username: 'gone', password: 'gone secret' })
  const gone = await leave(token, { confirmation_phrase: 'DELETE', immediate: true }, 'DELETE')
  assert.deepEqual([gone.status, gone.body.status], [200, 'deleted'])
  assert.notEqual(gone.body.tm_delete, null)
  for (const credential of [token, spare, login.body.token]) {
    assert.equal((await world.ask('GET', `/v1.0/me?token=${credential}`)).status, 401)
  }
  assert.equal((await world.ask('POST', '/auth/login', { username: 'gone', password: 'gone secret' })).status, 400)
  assert.equal(world.contacts.has(phone), false)
  const other = await world.customer('heir')
  assert.equal((await other.post('/numbers', { number: '+15550001111' })).status, 200)
  assert.notEqual((await world.customer('gone')).id, first.customer.id)
})
