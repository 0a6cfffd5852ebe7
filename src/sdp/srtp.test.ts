import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyBytesOf, type SrtpKeys } from '../rtp/srtp/suite.ts'
import type { LocalSrtp } from './crypto.ts'
import { type LocalMedia, makeAnswer, makeOffer, type Negotiated, readAnswer } from './negotiate.ts'

const THEIRS = Buffer.alloc(30, 'k').toString('base64')
const SUITE = 'AES_CM_128_HMAC_SHA1_80'

const keysOf = (suite: SrtpKeys['suite'], fill: number): SrtpKeys => ({
  suite,
  key: new Uint8Array(keyBytesOf(suite)).fill(fill),
  mki: new Uint8Array(0),
  lifetimePackets: null,
})

function us(srtp: Partial<LocalSrtp> = {}): LocalMedia {
  const keys = [keysOf(SUITE, 1), keysOf('AES_CM_128_HMAC_SHA1_32', 2), keysOf('AEAD_AES_128_GCM', 3)]
  const rest = { codecs: ['PCMU'], direction: 'sendrecv', sessionId: '42', version: 1 } as const
  return { address: '192.0.2.1', port: 10_000, ...rest, srtp: { policy: 'optional', offer: 'none', keys, ...srtp } }
}

function description(...lines: readonly string[]): string {
  return `${['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0', ...lines].join('\r\n')}\r\n`
}

const AVP = 'm=audio 4000 RTP/AVP 0'
const SAVP = 'm=audio 4000 RTP/SAVP 0'
const CRYPTO = `a=crypto:3 ${SUITE} inline:${THEIRS}|2^31`

function answered(offer: string, local: LocalMedia): { text: string; negotiated: Negotiated } | string {
  const answer = makeAnswer(offer, local)
  return answer.ok ? answer.value : answer.why
}

test('SAVP is answered with SAVP, the tag of the line that was taken and our own key', () => {
  const answer = answered(description(SAVP, 'a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:x', CRYPTO), us())
  assert.ok(typeof answer !== 'string')
  const ours = Buffer.alloc(30, 1).toString('base64')
  assert.match(
    answer.text,
    new RegExp(
      `m=audio 10000 RTP/SAVP 0\\r\\n[\\s\\S]*a=crypto:3 ${SUITE} inline:${ours.replaceAll('+', '\\+')}\\r\\n`,
    ),
  )
  assert.equal(answer.text.match(/a=crypto/g)?.length, 1)
  assert.equal(Buffer.from(answer.negotiated.srtp!.theirs.key).toString(), 'k'.repeat(30))
  assert.equal(answer.negotiated.isSavp, true)
})

test('AVP with keys is answered so, AVP without in the clear', () => {
  const withKeys = answered(description(AVP, CRYPTO), us())
  assert.ok(typeof withKeys !== 'string')
  assert.match(withKeys.text, /m=audio 10000 RTP\/AVP 0\r\n[\s\S]*a=crypto:3 /)
  assert.ok(withKeys.negotiated.srtp)
  assert.equal(withKeys.negotiated.isSavp, undefined)
  const without = answered(description(AVP), us())
  assert.ok(typeof without !== 'string')
  assert.ok(!without.text.includes('crypto'))
  assert.equal(without.negotiated.srtp, undefined)
})

test('what is refused: SAVP without keys of ours, anything in the clear where SRTP is required, SAVP where it is off', () => {
  assert.equal(answered(description(SAVP), us()), 'no usable audio')
  assert.equal(answered(description(SAVP, `a=crypto:1 F8_128_HMAC_SHA1_80 inline:${THEIRS}`), us()), 'no usable audio')
  assert.equal(answered(description(AVP), us({ policy: 'required' })), 'no usable audio')
  assert.ok(typeof answered(description(AVP, CRYPTO), us({ policy: 'required' })) !== 'string')
  assert.equal(answered(description(SAVP, CRYPTO), us({ policy: 'off' })), 'no usable audio')
  const off = answered(description(AVP, CRYPTO), us({ policy: 'off' }))
  assert.ok(typeof off !== 'string' && off.negotiated.srtp === undefined)
})

test('of a line with SRTP and one without, the one that can be had is taken, the other refused in its place', () => {
  const both = description(SAVP, CRYPTO, 'm=audio 4002 RTP/AVP 0')
  const ports = (local: LocalMedia) => {
    const answer = answered(both, local)
    return typeof answer === 'string' ? answer : answer.text.match(/^m=.*$/gm)?.map((line) => line.trim())
  }
  assert.deepEqual(ports(us()), ['m=audio 10000 RTP/SAVP 0', 'm=audio 0 RTP/AVP 0'])
  assert.deepEqual(ports(us({ policy: 'off' })), ['m=audio 0 RTP/SAVP 0', 'm=audio 10000 RTP/AVP 0'])
})

test('both ends come to the same keys, whichever suite is taken', () => {
  const offer = makeOffer(us({ offer: 'only' }))
  assert.match(offer, /m=audio 10000 RTP\/SAVP /)
  assert.equal(offer.match(/^a=crypto:/gm)?.length, 3)
  for (const suite of [SUITE, 'AEAD_AES_128_GCM'] as const) {
    const answer = answered(offer, us({ keys: [keysOf(suite, 9)] }))
    assert.ok(typeof answer !== 'string')
    const back = readAnswer(offer, answer.text)
    assert.ok(back.ok)
    assert.deepEqual(back.value.srtp?.ours.key, answer.negotiated.srtp?.theirs.key)
    assert.deepEqual(back.value.srtp?.theirs.key, answer.negotiated.srtp?.ours.key)
    assert.equal(back.value.srtp?.ours.suite, suite)
  }
})

test('our offer of SRTP answered without keys is of no use as SAVP, and in the clear as AVP', () => {
  const only = readAnswer(makeOffer(us({ offer: 'only' })), description(SAVP))
  assert.equal(only.ok ? 'ok' : only.why, 'no common encryption')
  const offer = makeOffer(us({ offer: 'opportunistic' }))
  assert.match(offer, /m=audio 10000 RTP\/AVP [\s\S]*a=crypto:1 /)
  const clear = readAnswer(offer, description(AVP))
  assert.ok(clear.ok && clear.value.srtp === undefined)
})
