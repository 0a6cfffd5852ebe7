import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { authenticator } from './auth.ts'
import { type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
before(async () => {
  world = new World()
  owner = await world.customer('direct')
})
after(() => world.close())

async function extension(user: string) {
  const { body } = await owner.post('/extensions', { extension: user, password: 'phone secret' })
  const regenerated = await owner.post(`/extensions/${body.id}/direct-hash-regenerate`)
  return { id: body.id as string, hash: regenerated.body.direct_hash as string }
}

const boot = (direct_hash: string) => world.ask('POST', '/auth/boot', { direct_hash })

test('a direct hash is exchanged for a token that reads its one resource, without the password, for four hours', async () => {
  const { hash, id } = await extension('100')
  assert.match(hash, /^direct\.[0-9a-f]{12}$/)
  const { body, status } = await boot(hash)
  assert.equal(status, 200)
  assert.deepEqual(
    [body.type, body.resource_type, body.resource_id, body.customer_id],
    ['direct', 'extension', id, owner.id],
  )
  const get = (path: string) => world.ask('GET', `/v1.0${path}?token=${body.token}`)
  const shown = await get(`/extensions/${id}`)
  assert.deepEqual([shown.status, shown.body.extension, shown.body.password], [200, '100', ''])
  for (const path of ['/extensions', '/me', '/customer', '/calls', `/flows/${id}`, `/extensions/${owner.id}`]) {
    const answer = await get(path)
    assert.deepEqual([answer.status, answer.body.error.reason], [403, 'DIRECT_ACCESS_NOT_SUPPORTED'], path)
  }
  const change = await world.ask('PUT', `/v1.0/extensions/${id}?token=${body.token}`, { name: 'x' })
  assert.equal(change.status, 403)
  assert.equal(
    (await world.ask('POST', `/auth/unregister?token=${body.token}`, { confirmation_phrase: 'DELETE' })).status,
    401,
  )
  world.clock.advanceTo(world.clock.now() + 4 * 3_600_000)
  assert.equal((await get(`/extensions/${id}`)).status, 401)
})

test('a socket does not take a direct token: its topics are the whole customer’s', async () => {
  const { hash } = await extension('101')
  const { body } = await boot(hash)
  assert.equal(await authenticator(world.deps)({ url: `/v1.0/ws?token=${body.token}`, headers: {} }), null)
})

test('a new hash ends the old one and its tokens; so does deleting the resource', async () => {
  const { hash, id } = await extension('102')
  const { token } = (await boot(hash)).body
  const read = () => world.ask('GET', `/v1.0/extensions/${id}?token=${token}`)
  assert.equal((await read()).status, 200)
  const next = (await owner.post(`/extensions/${id}/direct-hash-regenerate`)).body.direct_hash
  assert.notEqual(next, hash)
  assert.equal((await read()).status, 401)
  assert.equal((await boot(hash)).status, 400)
  assert.equal((await boot(next)).status, 200)
  await owner.delete(`/extensions/${id}`)
  assert.equal((await boot(next)).status, 400)
  for (const wrong of ['', 'direct.', 'direct.000000000000', 'x', null]) {
    const answer = await boot(wrong as string)
    assert.deepEqual([answer.status, answer.body.error.reason], [400, 'INVALID_ARGUMENT'])
  }
})

test('a flow has a direct hash, too', async () => {
  const { body } = await owner.post('/flows', { name: 'open' })
  const { direct_hash } = (await owner.post(`/flows/${body.id}/direct-hash-regenerate`)).body
  const { token } = (await boot(direct_hash)).body
  assert.equal((await world.ask('GET', `/v1.0/flows/${body.id}?token=${token}`)).body.name, 'open')
})
