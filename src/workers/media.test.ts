/** The media thread as it ships: a worker, real sockets on the loopback, real time. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { encodeG711 } from '../audio/g711.ts'
import { sine } from '../audio/tone.ts'
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
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}

test('a leg of the worker hears, speaks, is silent after a flush, and ends with its worker', {
  timeout: 20_000,
}, async () => {
  const bell = new SharedArrayBuffer(4)
  const worker = new Worker(new URL('./media.ts', import.meta.url), { workerData: { bell } })
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
