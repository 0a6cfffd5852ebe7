/**
 * What SRTP adds to a call: CPU time of this process for packets of 20 ms of G.711, protected and opened in turn for many
 * calls, so that each finds the caches as in life. Nothing else runs in between; the packets of a far end are made before.
 */

import { writeRtpHeader } from '../../src/rtp/packet.ts'
import { SrtpProtection } from '../../src/rtp/srtp/protection.ts'
import { keyBytesOf, type SrtpKeys, type SrtpSuite, SUITES } from '../../src/rtp/srtp/suite.ts'
import { type BenchResult, type Figure, figure } from './figures.ts'

const CALLS = 200
const PACKET_BYTES = 172
/** Of one call in one direction. */
const PACKETS_PER_S = 50
/** Seconds of call between two looks at the clock. */
const ROUND_S = 2
const ROUNDS = 12
const WARM_UP_ROUNDS = 2
const TARGET_MS: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 0.3,
  AES_CM_128_HMAC_SHA1_32: 0.3,
  AEAD_AES_128_GCM: 0.6,
}

export function srtp(scale: number): BenchResult {
  const figures: Figure[] = []
  for (const suite of Object.keys(SUITES) as SrtpSuite[]) {
    const { protectUs, openUs } = costOf(suite, Math.max(3, Math.round(ROUNDS * scale)))
    figures.push(
      figure(`${suite}, protect`, 'us a packet', protectUs),
      figure(`${suite}, unprotect`, 'us a packet', openUs),
      figure(`${suite}, a call`, 'ms CPU/s', (PACKETS_PER_S * (protectUs + openUs)) / 1_000, TARGET_MS[suite]),
    )
  }
  return {
    bench: 'srtp',
    figures,
    notes: [
      `${CALLS} calls in turn, packets of ${PACKET_BYTES} bytes, medians of rounds of ${ROUND_S} s of call; user and system ` +
        'time of the whole process, collection of garbage included.',
    ],
  }
}

function costOf(suite: SrtpSuite, rounds: number): { protectUs: number; openUs: number } {
  const calls = Array.from({ length: CALLS }, (_, i) => ends(suite, i))
  const protecting: number[] = []
  const opening: number[] = []
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const from = (round + WARM_UP_ROUNDS) * ROUND_S * PACKETS_PER_S
    const sealed = packetsOf(calls, from)
    const packet = new Uint8Array(PACKET_BYTES)
    const protectUs = cpuUs(() => {
      for (let n = from; n < from + ROUND_S * PACKETS_PER_S; n++) {
        for (const { us } of calls) {
          writeRtpHeader(packet, 0, false, n & 0xffff, (n * 160) >>> 0, 1)
          us.protectRtp(packet)
        }
      }
    })
    const openUs = cpuUs(() => {
      for (const [i, bytes] of sealed.entries()) {
        if (calls[i % CALLS]!.us.unprotectRtp(bytes) === null) throw new Error('a packet was not authentic')
      }
    })
    if (round < 0) continue
    protecting.push(protectUs / sealed.length)
    opening.push(openUs / sealed.length)
  }
  return { protectUs: median(protecting), openUs: median(opening) }
}

function packetsOf(calls: readonly { far: SrtpProtection }[], from: number): Uint8Array[] {
  const packets: Uint8Array[] = []
  const packet = new Uint8Array(PACKET_BYTES)
  for (let n = from; n < from + ROUND_S * PACKETS_PER_S; n++) {
    for (const { far } of calls) {
      writeRtpHeader(packet, 0, false, n & 0xffff, (n * 160) >>> 0, 2)
      packets.push(far.protectRtp(packet).slice())
    }
  }
  return packets
}

function ends(suite: SrtpSuite, i: number): { us: SrtpProtection; far: SrtpProtection } {
  const [ours, theirs] = [keysOf(suite, i), keysOf(suite, i + 100)]
  return { us: new SrtpProtection({ ours, theirs }), far: new SrtpProtection({ ours: theirs, theirs: ours }) }
}

function keysOf(suite: SrtpSuite, fill: number): SrtpKeys {
  return { suite, key: new Uint8Array(keyBytesOf(suite)).fill(fill), mki: new Uint8Array(0), lifetimePackets: null }
}

function cpuUs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}
