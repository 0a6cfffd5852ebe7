/**
 * What mixing costs in the media thread, without a network: CPU of one leg for a second of sound (received, decoded, mixed,
 * encoded), by itself and in groups, and what a leg in a group holds. Runs in this process, on a virtual clock:
 * `node tests/bench/bridge.ts`.
 */

import { loadavg } from 'node:os'
import { encodeG711 } from '../../src/audio/g711.ts'
import { sine } from '../../src/audio/tone.ts'
import { createLegRings } from '../../src/kernel/ring.ts'
import { Member } from '../../src/media/group.ts'
import type { LegRef, MediaCommand } from '../../src/media/protocol.ts'
import { MediaThread } from '../../src/media/thread.ts'
import type { DatagramSocket, Endpoint, Network } from '../../src/net/port.ts'
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../src/rtp/packet.ts'
import { type BenchResult, figure } from './figures.ts'
import { machine, printed } from './report.ts'

const LEGS = 120
const SECONDS = 20
const RATE_HZ = 8_000
const FRAME = 160
const FAR: Endpoint = { address: 'far', port: 4_000 }

type Receive = (bytes: Uint8Array, from: Endpoint) => void

/** Sends into nothing, and gives each leg's door to whoever has packets for it. */
class Doors implements Network {
  readonly receive: Receive[] = []
  sent = 0

  async bind(local: Endpoint, onDatagram: Receive): Promise<DatagramSocket> {
    this.receive[local.port - 10_000] = onDatagram
    return { local, send: () => void this.sent++, close: () => {} }
  }
}

/** @returns CPU microseconds for one leg and one second of sound, both directions */
async function cpuOf(groupSize: number, talking: number): Promise<number> {
  const doors = new Doors()
  let now = 0
  const thread = new MediaThread({ network: doors, emit: () => {}, now: () => now })
  const command = (one: MediaCommand): void => thread.handle(one, now)
  for (let slot = 0; slot < LEGS; slot++) {
    const leg: LegRef = { slot, generation: 1 }
    const origin = { ssrc: slot, firstSequence: 0, firstRtpTime: 0 }
    const local = { localAddress: 'here', localPorts: [10_000 + slot] }
    command({ kind: 'openLeg', leg, rings: createLegRings(RATE_HZ), rateHz: RATE_HZ, ...local, ...origin })
    const format = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 } as const
    command({ kind: 'startLeg', leg, format, remote: FAR, sending: true })
    const group = Math.floor(slot / groupSize)
    if (groupSize > 0) command({ kind: 'join', leg, group, talks: slot % groupSize < talking, hears: true })
  }
  await new Promise(setImmediate)

  const packet = new Uint8Array(RTP_HEADER_BYTES + FRAME)
  encodeG711('PCMU', sine(400, RATE_HZ, FRAME, 8_000), packet, RTP_HEADER_BYTES)
  const run = (seconds: number): void => {
    for (const end = now + seconds * 1_000; now < end; now += 5) {
      if (now % 20 === 0) {
        const frame = now / 20
        for (let slot = 0; slot < LEGS; slot++) {
          writeRtpHeader(packet, 0, false, frame & 0xffff, (frame * FRAME) >>> 0, 1_000 + slot)
          doors.receive[slot]!(packet, FAR)
        }
      }
      thread.tick(now)
    }
  }
  run(5)
  const before = process.cpuUsage()
  run(SECONDS)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (LEGS * SECONDS)
}

export async function bridge(): Promise<BenchResult> {
  const alone = await cpuOf(0, 0)
  const pairs = await cpuOf(2, 2)
  const room = await cpuOf(30, 3)
  const crowd = await cpuOf(120, 120)
  const member = new Member(RATE_HZ, () => {})
  const us = (value: number): number => Math.round(value)
  return {
    bench: 'bridge',
    figures: [
      figure('CPU of a leg for a second of sound, by itself', 'us', us(alone)),
      figure('CPU of a leg for a second of sound, bridged to another', 'us', us(pairs)),
      figure('CPU of a leg for a second of sound, in rooms of 30 with 3 talking', 'us', us(room)),
      figure('CPU of a leg for a second of sound, in a room of 120 with all talking', 'us', us(crowd)),
      figure('buffers of a leg in a group', 'bytes', member.sizeBytes),
    ],
    notes: [`${LEGS} legs, ${SECONDS} s, G.711 in and out, no sockets, nobody listening with ears.`],
  }
}

if (import.meta.main) {
  const began = performance.now()
  const result = await bridge()
  const seconds = Math.round((performance.now() - began) / 1_000)
  const date = new Date().toISOString().slice(0, 10)
  console.log(printed({ ...result, date, machine: machine(), loadBefore: loadavg()[0]!, seconds }))
}
