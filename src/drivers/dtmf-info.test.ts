import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOfInfo } from './dtmf-info.ts'

test('keys of dtmf-relay, as Cisco, Linphone and Asterisk write them', () => {
  const of = (body: string) => keyOfInfo('application/dtmf-relay', body)
  assert.deepEqual(of('Signal=5\r\nDuration=160'), { digit: '5', durationMs: 160 })
  assert.deepEqual(of('Signal= *\r\nDuration= 250\r\n'), { digit: '*', durationMs: 250 })
  assert.deepEqual(of('Signal=11\nDuration=0'), { digit: '#', durationMs: 100 })
  assert.deepEqual(of('signal=d'), { digit: 'D', durationMs: 100 })
  for (const body of ['', 'Signal=', 'Signal=16', 'Signal=!', 'Duration=100', '5']) assert.equal(of(body), null, body)
})

test('a bare key in application/dtmf', () => {
  assert.deepEqual(keyOfInfo('application/dtmf', ' 7\r\n'), { digit: '7', durationMs: 100 })
  assert.equal(keyOfInfo('application/dtmf', 'flash'), null)
})
