import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SrtpKeys } from '../rtp/srtp/suite.ts'
import {
  agreedCrypto,
  chooseCrypto,
  goingOn,
  type LocalSrtp,
  offeredCrypto,
  readCryptoLines,
  withoutKeys,
} from './crypto.ts'

const SEED = Number(process.env['SEED'] ?? 20_261_121)
const KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'

const keysOf = (suite: SrtpKeys['suite'], fill: number): SrtpKeys => ({
  suite,
  key: new Uint8Array(suite === 'AEAD_AES_128_GCM' ? 28 : 30).fill(fill),
  mki: new Uint8Array(0),
  lifetimePackets: null,
})
const OURS: LocalSrtp = {
  policy: 'optional',
  offer: 'only',
  keys: [keysOf('AES_CM_128_HMAC_SHA1_80', 1), keysOf('AES_CM_128_HMAC_SHA1_32', 2), keysOf('AEAD_AES_128_GCM', 3)],
}

function read(...lines: readonly string[]) {
  return readCryptoLines(`v=0\r\nm=audio 1 RTP/SAVP 0\r\n${lines.map((line) => `a=crypto:${line}\r\n`).join('')}`)[0]!
}

test('keys as phones write them', () => {
  const [one] = read(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`)
  assert.equal(one?.tag, 1)
  assert.equal(Buffer.from(one!.keys.key).toString('base64'), KEY)
  assert.deepEqual([one!.keys.lifetimePackets, one!.keys.mki.length], [null, 0])
  const [two] = read(`7 AES_CM_128_HMAC_SHA1_32 inline:${KEY}|2^20|1:4`)
  assert.deepEqual([two!.tag, two!.keys.lifetimePackets, [...two!.keys.mki]], [7, 2 ** 20, [0, 0, 0, 1]])
  const [three] = read(`2 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1048576 WSH=64 -LATER=1`)
  assert.equal(three!.keys.lifetimePackets, 1_048_576)
  const [four] = read(`2 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|258:2`)
  assert.deepEqual([...four!.keys.mki], [1, 2])
  assert.equal(read(`1 AEAD_AES_128_GCM inline:${Buffer.alloc(28, 5).toString('base64')}`).length, 1)
})

test('lines that we pass over: other suites, broken keys, parameters that change the packets', () => {
  for (const line of [
    `1 AES_256_CM_HMAC_SHA1_80 inline:${KEY}`,
    `1 F8_128_HMAC_SHA1_80 inline:${KEY}`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY.slice(4)}`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY};inline:${KEY}`,
    `1 AES_CM_128_HMAC_SHA1_80 outline:${KEY}`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^0:4`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|0`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|300:1`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} KDR=1`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} WSH=64 UNENCRYPTED_SRTCP`,
    `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNAUTHENTICATED_SRTP`,
    `x AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
    `1 constructor inline:${KEY}`,
    '1 AES_CM_128_HMAC_SHA1_80',
    '',
  ]) {
    assert.deepEqual(read(line), [], line)
  }
})

test('the first of theirs that we speak is taken, with its tag and our key of that suite', () => {
  const lines = read(
    `5 AEAD_AES_256_GCM inline:${KEY}`,
    `6 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`,
    `7 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
  )
  const chosen = chooseCrypto(lines, true, OURS)
  assert.ok(chosen !== null && chosen !== 'refused')
  assert.equal(chosen.tag, 6)
  assert.equal(chosen.pair.ours, OURS.keys[1])
  assert.equal(chosen.pair.theirs, lines[0]!.keys)
})

test('what is asked for and what we want', () => {
  const lines = read(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`)
  const outcome = (policy: LocalSrtp['policy'] | null, isSecure: boolean, hasKeys: boolean) => {
    const local = policy === null ? null : { ...OURS, policy }
    const chosen = chooseCrypto(hasKeys ? lines : [], isSecure, local)
    return chosen === null ? 'clear' : chosen === 'refused' ? chosen : 'srtp'
  }
  assert.deepEqual(
    (['off', 'optional', 'required', null] as const).map((policy) => [
      outcome(policy, true, true),
      outcome(policy, true, false),
      outcome(policy, false, true),
      outcome(policy, false, false),
    ]),
    [
      ['refused', 'refused', 'clear', 'clear'],
      ['srtp', 'refused', 'srtp', 'clear'],
      ['srtp', 'refused', 'srtp', 'refused'],
      ['refused', 'refused', 'clear', 'clear'],
    ],
  )
})

test('an answer must repeat tag and suite of a line of ours', () => {
  const offered = read(...offeredCrypto(OURS).map(({ id, suite, config }) => `${id} ${suite} ${config}`))
  assert.deepEqual(
    offered.map(({ tag, keys }) => [tag, keys.suite]),
    [
      [1, 'AES_CM_128_HMAC_SHA1_80'],
      [2, 'AES_CM_128_HMAC_SHA1_32'],
      [3, 'AEAD_AES_128_GCM'],
    ],
  )
  const good = agreedCrypto(offered, read(`2 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`), true)
  assert.ok(good !== null && good !== 'refused')
  assert.deepEqual(good.ours.key, OURS.keys[1]!.key)
  assert.equal(agreedCrypto(offered, read(`2 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`), true), 'refused')
  assert.equal(agreedCrypto(offered, [], true), 'refused')
  assert.equal(agreedCrypto(offered, [], false), null)
})

test('our next offer asks for what was agreed on, with the key in use first', () => {
  const pair = { ours: OURS.keys[2]!, theirs: OURS.keys[0]! }
  const next = goingOn({ ...OURS, offer: 'none' }, pair, true)
  assert.deepEqual(
    [next.offer, next.keys.map(({ suite }) => suite)],
    ['only', ['AEAD_AES_128_GCM', 'AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32']],
  )
  assert.equal(next.keys[0], OURS.keys[2])
  assert.equal(goingOn(OURS, pair, false).offer, 'opportunistic')
  assert.equal(goingOn(OURS, null, false).offer, 'none')
  assert.equal(goingOn({ ...OURS, policy: 'required' }, null, false).offer, 'only')
})

test('a message that people see has no keys, and its length', () => {
  const text = `INVITE x\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20 WSH=64\r\na=sendrecv\r\n`
  const shown = Buffer.from(withoutKeys(Buffer.from(text))).toString()
  assert.equal(shown.length, text.length)
  assert.ok(!shown.includes(KEY.slice(0, 6)))
  assert.match(shown, /\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\.+\r\na=sendrecv\r\n$/)
})

test(`any text never throws (seed ${SEED})`, () => {
  const part = fc.constantFrom(
    'm=audio 1 RTP/SAVP 0\r\n',
    'a=crypto:',
    '1 ',
    'AES_CM_128_HMAC_SHA1_80 ',
    'inline:',
    KEY,
    '|2^31',
    '|1:4',
    '|',
    ' KDR=1',
    '\n',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string()), { maxLength: 12 }), (parts) => {
      readCryptoLines(parts.join(''))
    }),
    { seed: SEED, numRuns: 3_000 },
  )
})
