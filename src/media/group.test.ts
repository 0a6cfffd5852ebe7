import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeG711, encodeG711 } from '../audio/g711.ts'
import { levelDb } from '../audio/level.ts'
import { amplitudeAt, sine } from '../audio/tone.ts'
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
import { FAIR_WEATHER, MemoryNetwork, type Weather } from '../net/memory.ts'
import type { DatagramSocket } from '../net/port.ts'
import { DtmfReceiver, DtmfSender } from '../rtp/dtmf.ts'
import { emptyRtpHeader, parseRtp, RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/packet.ts'
import { LANE_SAY, type LegFormat, type LegRef, type MediaCommand, type MediaEvent } from './protocol.ts'
import { MediaThread } from './thread.ts'

const RATE_HZ = 8_000
const FRAME = 160
const FORMAT: LegFormat = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 }
const SILENCE = new Int16Array(FRAME)

/** One leg with its phone. The phone sends a packet every 20 ms while it has something to say. */
class Far {
  readonly leg: LegRef
  readonly rings = createLegRings(RATE_HZ)
  readonly hearing = new RingReader(this.rings.hearing)
  readonly #playout = new RingWriter(this.rings.playout)
  readonly packets: { at: number; type: number; rtpTime: number; payload: Uint8Array }[] = []
  socket!: DatagramSocket
  port = 0
  /** What it says in its next packets; null: it sends nothing. */
  says: ((n: number) => Int16Array) | null = null
  #sequence = 100
  rtpTime = 5_000
  #n = 0

  constructor(slot: number) {
    this.leg = { slot, generation: 1 }
  }

  sendNext(): void {
    const pcm = this.says?.(this.#n++)
    if (pcm) {
      const payload = new Uint8Array(FRAME)
      encodeG711('PCMU', pcm, payload)
      this.send(0, payload, this.rtpTime)
    }
    this.rtpTime = (this.rtpTime + FRAME) >>> 0
  }

  send(type: number, payload: Uint8Array, rtpTime: number): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length)
    writeRtpHeader(packet, type, false, this.#sequence, rtpTime, 7 + this.leg.slot)
    packet.set(payload, RTP_HEADER_BYTES)
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.socket.send(packet, { address: 'server', port: this.port })
  }

  say(pcm: Int16Array, sayId = 1): void {
    for (let at = 0; at < pcm.length; at += FRAME) {
      const count = Math.min(FRAME, pcm.length - at)
      const flags = (at === 0 ? SAY_START : 0) | (at + count === pcm.length ? SAY_END : 0)
      const rest = { sayId, firstSample: at, count, rateHz: RATE_HZ, flags, lane: LANE_SAY }
      assert.ok(this.#playout.push({ ...emptyHeader(), generation: 1, ...rest }, pcm.subarray(at)))
    }
  }

  /** What it heard since `from` ms, as samples. */
  heard(from = 0): Int16Array {
    const packets = this.packets.filter(({ at, type }) => at >= from && type === 0)
    const pcm = new Int16Array(packets.length * FRAME)
    for (const [i, { payload }] of packets.entries()) decodeG711('PCMU', payload, pcm.subarray(i * FRAME))
    return pcm
  }

  /** Amplitude of a tone in what it heard since then. */
  hears(hz: number, from: number): number {
    return amplitudeAt(this.heard(from), hz, RATE_HZ)
  }
}

class World {
  readonly clock = new VirtualClock(0)
  readonly network: MemoryNetwork
  readonly events: MediaEvent[] = []
  readonly thread: MediaThread
  readonly fars: Far[] = []
  #ticksTo = 0

  private constructor(seed: string) {
    this.network = new MemoryNetwork(this.clock, new SeededRandom(seed))
    const { network, clock } = this
    this.thread = new MediaThread({ network, emit: (event) => this.events.push(event), now: () => clock.now() })
  }

  static async open(legs: number, seed = 'group'): Promise<World> {
    const world = new World(seed)
    for (let slot = 0; slot < legs; slot++) await world.#add(slot)
    return world
  }

  async #add(slot: number): Promise<void> {
    const far = new Far(slot)
    this.fars.push(far)
    const header = emptyRtpHeader()
    far.socket = await this.network.bind({ address: `phone ${slot}`, port: 4_000 }, (bytes) => {
      assert.ok(parseRtp(bytes, header))
      const payload = bytes.slice(RTP_HEADER_BYTES)
      far.packets.push({ at: this.clock.now(), type: header.payloadType, rtpTime: header.rtpTime, payload })
    })
    const { leg, rings } = far
    far.port = 10_000 + 2 * slot
    const origin = { ssrc: slot, firstSequence: 0, firstRtpTime: 0 }
    const local = { localAddress: 'server', localPorts: [far.port] }
    this.command({ kind: 'openLeg', leg, rings, rateHz: RATE_HZ, ...local, ...origin })
    await new Promise(setImmediate)
    this.start(far)
  }

  start(far: Far, sending = true): void {
    const remote = { address: `phone ${far.leg.slot}`, port: 4_000 }
    this.command({ kind: 'startLeg', leg: far.leg, format: FORMAT, remote, sending })
  }

  command(command: MediaCommand): void {
    this.thread.handle(command, this.clock.now())
  }

  join(far: Far, group = 1, talks = true, hears = true): void {
    this.command({ kind: 'join', leg: far.leg, group, talks, hears })
  }

  /** Every phone's packets are due 3 ms after a full 20. @returns when it began */
  run(ms: number, onTick: () => void = () => {}): number {
    const from = this.clock.now()
    for (const to = from + ms; this.#ticksTo < to; this.#ticksTo += 5) {
      const isTurn = this.#ticksTo % 20 === 0
      this.clock.advanceTo(this.#ticksTo)
      this.thread.tick(this.clock.now())
      onTick()
      this.clock.advanceTo(this.#ticksTo + 3)
      if (isTurn) for (const far of this.fars) far.sendNext()
    }
    this.clock.advanceTo(from + ms)
    return from
  }

  of<K extends MediaEvent['kind']>(kind: K): Extract<MediaEvent, { kind: K }>[] {
    return this.events.filter((event) => event.kind === kind) as Extract<MediaEvent, { kind: K }>[]
  }
}

/** A tone whose frames join: whole periods in each. */
function tone(hz: number, amplitude = 8_000): () => Int16Array {
  const frame = sine(hz, RATE_HZ, FRAME, amplitude)
  return () => frame
}

const QUIET = 60

test('two bridged phones hear each other, themselves not, at most 60 ms later', async () => {
  for (const [first, second] of [
    [0, 1],
    [0, 3],
    [3, 0],
  ] as const) {
    const world = await World.open(4)
    const a = world.fars[first]!
    const b = world.fars[second]!
    world.join(a)
    world.join(b)
    a.says = () => SILENCE
    b.says = tone(700)
    world.run(1_000)
    const startsAt = world.clock.now()
    a.says = tone(400)
    world.run(1_000)
    const { at } = b.packets.find(
      ({ at, payload }) => at > startsAt && amplitudeAt(decoded(payload), 400, RATE_HZ) > 2_000,
    )!
    // The first packet leaves the phone 3 ms after the start; each way takes 1 ms.
    const added = at - (startsAt + 3) - 2
    assert.ok(added <= 60, `${added} ms added`)
    assert.ok(b.hears(400, startsAt + 200) > 7_800)
    assert.ok(b.hears(700, startsAt + 200) < QUIET)
    assert.ok(a.hears(700, startsAt + 200) > 7_800)
    assert.ok(a.hears(400, startsAt + 200) < QUIET)
  }
})

test('in a room of thirty everybody hears all three who talk, but not themselves, and no sound is lost', async () => {
  const world = await World.open(30)
  const [one, two, three] = world.fars
  one!.says = tone(400, 6_000)
  two!.says = tone(700, 6_000)
  three!.says = tone(1_000, 6_000)
  for (const far of world.fars) world.join(far)
  world.run(500)
  const from = world.run(1_000)
  for (const far of world.fars) {
    for (const [hz, by] of [
      [400, one],
      [700, two],
      [1_000, three],
    ] as const) {
      const heard = far.hears(hz, from)
      if (far === by) assert.ok(heard < QUIET, `leg ${far.leg.slot} hears itself: ${heard}`)
      else assert.ok(Math.abs(heard - 6_000) < 250, `leg ${far.leg.slot} hears ${heard} of ${hz} Hz`)
    }
  }
})

test('a loud room saturates and never wraps', async () => {
  const world = await World.open(4)
  for (const far of world.fars) {
    world.join(far)
    far.says = tone(400, 30_000)
  }
  world.run(500)
  const from = world.run(500)
  const pcm = world.fars[0]!.heard(from)
  // A wrap would be a step of nearly the whole range.
  for (let i = 1; i < pcm.length; i++) assert.ok(Math.abs(pcm[i]! - pcm[i - 1]!) < 40_000, `at ${i}`)
  assert.ok(Math.max(...pcm) > 30_000)
})

test('our own speech is mixed with what the others say, and alone is counted', async () => {
  const world = await World.open(2)
  const [a, b] = world.fars
  world.join(a!)
  world.join(b!)
  b!.says = tone(700)
  world.run(500)
  assert.equal(world.of('voiceStarted').length, 0)
  a!.say(sine(400, RATE_HZ, 8_000))
  const from = world.run(900)
  assert.ok(a!.hears(400, from + 100) > 7_800)
  assert.ok(a!.hears(700, from + 100) > 7_800)
  assert.ok(b!.hears(400, from) < QUIET)
  world.run(500)
  assert.equal(world.of('voiceStarted').length, 1)
  assert.deepEqual(world.of('played')[0]!.say, { sayId: 1, lane: LANE_SAY, samples: 8_000 })
  const askedAt = world.clock.now()
  world.command({ kind: 'flush', leg: a!.leg, lane: LANE_SAY, epoch: 1, askedAt })
  world.run(100)
  assert.deepEqual(world.of('flushed')[0]!.cut, [])
  assert.ok(world.of('flushed')[0]!.lastVoicedAt! < askedAt - 200)
})

test('one way: who only hears is not heard', async () => {
  const world = await World.open(2)
  const [a, b] = world.fars
  world.join(a!, 1, false, true)
  world.join(b!, 1, true, false)
  a!.says = tone(400)
  b!.says = tone(700)
  world.run(500)
  const from = world.run(500)
  assert.ok(a!.hears(700, from) > 7_800)
  assert.ok(levelDb(b!.heard(from)) < -70)
})

test('who leaves, or joins another group, is heard no more and hears nobody', async () => {
  const world = await World.open(3)
  const [a, b, c] = world.fars
  for (const far of world.fars) far.says = tone(400 + 300 * far.leg.slot)
  world.join(a!)
  world.join(b!)
  world.run(500)
  world.join(b!, 2)
  world.join(c!, 2)
  world.run(200)
  let from = world.run(500)
  assert.ok(levelDb(a!.heard(from)) < -70)
  assert.ok(b!.hears(1_000, from) > 7_800 && b!.hears(400, from) < QUIET)
  world.command({ kind: 'leave', leg: b!.leg })
  world.run(200)
  from = world.run(500)
  assert.ok(levelDb(b!.heard(from)) < -70 && levelDb(c!.heard(from)) < -70)
  assert.equal(world.thread.groups, 2)
  world.command({ kind: 'closeLeg', leg: a!.leg })
  world.command({ kind: 'closeLeg', leg: c!.leg })
  assert.equal(world.thread.groups, 0)
})

test('with 3 % loss and jitter the other is heard without holes', async () => {
  const seed = 'bridge weather'
  const weather: Weather = { ...FAIR_WEATHER, loss: 0.03, jitterMs: 15, reorder: 0.02, reorderMs: 25, duplicate: 0.02 }
  const world = await World.open(2, seed)
  const [a, b] = world.fars
  world.network.link('phone 0', 'server', weather)
  world.join(a!)
  world.join(b!)
  a!.says = tone(400)
  world.run(500)
  const from = world.run(10_000)
  const pcm = b!.heard(from)
  let quiet = 0
  for (let at = 0; at + FRAME <= pcm.length; at += FRAME) if (levelDb(pcm.subarray(at, at + FRAME)) < -35) quiet++
  assert.ok(quiet <= 10, `${quiet} quiet frames of 500, seed ${seed}`)
})

test('a muted leg hears nothing, a deafened one is heard by nobody, ears included', async () => {
  const world = await World.open(2)
  const [a, b] = world.fars
  world.join(a!)
  world.join(b!)
  a!.says = tone(400)
  b!.says = tone(700)
  world.command({ kind: 'hear', leg: a!.leg, on: true })
  world.run(500)
  world.command({ kind: 'mute', leg: b!.leg, on: true })
  world.run(60)
  let from = world.run(300)
  assert.ok(levelDb(b!.heard(from)) < -70)
  assert.ok(a!.hears(700, from) > 7_800)
  world.command({ kind: 'mute', leg: b!.leg, on: false })
  world.command({ kind: 'deafen', leg: a!.leg, on: true })
  world.run(120)
  drain(a!)
  from = world.run(300)
  assert.ok(levelDb(b!.heard(from)) < -70)
  assert.ok(drain(a!) < -70)
  world.command({ kind: 'deafen', leg: a!.leg, on: false })
  world.run(120)
  from = world.run(300)
  assert.ok(b!.hears(400, from) > 7_800)
  assert.ok(drain(a!) > -20)
})

test('an echo is heard by its own far end, in a group and without one, and by nobody else', async () => {
  const world = await World.open(2)
  const [a, b] = world.fars
  a!.says = tone(400)
  b!.says = () => SILENCE
  world.command({ kind: 'echo', leg: a!.leg, on: true })
  world.run(300)
  let from = world.run(300)
  assert.ok(a!.hears(400, from) > 7_800)
  world.join(a!, 1, false, true)
  world.join(b!)
  world.run(200)
  from = world.run(300)
  assert.ok(a!.hears(400, from) > 7_800)
  assert.ok(levelDb(b!.heard(from)) < -70)
  world.join(a!)
  world.run(200)
  from = world.run(300)
  assert.ok(Math.abs(a!.hears(400, from) - 8_000) < 250)
  assert.ok(b!.hears(400, from) > 7_800)
  world.command({ kind: 'leave', leg: a!.leg })
  world.run(200)
  from = world.run(300)
  assert.ok(a!.hears(400, from) > 7_800)
  world.command({ kind: 'echo', leg: a!.leg, on: false })
  world.run(200)
  from = world.run(300)
  assert.ok(levelDb(a!.heard(from)) < -70)
})

test('music plays while there is nothing else: not under speech, and not under somebody in the group', async () => {
  const world = await World.open(2)
  const [a, b] = world.fars
  world.command({ kind: 'background', leg: a!.leg, sound: 'music' })
  world.run(100)
  let from = world.run(1_000)
  assert.ok(levelDb(a!.heard(from)) > -40)
  a!.say(SILENT_SAY)
  world.run(40)
  from = world.run(900)
  assert.ok(levelDb(a!.heard(from)) < -70, 'stops when speech starts')
  world.run(600)
  from = world.run(500)
  assert.ok(levelDb(a!.heard(from)) > -40, 'comes back')
  world.join(a!)
  world.join(b!)
  world.run(40)
  from = world.run(500)
  assert.ok(levelDb(a!.heard(from)) < -70, 'stops when somebody may talk')
  world.command({ kind: 'deafen', leg: b!.leg, on: true })
  world.run(40)
  from = world.run(500)
  assert.ok(levelDb(a!.heard(from)) > -40, 'somebody muted does not talk')
  world.command({ kind: 'mute', leg: a!.leg, on: true })
  world.run(60)
  from = world.run(500)
  assert.ok(levelDb(a!.heard(from)) < -70, 'muted is muted')
  world.command({ kind: 'mute', leg: a!.leg, on: false })
  world.command({ kind: 'background', leg: a!.leg, sound: 'none' })
  world.run(40)
  from = world.run(500)
  assert.ok(levelDb(a!.heard(from)) < -70)
})

test('background never clicks: it is faded in and out', async () => {
  const world = await World.open(1)
  const [a] = world.fars
  world.command({ kind: 'background', leg: a!.leg, sound: 'ringback' })
  world.run(515)
  a!.say(SILENT_SAY)
  world.run(200)
  const pcm = a!.heard()
  for (let i = 1; i < pcm.length; i++) assert.ok(Math.abs(pcm[i]! - pcm[i - 1]!) < 3_000, `at ${i}`)
  assert.ok(a!.hears(440, 0) > 1_000)
})

test('keys of one of two are told, and sent to the other as events; nobody is told that they were sent', async () => {
  const world = await World.open(3)
  const [a, b, c] = world.fars
  world.join(a!)
  world.join(b!)
  b!.says = tone(700)
  world.run(300)
  await press(world, a!, '12')
  world.run(600)
  assert.equal(
    world
      .of('dtmf')
      .map(({ digit, leg }) => `${leg.slot}${digit}`)
      .join(' '),
    '01 02',
  )
  assert.equal(keysHeard(b!), '12')
  assert.equal(world.of('digitsSent').length, 0)
  world.command({ kind: 'sendDigits', leg: b!.leg, digits: '7', durationMs: 100, gapMs: 60 })
  world.run(400)
  assert.equal(world.of('digitsSent').length, 1)
  world.command({ kind: 'deafen', leg: a!.leg, on: true })
  await press(world, a!, '3')
  world.run(400)
  assert.equal(world.of('dtmf').at(-1)!.digit, '3')
  world.command({ kind: 'deafen', leg: a!.leg, on: false })
  world.join(c!)
  await press(world, a!, '4')
  world.run(400)
  assert.equal(keysHeard(b!), '127')
  assert.equal(keysHeard(c!), '')
})

test('a far end that holds its call sends nothing and comes back without old sound', async () => {
  const world = await World.open(2)
  const [a, b] = world.fars
  world.join(a!)
  world.join(b!)
  a!.says = tone(400)
  world.run(500)
  world.start(b!, false)
  world.run(2_000)
  a!.says = tone(1_000)
  world.run(400)
  world.start(b!, true)
  const from = world.run(500)
  assert.ok(b!.hears(400, from) < QUIET)
  assert.ok(b!.hears(1_000, from + 40) > 7_500)
})

test('after a stall of the thread the sound goes on', async () => {
  const world = await World.open(2)
  const [a, b] = world.fars
  world.join(a!)
  world.join(b!)
  a!.says = tone(400)
  world.run(500)
  world.clock.advanceTo(world.clock.now() + 700)
  world.run(900)
  const from = world.run(500)
  assert.ok(b!.hears(400, from) > 7_800)
})

/** A say that is all silence: the line itself is looked at. */
const SILENT_SAY = new Int16Array(8_000)

function decoded(payload: Uint8Array): Int16Array {
  const pcm = new Int16Array(payload.length)
  decodeG711('PCMU', payload, pcm)
  return pcm
}

/** Takes what the ears got. @returns its level in dB */
function drain(far: Far): number {
  const header = emptyHeader()
  const samples = new Int16Array(MAX_RECORD_SAMPLES)
  let loudest = -100
  while (far.hearing.pop(header, samples)) loudest = Math.max(loudest, levelDb(samples, header.count))
  return loudest
}

/** A phone presses keys. */
async function press(world: World, far: Far, digits: string): Promise<void> {
  const sender = new DtmfSender(FRAME)
  sender.press(digits, 100, 60, 20)
  while (sender.isBusy) {
    const payload = new Uint8Array(4)
    const step = sender.next(far.rtpTime, payload, 0)
    if (step.kind === 'event') far.send(101, payload, step.rtpTime)
    world.run(20)
  }
}

function keysHeard(far: Far): string {
  const receiver = new DtmfReceiver()
  return far.packets
    .filter(({ type }) => type === 101)
    .map(({ rtpTime, payload }) => receiver.receive(rtpTime, payload, 0, payload.length)?.digit ?? '')
    .join('')
}
