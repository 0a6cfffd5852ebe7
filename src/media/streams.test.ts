/** What far ends do with their streams: a table of habits, each heard whole. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeG711 } from '../audio/g711.ts'
import { sine } from '../audio/tone.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { createLegRings, emptyHeader, MAX_RECORD_SAMPLES, RingReader } from '../kernel/ring.ts'
import { MemoryNetwork } from '../net/memory.ts'
import { RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/packet.ts'
import type { LegRef, MediaEvent } from './protocol.ts'
import { MediaThread } from './thread.ts'

const SERVER = { address: 'server', port: 10_000 }
const PHONE = { address: 'phone', port: 4_000 }
const LEG: LegRef = { slot: 0, generation: 1 }
const TONE = new Uint8Array(480)
encodeG711('PCMU', sine(400, 8_000, 480, 9_000), TONE)

/** One packet; what is not said is as an ordinary phone has it. */
interface Packet {
  readonly sequence?: number
  readonly rtpTime?: number
  readonly ssrc?: number
  readonly payloadType?: number
  readonly payload?: Uint8Array
  readonly sources?: number
  readonly extensionWords?: number
  readonly padding?: number
  /** It leaves so late. */
  readonly late?: number
  readonly isLost?: boolean
}

interface Habit {
  readonly name: string
  readonly packet: (n: number) => Packet
  /** Besides what is said by `packet`. */
  readonly extra?: (n: number) => Packet | null
  readonly beginsAfterMs?: number
  /** Sound that is not heard, in ms of 2,000. */
  readonly missingMs?: number
  readonly lost?: number
}

const PACKETS = 100

const HABITS: readonly Habit[] = [
  { name: 'nothing special', packet: () => ({}) },
  { name: 'sequence and time wrap', packet: (n) => ({ sequence: 65_500 + n, rtpTime: 0xffff_f000 + n * 160 }) },
  { name: 'sequence and time begin with 0', packet: (n) => ({ sequence: n, rtpTime: n * 160 }) },
  {
    name: 'another SSRC with other numbers in mid-stream',
    packet: (n) => (n < 50 ? {} : { ssrc: 8, sequence: 40_000 + n, rtpTime: 3_000_000_000 + n * 160 }),
  },
  { name: 'another SSRC that goes on with the numbers', packet: (n) => ({ ssrc: n < 50 ? 7 : 8 }) },
  { name: 'numbers restart under the same SSRC', packet: (n) => (n < 50 ? {} : { sequence: n - 50 }) },
  {
    name: 'numbers and time restart under the same SSRC',
    packet: (n) => (n < 50 ? {} : { sequence: n - 50, rtpTime: (n - 50) * 160 }),
  },
  { name: 'time jumps ahead by an hour', packet: (n) => ({ rtpTime: n * 160 + (n < 50 ? 0 : 28_800_000) }) },
  { name: 'contributing sources', packet: (n) => ({ sources: n % 16 }) },
  { name: 'a header extension', packet: (n) => ({ extensionWords: n % 4 }) },
  { name: 'padding', packet: (n) => ({ padding: 4 * (n % 5) }) },
  { name: 'all of these at once', packet: (n) => ({ sources: 2, extensionWords: 1, padding: 4 + (n % 2) * 4 }) },
  {
    name: 'packets without a payload in between, numbered as others',
    packet: (n) => ({ sequence: 100 + n + Math.floor(n / 10) }),
    extra: (n) => (n % 10 === 9 ? { sequence: 101 + n + Math.floor(n / 10), payload: new Uint8Array(0) } : null),
  },
  {
    name: 'packets of padding only in between',
    packet: (n) => ({ sequence: 100 + n + Math.floor(n / 10) }),
    extra: (n) =>
      n % 10 === 9 ? { sequence: 101 + n + Math.floor(n / 10), payload: new Uint8Array(0), padding: 4 } : null,
  },
  { name: 'begins late, anywhere', packet: (n) => ({ sequence: 33_333 + n }), beginsAfterMs: 3_000 },
  { name: 'everything twice', packet: () => ({}), extra: () => ({}) },
  {
    name: 'a packet that went astray',
    packet: () => ({}),
    extra: (n) => (n === 50 ? { sequence: 20_000, rtpTime: 5 } : null),
  },
  {
    name: 'payloads of a number nobody agreed on',
    packet: () => ({}),
    extra: (n) => ({ sequence: n, payloadType: 96 }),
  },
  { name: 'every tenth packet is held up by 30 ms', packet: (n) => (n % 10 === 5 ? { late: 30 } : {}) },
  { name: 'one packet in 20 is lost', packet: (n) => ({ isLost: n % 20 === 10 }), lost: 5 },
]

/** @returns ms of tone heard, and the leg's last word */
async function hear(habit: Habit): Promise<{ heardMs: number; closed: Extract<MediaEvent, { kind: 'legClosed' }> }> {
  const clock = new VirtualClock(0)
  const network = new MemoryNetwork(clock, new SeededRandom(habit.name))
  const events: MediaEvent[] = []
  const thread = new MediaThread({ network, now: () => clock.now(), emit: (event) => events.push(event) })
  const phone = await network.bind(PHONE, () => {})
  const rings = createLegRings(8_000)
  const reader = new RingReader(rings.hearing)
  const numbers = { ssrc: 1, firstSequence: 0, firstRtpTime: 0 }
  const place = { localAddress: SERVER.address, localPorts: [SERVER.port], rateHz: 8_000 }
  thread.handle({ kind: 'openLeg', leg: LEG, rings, ...place, ...numbers }, 0)
  await new Promise(setImmediate)
  const format = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 } as const
  thread.handle({ kind: 'startLeg', leg: LEG, format, remote: PHONE, sending: true }, 0)
  thread.handle({ kind: 'hear', leg: LEG, on: true }, 0)
  const header = emptyHeader()
  const samples = new Int16Array(MAX_RECORD_SAMPLES)
  let voiced = 0
  const run = (ms: number): void => {
    for (const end = clock.now() + ms; clock.now() < end; ) {
      clock.advanceTo(clock.now() + 5)
      thread.tick(clock.now())
      while (reader.pop(header, samples)) {
        for (let i = 0; i < header.count; i++) if (Math.abs(samples[i]!) > 8_000) voiced++
      }
    }
  }
  const send = (packet: Packet, n: number): void => {
    const bytes = datagram(packet, n)
    if (packet.late) clock.schedule(clock.now() + packet.late, () => phone.send(bytes, SERVER))
    else if (!packet.isLost) phone.send(bytes, SERVER)
  }
  run(20 + (habit.beginsAfterMs ?? 0))
  for (let n = 0; n < PACKETS; n++) {
    send(habit.packet(n), n)
    const extra = habit.extra?.(n)
    if (extra) send(extra, n)
    run(20)
  }
  run(200)
  thread.handle({ kind: 'closeLeg', leg: LEG }, clock.now())
  // A sine of this height is so loud for 30 % of its time.
  const share = TONE_SHARE
  return { heardMs: voiced / 8 / share, closed: events.at(-1) as Extract<MediaEvent, { kind: 'legClosed' }> }
}

const TONE_SHARE = shareOfLoud()

function shareOfLoud(): number {
  const pcm = sine(400, 8_000, 8_000, 9_000)
  return pcm.filter((sample) => Math.abs(sample) > 8_000).length / pcm.length
}

function datagram(packet: Packet, n: number): Uint8Array {
  const { sources = 0, extensionWords, padding = 0, payload = TONE.subarray(0, 160) } = packet
  const extension = extensionWords === undefined ? 0 : 4 + 4 * extensionWords
  const bytes = new Uint8Array(RTP_HEADER_BYTES + 4 * sources + extension + payload.length + padding)
  const sequence = (packet.sequence ?? 100 + n) & 0xffff
  writeRtpHeader(bytes, packet.payloadType ?? 0, n === 0, sequence, (packet.rtpTime ?? n * 160) >>> 0, packet.ssrc ?? 7)
  bytes[0] = 0x80 | sources | (extension > 0 ? 0x10 : 0) | (padding > 0 ? 0x20 : 0)
  const at = RTP_HEADER_BYTES + 4 * sources
  if (extension > 0) bytes.set([0xbe, 0xde, 0, extensionWords!], at)
  bytes.set(payload, at + extension)
  if (padding > 0) bytes[bytes.length - 1] = padding
  return bytes
}

for (const habit of HABITS) {
  test(`a far end with ${habit.name} is heard whole`, async () => {
    const { heardMs, closed } = await hear(habit)
    const expectedMs = 20 * PACKETS - (habit.missingMs ?? 0)
    // What is lost is made up, and fades.
    const tolerance = 20 + 20 * (habit.lost ?? 0)
    assert.ok(Math.abs(heardMs - expectedMs) <= tolerance, `${heardMs.toFixed(0)} ms heard`)
    assert.equal(closed.kind, 'legClosed')
    assert.equal(closed.counters.lost, habit.lost ?? 0)
    assert.equal(closed.quality!.lost, habit.lost ?? 0)
  })
}

test('the length of packets may change at any time', async () => {
  const lengths = [20, 40, 10, 60, 30, 20]
  let at = 0
  const plan = Array.from({ length: PACKETS }, (_, n) => {
    const ms = lengths[Math.floor((n * lengths.length) / PACKETS)]!
    const from = at
    at += ms
    return { from, ms }
  })
  // Sent in steps of 20 ms: those of longer packets come in bursts, those of shorter ones late, but in order.
  const { heardMs, closed } = await hear({
    name: 'packets of other lengths',
    packet: (n) => ({ rtpTime: plan[n]!.from * 8, payload: TONE.subarray(0, plan[n]!.ms * 8) }),
  })
  assert.ok(Math.abs(heardMs - at) <= 60, `${heardMs} of ${at} ms`)
  assert.equal(closed.counters.lost, 0)
})
