import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeG711, encodeG711, SILENCE_OCTET } from '../audio/g711.ts'
import { amplitudeAt, keyToneIn, sine } from '../audio/tone.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import {
  createLegRings,
  emptyHeader,
  FILLED,
  MAX_RECORD_SAMPLES,
  RingReader,
  RingWriter,
  SAY_END,
  SAY_START,
} from '../kernel/ring.ts'
import { FAIR_WEATHER, MemoryNetwork } from '../net/memory.ts'
import type { DatagramSocket, Endpoint } from '../net/port.ts'
import { DtmfReceiver } from '../rtp/dtmf.ts'
import { emptyRtpHeader, parseRtp, RTP_HEADER_BYTES, type RtpHeader, writeRtpHeader } from '../rtp/packet.ts'
import { sequenceDistance, timeDistance } from '../rtp/sequence.ts'
import { LANE_SAY, type LegFormat, type LegRef, type MediaCommand, type MediaEvent } from './protocol.ts'
import { MediaThread } from './thread.ts'

const FORMAT: LegFormat = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 }
const SERVER = 'server'
const PHONE = 'phone'

interface Heard {
  readonly header: RtpHeader
  readonly payload: Uint8Array
  readonly at: number
}

/** A media thread, and a phone's socket, on a clock moved by hand. */
class World {
  readonly clock = new VirtualClock(0)
  readonly network: MemoryNetwork
  readonly thread: MediaThread
  readonly events: MediaEvent[] = []
  readonly heard: Heard[] = []
  readonly rings = createLegRings(8_000)
  readonly leg: LegRef
  readonly hearing = new RingReader(this.rings.hearing)
  readonly #playout = new RingWriter(this.rings.playout)
  #phone!: DatagramSocket
  #port = 0
  #ticksTo = 0
  /** The phone's own count of packets and samples. */
  sequence = 65_530
  rtpTime = 0xffff_ff00

  private constructor(seed: string, leg: LegRef) {
    this.leg = leg
    this.network = new MemoryNetwork(this.clock, new SeededRandom(seed))
    this.thread = new MediaThread({
      network: this.network,
      emit: (event) => this.events.push(event),
      now: () => this.clock.now(),
    })
  }

  static async open(
    want: { format?: LegFormat; seed?: string; slot?: number; sequence?: number; rtpTime?: number } = {},
  ): Promise<World> {
    const world = new World(want.seed ?? 'media', { slot: want.slot ?? 0, generation: 1 })
    world.#phone = await world.network.bind({ address: PHONE, port: 4_000 }, (bytes) => world.#receive(bytes))
    world.command({
      kind: 'openLeg',
      leg: world.leg,
      rings: world.rings,
      rateHz: 8_000,
      localAddress: SERVER,
      localPorts: [10_000, 10_002],
      ssrc: 42,
      firstSequence: want.sequence ?? 65_533,
      firstRtpTime: want.rtpTime ?? 0xffff_fe00,
    })
    await new Promise(setImmediate)
    world.#port = (world.of('legOpened')[0] as { localPort: number }).localPort
    world.start(want.format ?? FORMAT)
    return world
  }

  start(format: LegFormat, sending = true): void {
    this.command({ kind: 'startLeg', leg: this.leg, format, remote: { address: PHONE, port: 4_000 }, sending })
  }

  command(command: MediaCommand): void {
    this.thread.handle(command, this.clock.now())
  }

  hear(): void {
    this.command({ kind: 'hear', leg: this.leg, on: true })
  }

  of<K extends MediaEvent['kind']>(kind: K): Extract<MediaEvent, { kind: K }>[] {
    return this.events.filter((event) => event.kind === kind) as Extract<MediaEvent, { kind: K }>[]
  }

  /** Moves time, with a tick every 5 ms. */
  run(ms: number): void {
    const to = this.clock.now() + ms
    for (; this.#ticksTo <= to; this.#ticksTo += 5) {
      this.clock.advanceTo(this.#ticksTo)
      this.thread.tick(this.clock.now())
    }
    this.clock.advanceTo(to)
  }

  /** Moves time without ticks: the thread was not run. */
  stall(ms: number): void {
    this.clock.advanceTo(this.clock.now() + ms)
    this.#ticksTo = Math.ceil(this.clock.now() / 5) * 5
  }

  say(pcm: Int16Array, sayId = 1, epoch = 0): void {
    for (let at = 0; at < pcm.length; at += 160) {
      const count = Math.min(160, pcm.length - at)
      const flags = (at === 0 ? SAY_START : 0) | (at + count === pcm.length ? SAY_END : 0)
      const header = {
        ...emptyHeader(),
        generation: 1,
        epoch,
        sayId,
        firstSample: at,
        count,
        rateHz: 8_000,
        flags,
        lane: LANE_SAY,
      }
      assert.ok(this.#playout.push(header, pcm.subarray(at)))
    }
  }

  /** One packet of the phone, of any payload type. */
  send(
    payloadType: number,
    payload: Uint8Array,
    want: { rtpTime?: number; marker?: boolean; from?: DatagramSocket; ssrc?: number } = {},
  ): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length)
    writeRtpHeader(
      packet,
      payloadType,
      want.marker ?? false,
      this.sequence,
      want.rtpTime ?? this.rtpTime,
      want.ssrc ?? 7,
    )
    packet.set(payload, RTP_HEADER_BYTES)
    this.sequence = (this.sequence + 1) & 0xffff
    const from = want.from ?? this.#phone
    from.send(packet, { address: SERVER, port: this.#port })
  }

  /** The phone speaks: a packet every 20 ms. */
  speak(pcm: Int16Array, isSent: (n: number) => boolean = () => true): void {
    const payload = new Uint8Array(160)
    for (let at = 0; at + 160 <= pcm.length; at += 160) {
      encodeG711('PCMU', pcm.subarray(at, at + 160), payload)
      if (isSent(at / 160)) this.send(0, payload)
      else this.sequence = (this.sequence + 1) & 0xffff
      this.rtpTime = (this.rtpTime + 160) >>> 0
      this.run(20)
    }
  }

  records(): { first: number; count: number; flags: number; atMs: number; pcm: Int16Array }[] {
    const records = []
    const header = emptyHeader()
    const samples = new Int16Array(MAX_RECORD_SAMPLES)
    while (this.hearing.pop(header, samples)) {
      records.push({
        first: header.firstSample,
        count: header.count,
        flags: header.flags,
        atMs: header.atMs,
        pcm: samples.slice(0, header.count),
      })
    }
    return records
  }

  /** What the phone heard, as samples; only packets of sound. */
  sound(): Int16Array {
    const packets = this.heard.filter(({ header }) => header.payloadType === 0 || header.payloadType === 8)
    const pcm = new Int16Array(packets.length * 160)
    for (const [i, { payload, header }] of packets.entries()) {
      decodeG711(header.payloadType === 0 ? 'PCMU' : 'PCMA', payload, pcm.subarray(i * 160))
    }
    return pcm
  }

  close(): Extract<MediaEvent, { kind: 'legClosed' }> {
    this.command({ kind: 'closeLeg', leg: this.leg })
    return this.of('legClosed').at(-1)!
  }

  socket(
    address: string,
    port: number,
    onDatagram: (bytes: Uint8Array, from: Endpoint) => void = () => {},
  ): Promise<DatagramSocket> {
    return this.network.bind({ address, port }, onDatagram)
  }

  #receive(bytes: Uint8Array): void {
    const header = emptyRtpHeader()
    assert.ok(parseRtp(bytes, header))
    this.heard.push({ header, payload: bytes.slice(RTP_HEADER_BYTES), at: this.clock.now() })
  }
}

const SPEECH = sine(400, 8_000, 8_000, 9_000)

function isSilent(packet: Heard): boolean {
  return packet.payload.every((octet) => octet === SILENCE_OCTET.PCMU)
}

// ---------------------------------------------------------------- out

test('from start to close a packet leaves every 20 ms, numbered without a gap over both wraps, only the first marked', async () => {
  const world = await World.open()
  world.run(1_990)
  assert.equal(world.heard.length, 100)
  for (const [i, { header, at }] of world.heard.entries()) {
    assert.equal(header.marker, i === 0)
    assert.equal(header.sequence, (65_533 + i) & 0xffff)
    assert.equal(header.rtpTime, (0xffff_fe00 + 160 * i) >>> 0)
    assert.equal(at, world.heard[0]!.at + 20 * i)
    assert.ok(isSilent(world.heard[i]!))
  }
  world.close()
  world.run(200)
  assert.equal(world.heard.length, 100)
})

test('legs are spread over four phases of the grid', async () => {
  const phases = new Set<number>()
  for (const slot of [0, 1, 2, 3]) {
    const world = await World.open({ slot })
    world.run(100)
    phases.add((world.heard[0]!.at - 1) % 20)
  }
  assert.deepEqual(
    [...phases].sort((a, b) => a - b),
    [0, 5, 10, 15],
  )
})

test('a say is heard, and its events carry the RTP time of their packets', async () => {
  const world = await World.open()
  world.run(100)
  world.say(SPEECH)
  world.run(1_200)
  const [started] = world.of('voiceStarted')
  const [played] = world.of('played')
  assert.deepEqual(played!.say, { sayId: 1, lane: LANE_SAY, samples: 8_000 })
  assert.equal(timeDistance(started!.rtpTime, played!.rtpTime), 8_000 - 160)
  const first = world.heard.find((packet) => !isSilent(packet))!
  assert.equal(first.header.rtpTime, started!.rtpTime)
  assert.equal(first.at, started!.at + 1)
  assert.equal(world.heard.filter((packet) => !isSilent(packet)).length, 50)
  assert.ok(amplitudeAt(world.sound().subarray(6 * 160, 46 * 160), 400, 8_000) > 8_500)
})

test('after a flush there is silence within one frame, and what was sent is told', async () => {
  const world = await World.open()
  world.say(SPEECH)
  world.run(500)
  const askedAt = world.clock.now()
  world.command({ kind: 'flush', leg: world.leg, lane: LANE_SAY, epoch: 1, askedAt })
  world.say(SPEECH, 2, 0)
  world.run(500)
  const [flushed] = world.of('flushed')
  assert.ok(flushed!.at - askedAt <= 20)
  assert.equal(flushed!.lastVoicedAt, flushed!.at)
  const voiced = world.heard.filter((packet) => !isSilent(packet))
  assert.ok(voiced.at(-1)!.at <= askedAt + 21)
  const left = voiced.length * 160
  assert.ok(left - flushed!.cut[0]!.samples < 160 && left >= flushed!.cut[0]!.samples)
  assert.equal(world.of('played').length, 0)
})

test('a hang-up in mid-word tells what had left', async () => {
  const world = await World.open()
  world.say(SPEECH)
  world.run(310)
  const closed = world.close()
  const voiced = world.heard.filter((packet) => !isSilent(packet)).length
  assert.deepEqual(closed.cut, [{ sayId: 1, lane: LANE_SAY, samples: voiced * 160 }])
  assert.equal(closed.counters.packetsOut, world.heard.length)
  assert.equal(world.network.open, 1)
})

test('one to three late frames are made up for one by one, without a jump', async () => {
  for (const behindMs of [20, 40, 60]) {
    const world = await World.open()
    world.run(200)
    world.stall(behindMs + 25)
    world.run(400)
    const gaps = world.heard
      .slice(1)
      .map((packet, i) => timeDistance(world.heard[i]!.header.rtpTime, packet.header.rtpTime))
    assert.ok(gaps.every((gap) => gap === 160))
    assert.equal(world.heard.at(-1)!.at, world.heard[0]!.at + (world.heard.length - 1) * 20)
    const { lateFrames, skippedFrames } = world.close().counters
    assert.ok(lateFrames >= behindMs / 20, `${lateFrames} of ${behindMs / 20}`)
    assert.equal(skippedFrames, 0)
  }
})

test('further behind the timestamp jumps, marked, and no sound is lost', async () => {
  const world = await World.open()
  world.say(SPEECH)
  world.run(210)
  const before = world.heard.length
  world.stall(500)
  world.run(1_500)
  const jump = world.heard[before]!
  assert.ok(jump.header.marker)
  assert.equal(sequenceDistance(world.heard[before - 1]!.header.sequence, jump.header.sequence), 1)
  const gap = timeDistance(world.heard[before - 1]!.header.rtpTime, jump.header.rtpTime)
  assert.ok(gap >= 25 * 160 && gap % 160 === 0)
  assert.equal(world.of('played')[0]!.say.samples, 8_000)
  assert.equal(world.heard.filter((packet) => !isSilent(packet)).length, 50)
  assert.equal(world.close().counters.skippedFrames * 160, gap - 160)
})

test('held by the far end nothing leaves, the queue stays, and RTP time goes on', async () => {
  const world = await World.open()
  world.say(SPEECH)
  world.run(210)
  world.start(FORMAT, false)
  const before = world.heard.length
  world.run(1_000)
  assert.equal(world.heard.length, before)
  world.start(FORMAT, true)
  world.run(1_500)
  assert.ok(world.heard[before]!.header.marker)
  assert.equal(timeDistance(world.heard[before - 1]!.header.rtpTime, world.heard[before]!.header.rtpTime), 51 * 160)
  assert.equal(world.of('played')[0]!.say.samples, 8_000)
})

test('keys are sent as events under one timestamp, the say waits and goes on', async () => {
  const world = await World.open()
  world.say(SPEECH)
  world.run(200)
  world.command({ kind: 'sendDigits', leg: world.leg, digits: '1#', durationMs: 100, gapMs: 60 })
  world.run(2_000)
  const receiver = new DtmfReceiver()
  const events = world.heard.filter(({ header }) => header.payloadType === 101)
  const digits = events.map(
    ({ header, payload }) => receiver.receive(header.rtpTime, payload, 0, payload.length)?.digit ?? '',
  )
  assert.equal(digits.join(''), '1#')
  assert.equal(events.filter(({ header }) => header.marker).length, 2)
  for (const [i, packet] of world.heard.entries()) assert.equal(packet.header.sequence, (65_533 + i) & 0xffff)
  assert.equal(world.of('digitsSent').length, 1)
  assert.equal(world.of('played')[0]!.say.samples, 8_000)
})

test('a far end without events gets tones', async () => {
  const world = await World.open({ format: { ...FORMAT, codec: 'PCMA', payloadType: 8, dtmfPayloadType: null } })
  world.run(100)
  world.command({ kind: 'sendDigits', leg: world.leg, digits: '5', durationMs: 100, gapMs: 60 })
  world.run(400)
  const pcm = world.sound()
  const first = pcm.findIndex((sample) => Math.abs(sample) > 1_000)
  assert.equal(keyToneIn(pcm.subarray(first, first + 640), 8_000), '5')
  assert.ok(pcm.subarray(first + 800).every((sample) => Math.abs(sample) < 20))
  assert.equal(world.of('digitsSent').length, 1)
})

// ---------------------------------------------------------------- in

test('what the phone says is in the ring as it arrives, in order, over both wraps', async () => {
  const world = await World.open()
  world.hear()
  world.speak(SPEECH)
  const records = world.records()
  assert.equal(records.length, 50)
  assert.ok(records.every((record, i) => record.first === i * 160 && record.flags === 0))
  const [started] = world.of('rtpStarted')
  assert.deepEqual(started!.remote, { address: PHONE, port: 4_000 })
  for (const [i, record] of records.entries()) assert.equal(record.atMs, started!.at + i * 20)
})

test('with 5 % loss, disorder and doubles the timeline stays right and nothing is heard twice', async () => {
  const seed = 'weather-5'
  const world = await World.open({ seed })
  world.network.link(PHONE, SERVER, {
    ...FAIR_WEATHER,
    loss: 0.05,
    duplicate: 0.03,
    reorder: 0.08,
    reorderMs: 30,
    jitterMs: 10,
  })
  world.hear()
  const rising = new Int16Array(160 * 399)
  for (let n = 0; n < rising.length; n++) rising[n] = 3_000 + 40 * Math.floor(n / 160) + (n % 2) * 200
  world.speak(rising)
  world.network.link(PHONE, SERVER, FAIR_WEATHER)
  world.speak(new Int16Array(160))
  world.run(200)
  const records = world.records().filter(({ flags }) => flags === 0)
  let next = records[0]!.first
  let right = 0
  for (const record of records) {
    assert.equal(record.first, next, `seed ${seed}`)
    next += record.count
    const expected = rising[record.first]
    if (expected !== undefined && Math.abs(record.pcm[80]! - expected) < 500) right++
  }
  const { counters } = world.close()
  assert.equal(next, 160 * 400, `seed ${seed}`)
  assert.ok(counters.lost > 8 && counters.lost < 45, `${counters.lost} lost`)
  assert.ok(counters.duplicate > 3 && counters.reordered > 5)
  assert.ok(right > 370, `${right} frames at their place, seed ${seed}`)
})

test('a phone that stops sending is silence in the ring, until the gate closes', async () => {
  const world = await World.open()
  world.hear()
  world.speak(SPEECH)
  world.records()
  world.run(2_000)
  const filled = world.records()
  assert.equal(filled.length, 50)
  assert.ok(filled.every(({ flags, first }, i) => flags === FILLED && first === 8_000 + i * 160))
  assert.deepEqual(
    world.of('gate').map(({ open }) => open),
    [true, false],
  )
})

test('after a pause on the sender clock sound is where it belongs', async () => {
  const world = await World.open()
  world.hear()
  world.speak(SPEECH.subarray(0, 1_600))
  world.run(700)
  world.rtpTime = (world.rtpTime + 700 * 8) >>> 0
  world.speak(SPEECH.subarray(0, 1_600), () => true)
  const sound = world.records().filter(({ flags }) => flags === 0)
  assert.equal(sound[10]!.first, 1_600 + 5_600)
})

test('another SSRC, or a sender whose clock jumps, goes on at once', async () => {
  const world = await World.open()
  world.hear()
  world.speak(SPEECH.subarray(0, 1_600))
  world.rtpTime = 12_345
  world.speak(SPEECH.subarray(0, 1_600))
  world.sequence = 20_000
  world.rtpTime = 3_000_000_000
  const payload = new Uint8Array(160)
  encodeG711('PCMU', SPEECH.subarray(0, 160), payload)
  world.send(0, payload, { ssrc: 8 })
  world.run(20)
  const records = world.records()
  assert.ok(records.every((record, i) => record.first === i * 160))
  assert.equal(records.length, 21)
  assert.equal(world.close().counters.lost, 0)
})

test('keys of the phone are told once each, with their lost end packets too, and cost no sound', async () => {
  const world = await World.open()
  world.hear()
  world.speak(SPEECH.subarray(0, 320))
  for (const [press, digit] of [3, 11, 0].entries()) {
    const start = world.rtpTime
    for (let n = 1; n <= 7; n++) {
      const duration = Math.min(n, 5) * 160
      // The second press loses all its end packets.
      const isLost = press === 1 && n >= 5
      const payload = Uint8Array.of(digit, (n >= 5 ? 0x80 : 0) | 10, duration >> 8, duration & 0xff)
      if (isLost) world.sequence = (world.sequence + 1) & 0xffff
      else world.send(101, payload, { rtpTime: start, marker: n === 1 })
      world.run(20)
    }
    world.rtpTime = (world.rtpTime + 7 * 160) >>> 0
    world.run(200)
    world.rtpTime = (world.rtpTime + 1_600) >>> 0
  }
  world.speak(SPEECH.subarray(0, 1_600))
  assert.deepEqual(
    world.of('dtmf').map(({ digit }) => digit),
    ['3', '#', '0'],
  )
  assert.equal(world.of('dtmf')[0]!.durationMs, 100)
  const { counters } = world.close()
  assert.equal(counters.lost, 3)
  assert.equal(counters.concealed, 0)
})

test('sound goes to where sound comes from; a stranger is neither heard nor answered', async () => {
  const world = await World.open()
  world.hear()
  const natted: number[] = []
  const nat = await world.socket('nat', 61_000, () => natted.push(world.clock.now()))
  const stranger = await world.socket('stranger', 5_000, () => assert.fail('answered a stranger'))
  const payload = new Uint8Array(160)
  encodeG711('PCMU', SPEECH.subarray(0, 160), payload)
  for (let n = 0; n < 20; n++) {
    world.send(0, payload, { from: nat })
    world.run(5)
    stranger.send(Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, ...payload), { address: SERVER, port: 10_000 })
    world.rtpTime = (world.rtpTime + 160) >>> 0
    world.run(15)
  }
  assert.ok(natted.length >= 18)
  const { counters } = world.close()
  assert.equal(counters.otherSource, 20)
  assert.equal(counters.packetsIn, 20)
})

test('rubbish is counted, never thrown', async () => {
  const world = await World.open()
  const stranger = await world.socket('stranger', 5_000)
  const random = new SeededRandom('rubbish')
  for (let n = 0; n < 500; n++) {
    const bytes = Uint8Array.from({ length: random.below(60) }, () => random.below(256))
    stranger.send(bytes, { address: SERVER, port: 10_000 })
  }
  world.run(100)
  assert.ok(world.close().counters.malformed > 100)
  assert.equal(world.of('legFailed').length, 0)
})

// ---------------------------------------------------------------- legs

test('the next port is tried when one is taken, and a leg without a port fails', async () => {
  const world = await World.open()
  await world.socket(SERVER, 10_002)
  const open = (slot: number, localPorts: number[]): void =>
    world.command({
      kind: 'openLeg',
      leg: { slot, generation: 1 },
      rings: createLegRings(8_000),
      rateHz: 8_000,
      localAddress: SERVER,
      localPorts,
      ssrc: 1,
      firstSequence: 0,
      firstRtpTime: 0,
    })
  open(1, [10_000, 10_002, 10_004])
  open(2, [10_000, 10_002])
  await new Promise(setImmediate)
  assert.equal(world.of('legOpened')[1]!.localPort, 10_004)
  assert.equal(world.of('legFailed')[0]!.leg.slot, 2)
  assert.equal(world.thread.openLegs, 2)
})

test('commands of an older generation, and for legs that are not there, are ignored', async () => {
  const world = await World.open()
  world.command({ kind: 'closeLeg', leg: { slot: 0, generation: 0 } })
  world.command({ kind: 'mute', leg: { slot: 9, generation: 1 }, on: true })
  assert.equal(world.thread.openLegs, 1)
  world.close()
  world.close()
  assert.equal(world.of('legClosed').length, 1)
})

test('a leg closed while its port is being bound leaves no socket behind', async () => {
  const world = await World.open()
  const leg = { slot: 1, generation: 1 }
  const rest = { rateHz: 8_000, localAddress: SERVER, localPorts: [10_004], ssrc: 1, firstSequence: 0, firstRtpTime: 0 }
  world.command({ kind: 'openLeg', leg, rings: createLegRings(8_000), ...rest })
  world.command({ kind: 'closeLeg', leg })
  await new Promise(setImmediate)
  assert.equal(world.of('legOpened').length, 1)
  assert.equal(world.network.open, 2)
  world.command({ kind: 'shutDown' })
  assert.equal(world.network.open, 1)
  assert.equal(world.thread.openLegs, 0)
})

test('a leg that throws is closed and told, the others go on', async () => {
  const world = await World.open()
  const leg = { slot: 1, generation: 1 }
  const broken = createLegRings(8_000)
  const rest = { rateHz: 8_000, localAddress: SERVER, localPorts: [10_004], ssrc: 1, firstSequence: 0, firstRtpTime: 0 }
  world.command({ kind: 'openLeg', leg, rings: broken, ...rest })
  await new Promise(setImmediate)
  world.command({ kind: 'startLeg', leg, format: FORMAT, remote: { address: PHONE, port: 4_000 }, sending: true })
  // A codec that does not exist: only our own mistake could ask for it.
  const writer = new RingWriter(broken.playout)
  const format = { ...FORMAT, codec: 'G729' as 'PCMU' }
  writer.push({ ...emptyHeader(), generation: 1, sayId: 1, count: 160, flags: SAY_START }, SPEECH)
  world.command({ kind: 'startLeg', leg, format, remote: { address: PHONE, port: 4_000 }, sending: true })
  world.run(100)
  assert.deepEqual(
    world.of('legFailed').map((event) => event.leg),
    [leg],
  )
  assert.equal(world.thread.openLegs, 1)
  assert.equal(world.network.open, 2)
})

test('once a second the pace is told', async () => {
  const world = await World.open()
  world.run(3_100)
  const paces = world.of('pace')
  assert.equal(paces.length, 3)
  assert.deepEqual(
    paces.map(({ legs, lateMaxMs }) => [legs, lateMaxMs]),
    [
      [1, 0],
      [1, 0],
      [1, 0],
    ],
  )
  assert.ok(paces.every(({ ticks }) => ticks === 200 || ticks === 201))
})

test('after a day the grid, the numbers and the timeline are still right', async () => {
  const world = await World.open()
  world.run(110)
  world.heard.length = 0
  // The day itself has no packets to look at: the far end holds the call.
  world.start(FORMAT, false)
  const day = 86_400_000
  for (let hour = 0; hour < 24; hour++) {
    world.stall(day / 24 - 60)
    world.run(60)
  }
  world.start(FORMAT, true)
  world.run(200)
  const [first] = world.heard
  assert.ok(first!.header.marker)
  const expected = (0xffff_fe00 + ((first!.at - 1) / 20) * 160) % 2 ** 32
  assert.equal(first!.header.rtpTime, expected)
  world.hear()
  world.speak(SPEECH)
  assert.equal(world.records().length, 50)
})
