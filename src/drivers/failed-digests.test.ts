import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailedDigests } from './failed-digests.ts'

test('an address is refused after twenty failures in a minute, until fewer are that young', () => {
  const digests = new FailedDigests()
  for (let i = 0; i < 20; i++) {
    assert.equal(digests.isRefused('203.0.113.1', i * 1_000), false)
    digests.failed('203.0.113.1', i * 1_000)
  }
  assert.equal(digests.isRefused('203.0.113.1', 20_000), true)
  assert.equal(digests.isRefused('203.0.113.2', 20_000), false)
  assert.equal(digests.isRefused('203.0.113.1', 60_000), false)
})

test('nobody can shut out a registered phone by failing in its name, and loopback is never refused', () => {
  const digests = new FailedDigests()
  digests.succeeded('203.0.113.1')
  for (let i = 0; i < 100; i++) {
    digests.failed('203.0.113.1', 0)
    digests.failed('127.0.0.1', 0)
  }
  assert.equal(digests.isRefused('203.0.113.1', 1), false)
  assert.equal(digests.isRefused('127.0.0.1', 1), false)
})
