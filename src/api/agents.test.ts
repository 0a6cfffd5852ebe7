import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { grantable, mayChange } from '../contract/agent.ts'
import { type Answer, type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
before(async () => {
  world = new World()
  owner = await world.customer('boss')
})
after(() => world.close())

const eventsOf = (type: string) => world.events.filter((event) => event.type === type)

/** Signs in. @returns what asks as this agent */
async function signedIn(username: string, password: string) {
  const { body } = await world.ask('POST', '/auth/login', { username, password })
  return (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, sent?: unknown): Promise<Answer> =>
    world.ask(method, `/v1.0${path}?token=${body.token}`, sent)
}

async function agent(username: string, permission: number) {
  const { body } = await owner.post('/agents', { username, password: `${username} pw`, permission })
  return { id: body.id as string, ask: await signedIn(username, `${username} pw`) }
}

test('an agent is made with 201, signs in, changes, and is gone when deleted; events hold no password', async () => {
  const made = await owner.post('/agents', {
    username: 'Ann@Example.com',
    password: 'her secret',
    name: 'Ann',
    addresses: [{ target: '+15551230000' }],
    tag_ids: [],
  })
  assert.equal(made.status, 201)
  const { body } = made
  assert.deepEqual([body.permission, body.ring_method, body.status], [16, 'ringall', 'available'])
  assert.equal(body.addresses[0].type, 'tel')
  const path = `/agents/${body.id}`
  assert.equal((await owner.put(path, { name: 'Anna' })).body.name, 'Anna')
  assert.equal((await owner.put(path, { detail: 'desk' })).body.name, 'Anna')
  assert.equal((await owner.put(`${path}/status`, { status: 'busy' })).body.status, 'busy')
  assert.equal((await owner.put(`${path}/permission`, { permission: 64 })).body.permission, 64)
  assert.equal((await owner.put(`${path}/tag_ids`, { tag_ids: [owner.id] })).body.tag_ids[0], owner.id)
  assert.deepEqual((await owner.put(`${path}/addresses`, { addresses: [] })).body.addresses, [])
  const ask = await signedIn('ann@example.com', 'her secret')
  assert.equal((await ask('GET', '/me')).body.username, 'Ann@Example.com')
  assert.equal((await owner.put(`${path}/password`, { password: 'new secret' })).status, 200)
  assert.equal(
    (await world.ask('POST', '/auth/login', { username: 'ann@example.com', password: 'her secret' })).status,
    400,
  )
  assert.equal((await (await signedIn('ann@example.com', 'new secret'))('GET', '/me')).status, 200)
  assert.equal((await owner.get('/agents')).body.result.length, 2)
  assert.notEqual((await owner.delete(path)).body.tm_delete, null)
  assert.equal((await ask('GET', '/me')).status, 401)
  assert.equal((await owner.get(path)).status, 404)
  assert.deepEqual([eventsOf('agent_created').length, eventsOf('agent_deleted').length], [1, 1])
  assert.ok(eventsOf('agent_updated').length >= 7)
  assert.ok(!JSON.stringify([...world.events, ...world.logged]).includes('secret'))
})

test('a username is unique over all customers, in any case, until its agent is deleted', async () => {
  const stranger = await world.customer('elsewhere')
  const wish = { username: 'one-of-a-kind', password: 'x' }
  const { body } = await owner.post('/agents', wish)
  const again = await stranger.post('/agents', { ...wish, username: ' ONE-of-a-kind' })
  assert.deepEqual([again.status, again.body.error.reason], [409, 'AGENT_ALREADY_EXISTS'])
  assert.equal((await world.ask('POST', '/auth/signup', wish)).body.customer, undefined)
  await owner.delete(`/agents/${body.id}`)
  assert.equal((await stranger.post('/agents', wish)).status, 201)
})

test('an agent who is no administrator changes itself, nobody else, and comes by no key', async () => {
  const { ask, id } = await agent('plain', 16)
  const other = await agent('colleague', 16)
  assert.equal((await ask('PUT', `/agents/${id}/status`, { status: 'away' })).body.status, 'away')
  assert.equal((await ask('PUT', `/agents/${id}`, { name: 'Me' })).status, 200)
  assert.equal((await ask('PUT', `/agents/${id}/password`, { password: 'mine' })).status, 200)
  const refused: [method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown][] = [
    ['PUT', `/agents/${id}/permission`, { permission: 32 }],
    ['DELETE', `/agents/${id}`],
    ['PUT', `/agents/${other.id}`, { name: 'x' }],
    ['PUT', `/agents/${other.id}/password`, { password: 'x' }],
    ['DELETE', `/agents/${other.id}`],
    ['POST', '/agents', { username: 'friend', password: 'x' }],
    ['POST', '/accesskeys', { name: 'mine' }],
    ['PUT', '/customer', { webhook_uri: 'https://thief.example' }],
  ]
  for (const [method, path, body] of refused) {
    const answer = await ask(method, path, body)
    assert.deepEqual([answer.status, answer.body.error.reason], [403, 'PERMISSION_DENIED'], `${method} ${path}`)
  }
  assert.equal((await ask('GET', '/customer')).body.webhook_secret, '')
  // Signing up again with the right password is a way to a key: for administrators only.
  assert.deepEqual((await world.ask('POST', '/auth/signup', { username: 'plain', password: 'mine' })).body, {})
})

test('a manager changes agents but no administrator, and gives nobody more than it has', async () => {
  const { ask } = await agent('manager', 64)
  const plain = await agent('worker', 16)
  const admin = await agent('admin2', 32)
  assert.equal((await ask('PUT', `/agents/${plain.id}`, { name: 'Worker' })).status, 200)
  assert.equal((await ask('PUT', `/agents/${plain.id}/permission`, { permission: 32 })).status, 403)
  assert.equal((await ask('PUT', `/agents/${admin.id}/password`, { password: 'x' })).status, 403)
  assert.equal((await ask('POST', '/agents', { username: 'sub', password: 'x', permission: 64 })).status, 201)
  assert.equal((await owner.put(`/agents/${plain.id}/permission`, { permission: 1 })).status, 403)
})

test('what may be given never lets anybody do more than the giver', () => {
  for (const asker of [0, 1, 15, 16, 32, 64, 96, 240, 65_535]) {
    for (const other of [0, 1, 15, 16, 32, 64, 96, 240, 65_535]) {
      if (!mayChange(asker, other)) continue
      assert.equal(grantable(other) & ~grantable(asker), 0, `${asker} ${other}`)
    }
  }
})
