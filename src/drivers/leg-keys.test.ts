import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Log } from '../kernel/log.ts'
import type { Negotiated } from '../sdp/negotiate.ts'
import { LegKeys } from './leg-keys.ts'

const QUIET: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
const CLEAR: Negotiated = {
  codec: 'PCMU',
  payloadType: 0,
  dtmfPayloadType: null,
  ptimeMs: 20,
  remote: { address: '198.51.100.7', port: 4_000 },
  direction: 'sendrecv',
}

test('every leg has keys of its own, of full length, a different one for each suite', () => {
  const keys = new LegKeys({ policy: 'optional', random: randomBytes, log: QUIET })
  const drawn = [...keys.draw(false).keys, ...keys.draw(false).keys]
  assert.equal(new Set(drawn.map(({ key }) => Buffer.from(key).toString('hex'))).size, 6)
  assert.deepEqual(
    drawn.slice(0, 3).map(({ key }) => key.length),
    [30, 30, 28],
  )
  assert.ok(drawn.every(({ mki, lifetimePackets }) => mki.length === 0 && lifetimePackets === null))
})

test('how offers ask: by the policy of the trunk or the server, and by whether others can read the keys', () => {
  const offer = (
    policy: 'off' | 'optional' | 'required',
    isPrivate: boolean,
    trunk?: 'off' | 'optional' | 'required',
  ) => new LegKeys({ policy, random: randomBytes, log: QUIET }).draw(isPrivate, trunk).offer
  assert.deepEqual([offer('off', true), offer('off', false)], ['none', 'none'])
  assert.deepEqual([offer('optional', true), offer('optional', false)], ['opportunistic', 'none'])
  assert.deepEqual([offer('required', true), offer('required', false)], ['only', 'only'])
  assert.deepEqual([offer('off', false, 'required'), offer('required', true, 'off')], ['only', 'none'])
})

test('keys over signalling in the clear are told of once, without the keys; over TLS not at all', () => {
  const told: string[] = []
  const log = {
    ...QUIET,
    warn: (fields: object, message: string) => void told.push(`${message} ${JSON.stringify(fields)}`),
  }
  const keys = new LegKeys({ policy: 'optional', random: () => Buffer.alloc(30, 'K'), log })
  const local = keys.draw(false)
  const srtp = { ours: local.keys[0]!, theirs: local.keys[0]! }
  keys.settled(local, { ...CLEAR, srtp }, true, 'one')
  assert.equal(told.length, 0)
  keys.settled(local, { ...CLEAR, srtp }, false, 'two')
  keys.settled(local, { ...CLEAR, srtp }, false, 'three')
  assert.equal(told.length, 1)
  assert.match(told[0]!, /^srtp keys went over unencrypted signalling .*"two"/)
  assert.ok(!told[0]!.includes(Buffer.alloc(30, 'K').toString('base64')))
})
