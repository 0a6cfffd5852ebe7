/** The media thread as it ships: a worker, real sockets on the loopback, real time. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { decodeG711, encodeG711 } from '../audio/g711.ts'
import { amplitudeAt, sine } from '../audio/tone.ts'
import {
  createLegRings,
  emptyHeader,
  MAX_RECORD_SAMPLES,
  RingReader,
  RingWriter,
  SAY_END,
  SAY_START,
} from '../kernel/ring.ts'
import { LANE_SAY, type MediaCommand, type MediaEvent } from '../media/protocol.ts'
import { UdpNetwork } from '../net/udp.ts'
import { RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/packet.ts'
import { monotonicMs } from './monotonic.ts'

const HERE = '127.0.0.1'
const LEG = { slot: 0, generation: 1 }

/** Collects what the worker says. */
class Told {
  readonly events: MediaEvent[] = []
  #changed: () => void = () => {}

  constructor(worker: Worker) {
    worker.on('message', (events: MediaEvent[]) => {
      this.events.push(...events)
      this.#changed()
    })
  }

  async of<K extends MediaEvent['kind']>(kind: K): Promise<Extract<MediaEvent, { kind: K }>> {
    for (;;) {
      const found = this.events.find((event) => event.kind === kind)
      if (found) return found as Extract<MediaEvent, { kind: K }>
      await this.#more()
    }
  }

  /** Where so many legs listen, by slot. */
  async ports(legs: number): Promise<number[]> {
    for (;;) {
      const opened = this.events.filter((event) => event.kind === 'legOpened')
      if (opened.length === legs) {
        return opened.toSorted((a, b) => a.leg.slot - b.leg.slot).map(({ localPort }) => localPort)
      }
      await this.#more()
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }
}

test('a leg of the worker hears, speaks, is silent after a flush, and ends with its worker', {
  timeout: 20_000,
}, async () => {
  const bell = new SharedArrayBuffer(4)
  const worker = new Worker(new URL('./media.ts', import.meta.url), { workerData: { bell, rtpIo: 'auto' } })
  const told = new Told(worker)
  const exited = once(worker, 'exit')
  const post = (command: MediaCommand): void => worker.postMessage(command)
  await told.of('ready')

  const rings = createLegRings(8_000)
  const origin = { ssrc: 1, firstSequence: 0, firstRtpTime: 0 }
  post({ kind: 'openLeg', leg: LEG, rings, rateHz: 8_000, localAddress: HERE, localPorts: [0], ...origin })
  const { localPort } = await told.of('legOpened')
  const packets: { readonly at: number; readonly isVoiced: boolean }[] = []
  const network = new UdpNetwork()
  const phone = await network.bind({ address: HERE, port: 0 }, (bytes) => {
    packets.push({
      at: monotonicMs(),
      isVoiced: bytes.subarray(RTP_HEADER_BYTES).some((octet) => (octet & 0x7f) < 0x60),
    })
  })
  const format = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 } as const
  post({ kind: 'startLeg', leg: LEG, format, remote: phone.local, sending: true })
  post({ kind: 'hear', leg: LEG, on: true })
  // It has started when it sends; what comes before that is nobody's.
  while (packets.length === 0) await new Promise(setImmediate)

  const speech = sine(400, 8_000, 160, 9_000)
  const packet = new Uint8Array(RTP_HEADER_BYTES + 160)
  encodeG711('PCMU', speech, packet, RTP_HEADER_BYTES)
  writeRtpHeader(packet, 0, true, 0, 0, 5)
  phone.send(packet, { address: HERE, port: localPort })
  assert.deepEqual((await told.of('rtpStarted')).remote, phone.local)
  await told.of('gate')
  const header = emptyHeader()
  const heard = new Int16Array(MAX_RECORD_SAMPLES)
  assert.ok(new RingReader(rings.hearing).pop(header, heard))
  assert.ok(Math.abs(header.atMs - monotonicMs()) < 5_000)
  assert.ok(Atomics.load(new Int32Array(bell), 0) > 0)

  const writer = new RingWriter(rings.playout)
  for (let n = 0; n < 100; n++) {
    const flags = n === 0 ? SAY_START : n === 99 ? SAY_END : 0
    writer.push(
      { ...emptyHeader(), generation: 1, sayId: 1, firstSample: n * 160, count: 160, lane: LANE_SAY, flags },
      speech,
    )
  }
  await told.of('voiceStarted')
  const askedAt = monotonicMs()
  post({ kind: 'flush', leg: LEG, lane: LANE_SAY, epoch: 1, askedAt })
  const flushed = await told.of('flushed')
  assert.equal(flushed.cut.length, 1)
  const count = packets.length
  while (packets.length < count + 5) await new Promise(setImmediate)
  assert.ok(packets.slice(-3).every(({ isVoiced }) => !isVoiced))

  post({ kind: 'shutDown' })
  const closed = await told.of('legClosed')
  assert.equal(closed.counters.packetsIn, 1)
  assert.deepEqual(closed.cut, [])
  await exited
  phone.close()
})

test('what one phone says reaches the other over real sockets, and so does its key', { timeout: 20_000 }, async () => {
  const worker = new Worker(new URL('./media.ts', import.meta.url), {
    workerData: { bell: new SharedArrayBuffer(4), rtpIo: 'dgram' },
  })
  const told = new Told(worker)
  const exited = once(worker, 'exit')
  const post = (command: MediaCommand): void => worker.postMessage(command)
  await told.of('ready')

  const network = new UdpNetwork()
  const heard: { readonly type: number; readonly level: number }[] = []
  const phones = [
    await network.bind({ address: HERE, port: 0 }, () => {}),
    await network.bind({ address: HERE, port: 0 }, (bytes) => {
      const pcm = new Int16Array(bytes.length - RTP_HEADER_BYTES)
      decodeG711('PCMU', bytes, pcm, RTP_HEADER_BYTES)
      heard.push({ type: bytes[1]! & 0x7f, level: amplitudeAt(pcm, 400, 8_000) })
    }),
  ]
  const format = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 } as const
  for (const [slot, phone] of phones.entries()) {
    const leg = { slot, generation: 1 }
    const origin = { ssrc: slot, firstSequence: 0, firstRtpTime: 0 }
    const rings = createLegRings(8_000)
    post({ kind: 'openLeg', leg, rings, rateHz: 8_000, localAddress: HERE, localPorts: [0], ...origin })
    post({ kind: 'startLeg', leg, format, remote: phone.local, sending: true })
    post({ kind: 'join', leg, group: 1, talks: true, hears: true })
  }
  const ports = await told.ports(2)

  const send = (type: number, sequence: number, rtpTime: number, payload: Uint8Array): void => {
    const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length)
    writeRtpHeader(packet, type, false, sequence, rtpTime, 5)
    packet.set(payload, RTP_HEADER_BYTES)
    phones[0]!.send(packet, { address: HERE, port: ports[0]! })
  }
  const payload = new Uint8Array(160)
  encodeG711('PCMU', sine(400, 8_000, 160, 9_000), payload)
  for (let n = 0; n < 5; n++) send(0, n, n * 160, payload)
  while (heard.filter(({ type, level }) => type === 0 && level > 5_000).length < 4) await new Promise(setImmediate)
  // Key 7, pressed for 100 ms, at its end.
  send(101, 5, 800, Uint8Array.of(7, 0x80, 3, 32))
  while (!heard.some(({ type }) => type === 101)) await new Promise(setImmediate)
  assert.equal((await told.of('dtmf')).digit, '7')

  post({ kind: 'shutDown' })
  await exited
  for (const phone of phones) phone.close()
})
