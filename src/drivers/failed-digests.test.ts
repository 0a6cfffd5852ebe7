import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthPolicy, RequestSummary } from '../sip/types.ts'
import { FailedDigests } from './failed-digests.ts'

const ACCOUNT = { username: '1001', password: 'secret', identity: 'extension-1' }
const POLICY: AuthPolicy & { kind: 'digest' } = { kind: 'digest', realm: 'quietline', account: ACCOUNT }

/** A REGISTER with a password, from there. */
function from(address: string): RequestSummary {
  const uri = { scheme: 'sip', user: '1001', host: 'quietline', port: 0, parameters: {} } as const
  const flow = {
    transport: 'udp',
    local: { address: '192.0.2.1', port: 5060 },
    remote: { address, port: 5060 },
    connection: '',
  } as const
  const base = { fromDisplay: '', sipCallId: 'c', userAgent: '', method: 'REGISTER' }
  return { ...base, requestUri: uri, from: uri, to: uri, flow, headers: [['Authorization', 'Digest …']] }
}

/** One try with a wrong password. @returns whether it was checked with the real one */
function guess(digests: FailedDigests, address: string, now: number): boolean {
  const request = from(address)
  const isReal = digests.limited(POLICY, request, now).account !== null
  digests.failed(request, now)
  return isReal
}

test('an address is refused after twenty failures in a minute, until fewer are that young', () => {
  const digests = new FailedDigests()
  for (let i = 0; i < 20; i++) {
    assert.equal(digests.isRefused('203.0.113.1', i * 1_000), false)
    digests.failed(from('203.0.113.1'), i * 1_000)
  }
  assert.equal(digests.isRefused('203.0.113.1', 20_000), true)
  assert.equal(digests.isRefused('203.0.113.2', 20_000), false)
  assert.equal(digests.isRefused('203.0.113.1', 60_000), false)
})

test('nobody can shut out a registered phone by failing in its name, and loopback is never refused', () => {
  const digests = new FailedDigests()
  digests.succeeded('extension-1', '203.0.113.1')
  for (let i = 0; i < 100; i++) {
    guess(digests, '203.0.113.1', 0)
    guess(digests, '127.0.0.1', 0)
  }
  assert.equal(digests.isRefused('203.0.113.1', 1), false)
  assert.equal(digests.isRefused('127.0.0.1', 1), false)
  assert.ok(digests.limited(POLICY, from('203.0.113.1'), 1).account)
})

test('an account guessed from a thousand addresses is hardly ever really tried', () => {
  const digests = new FailedDigests()
  let real = 0
  for (let i = 0; i < 6_000; i++) if (guess(digests, `198.51.${i >> 8}.${i & 255}`, i * 10)) real++
  assert.ok(real <= 60 + 60 + 1, `${real} of 6000 guesses in a minute`)
})

test('meanwhile its phone comes in from where it registered before, and one that has moved after a few tries', () => {
  const digests = new FailedDigests()
  digests.succeeded('extension-1', '203.0.113.1')
  for (let i = 0; i < 200; i++) guess(digests, `198.51.100.${i}`, i)
  assert.ok(digests.limited(POLICY, from('203.0.113.1'), 300).account)
  const other = { ...POLICY, account: { ...ACCOUNT, identity: 'extension-2' } }
  assert.ok(digests.limited(other, from('198.51.100.7'), 300).account, 'another account is not concerned')
  assert.equal(digests.limited(POLICY, from('192.0.2.77'), 300).account, null)
  assert.ok(digests.limited(POLICY, from('192.0.2.77'), 2_000).account, 'its turn')
})

test('a stranger sees an account that is being guessed as one that is not there', () => {
  const digests = new FailedDigests()
  for (let i = 0; i < 200; i++) guess(digests, `198.51.100.${i}`, 0)
  assert.deepEqual(digests.limited(POLICY, from('192.0.2.77'), 0), { ...POLICY, account: null })
})

test('a flood of failures is told in two lines for each address', () => {
  const digests = new FailedDigests()
  let lines = 0
  for (let i = 0; i < 1_000; i++) if (digests.failed(from('203.0.113.9'), i)) lines++
  assert.equal(lines, 2)
})
