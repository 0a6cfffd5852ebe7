import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../kernel/random.ts'
import {
  isIntact,
  MAX_STUN_BYTES,
  NO_PROOF,
  parseStun,
  STUN_HEADER_BYTES,
  writeBindingError,
  writeBindingSuccess,
  writeFingerprint,
  writeIntegrity,
} from './stun.ts'
import { addressOctets } from './stun-address.ts'
import { IceLite } from './stun-ice.ts'
import { looksLikeStun, PlainStun } from './stun-plain.ts'

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'))

/** RFC 5769 §2.1: a request with all that ICE puts into it. */
const SAMPLE_REQUEST = octets(`
  00010058 2112a442 b7e7a701bc34d686fa87dfae
  80220010 5354554e207465737420636c69656e74
  00240004 6e0001ff
  80290008 932ff9b151263b36
  00060009 6576746a3a68367659202020
  00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
  80280004 e57a3bcf`)
/** §2.2 and §2.3: the answers to it, over IPv4 and IPv6. */
const SAMPLE_ANSWER_4 = octets(`
  0101003c 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 7465737420766563746f7220
  00200008 0001a147e112a643
  00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
  80280004 c07d4c96`)
const PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt'
const SAMPLE_MAPPED = { address: '192.0.2.1', port: 32_853 }

const PHONE = { address: '192.0.2.9', port: 61_000 }
const OTHER = { address: '198.51.100.6', port: 5_000 }
const OURS = { ufrag: 'evtj', pwd: PASSWORD }

interface Wish {
  readonly username?: string
  readonly password?: string
  readonly priority?: number
  readonly useCandidate?: boolean
  readonly type?: number
  readonly role?: number
  readonly extra?: number
}

/** A check as a full agent sends it. */
function check(wish: Wish = {}): Uint8Array {
  const out = new Uint8Array(200)
  const view = new DataView(out.buffer)
  out.set(SAMPLE_REQUEST.subarray(0, STUN_HEADER_BYTES))
  view.setUint16(0, wish.type ?? 1)
  let at = STUN_HEADER_BYTES
  const put = (type: number, value: Uint8Array): void => {
    view.setUint16(at, type)
    view.setUint16(at + 2, value.length)
    out.set(value, at + 4)
    at += 4 + 4 * Math.ceil(value.length / 4)
  }
  put(0x0006, Buffer.from(wish.username ?? 'evtj:h6vY'))
  if (wish.extra !== undefined) put(wish.extra, new Uint8Array(4))
  put(0x0024, octets((wish.priority ?? 1_000).toString(16).padStart(8, '0')))
  put(wish.role ?? 0x802a, new Uint8Array(8))
  if (wish.useCandidate) put(0x0025, new Uint8Array(0))
  at = writeIntegrity(out, view, at, wish.password ?? PASSWORD)
  at = writeFingerprint(view, at)
  return out.slice(0, at)
}

function answerOf(ice: IceLite, bytes: Uint8Array, from = PHONE, now = 0): Uint8Array | null {
  const out = new Uint8Array(MAX_STUN_BYTES)
  const length = ice.answer(bytes, from, now, out)
  return length === 0 ? null : out.slice(0, length)
}

const typeOf = (bytes: Uint8Array | null): number => (bytes ? (bytes[0]! << 8) | bytes[1]! : 0)
/** Of an error response, whose first attribute is the code. */
const codeOf = (bytes: Uint8Array | null): number => (typeOf(bytes) === 0x0111 ? bytes![26]! * 100 + bytes![27]! : 0)

test('the sample request of RFC 5769 is read, and its integrity and fingerprint are right', () => {
  const message = parseStun(SAMPLE_REQUEST)!
  assert.equal(message.kind, 'request')
  assert.equal(message.isClassic, false)
  assert.equal(message.username, 'evtj:h6vY')
  assert.equal(message.priority, 0x6e00_01ff)
  assert.equal(message.role, 'controlled')
  assert.equal(message.isFingerprintRight, true)
  assert.deepEqual(message.unknown, [])
  assert.ok(isIntact(SAMPLE_REQUEST, message, PASSWORD))
  assert.equal(isIntact(SAMPLE_REQUEST, message, `${PASSWORD}x`), false)
})

test('the sample answer of RFC 5769 carries the address that we write, and its proofs are made as ours', () => {
  const message = parseStun(SAMPLE_ANSWER_4)!
  assert.equal(message.kind, 'response')
  assert.equal(message.isFingerprintRight, true)
  assert.ok(isIntact(SAMPLE_ANSWER_4, message, PASSWORD))
  const out = new Uint8Array(MAX_STUN_BYTES)
  const length = writeBindingSuccess(out, SAMPLE_REQUEST, false, SAMPLE_MAPPED, {
    password: PASSWORD,
    fingerprint: true,
  })
  assert.deepEqual(out.slice(20, 32), SAMPLE_ANSWER_4.slice(36, 48))
  const ours = parseStun(out.slice(0, length))!
  assert.ok(ours.isFingerprintRight && isIntact(out.slice(0, length), ours, PASSWORD))
})

test('an IPv6 address is XORed with the transaction too (RFC 5769 §2.3)', () => {
  const out = new Uint8Array(MAX_STUN_BYTES)
  const mapped = { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32_853 }
  const length = writeBindingSuccess(out, SAMPLE_REQUEST, false, mapped, NO_PROOF)
  assert.equal(length, 44)
  assert.deepEqual(out.slice(20, length), octets('00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9'))
})

test('addresses become octets, rubbish does not', () => {
  assert.deepEqual(addressOctets('::ffff:192.0.2.1'), octets('c0000201'))
  assert.deepEqual(addressOctets('::1'), octets('00000000000000000000000000000001'))
  assert.deepEqual(addressOctets('fe80::1%eth0'), octets('fe800000000000000000000000000001'))
  for (const bad of ['', 'phone', '1.2.3', '1:2:3', '1::2::3', '1:2:3:4:5:6:7:8:9', 'g::1']) {
    assert.equal(addressOctets(bad), null, bad)
  }
})

test('one changed octet anywhere breaks the integrity or the fingerprint', () => {
  for (let at = 0; at < SAMPLE_REQUEST.length - 8; at++) {
    const bytes = SAMPLE_REQUEST.slice()
    bytes[at] = bytes[at]! ^ 0x10
    const message = parseStun(bytes)
    assert.ok(message === null || message.isFingerprintRight === false, `octet ${at}`)
  }
})

test('what follows the integrity does not count', () => {
  const bytes = check()
  const forged = new Uint8Array(bytes.length + 4)
  forged.set(bytes.subarray(0, bytes.length - 8))
  const view = new DataView(forged.buffer)
  view.setUint16(bytes.length - 8, 0x0025)
  view.setUint16(bytes.length - 6, 0)
  const end = writeFingerprint(view, bytes.length - 4)
  const message = parseStun(forged.slice(0, end))!
  assert.equal(message.isFingerprintRight, true)
  assert.equal(message.useCandidate, false)
})

// ---------------------------------------------------------------- ICE

test('a check is answered with what it was seen from, and its nomination is followed', () => {
  const ice = new IceLite(OURS, 'h6vY')
  const answer = answerOf(ice, check())
  assert.equal(typeOf(answer), 0x0101)
  assert.ok(isIntact(answer!, parseStun(answer!)!, PASSWORD))
  assert.equal(ice.target?.port, undefined)
  assert.ok(ice.hasChecked(PHONE))
  answerOf(ice, check({ useCandidate: true }))
  assert.equal(ice.target?.port, PHONE.port)
})

test('who does not know the password is refused, and his address is not known', () => {
  const ice = new IceLite(OURS, 'h6vY')
  assert.equal(codeOf(answerOf(ice, check({ password: 'wrong', useCandidate: true }), OTHER)), 401)
  assert.equal(codeOf(answerOf(ice, check({ username: 'nobody:h6vY' }), OTHER, 100)), 401)
  assert.equal(codeOf(answerOf(ice, check({ username: 'evtj:other' }), OTHER, 200)), 401)
  assert.equal(answerOf(ice, check({ username: 'evtj:other' }), OTHER, 201), null, 'refusals are few')
  const unsigned = new Uint8Array(28)
  unsigned.set(SAMPLE_REQUEST.subarray(0, 20))
  writeFingerprint(new DataView(unsigned.buffer), 20)
  assert.equal(codeOf(answerOf(ice, unsigned, OTHER, 300)), 400)
  assert.equal(ice.hasChecked(OTHER), false)
  assert.equal(ice.target, null)
  assert.equal(ice.checks, 0)
})

test('of several nominations the best counts, the newest of equals, and any when the old one is silent', () => {
  const ice = new IceLite(OURS, 'h6vY')
  answerOf(ice, check({ useCandidate: true, priority: 500 }))
  answerOf(ice, check({ useCandidate: true, priority: 400 }), OTHER, 100)
  assert.equal(ice.target?.port, PHONE.port)
  const rebound = { ...PHONE, port: 7 }
  answerOf(ice, check({ useCandidate: true, priority: 500 }), rebound, 200)
  assert.equal(ice.target?.port, 7)
  answerOf(ice, check({ useCandidate: true, priority: 400 }), OTHER, 6_000)
  assert.equal(ice.target?.port, OTHER.port)
})

test('a far end that takes itself for the controlled one is told 487, and an unknown attribute 420', () => {
  const ice = new IceLite(OURS, 'h6vY')
  assert.equal(codeOf(answerOf(ice, check({ role: 0x8029 }))), 487)
  assert.equal(codeOf(answerOf(ice, check({ extra: 0x7abc }))), 420)
})

test('a keep-alive counts from an address that has checked, and is never answered', () => {
  const ice = new IceLite(OURS, 'h6vY')
  assert.equal(answerOf(ice, check({ type: 0x0011 }), PHONE, 5), null)
  assert.equal(ice.lastCheckAt, null)
  answerOf(ice, check(), PHONE, 10)
  answerOf(ice, check({ type: 0x0011 }), PHONE, 900)
  assert.equal(ice.lastCheckAt, 900)
})

test('however many addresses check, few are remembered, and the nominated one among them', () => {
  const ice = new IceLite(OURS, 'h6vY')
  answerOf(ice, check({ useCandidate: true }))
  for (let port = 1; port < 200; port++) answerOf(ice, check(), { address: 'x', port })
  assert.ok(ice.hasChecked(PHONE))
  assert.equal(ice.hasChecked({ address: 'x', port: 1 }), false)
})

// ---------------------------------------------------------------- plain

test('a phone that asks is told its address, in the form it can read', () => {
  const plain = new PlainStun(10)
  const out = new Uint8Array(MAX_STUN_BYTES)
  const modern = octets('00010000 2112a442 b7e7a701bc34d686fa87dfae')
  assert.ok(looksLikeStun(modern))
  assert.equal(plain.answer(modern, SAMPLE_MAPPED, 0, out), 32)
  assert.deepEqual(out.slice(20, 32), SAMPLE_ANSWER_4.slice(36, 48))
  // RFC 3489: no cookie, and the address as it is.
  const classic = octets('00010008 00000001000000020000000300000004 00030004 00000000')
  assert.equal(plain.answer(classic, SAMPLE_MAPPED, 0, out), 32)
  assert.deepEqual(out.slice(20, 32), octets('00010008 00018055 c0000201'))
})

test('an answer from elsewhere is not given, and no more answers than allowed', () => {
  const out = new Uint8Array(MAX_STUN_BYTES)
  const plain = new PlainStun(5)
  const elsewhere = octets('00010008 2112a442 b7e7a701bc34d686fa87dfae 00030004 00000006')
  assert.equal(plain.answer(elsewhere, PHONE, 0, out), 0)
  const ask = octets('00010000 2112a442 b7e7a701bc34d686fa87dfae')
  let answers = 0
  for (let n = 0; n < 1_000; n++) if (plain.answer(ask, PHONE, n, out) > 0) answers++
  assert.ok(answers >= 9 && answers <= 10, `${answers} in a second`)
  assert.equal(plain.answer(octets('01010000 2112a442 b7e7a701bc34d686fa87dfae'), PHONE, 9_000, out), 0)
})

test('nothing of SIP looks like STUN', () => {
  for (const text of ['INVITE sip:a@b SIP/2.0\r\n\r\n', '\r\n\r\n', 'SIP/2.0 200 OK\r\nVia: x\r\n\r\n']) {
    assert.equal(looksLikeStun(Buffer.from(text)), false)
  }
})

test('an error is told with what was not understood', () => {
  const out = new Uint8Array(MAX_STUN_BYTES)
  const unknown = [0x7001, 0x7002, 0x7003, 0x7004, 0x7005, 0x7006, 0x7007, 0x7008]
  const length = writeBindingError(out, SAMPLE_REQUEST, 420, unknown, { password: PASSWORD, fingerprint: true })
  const message = parseStun(out.slice(0, length))!
  assert.ok(isIntact(out.slice(0, length), message, PASSWORD) && message.isFingerprintRight)
})

// ---------------------------------------------------------------- rubbish

const SEED = 'stun rubbish'
test(`20,000 mutated messages: nothing is thrown, and none that was changed nominates (seed ${SEED})`, () => {
  const random = new SeededRandom(SEED)
  const out = new Uint8Array(MAX_STUN_BYTES)
  const seeds = [SAMPLE_REQUEST, SAMPLE_ANSWER_4, check({ useCandidate: true }), check({ type: 0x0011 })]
  const ice = new IceLite(OURS, 'h6vY')
  const plain = new PlainStun(1e9)
  for (let n = 0; n < 20_000; n++) {
    const from = seeds[random.below(seeds.length)]!
    const bytes = mutated(from, random)
    // Two changes may undo each other.
    if (Buffer.compare(bytes, from) === 0) continue
    const length = ice.answer(bytes, OTHER, n, out)
    const plainLength = plain.answer(bytes, OTHER, n, out)
    assert.ok(length <= MAX_STUN_BYTES && plainLength <= Math.max(44, bytes.length + 60))
    parseStun(bytes.subarray(0, random.below(bytes.length + 1)))
  }
  assert.equal(ice.target, null)
})

/** Some octets are others, missing, or too many. */
function mutated(from: Uint8Array, random: SeededRandom): Uint8Array {
  const cut = random.below(4) === 0 ? random.below(from.length) : from.length
  const bytes = new Uint8Array(cut + (random.below(8) === 0 ? random.below(40) : 0))
  bytes.set(from.subarray(0, cut))
  for (let n = 1 + random.below(4); n > 0 && bytes.length > 0; n--) {
    const at = random.below(bytes.length)
    bytes[at] = bytes[at]! ^ (1 + random.below(255))
  }
  // A length that fits lets it come further.
  if (bytes.length >= 20 && random.below(2) === 0) new DataView(bytes.buffer).setUint16(2, bytes.length - 20)
  return bytes
}
