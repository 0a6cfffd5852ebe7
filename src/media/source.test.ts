import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from './source.ts'

const SDP = { address: '10.0.0.5', port: 4_000 }
const NAT = { address: '192.0.2.9', port: 61_000 }
const THIEF = { address: '198.51.100.6', port: 5_000 }

function negotiated(): Source {
  const source = new Source()
  source.negotiate(SDP)
  return source
}

test('sound goes where the SDP says until sound comes from somewhere', () => {
  const source = negotiated()
  assert.deepEqual(source.target, SDP)
  assert.ok(source.accept(NAT, 0))
  assert.deepEqual(source.target, NAT)
})

test('another source is refused while the present one speaks, and taken when it has been silent for a second', () => {
  const source = negotiated()
  source.accept(NAT, 0)
  assert.equal(source.accept(THIEF, 20), false)
  source.accept(NAT, 500)
  assert.equal(source.accept(THIEF, 1_499), false)
  assert.ok(source.accept(THIEF, 1_500))
  assert.deepEqual(source.target, THIEF)
})

test('the address of the SDP is taken at once', () => {
  const source = negotiated()
  source.accept(THIEF, 0)
  assert.ok(source.accept(SDP, 1))
  assert.equal(source.accept(THIEF, 2), false)
  assert.deepEqual(source.target, SDP)
})

test('the same SDP again keeps what was latched, a new address replaces it', () => {
  const source = negotiated()
  source.accept(NAT, 0)
  source.negotiate({ ...SDP })
  assert.deepEqual(source.target, NAT)
  source.negotiate(THIEF)
  assert.deepEqual(source.target, THIEF)
  assert.ok(source.accept(NAT, 10))
})
