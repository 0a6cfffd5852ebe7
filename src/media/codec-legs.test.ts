/** Legs of all codecs and packet lengths: what the ears, the far end and the other members of a group get of a voice. */

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { MAX_PAYLOAD_BYTES, type SoundDecoder, type SoundEncoder } from '../audio/codec.ts'
import { CLOCK_HZ, openDecoder, openEncoder } from '../audio/codecs.ts'
import { likeness } from '../audio/correlate.ts'
import { levelDb } from '../audio/level.ts'
import { prepareOpus } from '../audio/opus.ts'
import { voice } from '../audio/signals.suite.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import {
  createLegRings,
  emptyHeader,
  MAX_RECORD_SAMPLES,
  RingReader,
  RingWriter,
  SAY_END,
  SAY_START,
} from '../kernel/ring.ts'
import { MemoryNetwork } from '../net/memory.ts'
import type { DatagramSocket } from '../net/port.ts'
import { DtmfReceiver, DtmfSender } from '../rtp/dtmf.ts'
import { emptyRtpHeader, parseRtp, RTP_HEADER_BYTES, type RtpHeader, writeRtpHeader } from '../rtp/packet.ts'
import { timeDistance } from '../rtp/sequence.ts'
import { LANE_SAY, type LegFormat, type LegRef, type MediaCommand, type MediaEvent } from './protocol.ts'
import { MediaThread } from './thread.ts'

const RATE_HZ = 8_000
const CODECS = ['PCMU', 'PCMA', 'G722', 'opus'] as const
const FORMATS: Readonly<Record<(typeof CODECS)[number], LegFormat>> = {
  PCMU: { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 },
  PCMA: { codec: 'PCMA', payloadType: 8, dtmfPayloadType: 101, ptimeMs: 20 },
  G722: { codec: 'G722', payloadType: 9, dtmfPayloadType: 101, ptimeMs: 20 },
  opus: {
    codec: 'opus',
    payloadType: 96,
    dtmfPayloadType: 110,
    dtmfClockHz: 48_000,
    ptimeMs: 20,
    opus: { maxAverageBitrate: null, maxPlaybackRateHz: null, useInbandFec: true },
  },
}
const VOICE = voice(RATE_HZ, 24_000)

interface Heard {
  readonly header: RtpHeader
  readonly payload: Uint8Array
  readonly at: number
}

class Phone {
  readonly leg: LegRef
  readonly heard: Heard[] = []
  readonly rings = createLegRings(RATE_HZ)
  readonly hearing = new RingReader(this.rings.hearing)
  readonly playout = new RingWriter(this.rings.playout)
  format: LegFormat
  socket!: DatagramSocket
  ssrc = 70
  sequence = 65_500
  /** In samples; the codec's clock multiplies it. */
  time = 0
  encoder!: SoundEncoder
  readonly #out = new Uint8Array(MAX_PAYLOAD_BYTES)

  constructor(slot: number, format: LegFormat) {
    this.leg = { slot, generation: 1 }
    this.format = format
    this.use(format)
  }

  get port(): number {
    return 10_000 + 2 * this.leg.slot
  }

  use(format: LegFormat): void {
    this.format = format
    this.encoder = openEncoder(format.codec, RATE_HZ, format.opus)
  }

  send(payloadType: number, payload: Uint8Array, rtpTime = this.rtpTime): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length)
    writeRtpHeader(packet, payloadType, false, this.sequence++ & 0xffff, rtpTime, this.ssrc)
    packet.set(payload, RTP_HEADER_BYTES)
    this.socket.send(packet, { address: 'server', port: this.port })
  }

  get rtpTime(): number {
    return (0xffff_f000 + (this.time * CLOCK_HZ[this.format.codec]) / RATE_HZ) >>> 0
  }

  speak(pcm: Int16Array, isSent = true): void {
    const bytes = this.encoder.encode(pcm, this.#out, 0)
    if (isSent) this.send(this.format.payloadType, this.#out.slice(0, bytes))
    else this.sequence++
    this.time += pcm.length
  }

  /** What was heard so far, decoded in order. */
  async sound(decoder: SoundDecoder = openDecoder(this.format.codec, RATE_HZ)): Promise<Int16Array> {
    await new Promise((resolve) => setImmediate(resolve))
    const pcm = new Int16Array(MAX_PAYLOAD_BYTES)
    const parts: number[] = []
    for (const { header, payload } of this.heard) {
      if (header.payloadType !== this.format.payloadType) continue
      parts.push(...pcm.subarray(0, decoder.decode(payload, 0, payload.length, pcm)))
    }
    return Int16Array.from(parts)
  }

  /** What came out at the ears. */
  ears(): Int16Array {
    const header = emptyHeader()
    const samples = new Int16Array(MAX_RECORD_SAMPLES)
    const parts: number[] = []
    while (this.hearing.pop(header, samples)) parts.push(...samples.subarray(0, header.count))
    return Int16Array.from(parts)
  }

  say(pcm: Int16Array): void {
    for (let at = 0; at < pcm.length; at += 160) {
      const count = Math.min(160, pcm.length - at)
      const flags = (at === 0 ? SAY_START : 0) | (at + count === pcm.length ? SAY_END : 0)
      const header = { ...emptyHeader(), generation: 1, sayId: 1, count, rateHz: RATE_HZ, flags, lane: LANE_SAY }
      assert.ok(this.playout.push(header, pcm.subarray(at)))
    }
  }
}

class World {
  readonly clock = new VirtualClock(0)
  readonly network = new MemoryNetwork(this.clock, new SeededRandom('codec legs'))
  readonly events: MediaEvent[] = []
  readonly phones: Phone[] = []
  readonly thread = new MediaThread({
    network: this.network,
    emit: (event) => this.events.push(event),
    now: () => this.clock.now(),
  })

  async phone(format: LegFormat): Promise<Phone> {
    const phone = new Phone(this.phones.length, format)
    this.phones.push(phone)
    const { leg, rings, port } = phone
    phone.socket = await this.network.bind({ address: 'phone', port: 4_000 + 2 * leg.slot }, (bytes) => {
      const header = emptyRtpHeader()
      if (!parseRtp(bytes, header)) return
      const payload = bytes.slice(header.payloadAt, header.payloadAt + header.payloadBytes)
      phone.heard.push({ header, payload, at: this.clock.now() })
    })
    const numbers = { ssrc: 42, firstSequence: 65_530, firstRtpTime: 0xffff_ff00 }
    this.command({
      kind: 'openLeg',
      leg,
      rings,
      rateHz: RATE_HZ,
      localAddress: 'server',
      localPorts: [port],
      ...numbers,
    })
    await new Promise((resolve) => setImmediate(resolve))
    this.start(phone)
    // Handles of libopus come in a microtask.
    await new Promise((resolve) => setImmediate(resolve))
    return phone
  }

  start({ leg, format }: Phone): void {
    const remote = { address: 'phone', port: 4_000 + 2 * leg.slot }
    this.command({ kind: 'startLeg', leg, format, remote, sending: true })
  }

  command(command: MediaCommand): void {
    this.thread.handle(command, this.clock.now())
  }

  join(...phones: readonly Phone[]): void {
    for (const { leg } of phones) this.command({ kind: 'join', leg, group: 1, talks: true, hears: true })
  }

  run(ms: number): void {
    for (let passed = 0; passed < ms; passed += 5) {
      this.clock.advanceTo(this.clock.now() + 5)
      this.thread.tick(this.clock.now())
    }
  }

  /** Phones speak, each in packets of its own length; a packet leaves when it is full. */
  async speak(
    samples: number,
    voices: readonly (readonly [Phone, Int16Array])[],
    isLost = (_n: number) => false,
  ): Promise<void> {
    for (let at = 0; at < samples; at += 80) {
      for (const [phone, pcm] of voices) {
        const frame = 8 * phone.format.ptimeMs
        if (at % frame === 0) phone.speak(pcm.subarray(at, at + frame), !isLost(at / frame))
      }
      this.run(10)
      // A decoder of the leg is opened by its first packet.
      if (at === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  of<K extends MediaEvent['kind']>(kind: K): Extract<MediaEvent, { kind: K }>[] {
    return this.events.filter((event) => event.kind === kind) as Extract<MediaEvent, { kind: K }>[]
  }
}

before(() => prepareOpus())

/** @returns the correlation of a second of the voice's middle with what was heard */
function like(heard: Int16Array, from = 8_000): number {
  return likeness(VOICE.subarray(from, from + 8_000), heard).correlation
}

/** A voice is not all of one loudness; G.711 and G.722 keep its wave, Opus less so. */
const LEAST = { PCMU: 0.995, PCMA: 0.995, G722: 0.95, opus: 0.9 } as const

for (const codec of CODECS) {
  test(`${codec}: what the phone says is heard by the ears, what is said is heard by the phone`, async () => {
    const world = new World()
    const phone = await world.phone(FORMATS[codec])
    world.command({ kind: 'hear', leg: phone.leg, on: true })
    phone.say(VOICE)
    await world.speak(24_000, [[phone, VOICE]])
    const ears = phone.ears()
    assert.ok(like(ears) > LEAST[codec], `ears ${like(ears)}`)
    // All of its time: not a sample more or less per packet.
    assert.ok(Math.abs(ears.length - 24_000) <= 2_560 + 160, `${ears.length} samples`)
    const sound = await phone.sound()
    assert.ok(like(sound) > LEAST[codec], `phone ${like(sound)}`)
  })

  for (const ptimeMs of codec === 'opus' ? [10, 40, 60] : [10, 30, 40, 60]) {
    test(`${codec} in packets of ${ptimeMs} ms, both ways`, async () => {
      const world = new World()
      const phone = await world.phone({ ...FORMATS[codec], ptimeMs })
      world.command({ kind: 'hear', leg: phone.leg, on: true })
      phone.say(VOICE)
      await world.speak(24_000, [[phone, VOICE]])
      assert.ok(like(phone.ears()) > LEAST[codec] - 0.02)
      assert.ok(like(await phone.sound()) > LEAST[codec] - 0.02)
      const [one, other] = [phone.heard[20]!, phone.heard[21]!]
      const clock = (CLOCK_HZ[codec] * ptimeMs) / 1000
      assert.equal(timeDistance(one.header.rtpTime, other.header.rtpTime), clock)
      assert.equal(other.at - one.at, ptimeMs)
    })
  }

  test(`${codec}: of one packet in twenty lost, no time is lost, and most of the sound is still there`, async () => {
    const world = new World()
    const phone = await world.phone(FORMATS[codec])
    world.command({ kind: 'hear', leg: phone.leg, on: true })
    await world.speak(24_000, [[phone, VOICE]], (n) => n % 20 === 19)
    world.run(200)
    const ears = phone.ears()
    assert.ok(like(ears) > (codec === 'opus' ? 0.88 : 0.9), `${like(ears)}`)
    world.command({ kind: 'closeLeg', leg: phone.leg })
    const { lost, concealed } = world.of('legClosed')[0]!.counters
    assert.deepEqual([lost, concealed], [7, 7])
  })

  test(`${codec}: keys by its own clock, both ways`, async () => {
    const world = new World()
    const phone = await world.phone(FORMATS[codec])
    const clockHz = FORMATS[codec].dtmfClockHz ?? 8_000
    world.run(100)
    const keys = new DtmfSender((clockHz * 20) / 1000)
    keys.press('7', 160, 40, 20)
    const payload = new Uint8Array(4)
    while (keys.isBusy) {
      const step = keys.next(phone.rtpTime, payload, 0)
      if (step.kind === 'event') phone.send(FORMATS[codec].dtmfPayloadType!, payload.slice(), step.rtpTime)
      phone.time += 160
      world.run(20)
    }
    const { digit, durationMs } = world.of('dtmf')[0]!
    assert.deepEqual([digit, durationMs], ['7', 160])
    world.command({ kind: 'sendDigits', leg: phone.leg, digits: '42', durationMs: 100, gapMs: 60 })
    world.run(1_000)
    assert.equal(world.of('digitsSent').length, 1)
    const receiver = new DtmfReceiver()
    const events = phone.heard.filter(({ header }) => header.payloadType === FORMATS[codec].dtmfPayloadType)
    const pressed = events.flatMap(({ header, payload: event }) => receiver.receive(header.rtpTime, event, 0, 4) ?? [])
    assert.deepEqual(
      pressed.map((press) => [press.digit, (press.durationSamples * 1000) / clockHz]),
      [
        ['4', 100],
        ['2', 100],
      ],
    )
    const times = [...new Set(events.map(({ header }) => header.rtpTime))]
    assert.equal(timeDistance(times[0]!, times[1]!) % ((CLOCK_HZ[codec] * 20) / 1000), 0)
  })
}

for (const one of CODECS) {
  for (const other of CODECS) {
    if (one >= other) continue
    test(`${one} and ${other} hear each other in a bridge`, async () => {
      const world = new World()
      const [a, b] = [await world.phone(FORMATS[one]), await world.phone(FORMATS[other])]
      world.join(a, b)
      const least = Math.min(LEAST[one], LEAST[other]) - 0.08
      await world.speak(24_000, [
        [a, VOICE],
        [b, new Int16Array(24_000)],
      ])
      assert.ok(like(await b.sound()) > least, `${one} to ${other}: ${like(await b.sound())}`)
      await world.speak(24_000, [
        [a, new Int16Array(24_000)],
        [b, VOICE],
      ])
      assert.ok(like(await a.sound()) > least, `${other} to ${one}: ${like(await a.sound())}`)
    })
  }
}

test('packets of 60 ms and of 10 ms in one bridge', async () => {
  const world = new World()
  const a = await world.phone({ ...FORMATS.PCMA, ptimeMs: 60 })
  const b = await world.phone({ ...FORMATS.G722, ptimeMs: 10 })
  world.join(a, b)
  await world.speak(24_000, [
    [a, VOICE],
    [b, VOICE],
  ])
  assert.ok(like(await b.sound()) > 0.9, `60 ms to 10 ms: ${like(await b.sound())}`)
  assert.ok(like(await a.sound()) > 0.9, `10 ms to 60 ms: ${like(await a.sound())}`)
})

test('a lost Opus packet comes back for the other one of the bridge too', async () => {
  const correlations: number[] = []
  for (const useInbandFec of [true, false]) {
    const world = new World()
    const format = { ...FORMATS.opus, opus: { maxAverageBitrate: null, maxPlaybackRateHz: null, useInbandFec } }
    const [a, b] = [await world.phone(format), await world.phone(FORMATS.PCMU)]
    world.join(a, b)
    await world.speak(24_000, [[a, VOICE]], (n) => n % 6 === 5)
    correlations.push(like(await b.sound()))
  }
  assert.ok(correlations[0]! > correlations[1]! + 0.02, `${correlations}`)
})

test('the codec changes in the middle of a call: order and time go on, without a click', async () => {
  const world = new World()
  const phone = await world.phone(FORMATS.PCMU)
  world.command({ kind: 'hear', leg: phone.leg, on: true })
  const heard: number[] = []
  phone.say(VOICE)
  let at = 0
  for (const codec of ['PCMU', 'G722', 'opus', 'PCMA'] as const) {
    phone.use(FORMATS[codec])
    world.start(phone)
    await new Promise((resolve) => setImmediate(resolve))
    phone.heard.length = 0
    // The first packets still come with the old number.
    await world.speak(6_000, [[phone, VOICE.subarray(at, at + 6_000)]])
    at += 5_920
    phone.time -= 80
    heard.push(...(await phone.sound()))
  }
  const ears = phone.ears()
  assert.ok(Math.abs(ears.length - at) < 3_200, `${ears.length} of ${at}`)
  // A click would be louder than any voice.
  assert.ok(Math.max(...heard.map(Math.abs)) < 1.5 * Math.max(...VOICE.map(Math.abs)))
  assert.equal(new Set(phone.heard.map(({ header }) => header.ssrc)).size, 1)
})

test('packets of the codec before are still taken after a change', async () => {
  const world = new World()
  const phone = await world.phone(FORMATS.PCMU)
  world.command({ kind: 'hear', leg: phone.leg, on: true })
  await world.speak(8_000, [[phone, VOICE]])
  const late = phone.encoder
  phone.use(FORMATS.PCMA)
  world.start(phone)
  phone.encoder = late
  phone.format = FORMATS.PCMU
  await world.speak(8_000, [[phone, VOICE.subarray(8_000)]])
  assert.ok(like(phone.ears(), 6_000) > 0.99)
})

test('a far end that numbers or chooses otherwise than we send is heard', async () => {
  const world = new World()
  const alsoTaken = [
    { payloadType: 111, codec: 'opus', clockHz: 48_000 },
    { payloadType: 8, codec: 'PCMA', clockHz: 8_000 },
  ] as const
  const phone = await world.phone({ ...FORMATS.opus, alsoTaken })
  world.command({ kind: 'hear', leg: phone.leg, on: true })
  phone.format = { ...FORMATS.opus, payloadType: 111 }
  await world.speak(24_000, [[phone, VOICE]])
  assert.ok(like(phone.ears()) > 0.9)
  phone.use(FORMATS.PCMA)
  phone.ssrc++
  await world.speak(24_000, [[phone, VOICE]])
  assert.ok(like(phone.ears()) > 0.99)
  assert.ok(phone.heard.every(({ header }) => header.payloadType === 96))
})

test('comfort noise fills a bridge, and is silence to the ears', async () => {
  const world = new World()
  const [a, b] = [await world.phone(FORMATS.PCMU), await world.phone(FORMATS.PCMA)]
  world.join(a, b)
  world.command({ kind: 'hear', leg: a.leg, on: true })
  await world.speak(8_000, [[a, VOICE]])
  a.ears()
  b.heard.length = 0
  a.send(13, Uint8Array.of(50))
  world.run(2_000)
  const noise = (await b.sound()).subarray(4_000, 14_000)
  assert.ok(Math.abs(levelDb(noise) + 50) < 1.5, `${levelDb(noise)} dB`)
  assert.ok(a.ears().every((sample, n) => n < 1_600 || sample === 0))
  // Sound takes its place at once.
  a.time += 16_000
  b.heard.length = 0
  await world.speak(16_000, [[a, VOICE]])
  assert.ok(like(await b.sound(), 4_000) > 0.97)
})

test('a press goes on after the packets became longer', async () => {
  const world = new World()
  const phone = await world.phone(FORMATS.PCMU)
  world.command({ kind: 'sendDigits', leg: phone.leg, digits: '159', durationMs: 100, gapMs: 60 })
  world.run(100)
  phone.use({ ...FORMATS.PCMU, ptimeMs: 40 })
  world.start(phone)
  world.run(1_500)
  assert.equal(world.of('digitsSent').length, 1)
  const receiver = new DtmfReceiver()
  const events = phone.heard.filter(({ header }) => header.payloadType === 101)
  const pressed = events.flatMap(({ header, payload }) => receiver.receive(header.rtpTime, payload, 0, 4)?.digit ?? [])
  assert.match(pressed.join(''), /^1{1,2}59$/)
})
