import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { createLegRings } from '../kernel/ring.ts'
import { FAIR_WEATHER, MemoryNetwork } from '../net/memory.ts'
import type { DatagramSocket, Endpoint } from '../net/port.ts'
import { emptyRtpHeader, parseRtp, RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/packet.ts'
import { parseRtcp, type Rtcp, writeRtcp } from '../rtp/rtcp.ts'
import type { LegFormat, LegRef, LegTransport, MediaEvent, RtpAddress } from './protocol.ts'
import { MediaThread } from './thread.ts'

const FRAME = 160
const SERVER = '192.0.2.1'
const PHONE: RtpAddress = { address: '198.51.100.7', port: 4_000 }
const THIEF: RtpAddress = { address: '203.0.113.66', port: 5_000 }
const LEG: LegRef = { slot: 0, generation: 1 }
const OUR_SSRC = 42
const PHONE_SSRC = 7_000
const ICE = { ufrag: 'ours', pwd: 'ours/ours/ours/ours/ours', remoteUfrag: 'phone' }

const PLAIN: LegTransport = { rtcpMux: false, remoteRtcp: { ...PHONE, port: PHONE.port + 1 }, ice: null }
const MUXED: LegTransport = { rtcpMux: true, remoteRtcp: PHONE, ice: null }

/** Somebody with a socket, who counts what comes. */
class Peer {
  readonly at: RtpAddress
  socket!: DatagramSocket
  rtp = 0
  readonly rtcp: Rtcp[] = []
  readonly stun: Uint8Array[] = []
  sequence = 100

  constructor(at: RtpAddress) {
    this.at = at
  }

  take(bytes: Uint8Array): void {
    if (bytes[0]! < 4) this.stun.push(bytes.slice())
    else if (bytes[1]! >= 192 && bytes[1]! < 224) this.rtcp.push(parseRtcp(bytes)!)
    else {
      assert.ok(parseRtp(bytes, emptyRtpHeader()))
      this.rtp++
    }
  }
}

class World {
  readonly clock = new VirtualClock(1_000)
  readonly network = new MemoryNetwork(this.clock, new SeededRandom('wire'))
  readonly events: MediaEvent[] = []
  readonly thread = new MediaThread({
    network: this.network,
    now: () => this.clock.now(),
    emit: (event) => this.events.push(event),
  })
  readonly phone = new Peer(PHONE)
  readonly phoneRtcp = new Peer({ ...PHONE, port: PHONE.port + 1 })
  readonly thief = new Peer(THIEF)
  port = 0
  rtpTime = 0

  static async open(transport: LegTransport | null, taken: readonly number[] = []): Promise<World> {
    const world = new World()
    for (const port of taken) await world.network.bind({ address: SERVER, port }, () => {})
    for (const peer of [world.phone, world.phoneRtcp, world.thief]) await world.plug(peer)
    world.thread.handle(
      {
        kind: 'openLeg',
        leg: LEG,
        rings: createLegRings(8_000),
        rateHz: 8_000,
        localAddress: SERVER,
        localPorts: [10_000],
        ssrc: OUR_SSRC,
        firstSequence: 1,
        firstRtpTime: 0,
      },
      world.clock.now(),
    )
    await settled()
    world.port = (world.events.find(({ kind }) => kind === 'legOpened') as { localPort: number }).localPort
    world.start(transport)
    await settled()
    return world
  }

  async plug(peer: Peer): Promise<void> {
    peer.socket = await this.network.bind(peer.at, (bytes) => peer.take(bytes))
  }

  start(transport: LegTransport | null, remote: RtpAddress = PHONE): void {
    const base = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 } as const
    const format: LegFormat = transport === null ? base : { ...base, transport }
    this.thread.handle({ kind: 'startLeg', leg: LEG, format, remote, sending: true }, this.clock.now())
  }

  /** Time passes; who is given sends a packet every 20 ms, but those numbers that are lost. */
  run(ms: number, senders: readonly Peer[] = [this.phone], isLost: (n: number) => boolean = () => false): void {
    for (const end = this.clock.now() + ms; this.clock.now() < end; ) {
      if (Math.round(this.clock.now()) % 20 === 0) {
        for (const peer of senders) this.speak(peer, isLost)
        this.rtpTime += FRAME
      }
      this.clock.advanceTo(this.clock.now() + 5)
      this.thread.tick(this.clock.now())
    }
  }

  speak(peer: Peer, isLost: (n: number) => boolean = () => false): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES + FRAME).fill(0xff)
    const ssrc = peer === this.thief ? 666 : PHONE_SSRC
    writeRtpHeader(packet, 0, false, peer.sequence, this.rtpTime, ssrc)
    if (!isLost(peer.sequence)) peer.socket.send(packet, this.us)
    peer.sequence = (peer.sequence + 1) & 0xffff
  }

  get us(): Endpoint {
    return { address: SERVER, port: this.port }
  }

  close(): Extract<MediaEvent, { kind: 'legClosed' }> {
    this.thread.handle({ kind: 'closeLeg', leg: LEG }, this.clock.now())
    this.clock.advanceTo(this.clock.now() + 10)
    return this.events.find(({ kind }) => kind === 'legClosed') as Extract<MediaEvent, { kind: 'legClosed' }>
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

// ---------------------------------------------------------------- RTCP

test('reports go to the port beside, and come from the port beside', async () => {
  const world = await World.open(PLAIN)
  world.run(20_000, [world.phone], (n) => n % 25 === 0)
  assert.ok(world.phoneRtcp.rtcp.length >= 3, `${world.phoneRtcp.rtcp.length} reports`)
  const last = world.phoneRtcp.rtcp.at(-1)!
  assert.equal(last.ssrc, OUR_SSRC)
  assert.ok(last.sender!.packets > 700)
  assert.equal(last.blocks[0]!.ssrc, PHONE_SSRC)
  assert.ok(Math.abs(last.blocks[0]!.fractionLost - 10) <= 2, '4 % of 256')
  assert.ok(last.cname!.length > 4)
  assert.equal(world.phone.rtcp.length, 0)
  const { quality } = world.close()
  assert.ok(Math.abs(quality!.lost / quality!.expected - 0.04) < 0.003)
  assert.deepEqual(world.phoneRtcp.rtcp.at(-1)!.byes, [OUR_SSRC])
  assert.equal(world.network.open, 3, 'only the others’ sockets are left')
})

test('with rtcp-mux they share the port of RTP, and no other is opened', async () => {
  const world = await World.open(MUXED)
  assert.equal(world.network.open, 4)
  world.run(20_000)
  assert.ok(world.phone.rtcp.length >= 3)
  assert.equal(world.phoneRtcp.rtcp.length, 0)
  assert.ok(world.phone.rtp > 900)
  world.close()
  assert.deepEqual(world.phone.rtcp.at(-1)!.byes, [OUR_SSRC])
})

test('a port beside that is taken costs the reports, not the call', async () => {
  const world = await World.open(PLAIN, [10_001])
  world.run(20_000)
  assert.equal(world.phoneRtcp.rtcp.length, 0)
  assert.ok(world.phone.rtp > 900)
  assert.equal(world.close().quality!.reportsIn, 0)
})

test('what the far end reports of us comes into the record: loss, jitter, round trip', async () => {
  const world = await World.open(PLAIN)
  world.run(10_000)
  const about = world.phoneRtcp.rtcp.at(-1)!
  const out = new Uint8Array(128)
  const middle = (((about.sender!.ntpSeconds & 0xffff) << 16) | (about.sender!.ntpFraction >>> 16)) >>> 0
  world.run(1_000)
  const sentAt = about.sender!.ntpSeconds * 1_000 + about.sender!.ntpFraction / 4_294_967.296
  const length = writeRtcp(out, {
    ssrc: PHONE_SSRC,
    sender: null,
    block: {
      ssrc: OUR_SSRC,
      fractionLost: 26,
      lost: 50,
      highest: 500,
      jitter: 80,
      lastReport: middle,
      sinceLastReport: Math.round((world.clock.now() - sentAt - 60) * 65.536),
    },
    cname: 'phone',
    isBye: false,
  })
  world.phoneRtcp.socket.send(out.subarray(0, length), { address: SERVER, port: world.port + 1 })
  world.run(100)
  const { quality } = world.close()
  assert.equal(quality!.far!.lost, 50)
  assert.equal(quality!.far!.jitterMs, 10)
  assert.ok(quality!.farMos! < quality!.mos)
  assert.ok(Math.abs(quality!.roundTripMs! - 61) < 3, `${quality!.roundTripMs} ms`)
})

test('a report of somebody else is not believed', async () => {
  const world = await World.open(MUXED)
  world.run(1_000)
  const out = new Uint8Array(128)
  const length = writeRtcp(out, { ssrc: 666, sender: null, block: null, cname: 'x', isBye: true })
  world.thief.socket.send(out.subarray(0, length), world.us)
  world.run(20_000)
  assert.equal(world.thief.rtcp.length, 0)
  const { quality, counters } = world.close()
  assert.equal(quality!.reportsIn, 0)
  assert.equal(counters.otherSource, 1)
})

test('without an agreement about it there is no RTCP', async () => {
  const world = await World.open(null)
  world.run(20_000)
  assert.equal(world.phone.rtcp.length + world.phoneRtcp.rtcp.length, 0)
  assert.equal(world.network.open, 4)
  world.close()
})

// ---------------------------------------------------------------- who is listened to

test('a flood from elsewhere is counted, and neither heard nor sent to', async () => {
  const world = await World.open(MUXED)
  world.run(1_000)
  world.run(10_000, [world.thief, world.phone])
  world.run(5_000, [world.thief])
  assert.equal(world.thief.rtp, 0)
  const { counters, quality } = world.close()
  assert.equal(counters.otherSource, 750)
  assert.equal(quality!.lost, 0)
})

test('a NAT gives the phone another port: after a second both ways go on', async () => {
  const world = await World.open(MUXED)
  const moved = new Peer({ address: '198.51.100.99', port: 40_404 })
  await world.plug(moved)
  world.run(2_000)
  moved.sequence = world.phone.sequence
  world.run(3_000, [moved])
  assert.ok(moved.rtp >= 95, `${moved.rtp} packets to the new port`)
  world.close()
})

// ---------------------------------------------------------------- STUN and ICE

/** A binding request; signed when a password is given. */
function binding(password: string | null, useCandidate = false): Uint8Array {
  const attributes: Buffer[] = []
  const put = (type: number, value: Uint8Array): void => {
    const padded = Buffer.alloc(4 + 4 * Math.ceil(value.length / 4))
    padded.writeUInt16BE(type, 0)
    padded.writeUInt16BE(value.length, 2)
    padded.set(value, 4)
    attributes.push(padded)
  }
  const message = (more: number): Buffer => {
    const head = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex')
    const all = Buffer.concat([head, ...attributes])
    all.writeUInt16BE(all.length - 20 + more, 2)
    return all
  }
  if (password === null) return message(0)
  put(0x0006, Buffer.from('ours:phone'))
  put(0x0024, Buffer.from([0x6e, 0, 1, 0xff]))
  put(0x802a, new Uint8Array(8))
  if (useCandidate) put(0x0025, new Uint8Array(0))
  put(0x0008, createHmac('sha1', password).update(message(24)).digest())
  const print = Buffer.alloc(4)
  print.writeUInt32BE((crc32(message(8)) ^ 0x5354_554e) >>> 0)
  put(0x8028, print)
  return message(0)
}

test('a phone that asks on its media port is told its address, seldom enough to be no weapon', async () => {
  const world = await World.open(MUXED)
  for (let n = 0; n < 50; n++) world.phone.socket.send(binding(null), world.us)
  world.run(20)
  assert.equal(world.phone.stun.length, 5)
  assert.equal(world.phone.stun[0]!.length, 32)
  world.close()
})

test('with ICE sound goes where the far end nominates, and comes only from where it has checked', async () => {
  const world = await World.open({ ...PLAIN, ice: ICE })
  const relay = new Peer({ address: '198.51.100.200', port: 3_478 })
  await world.plug(relay)
  world.run(200, [])
  relay.socket.send(binding(ICE.pwd), world.us)
  world.thief.socket.send(binding('not the password', true), world.us)
  world.run(200, [])
  assert.equal(relay.stun.length, 1)
  assert.equal(relay.rtp, 0)
  relay.socket.send(binding(ICE.pwd, true), world.us)
  relay.socket.send(binding(ICE.pwd, true), { ...world.us, port: world.port + 1 })
  world.run(15_000, [world.thief, relay])
  assert.ok(relay.rtp > 700, `${relay.rtp} packets`)
  assert.ok(relay.rtcp.length >= 1, 'component 2 is answered too')
  assert.equal(world.thief.rtp, 0)
  assert.equal(world.close().counters.otherSource, 750)
})

test('a far end that offered ICE and never checks is served as one without', async () => {
  const world = await World.open({ ...PLAIN, ice: ICE })
  world.run(2_000)
  assert.ok(world.phone.rtp > 90)
  assert.equal(world.close().counters.otherSource, 0)
})

test('rubbish on the port is counted and changes nothing', async () => {
  const world = await World.open(MUXED)
  const random = new SeededRandom('wire rubbish')
  world.run(1_000)
  for (let n = 0; n < 2_000; n++) {
    const bytes = Uint8Array.from({ length: random.below(120) }, () => random.below(256))
    world.thief.socket.send(bytes, world.us)
  }
  world.run(2_000)
  assert.equal(world.events.filter(({ kind }) => kind === 'legFailed').length, 0)
  assert.ok(world.phone.rtp > 140)
  assert.ok(world.close().counters.malformed > 1_000)
})

test('in bad weather the record says so', async () => {
  const world = await World.open(PLAIN)
  world.network.link(PHONE.address, SERVER, { ...FAIR_WEATHER, loss: 0.05, jitterMs: 40 })
  world.run(30_000)
  const { quality } = world.close()
  assert.ok(Math.abs(quality!.lost / quality!.expected - 0.05) < 0.02)
  assert.ok(quality!.jitterMs > 8 && quality!.jitterMs < 20, `${quality!.jitterMs} ms`)
  assert.ok(quality!.mos < 4.1 && quality!.mos > 3, `${quality!.mos}`)
})
