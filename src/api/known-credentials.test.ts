import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity } from './auth.ts'
import { KnownCredentials } from './known-credentials.ts'
import { World } from './test-world.ts'

const identity = { customerId: 'c', agentId: null } as Identity
const known = (rowId: string, expires: number | null = null) => ({ identity, expires, rowId })
const changed = (id: string) => ({ rows: [{ table: 'accesskeys' as const, row: { id } }] })

test('a credential is known for five seconds, and not after its own end', () => {
  const credentials = new KnownCredentials()
  credentials.keep('h', known('k', 2_000_000), 1_000, credentials.mark)
  assert.equal(credentials.get('h', 5_999, 1_999_999), identity)
  assert.equal(credentials.get('h', 5_999, 2_000_000), null)
  credentials.keep('h', known('k'), 1_000, credentials.mark)
  assert.equal(credentials.get('h', 6_000, 0), null)
})

test('a change of the row behind it forgets it; one of another row does not', () => {
  const credentials = new KnownCredentials()
  credentials.keep('a', known('k1'), 0, credentials.mark)
  credentials.keep('b', known('k2'), 0, credentials.mark)
  credentials.note(changed('k1'))
  assert.deepEqual([credentials.get('a', 1, 1), credentials.get('b', 1, 1)], [null, identity])
})

test('what was looked up before a change and comes after it is not kept', () => {
  const credentials = new KnownCredentials()
  const { mark } = credentials
  credentials.note(changed('k'))
  credentials.keep('h', known('k'), 0, mark)
  assert.equal(credentials.get('h', 1, 1), null)
})

test('a request with a known key reads nothing from the store, and a deleted key is dead at once', async () => {
  const world = new World()
  const owner = await world.customer('busy')
  const { body } = await owner.post('/accesskeys', { name: 'spare' })
  const find = world.store.find.bind(world.store)
  let reads = 0
  world.store.find = (table, where, limit) => {
    reads += table === 'accesskeys' ? 1 : 0
    return find(table, where, limit)
  }
  const ask = () => world.ask('GET', `/v1.0/me?token=${body.token}`)
  for (let count = 0; count < 5; count++) assert.equal((await ask()).status, 200)
  assert.equal(reads, 1)
  await owner.delete(`/accesskeys/${body.id}`)
  assert.equal((await ask()).status, 401)
  await world.close()
})

test('an agent’s new permission holds for its next request', async () => {
  const world = new World()
  const owner = await world.customer('chief')
  const { body } = await owner.post('/agents', { username: 'a', password: 'p' })
  const login = await world.ask('POST', '/auth/login', { username: 'a', password: 'p' })
  const tryKey = () => world.ask('POST', `/v1.0/accesskeys?token=${login.body.token}`, {})
  assert.equal((await tryKey()).status, 403)
  await owner.put(`/agents/${body.id}/permission`, { permission: 32 })
  assert.equal((await tryKey()).status, 200)
  await world.close()
})
