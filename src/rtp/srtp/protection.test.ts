import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeRtpHeader } from '../packet.ts'
import { Opener } from './opener.ts'
import { SrtpProtection } from './protection.ts'
import { WINDOW_PACKETS } from './replay.ts'
import { Sealer } from './sealer.ts'
import { keyBytesOf, type SrtpKeys, type SrtpSuite, SUITES } from './suite.ts'

const SEED = Number(process.env['SEED'] ?? 20_261_121)
const NAMES = Object.keys(SUITES) as SrtpSuite[]
const SSRC = 0xcafe_babe

function keys(suite: SrtpSuite, start = 1, rest: Partial<SrtpKeys> = {}): SrtpKeys {
  const key = Uint8Array.from({ length: keyBytesOf(suite) }, (_, i) => (start * 31 + i * 7) & 0xff)
  return { suite, key, mki: new Uint8Array(0), lifetimePackets: null, ...rest }
}

function packet(sequence: number, payloadBytes = 160, ssrc = SSRC): Uint8Array {
  const bytes = new Uint8Array(12 + payloadBytes).fill(sequence & 0xff)
  writeRtpHeader(bytes, 0, false, sequence & 0xffff, (sequence * 160) >>> 0, ssrc)
  return bytes
}

function report(ssrc = SSRC): Uint8Array {
  const bytes = new Uint8Array(28).fill(9)
  bytes.set([0x80, 200, 0, 6, ssrc >>> 24, ssrc >>> 16, ssrc >>> 8, ssrc])
  return bytes
}

const sealed = (sealer: Sealer, plain: Uint8Array): Uint8Array => sealer.rtp(plain).slice()
const opened = (opener: Opener, bytes: Uint8Array): Uint8Array | string => {
  const result = opener.rtp(bytes)
  return typeof result === 'string' ? result : result.slice()
}

for (const suite of NAMES) {
  test(`${suite}: what was protected comes out again, once, longer by its tag on the way`, () => {
    const sealer = new Sealer(keys(suite))
    const opener = new Opener(keys(suite))
    for (let n = 0; n < 50; n++) {
      const plain = packet(n, n % 7 === 0 ? 4 : 160)
      const bytes = sealed(sealer, plain)
      assert.equal(bytes.length, plain.length + SUITES[suite].rtpTagBytes)
      assert.deepEqual(opened(opener, bytes), plain)
      assert.equal(opened(opener, bytes), 'replayed')
    }
  })

  test(`${suite}: contributing sources and extensions stay readable and are authentic`, () => {
    const plain = Uint8Array.from([...packet(5, 0), 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 7, 7, 7, 7, 9, 9, 9])
    plain[0] = 0x91
    const bytes = sealed(new Sealer(keys(suite)), plain)
    assert.deepEqual(bytes.subarray(0, 24), plain.subarray(0, 24))
    assert.notDeepEqual(bytes.subarray(24, 27), plain.subarray(24))
    assert.deepEqual(opened(new Opener(keys(suite)), bytes), plain)
    bytes[13]! ^= 1
    assert.equal(opened(new Opener(keys(suite)), bytes), 'notAuthentic')
  })

  test(`${suite}: RTCP is numbered by itself, encrypted, and taken once`, () => {
    const sealer = new Sealer(keys(suite))
    const opener = new Opener(keys(suite))
    for (let n = 1; n < 5; n++) {
      const bytes = sealer.rtcp(report()).slice()
      assert.equal(bytes.length, 28 + 4 + SUITES[suite].rtcpTagBytes)
      assert.notDeepEqual(bytes.subarray(8, 28), report().subarray(8))
      const plain = opener.rtcp(bytes)
      assert.ok(typeof plain !== 'string')
      assert.deepEqual(plain.slice(), report())
      assert.equal(opener.rtcp(bytes), 'replayed')
      bytes[9]! ^= 1
      assert.equal(new Opener(keys(suite)).rtcp(bytes), 'notAuthentic')
    }
  })

  test(`${suite}: one bit changed anywhere is noticed, and leaves nothing behind`, () => {
    const sealer = new Sealer(keys(suite))
    const opener = new Opener(keys(suite))
    assert.ok(typeof opened(opener, sealed(sealer, packet(10))) !== 'string')
    const next = packet(11)
    const bytes = sealed(sealer, next)
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const forged = bytes.slice()
      forged[bit >> 3]! ^= 1 << (bit & 7)
      assert.ok(typeof opener.rtp(forged) === 'string', `bit ${bit}`)
    }
    assert.deepEqual(opened(opener, bytes), next)
  })

  test(`${suite}: loss, doubles and reordering over the wrap of the sequence (seed ${SEED})`, () => {
    const fate = fc.record({ lost: fc.nat({ max: 9 }), late: fc.nat({ max: 40 }), twice: fc.boolean() })
    fc.assert(
      fc.property(
        fc.integer({ min: 65_400, max: 65_535 }),
        fc.array(fate, { minLength: 150, maxLength: 300 }),
        (first, fates) => {
          const sealer = new Sealer(keys(suite))
          const opener = new Opener(keys(suite))
          const arrivals = fates.flatMap(({ lost, late, twice }, n) => {
            const plain = packet(first + n, 8)
            const bytes = sealed(sealer, plain)
            const one = { n, at: n + late, plain, bytes }
            return lost < 3 ? [] : twice ? [one, one] : [one]
          })
          arrivals.sort((a, b) => a.at - b.at)
          const come = new Set<number>()
          for (const { n, plain, bytes } of arrivals) {
            if (come.has(n)) assert.equal(opened(opener, bytes), 'replayed')
            else assert.deepEqual(opened(opener, bytes), plain)
            come.add(n)
          }
        },
      ),
      { seed: SEED, numRuns: 15 },
    )
  })
}

test('forged packets move neither the window nor the rollover count, and make no source known', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const sealer = new Sealer(keys(suite))
  const opener = new Opener(keys(suite))
  assert.ok(typeof opened(opener, sealed(sealer, packet(100))) !== 'string')
  for (let n = 0; n < 70_000; n += 997) {
    const forged = new Uint8Array(182)
    writeRtpHeader(forged, 0, false, n & 0xffff, 0, SSRC)
    assert.ok(typeof opener.rtp(forged) === 'string')
    writeRtpHeader(forged, 0, false, n & 0xffff, 0, n)
    assert.equal(opener.rtp(forged), 'notAuthentic')
  }
  assert.equal(opener.rollovers, 0)
  assert.deepEqual(opened(opener, sealed(sealer, packet(101))), packet(101))
})

test('a packet behind the window is not taken, one at its edge is', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_32'
  const sealer = new Sealer(keys(suite))
  const opener = new Opener(keys(suite))
  const all = Array.from({ length: WINDOW_PACKETS + 3 }, (_, n) => sealed(sealer, packet(n)))
  assert.ok(typeof opener.rtp(all[0]!) !== 'string')
  assert.ok(typeof opener.rtp(all.at(-1)!) !== 'string')
  assert.equal(opener.rtp(all[1]!), 'replayed')
  assert.equal(opener.rtp(all[2]!), 'replayed')
  assert.ok(typeof opener.rtp(all[3]!) !== 'string')
})

test('the first packet heard may be one after the wrap', () => {
  const sealer = new Sealer(keys('AEAD_AES_128_GCM'))
  for (const n of [65_534, 65_535]) sealed(sealer, packet(n))
  assert.deepEqual(opened(new Opener(keys('AEAD_AES_128_GCM')), sealed(sealer, packet(65_536))), packet(65_536))
})

test('each source has counts of its own, and there is an end to sources', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const sealer = new Sealer(keys(suite))
  const opener = new Opener(keys(suite))
  const first = sealed(sealer, packet(40_000, 160, 0))
  assert.deepEqual(opened(opener, first), packet(40_000, 160, 0))
  for (let ssrc = 1; ssrc < 32; ssrc++) {
    assert.deepEqual(opened(opener, sealed(sealer, packet(3, 160, ssrc))), packet(3, 160, ssrc))
  }
  assert.equal(opened(opener, sealed(sealer, packet(3, 160, 99))), 'notAuthentic')
  assert.equal(opened(opener, first), 'replayed')
})

test('an MKI is stepped over when it is the one that was told', () => {
  for (const suite of NAMES) {
    const mki = Uint8Array.of(0, 0, 1)
    const { rtpTagBytes, rtcpTagBytes } = SUITES[suite]
    const sealer = new Sealer(keys(suite))
    const opener = new Opener(keys(suite, 1, { mki }))
    const bytes = [...sealed(sealer, packet(1))]
    const at = suite === 'AEAD_AES_128_GCM' ? bytes.length : bytes.length - rtpTagBytes
    assert.equal(opener.rtp(Uint8Array.from(bytes.toSpliced(at, 0, 0, 0, 2))), 'notAuthentic')
    assert.deepEqual(opened(opener, Uint8Array.from(bytes.toSpliced(at, 0, ...mki))), packet(1))
    const control = [...sealer.rtcp(report())]
    const where = suite === 'AEAD_AES_128_GCM' ? control.length : control.length - rtcpTagBytes
    const plain = opener.rtcp(Uint8Array.from(control.toSpliced(where, 0, ...mki)))
    assert.ok(typeof plain !== 'string')
    assert.deepEqual(plain.slice(), report())
  }
})

test('a key that is used up protects nothing more, and nothing more is taken under it', () => {
  const short = keys('AES_CM_128_HMAC_SHA1_80', 1, { lifetimePackets: 3 })
  const long = new Sealer(keys('AES_CM_128_HMAC_SHA1_80'))
  const sealer = new Sealer(short)
  const opener = new Opener(short)
  for (let n = 0; n < 3; n++) {
    assert.equal(sealer.rtp(packet(n)).length, 182)
    assert.ok(typeof opener.rtp(sealed(long, packet(n))) !== 'string')
  }
  assert.equal(sealer.rtp(packet(3)).length, 0)
  assert.equal(opener.rtp(sealed(long, packet(3))), 'usedUp')
})

test('a new key begins anew, the old one is heard until the new one is; the same key goes on', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const pair = (ours: number, theirs: number) => ({ ours: keys(suite, ours), theirs: keys(suite, theirs) })
  const us = new SrtpProtection(pair(1, 2))
  const old = new Sealer(keys(suite, 2))
  const heard = (bytes: Uint8Array): number => us.unprotectRtp(bytes)?.length ?? 0
  for (const n of [65_535, 65_536]) assert.equal(heard(sealed(old, packet(n))), 172)
  us.change(pair(1, 2))
  const repeated = sealed(old, packet(65_537))
  assert.equal(heard(repeated), 172)
  us.change(pair(1, 3))
  assert.equal(heard(repeated), 0)
  assert.equal(us.replayed, 1)
  assert.equal(heard(sealed(old, packet(65_538))), 172)
  const anew = new Sealer(keys(suite, 3))
  assert.equal(heard(sealed(anew, packet(65_539))), 172)
  assert.equal(heard(sealed(old, packet(65_540))), 0)
  assert.equal(us.authFailed, 1)
  const mine = new Opener(keys(suite, 4))
  us.change({ ours: keys(suite, 4), theirs: keys(suite, 3) })
  assert.deepEqual(opened(mine, us.protectRtp(packet(9)).slice()), packet(9))
})

test('coming back to keys of before goes on where they were: no stream is used twice, nothing is taken twice', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const pair = (ours: number, theirs: number) => ({ ours: keys(suite, ours), theirs: keys(suite, theirs) })
  const us = new SrtpProtection(pair(1, 2))
  const far = new Opener(keys(suite, 1))
  const theirs = sealed(new Sealer(keys(suite, 2)), packet(7))
  assert.ok(us.unprotectRtp(theirs))
  for (const n of [65_535, 65_536]) assert.deepEqual(opened(far, us.protectRtp(packet(n)).slice()), packet(n))
  us.change(pair(3, 4))
  us.protectRtp(packet(65_537))
  us.change(pair(1, 2))
  assert.deepEqual(opened(far, us.protectRtp(packet(65_538)).slice()), packet(65_538))
  assert.equal(us.unprotectRtp(theirs), null)
  assert.equal(us.replayed, 1)
})

test('a far end that goes on counting rollovers under its new key is understood too', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const us = new SrtpProtection({ ours: keys(suite, 1), theirs: keys(suite, 2) })
  const old = new Sealer(keys(suite, 2))
  for (const n of [65_535, 65_536, 65_537]) assert.ok(us.unprotectRtp(sealed(old, packet(n))))
  us.change({ ours: keys(suite, 1), theirs: keys(suite, 3) })
  const anew = new Sealer(keys(suite, 3))
  sealed(anew, packet(65_535))
  assert.ok(us.unprotectRtp(sealed(anew, packet(65_538))))
})

test('any bytes are refused, never thrown at', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...NAMES),
      fc.uint8Array({ maxLength: 80 }),
      fc.boolean(),
      (suite, bytes, looksRight) => {
        if (looksRight && bytes.length > 1) bytes[0] = 0x80 | (bytes[0]! & 0x3f)
        const us = new SrtpProtection({ ours: keys(suite), theirs: keys(suite) })
        assert.equal(us.unprotectRtp(bytes), null)
        assert.equal(us.unprotectRtcp(bytes), null)
        us.protectRtp(bytes)
        us.protectRtcp(bytes)
      },
    ),
    { seed: SEED, numRuns: 2_000 },
  )
})
