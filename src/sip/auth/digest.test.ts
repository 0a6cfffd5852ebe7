import assert from 'node:assert/strict'
import { test } from 'node:test'
import { field, type SipResponse } from '../message/message.ts'
import { answerChallenge } from './answer.ts'
import { digestResponse, parseDigest, printDigest } from './digest.ts'

const RFC_7616 = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  password: 'Circle of Life',
  method: 'GET',
  uri: '/dir/index.html',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  protection: { qop: 'auth' as const, nc: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
}

test('the examples of RFC 7616 §3.9.1', () => {
  assert.equal(digestResponse({ ...RFC_7616, algorithm: 'MD5' }), '8ca523f5e9506fed4657c9700eebdbec')
  assert.equal(
    digestResponse({ ...RFC_7616, algorithm: 'SHA-256' }),
    '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  )
})

test('SHA-512-256 is the hash of that name, not a SHA-512 cut short', () => {
  // RFC 8760 §2.1, with the values of RFC 7616 §3.9.1; the expected digest was computed apart, with openssl.
  const made = digestResponse({ ...RFC_7616, algorithm: 'SHA-512-256' })
  assert.equal(made, '430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0')
})

test('without qop it is the digest of RFC 2069', () => {
  const { protection: _, ...old } = RFC_7616
  const made = digestResponse({ ...old, algorithm: 'MD5' })
  assert.match(made, /^[0-9a-f]{32}$/)
  assert.notEqual(made, digestResponse({ ...RFC_7616, algorithm: 'MD5' }))
})

test('header fields are read with and without quotes, blanks and commas inside', () => {
  const fields = parseDigest('Digest username="a, \\"b\\"" ,realm = "r",nc=00000001, qop=auth,opaque=""')
  assert.deepEqual(Object.fromEntries(fields ?? []), {
    username: 'a, "b"',
    realm: 'r',
    nc: '00000001',
    qop: 'auth',
    opaque: '',
  })
  assert.equal(parseDigest('Basic abc'), null)
  assert.equal(parseDigest('Digest username="open'), null)
  assert.equal(parseDigest('Digest garbage'), null)
})

test('what is printed is read again', () => {
  const fields = [
    ['username', 'a"b'],
    ['qop', 'auth'],
    ['nc', '00000001'],
  ] as const
  assert.equal(printDigest(fields, false), 'Digest username="a\\"b", qop=auth, nc=00000001')
  assert.deepEqual(
    [...parseDigest(printDigest(fields, true))!],
    fields.map((each) => [...each]),
  )
})

const ME = { username: 'bob', password: 'zanzibar' }
const REQUEST = { method: 'INVITE', uri: 'sip:x@y', cnonce: 'abc' }

function challenged(code: number, ...challenges: string[]): SipResponse {
  const name = code === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
  return { kind: 'response', code, phrase: '', fields: challenges.map((each) => field(name, each)), body: '' }
}

test('the client answers the first challenge it can compute, in the header that belongs to it', () => {
  const answer = answerChallenge(
    challenged(
      407,
      'Basic realm="x"',
      'Digest realm="r", nonce="n", algorithm=SHA-512-256-sess',
      'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth,auth-int", opaque="o"',
    ),
    ME,
    REQUEST,
    0,
  )
  assert.equal(answer?.[0], 'Proxy-Authorization')
  const fields = parseDigest(answer![1])!
  assert.equal(fields.get('opaque'), 'o')
  assert.equal(fields.get('response')?.length, 64)
  const protection = { qop: 'auth' as const, nc: '00000001', cnonce: 'abc' }
  assert.equal(
    fields.get('response'),
    digestResponse({ ...ME, ...REQUEST, realm: 'r', nonce: 'n', algorithm: 'SHA-256', protection }),
  )
})

test('a second challenge is answered only when it says stale, a third never', () => {
  const plain = challenged(401, 'Digest realm="r", nonce="n"')
  const stale = challenged(401, 'Digest realm="r", nonce="m", stale=TRUE')
  assert.equal(answerChallenge(plain, ME, REQUEST, 0)?.[0], 'Authorization')
  assert.equal(answerChallenge(plain, ME, REQUEST, 1), null)
  assert.ok(answerChallenge(stale, ME, REQUEST, 1))
  assert.equal(answerChallenge(stale, ME, REQUEST, 2), null)
})
