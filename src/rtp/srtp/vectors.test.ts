/** The RFCs' own figures: RFC 3711 appendix B, RFC 7714 §16 and §17, and libsrtp's well-known packet. */

import assert from 'node:assert/strict'
import { createCipheriv, createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { cipherOf } from './cipher.ts'
import { derive } from './derive.ts'
import { HmacSha1 } from './hmac-sha1.ts'
import { KeyStream } from './keystream.ts'
import { Opener } from './opener.ts'
import { Sealer } from './sealer.ts'

const bytes = (...hex: readonly string[]): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.join('').replace(/\s/g, ''), 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

test('HMAC-SHA1 is that of node:crypto, for keys and messages of any length', () => {
  const word = fc.nat({ max: 0xffff_ffff })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 90 }), fc.uint8Array({ maxLength: 300 }), word, (key, message, last) => {
      const hmac = new HmacSha1(key)
      const tail = Buffer.alloc(4)
      tail.writeUInt32BE(last)
      const want = createHmac('sha1', key).update(message).update(tail).digest('hex')
      for (let i = 0; i < 2; i++) {
        hmac.sum(message, message.length, last)
        assert.equal(hex(hmac.digest), want)
      }
    }),
    { numRuns: 500 },
  )
  for (let length = 0; length < 200; length++) {
    const hmac = new HmacSha1(bytes('00ff'))
    const message = new Uint8Array(length).fill(length)
    hmac.sum(message, length, 0)
    assert.equal(
      hex(hmac.digest),
      createHmac('sha1', bytes('00ff')).update(message).update(Buffer.alloc(4)).digest('hex'),
    )
  }
})

test('Galois/counter mode is that of node:crypto, for keys and packets of any length', () => {
  const sized = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const number = fc.record({
    ssrc: fc.nat({ max: 0xffff_ffff }),
    high: fc.nat({ max: 0xffff_ffff }),
    low: fc.nat({ max: 0xffff }),
  })
  fc.assert(
    fc.property(
      sized(16),
      sized(12),
      number,
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: 40 }),
      (key, salt, at, packet, head) => {
        const headBytes = Math.min(head, packet.length)
        const cipher = cipherOf({ key, salt, auth: new Uint8Array(0) }, 'AEAD_AES_128_GCM', 'rtp')
        const out = new Uint8Array(400)
        const length = cipher.seal(packet, packet.length, headBytes, { ...at, word: 1 }, out)
        const iv = Buffer.alloc(12)
        iv.writeUInt32BE(at.ssrc, 2)
        iv.writeUInt32BE(at.high, 6)
        iv.writeUInt16BE(at.low, 10)
        for (let i = 0; i < 12; i++) iv[i]! ^= salt[i]!
        const theirs = createCipheriv('aes-128-gcm', key, iv).setAAD(packet.subarray(0, headBytes))
        const body = Buffer.concat([theirs.update(packet.subarray(headBytes)), theirs.final(), theirs.getAuthTag()])
        assert.equal(hex(out.subarray(0, length)), hex(packet.subarray(0, headBytes)) + hex(body))
      },
    ),
    { numRuns: 500 },
  )
})

test('RFC 3711 B.2: the key stream, at its beginning and where the block number carries', () => {
  const key = bytes('2B7E151628AED2A6ABF7158809CF4F3C')
  const stream = new KeyStream(key, bytes('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'))
  stream.seek(0, 0, 0xff02 * 16)
  const all = stream.bytes
  assert.equal(
    hex(all.subarray(0, 48)).toUpperCase(),
    'E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0',
  )
  assert.equal(
    hex(all.subarray(0xfeff * 16)).toUpperCase(),
    'EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44',
  )
})

test('RFC 3711 B.3: the keys of packets from a master key', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const keys = { suite, key: bytes('E1F97A0D3E018BE0D64FA32C06DE4139', '0EC675AD498AFEEBB6960B3AABE6') } as const
  assert.equal(hex(derive(keys, 0, 16)).toUpperCase(), 'C61E7A93744F39EE10734AFE3FF7A087')
  assert.equal(hex(derive(keys, 2, 14)).toUpperCase(), '30CBBC08863D8C85D49DB34A9AE1')
  assert.equal(
    hex(derive(keys, 1, 96)).toUpperCase(),
    'CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2' +
      'F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2DC68',
  )
})

test('RFC 7714 §16 and §17: packets in Galois/counter mode, RTP and RTCP', () => {
  const session = {
    key: bytes('000102030405060708090a0b0c0d0e0f'),
    salt: bytes('517569642070726f2071756f'),
    auth: new Uint8Array(0),
  }
  const rtp = bytes(
    '8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573',
  )
  const sealed = bytes(
    '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb1',
    '6a9152cf765ee4390cce',
  )
  const out = new Uint8Array(200)
  const cipher = cipherOf(session, 'AEAD_AES_128_GCM', 'rtp')
  const number = { ssrc: 0x5501_a0b2, high: 0, low: 0xf17b, word: 0 }
  assert.equal(hex(out.subarray(0, cipher.seal(rtp, rtp.length, 12, number, out))), hex(sealed))
  assert.ok(cipher.open(sealed, rtp.length, 12, rtp.length, number, out))
  assert.equal(hex(out.subarray(0, rtp.length)), hex(rtp))

  const rtcp = bytes(
    '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef',
  )
  const sealedRtcp =
    '81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa458' +
    '96cf4d2fc5abf87245d9eade'
  const ofRtcp = cipherOf(session, 'AEAD_AES_128_GCM', 'rtcp')
  const report = { ssrc: 0x4d61_7273, high: 0, low: 0x5d4, word: 0x8000_05d4 }
  assert.equal(hex(out.subarray(0, ofRtcp.seal(rtcp, rtcp.length, 8, report, out))), sealedRtcp)
})

test('the packet that libsrtp tests itself with, from its master key', () => {
  const keys = {
    suite: 'AES_CM_128_HMAC_SHA1_80',
    key: bytes('e1f97a0d3e018be0d64fa32c06de4139', '0ec675ad498afeebb6960b3aabe6'),
    mki: new Uint8Array(0),
    lifetimePackets: null,
  } as const
  const plain = bytes('800f1234decafbadcafebabeabababababababababababababababab')
  const sealed = bytes('800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb')
  assert.equal(hex(new Sealer(keys).rtp(plain)), hex(sealed))
  const opened = new Opener(keys).rtp(sealed)
  assert.ok(typeof opened !== 'string')
  assert.equal(hex(opened), hex(plain))
})
