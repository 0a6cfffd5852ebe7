import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf } from './hangup.ts'

const failed = (code: number, reason?: string) =>
  ({ kind: 'failed', code, cause: 'remote', why: '', ...(reason === undefined ? {} : { reason }) }) as const

test('what the telephone network says counts more than the code a gateway made of it (RFC 3326)', () => {
  assert.equal(reasonOf('dialing', failed(503, 'Q.850;cause=17;text="User busy"')), 'busy')
  assert.equal(reasonOf('ringing', failed(500, 'SIP;cause=500, Q.850 ; text="x" ; cause=19')), 'noanswer')
  assert.equal(reasonOf('dialing', failed(480, 'Q.850;cause=16')), 'noanswer')
  assert.equal(reasonOf('dialing', failed(503, 'Q.850;cause=170')), 'failed')
})

test('without a reason, or with one of SIP, the code counts', () => {
  assert.equal(reasonOf('dialing', failed(486)), 'busy')
  assert.equal(reasonOf('ringing', failed(603, 'SIP;cause=17')), 'noanswer')
  assert.equal(reasonOf('canceling', failed(487, 'Q.850;cause=17')), 'cancel')
})
