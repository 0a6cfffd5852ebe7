import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeG711, encodeG711 } from '../audio/g711.ts'
import { amplitudeAt, sine } from '../audio/tone.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { createLegRings } from '../kernel/ring.ts'
import { MemoryNetwork } from '../net/memory.ts'
import type { DatagramSocket } from '../net/port.ts'
import { RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/packet.ts'
import { SrtpProtection } from '../rtp/srtp/protection.ts'
import { keyBytesOf, type SrtpKeys, type SrtpPair, type SrtpSuite, SUITES } from '../rtp/srtp/suite.ts'
import type { LegFormat, LegRef, MediaCommand, MediaEvent } from './protocol.ts'
import { MediaThread } from './thread.ts'

const FORMAT: LegFormat = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 }
const FRAME = 160
const RATE_HZ = 8_000

function keys(suite: SrtpSuite, fill: number): SrtpKeys {
  return { suite, key: new Uint8Array(keyBytesOf(suite)).fill(fill), mki: new Uint8Array(0), lifetimePackets: null }
}

/** A leg's keys as we see them, and the protection at its far end. */
function ends(suite: SrtpSuite, ours = 1, theirs = 2): { pair: SrtpPair; far: SrtpProtection } {
  const pair = { ours: keys(suite, ours), theirs: keys(suite, theirs) }
  return { pair, far: new SrtpProtection({ ours: pair.theirs, theirs: pair.ours }) }
}

/** A phone of one leg; without protection it speaks and hears in the clear. */
class Phone {
  readonly leg: LegRef
  readonly heard: number[] = []
  protection: SrtpProtection | null = null
  socket!: DatagramSocket
  port = 0
  received = 0
  #sequence = 65_520
  #n = 0

  constructor(slot: number) {
    this.leg = { slot, generation: 1 }
  }

  say(hz: number): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES + FRAME)
    const n = this.#n++
    writeRtpHeader(packet, 0, false, this.#sequence++ & 0xffff, n * FRAME, 70 + this.leg.slot)
    // Whole periods in a frame, for 500 and 900 Hz.
    encodeG711('PCMU', sine(hz, RATE_HZ, FRAME, 8_000), packet, RTP_HEADER_BYTES)
    this.sendRaw(this.protection?.protectRtp(packet) ?? packet)
  }

  sendRaw(bytes: Uint8Array): void {
    this.socket.send(bytes, { address: 'server', port: this.port })
  }

  receive(bytes: Uint8Array): void {
    this.received++
    const plain = this.protection === null ? bytes : this.protection.unprotectRtp(bytes)
    if (plain?.length !== RTP_HEADER_BYTES + FRAME) return
    const pcm = new Int16Array(FRAME)
    decodeG711('PCMU', plain, pcm, RTP_HEADER_BYTES, FRAME)
    this.heard.push(...pcm)
  }

  hears(hz: number): number {
    return amplitudeAt(Int16Array.from(this.heard.slice(-4_000)), hz, RATE_HZ)
  }
}

class World {
  readonly clock = new VirtualClock(0)
  readonly network = new MemoryNetwork(this.clock, new SeededRandom('srtp'))
  readonly events: MediaEvent[] = []
  readonly thread = new MediaThread({
    network: this.network,
    emit: (event) => this.events.push(event),
    now: () => this.clock.now(),
  })

  async phone(slot: number, srtp?: SrtpPair): Promise<Phone> {
    const phone = new Phone(slot)
    phone.socket = await this.network.bind({ address: 'phone', port: 4_000 + 2 * slot }, (bytes) =>
      phone.receive(bytes),
    )
    this.command({
      kind: 'openLeg',
      leg: phone.leg,
      rings: createLegRings(RATE_HZ),
      rateHz: RATE_HZ,
      localAddress: 'server',
      localPorts: [10_000 + 2 * slot],
      ssrc: 42 + slot,
      firstSequence: 65_530,
      firstRtpTime: 0,
    })
    await new Promise(setImmediate)
    phone.port = 10_000 + 2 * slot
    this.start(phone, srtp)
    return phone
  }

  start(phone: Phone, srtp?: SrtpPair): void {
    const format = srtp ? { ...FORMAT, srtp } : FORMAT
    const remote = { address: 'phone', port: 4_000 + 2 * phone.leg.slot }
    this.command({ kind: 'startLeg', leg: phone.leg, format, remote, sending: true })
  }

  command(command: MediaCommand): void {
    this.thread.handle(command, this.clock.now())
  }

  run(frames: number, each: () => void): void {
    for (let i = 0; i < frames; i++) {
      each()
      for (let tick = 0; tick < 4; tick++) {
        this.clock.advanceTo(this.clock.now() + 5)
        this.thread.tick(this.clock.now())
      }
    }
  }

  close(phone: Phone): (MediaEvent & { kind: 'legClosed' })['counters'] {
    this.command({ kind: 'closeLeg', leg: phone.leg })
    return (this.events.findLast(({ kind }) => kind === 'legClosed') as MediaEvent & { kind: 'legClosed' }).counters
  }
}

for (const suite of Object.keys(SUITES) as SrtpSuite[]) {
  test(`${suite}: a leg with SRTP and one without hear each other, over the wrap of both counts`, async () => {
    const world = new World()
    const { pair, far } = ends(suite)
    const a = await world.phone(0, pair)
    a.protection = far
    const b = await world.phone(1)
    for (const { leg } of [a, b]) world.command({ kind: 'join', leg, group: 1, talks: true, hears: true })
    world.run(100, () => {
      a.say(500)
      b.say(900)
    })
    assert.ok(a.hears(900) > 6_000, `${a.hears(900)}`)
    assert.ok(b.hears(500) > 6_000, `${b.hears(500)}`)
    const counters = world.close(a)
    assert.equal(counters.packetsIn, 100)
    assert.deepEqual([counters.authFailed, counters.replayed, far.authFailed, far.replayed], [0, 0, 0, 0])
  })
}

test('what is not authentic is neither heard nor followed, and counted', async () => {
  const world = new World()
  const { pair, far } = ends('AES_CM_128_HMAC_SHA1_80')
  const phone = await world.phone(0, pair)
  phone.protection = far
  const thief = await world.network.bind({ address: 'thief', port: 9 }, () =>
    assert.fail('the thief was sent something'),
  )
  world.run(10, () => {
    const packet = new Uint8Array(182)
    writeRtpHeader(packet, 0, false, 7, 0, 70)
    thief.send(packet, { address: 'server', port: phone.port })
  })
  world.run(10, () => phone.say(500))
  const counters = world.close(phone)
  assert.deepEqual([counters.packetsIn, counters.authFailed, counters.replayed], [10, 10, 0])
})

test('a packet sent twice is taken once, also from elsewhere', async () => {
  const world = new World()
  const { pair, far } = ends('AEAD_AES_128_GCM')
  const phone = await world.phone(0, pair)
  phone.protection = far
  const packet = new Uint8Array(RTP_HEADER_BYTES + FRAME)
  writeRtpHeader(packet, 0, false, 7, 0, 70)
  const sealed = far.protectRtp(packet).slice()
  const elsewhere = await world.network.bind({ address: 'elsewhere', port: 9 }, () =>
    assert.fail('sound left for elsewhere'),
  )
  phone.sendRaw(sealed)
  world.run(2, () => {})
  elsewhere.send(sealed, { address: 'server', port: phone.port })
  world.run(20, () => {})
  const counters = world.close(phone)
  assert.deepEqual([counters.packetsIn, counters.replayed], [1, 1])
})

test('a re-INVITE with the same keys goes on, one with new keys begins anew, one without gives SRTP up', async () => {
  const world = new World()
  const suite = 'AES_CM_128_HMAC_SHA1_80'
  const { pair, far } = ends(suite)
  const phone = await world.phone(0, pair)
  phone.protection = far
  world.run(30, () => phone.say(500))
  world.start(phone, { ...pair })
  world.run(30, () => phone.say(500))
  assert.equal(far.authFailed + far.replayed, 0)

  const next = ends(suite, 3, 4)
  world.start(phone, next.pair)
  far.change({ ours: next.pair.theirs, theirs: next.pair.ours })
  world.run(30, () => phone.say(500))
  assert.equal(far.authFailed + far.replayed, 0)

  world.start(phone)
  phone.protection = null
  const before = phone.heard.length
  world.run(30, () => phone.say(500))
  assert.ok(phone.heard.length - before >= 28 * FRAME)
  const counters = world.close(phone)
  assert.deepEqual([counters.packetsIn, counters.authFailed, counters.replayed], [120, 0, 0])
})
