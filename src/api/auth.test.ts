import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { authenticator, credentialOf } from './auth.ts'
import { hashPassword, verifyPassword } from './password.ts'
import { World } from './test-world.ts'

let world: World
before(() => {
  world = new World()
})
after(() => world.close())

test('sign-up as the first seed writes it gives a key that works at once, and the same password signs in', async () => {
  const { status, body } = await world.ask('POST', '/v1.0/auth/signup', {
    username: 'your-username',
    password: 'your-password',
    email: 'you@example.com',
  })
  assert.equal(status, 200)
  assert.match(body.accesskey.token, /^vb_[A-Za-z0-9]{32}$/)
  assert.equal(body.accesskey.token_prefix, body.accesskey.token.slice(0, 11))
  assert.equal(body.customer.email, 'you@example.com')
  const bearer = { authorization: `Bearer ${body.accesskey.token}` }
  assert.equal((await world.ask('GET', '/v1.0/customer', undefined, bearer)).body.id, body.customer.id)
  const login = await world.ask('POST', '/auth/login', { username: 'your-username', password: 'your-password' })
  assert.equal(login.status, 200)
  assert.equal(login.body.username, 'your-username')
  assert.match(String(login.headers['set-cookie']), /^token=\S+; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/)
})

test('one credential is accepted in all five places', async () => {
  const { token } = await world.customer('places')
  const login = await world.ask('POST', '/auth/login', { username: 'places', password: 'places secret' })
  for (const credential of [token, login.body.token]) {
    const ways: [string, Record<string, string>][] = [
      [`/v1.0/me?token=${credential}`, {}],
      [`/v1.0/me?accesskey=${credential}`, {}],
      ['/v1.0/me', { authorization: `Bearer ${credential}` }],
      ['/v1.0/me', { cookie: `a=b; token=${credential}` }],
      ['/v1.0/me', { cookie: `accesskey=${credential}` }],
    ]
    for (const [url, headers] of ways) assert.equal((await world.ask('GET', url, undefined, headers)).status, 200, url)
  }
})

test('the first place that holds a credential decides', () => {
  const headers = { authorization: 'Bearer b', cookie: 'token=c; accesskey=d' }
  assert.equal(credentialOf({ url: '/x?accesskey=a2&token=a1', headers }), 'a1')
  assert.equal(credentialOf({ url: '/x?token=&accesskey=a2', headers }), 'a2')
  assert.equal(credentialOf({ url: '/x', headers }), 'b')
  assert.equal(credentialOf({ url: '/x', headers: { cookie: headers.cookie } }), 'c')
  assert.equal(credentialOf({ url: '/x', headers: {} }), null)
})

test('no credential is 401 AUTHENTICATION_REQUIRED, a bad one 401 INVALID_CREDENTIALS', async () => {
  const none = await world.ask('GET', '/v1.0/calls')
  assert.equal(none.status, 401)
  assert.equal(none.body.error.status, 'UNAUTHENTICATED')
  assert.equal(none.body.error.reason, 'AUTHENTICATION_REQUIRED')
  for (const bad of ['vb_nosuchkey', 'not.a.token', 'eyJhbGciOiJub25lIn0.eyJ0eXBlIjoiYWdlbnQifQ.']) {
    const answer = await world.ask('GET', `/v1.0/calls?token=${bad}`)
    assert.deepEqual([answer.status, answer.body.error.reason], [401, 'INVALID_CREDENTIALS'])
  }
})

test('a wrong password and an unknown user are the same 400', async () => {
  await world.customer('known')
  const tries = [
    { username: 'known', password: 'no' },
    { username: 'nobody', password: 'no' },
    {},
    { username: 'known' },
  ]
  for (const body of tries) {
    const answer = await world.ask('POST', '/auth/login', body)
    assert.deepEqual([answer.status, answer.body.error.reason], [400, 'INVALID_CREDENTIALS'])
  }
})

test('a token of sign-in ends after seven days, an access key when it says', async () => {
  const own = new World()
  const { token } = await own.customer('late')
  const login = await own.ask('POST', '/auth/login', { username: 'late', password: 'late secret' })
  const short = await own.ask('POST', `/v1.0/accesskeys?token=${token}`, { name: 'short', expire: 3600 })
  const with_ = (credential: string) => own.ask('GET', `/v1.0/me?token=${credential}`)
  assert.equal((await with_(short.body.token)).status, 200)
  own.clock.advanceTo(own.clock.now() + 3_601_000)
  assert.equal((await with_(short.body.token)).status, 401)
  own.clock.advanceTo(own.clock.now() + 6 * 86_400_000)
  assert.equal((await with_(login.body.token)).status, 200)
  own.clock.advanceTo(own.clock.now() + 86_400_000)
  assert.equal((await with_(login.body.token)).status, 401)
  assert.equal((await with_(token)).status, 200)
  await own.close()
})

test('signing up again tells a stranger nothing and gives the owner a fresh key', async () => {
  const first = await world.customer('again')
  const stranger = await world.ask('POST', '/auth/signup', { username: 'Again', password: 'guess' })
  assert.deepEqual([stranger.status, stranger.body], [200, {}])
  assert.deepEqual((await world.ask('POST', '/auth/signup', { username: 'again' })).body, {})
  const owner = await world.ask('POST', '/auth/signup', { username: 'again', password: 'again secret' })
  assert.equal(owner.body.customer.id, first.id)
  assert.notEqual(owner.body.accesskey.token, first.token)
})

test('an e-mail is a username when none is given; neither is refused, and so are refused terms', async () => {
  assert.equal((await world.ask('POST', '/auth/signup', { email: 'a@b.example', password: 'p' })).status, 200)
  assert.equal((await world.ask('POST', '/auth/login', { username: 'a@b.example', password: 'p' })).status, 200)
  assert.equal((await world.ask('POST', '/auth/signup', { email: '', password: 'p' })).status, 400)
  assert.equal((await world.ask('POST', '/auth/signup', { email: 'c@d.example', accepted_tos: false })).status, 400)
})

test('sign-up obeys its setting', async () => {
  const closed = new World({ signup: 'closed' })
  const refused = await closed.ask('POST', '/auth/signup', { username: 'x', password: 'y' })
  assert.deepEqual([refused.status, refused.body.error.reason], [403, 'PERMISSION_DENIED'])
  await closed.close()
  const first = new World({ signup: 'first' })
  assert.equal((await first.ask('POST', '/auth/signup', { username: 'x', password: 'y' })).status, 200)
  assert.equal((await first.ask('POST', '/auth/signup', { username: 'z', password: 'y' })).status, 403)
  await first.close()
})

test('a key is shown once, is listed without its token, and is dead when deleted', async () => {
  const owner = await world.customer('keys')
  const made = await owner.post('/accesskeys', { name: 'ci', expire: 1e15 })
  assert.equal(made.status, 200)
  assert.equal(made.body.tm_expire, '9999-12-31T23:59:59.000000Z')
  const listed = await owner.get('/accesskeys')
  assert.equal(listed.body.result.length, 2)
  assert.ok(!JSON.stringify(listed.body).includes(made.body.token))
  assert.equal((await owner.put(`/accesskeys/${made.body.id}`, { name: 'cd' })).body.name, 'cd')
  assert.equal((await world.ask('GET', `/v1.0/me?token=${made.body.token}`)).body.permission, 32)
  assert.notEqual((await owner.delete(`/accesskeys/${made.body.id}`)).body.tm_delete, null)
  assert.equal((await world.ask('GET', `/v1.0/me?token=${made.body.token}`)).status, 401)
  assert.ok(world.events.every((event) => !JSON.stringify(event).includes(made.body.token)))
})

test('what names the asker of an upgrade is the same function', async () => {
  const owner = await world.customer('upgrade')
  const authenticate = authenticator(world.deps)
  const identity = await authenticate({ url: `/v1.0/ws?token=${owner.token}`, headers: {} })
  assert.deepEqual([identity?.customerId, identity?.agentId], [owner.id, null])
  assert.equal(await authenticate({ url: '/v1.0/ws', headers: {} }), null)
})

test('passwords verify by argon2id and by scrypt, and never by another password', async () => {
  for (const useArgon2 of [true, false]) {
    const hash = await hashPassword('пароль 🔑', world.randomBytes, useArgon2)
    assert.ok(hash.startsWith(useArgon2 ? '$argon2id$v=19$m=19456,t=2,p=1$' : '$scrypt$ln=15,r=8,p=1$'))
    assert.equal(await verifyPassword('пароль 🔑', hash), true)
    assert.equal(await verifyPassword('пароль', hash), false)
  }
  assert.equal(await verifyPassword('x', 'plain text'), false)
})
