import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../../kernel/random.ts'
import { field, type SipRequest } from '../message/message.ts'
import { type Algorithm, digestResponse, parseDigest, printDigest } from './digest.ts'
import { authUserOf, check, type Verdict } from './guard.ts'
import { Nonces } from './nonce.ts'

const LIFE_MS = 30_000
const REALM = 'example.com'
const ACCOUNT = { username: 'bob', password: 'zanzibar', identity: 'ext-1' }
const POLICY = { kind: 'digest' as const, realm: REALM, account: ACCOUNT }
const KEY = Buffer.alloc(32, 1)

interface Shown {
  readonly username?: string
  readonly password?: string
  readonly uri?: string
  readonly nc?: string
  readonly algorithm?: Algorithm
  readonly withoutQop?: boolean
  readonly header?: string
  readonly realm?: string
}

function request(headers: readonly (readonly [string, string])[]): SipRequest {
  return {
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:99@example.com',
    fields: headers.map(([name, value]) => field(name, value)),
    body: '',
  }
}

function show(nonce: string, shown: Shown = {}): SipRequest {
  const { username = 'bob', password = 'zanzibar', uri = 'sip:99@example.com', nc = '00000001', realm = REALM } = shown
  const algorithm = shown.algorithm ?? 'MD5'
  const protection = shown.withoutQop ? {} : { protection: { qop: 'auth' as const, nc, cnonce: 'c' } }
  const response = digestResponse({ algorithm, username, realm, password, method: 'INVITE', uri, nonce, ...protection })
  const fields: [string, string][] = [
    ['username', username],
    ['realm', realm],
    ['nonce', nonce],
    ['uri', uri],
    ['response', response],
    ['algorithm', algorithm],
  ]
  if (!shown.withoutQop) fields.push(['qop', 'auth'], ['nc', nc], ['cnonce', 'c'])
  return request([[shown.header ?? 'Proxy-Authorization', printDigest(fields, false)]])
}

function world() {
  const nonces = new Nonces(KEY, LIFE_MS, new SeededRandom('nonces'))
  const nonce = nonces.make(1_000)
  const verdict = (shown: Shown = {}, at = 2_000, policy: Parameters<typeof check>[1] = POLICY) =>
    brief(check(show(nonce, shown), policy, nonces, at))
  return { nonces, nonce, verdict }
}

function brief(verdict: Verdict): string {
  if (verdict.kind === 'allowed') return `allowed ${verdict.identity}`
  const stale = parseDigest(verdict.values[0]!)?.get('stale') === 'true'
  return `${stale ? 'stale' : 'refused'} ${verdict.failedUser}`
}

test('no credentials: a challenge for each algorithm, the strongest first, with one nonce', () => {
  const { nonces } = world()
  const verdict = check(request([]), POLICY, nonces, 0)
  assert.equal(brief(verdict), 'refused null')
  const all = verdict.kind === 'challenge' ? verdict.values.map((value) => parseDigest(value)!) : []
  assert.deepEqual(
    all.map((fields) => [fields.get('realm'), fields.get('algorithm'), fields.get('qop')]),
    ['SHA-256', 'SHA-512-256', 'MD5'].map((algorithm) => [REALM, algorithm, 'auth']),
  )
  assert.equal(new Set(all.map((fields) => fields.get('nonce'))).size, 1)
})

test('an algorithm that is not offered is not taken', () => {
  const { nonces, nonce } = world()
  const offered = ['SHA-256'] as const
  const verdict = (algorithm: Algorithm) => brief(check(show(nonce, { algorithm }), POLICY, nonces, 2_000, offered))
  assert.equal(verdict('MD5'), 'refused bob')
  assert.equal(verdict('SHA-512-256'), 'refused bob')
  assert.equal(verdict('SHA-256'), 'allowed ext-1')
})

test('of several answers the strongest counts', () => {
  const { nonces, nonce } = world()
  const weak = show(nonce, { algorithm: 'MD5', password: 'x' })
  const strong = show(nonce, { algorithm: 'SHA-512-256' })
  const both = { ...weak, fields: [...weak.fields, ...strong.fields] }
  assert.equal(brief(check(both, POLICY, nonces, 2_000)), 'allowed ext-1')
})

test('the right password is let in, by either header, by every algorithm, with and without qop', () => {
  assert.equal(world().verdict(), 'allowed ext-1')
  assert.equal(world().verdict({ header: 'Authorization' }), 'allowed ext-1')
  assert.equal(world().verdict({ algorithm: 'SHA-256' }), 'allowed ext-1')
  assert.equal(world().verdict({ algorithm: 'SHA-512-256' }), 'allowed ext-1')
  assert.equal(world().verdict({ withoutQop: true }), 'allowed ext-1')
})

test('without qop a nonce is good once: what was overheard is of no use', () => {
  const { verdict } = world()
  assert.equal(verdict({ withoutQop: true }), 'allowed ext-1')
  assert.equal(verdict({ withoutQop: true }), 'stale null')
})

test('wrong password, wrong user, wrong realm, unknown account: refused alike', () => {
  assert.equal(world().verdict({ password: 'x' }), 'refused bob')
  assert.equal(world().verdict({ username: 'eve' }), 'refused eve')
  assert.equal(world().verdict({ realm: 'other' }), 'refused bob')
  assert.equal(world().verdict({}, 2_000, { ...POLICY, account: null }), 'refused bob')
  assert.equal(world().verdict({ username: '', password: '' }, 2_000, { ...POLICY, account: null }), 'refused ')
})

test('a digest for another number is no digest for this one', () => {
  assert.equal(world().verdict({ uri: 'sip:00@example.com' }), 'refused bob')
  assert.equal(world().verdict({ uri: 'sip:99@proxy.example.com' }), 'allowed ext-1')
})

test('a nonce lives so long; after that who knows the password is told stale, nobody else', () => {
  assert.equal(world().verdict({}, 1_000 + LIFE_MS - 1), 'allowed ext-1')
  assert.equal(world().verdict({}, 1_000 + LIFE_MS), 'stale null')
  assert.equal(world().verdict({ password: 'x' }, 1_000 + LIFE_MS), 'refused bob')
})

test('a count is good once', () => {
  const { verdict } = world()
  assert.equal(verdict({ nc: '00000001' }), 'allowed ext-1')
  assert.equal(verdict({ nc: '00000001' }), 'stale null')
  assert.equal(verdict({ nc: '00000003' }), 'allowed ext-1')
  assert.equal(verdict({ nc: '00000002' }), 'stale null')
  assert.equal(verdict({ nc: 'rubbish!' }), 'stale null')
})

test('a nonce of another core, or altered, is stale', () => {
  const { nonces, nonce } = world()
  const foreign = new Nonces(Buffer.alloc(32, 2), LIFE_MS, new SeededRandom('x')).make(1_000)
  for (const each of [foreign, `f${nonce.slice(1)}`, 'x', '', `${nonce}0`]) {
    assert.equal(brief(check(show(each), POLICY, nonces, 2_000)), 'stale null', each)
  }
})

test('the user of the first digest is told, whether right or wrong', () => {
  assert.equal(authUserOf(show('n', { username: 'eve' })), 'eve')
  assert.equal(authUserOf(request([['Authorization', 'Basic abc']])), null)
})
