import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RtpAddress } from './protocol.ts'
import { LONG_SILENCE_MS, PROVING_PACKETS, SETTLED_PACKETS, Source } from './source.ts'

const SDP = { address: '10.0.0.5', port: 4_000 }
const NAT = { address: '192.0.2.9', port: 61_000 }
const THIEF = { address: '198.51.100.6', port: 5_000 }
const PHONE_SSRC = 77
const THIEF_SSRC = 666

/** A source on a clock moved by hand; each sender numbers its own packets. */
class Line {
  readonly source = new Source()
  now = 0
  readonly #sent = new Map<string, number>()

  constructor(remote: RtpAddress = SDP, signalledFrom = '') {
    this.source.negotiate(remote, signalledFrom)
  }

  hear(from: RtpAddress, ssrc = PHONE_SSRC, isProven = false): boolean {
    const name = `${from.address}:${from.port}`
    const sequence = ((this.#sent.get(name) ?? 65_530) + 1) & 0xffff
    this.#sent.set(name, sequence)
    return this.source.accept(from, ssrc, sequence, this.now, isProven)
  }

  /** Some packets, 20 ms apart. @returns how many were taken */
  run(count: number, from: RtpAddress, ssrc = PHONE_SSRC): number {
    let taken = 0
    for (let n = 0; n < count; n++) {
      this.now += 20
      if (this.hear(from, ssrc)) taken++
    }
    return taken
  }

  /** Both send at the same time. @returns how many of each were taken */
  both(count: number, phone: RtpAddress, thief: RtpAddress): [phone: number, thief: number] {
    let [ofPhone, ofThief] = [0, 0]
    for (let n = 0; n < count; n++) {
      this.now += 10
      if (this.hear(thief, THIEF_SSRC)) ofThief++
      this.now += 10
      if (this.hear(phone)) ofPhone++
    }
    return [ofPhone, ofThief]
  }
}

test('sound goes where the SDP says until sound comes from somewhere', () => {
  const line = new Line()
  assert.deepEqual(line.source.target, SDP)
  assert.ok(line.hear(NAT))
  assert.equal(line.source.target?.port, NAT.port)
})

test('a settled phone is not robbed by a flood, be it while it speaks or while it is silent', () => {
  const line = new Line()
  assert.equal(line.run(SETTLED_PACKETS, NAT), SETTLED_PACKETS)
  assert.ok(line.source.isSettled)
  assert.deepEqual(line.both(500, NAT, THIEF), [500, 0])
  assert.equal(line.run(3_000, THIEF, THIEF_SSRC), 0, 'a minute of the phone being silent')
  assert.equal(line.source.target?.address, NAT.address)
  assert.equal(line.run(10, NAT), 10)
})

test('a flood before the phone begins loses to it at once when the SDP names it', () => {
  const line = new Line(NAT)
  assert.equal(line.run(200, THIEF, THIEF_SSRC), 200)
  assert.deepEqual(line.both(200, NAT, THIEF)[0], 200)
  assert.equal(line.source.target?.address, NAT.address)
})

test('a flood before a phone behind a NAT begins loses after a few packets when it comes from where it signals', () => {
  const line = new Line(SDP, NAT.address)
  assert.equal(line.run(200, THIEF, THIEF_SSRC), 200)
  const [ofPhone] = line.both(200, NAT, THIEF)
  assert.equal(ofPhone, 200 - PROVING_PACKETS + 1)
  assert.equal(line.source.target?.address, NAT.address)
  assert.deepEqual(line.both(100, NAT, THIEF), [100, 0])
})

test('one forged packet of a better address does not turn the sound away', () => {
  const line = new Line(SDP, NAT.address)
  line.run(20, THIEF)
  assert.equal(line.hear({ address: NAT.address, port: 9 }, THIEF_SSRC), false)
  assert.equal(line.source.target?.address, THIEF.address)
})

test('a NAT that gives the phone another port is followed: the stream is the same, and the old port is silent', () => {
  for (const rebound of [
    { address: NAT.address, port: 61_777 },
    { address: '203.0.113.80', port: 40_000 },
  ]) {
    const line = new Line()
    line.run(100, NAT)
    const taken = line.run(100, rebound)
    assert.equal(taken, 100 - Math.ceil(LONG_SILENCE_MS / 20) + 1)
    assert.deepEqual(line.source.target?.port, rebound.port)
  }
})

test('another stream from the phone’s own host is followed after silence, from elsewhere it is not', () => {
  const line = new Line(SDP, NAT.address)
  line.run(100, NAT)
  line.now += LONG_SILENCE_MS
  assert.equal(line.run(5, THIEF, 5), 0)
  assert.ok(line.hear({ address: NAT.address, port: 7 }, 5))
})

test('after a re-INVITE another stream may come from elsewhere, once the old one is silent', () => {
  const line = new Line()
  line.run(100, NAT)
  line.source.negotiate({ ...SDP })
  assert.equal(line.source.target?.address, NAT.address)
  assert.equal(line.run(Math.ceil(LONG_SILENCE_MS / 20) - 1, THIEF, 5), 0)
  assert.ok(line.run(10, THIEF, 5) > 0)
})

test('a re-INVITE after which the phone went on as before opens nothing', () => {
  const line = new Line()
  line.run(100, NAT)
  line.source.negotiate({ ...SDP })
  line.run(SETTLED_PACKETS, NAT)
  assert.equal(line.run(500, THIEF, 5), 0)
})

test('a source that has hardly begun gives way after a short silence', () => {
  const line = new Line()
  line.run(3, THIEF)
  assert.equal(line.hear(NAT), false)
  line.now += 250
  assert.ok(line.hear(NAT))
})

test('a new address in the SDP replaces what was latched', () => {
  const line = new Line()
  line.run(100, NAT)
  line.source.negotiate(THIEF)
  assert.deepEqual(line.source.target, THIEF)
  assert.ok(line.hear(NAT))
})

test('a proven packet decides at once, and nothing unproven does after it', () => {
  const line = new Line()
  line.run(100, THIEF)
  assert.ok(line.hear(NAT, PHONE_SSRC, true))
  assert.equal(line.source.target?.address, NAT.address)
  assert.equal(line.hear(SDP, THIEF_SSRC), false)
})
