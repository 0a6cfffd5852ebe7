/** Damaged SDP, RTP, RTCP, STUN and SRTP into the parsers, and into legs of a media thread with their wires. */

import type { SeededRandom } from '../../src/kernel/random.ts'
import { createLegRings } from '../../src/kernel/ring.ts'
import type { LegFormat, LegRef, MediaEvent } from '../../src/media/protocol.ts'
import { MediaThread } from '../../src/media/thread.ts'
import type { Endpoint, Network } from '../../src/net/port.ts'
import { emptyRtpHeader, parseRtp } from '../../src/rtp/packet.ts'
import { parseRtcp } from '../../src/rtp/rtcp.ts'
import { SrtpProtection } from '../../src/rtp/srtp/protection.ts'
import { keyBytesOf, type SrtpPair, type SrtpSuite } from '../../src/rtp/srtp/suite.ts'
import { parseStun } from '../../src/rtp/stun.ts'
import type { LocalSrtp } from '../../src/sdp/crypto.ts'
import { type LocalMedia, makeAnswer, makeOffer, readAnswer, readOffer } from '../../src/sdp/negotiate.ts'
import { mutated } from './mutate.ts'
import { bytesOf, ICE, NORMAL_SIP, rtcpSeeds, rtpSeeds, SDP, stunSeeds } from './seeds.ts'

const PHONE: Endpoint = { address: '198.51.100.1', port: 4_000 }
const STRANGER: Endpoint = { address: '203.0.113.9', port: 9 }
const TICK_EVERY = 8
const TICK_MS = 5

function pairOf(suite: SrtpSuite): SrtpPair {
  const keys = (fill: number) => ({
    suite,
    key: new Uint8Array(keyBytesOf(suite)).fill(fill),
    mki: new Uint8Array(0),
    lifetimePackets: null,
  })
  return { ours: keys(1), theirs: keys(2) }
}

const SRTP: LocalSrtp = {
  policy: 'optional',
  offer: 'only',
  keys: [pairOf('AES_CM_128_HMAC_SHA1_80').ours, pairOf('AEAD_AES_128_GCM').ours],
}
const US: LocalMedia = {
  address: '192.0.2.1',
  port: 10_000,
  sessionId: '42',
  version: 1,
  codecs: ['opus', 'G722', 'PCMU', 'PCMA'],
  direction: 'sendrecv',
  srtp: SRTP,
}

/** @returns how many offers could be answered */
export function fuzzSdp(count: number, random: SeededRandom): number {
  const offer = makeOffer(US)
  const seeds = [SDP, offer, SDP.replaceAll('IP4 198.51.100.1', 'IP6 2001:db8::1'), ...NORMAL_SIP.slice(0, 2)].map(
    bytesOf,
  )
  let answered = 0
  for (let i = 0; i < count; i++) {
    const text = Buffer.from(mutated(seeds[random.below(seeds.length)]!, seeds, true, random)).toString()
    if (makeAnswer(text, US).ok) answered++
    readAnswer(offer, text)
    readAnswer(text, SDP)
    readOffer(text)
    makeOffer({ ...US, before: text })
  }
  return answered
}

/** One leg of a thread, and the door its packets come in by. */
interface Door {
  readonly leg: LegRef
  readonly format: LegFormat
  /** Makes packets that are good but for the damage. */
  readonly far: SrtpProtection | null
  deliver: (bytes: Uint8Array, from: Endpoint) => void
}

const TRANSPORT = { rtcpMux: true, remoteRtcp: PHONE, ice: null } as const
const PLAIN: LegFormat = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101, ptimeMs: 20 }
const FORMATS: readonly LegFormat[] = [
  { ...PLAIN, transport: TRANSPORT },
  { ...PLAIN, codec: 'G722', payloadType: 9, transport: { ...TRANSPORT, ice: ICE } },
  { ...PLAIN, codec: 'opus', payloadType: 111, transport: TRANSPORT },
  { ...PLAIN, transport: TRANSPORT, srtp: pairOf('AES_CM_128_HMAC_SHA1_80') },
  { ...PLAIN, transport: TRANSPORT, srtp: pairOf('AEAD_AES_128_GCM') },
]

export interface MediaCounts {
  readonly packetsIn: number
  readonly refused: number
  readonly authFailed: number
  readonly sent: number
}

/** Opens legs, damages packets for them, closes them. A leg that fails has thrown: that is an error. */
export async function fuzzMedia(count: number, random: SeededRandom): Promise<MediaCounts> {
  let now = 0
  let sent = 0
  const totals = { packetsIn: 0, refused: 0, authFailed: 0 }
  const doors: Door[] = []
  const network: Network = {
    bind: (local, onDatagram) => {
      const door = doors[(local.port - 10_000) / 2]
      if (door && local.port % 2 === 0) door.deliver = onDatagram
      return Promise.resolve({ local, send: () => void sent++, close: () => {} })
    },
  }
  const emit = (event: MediaEvent): void => {
    if (event.kind === 'legFailed') throw new Error(`a leg failed: ${event.why}`)
    if (event.kind !== 'legClosed') return
    totals.packetsIn += event.counters.packetsIn
    totals.refused += event.counters.malformed + event.counters.otherSource
    totals.authFailed += event.counters.authFailed
  }
  const thread = new MediaThread({ network, emit, now: () => now })
  for (const [slot, format] of FORMATS.entries()) doors.push(await opened(thread, slot, format, doors))
  for (const { leg } of doors) thread.handle({ kind: 'join', leg, group: 1, talks: true, hears: true }, now)
  const kinds = [rtpSeeds(), rtcpSeeds(), stunSeeds()]
  const all = kinds.flat()
  const rtp = emptyRtpHeader()
  for (let i = 0; i < count; i++) {
    const door = doors[random.below(doors.length)]!
    const seeds = kinds[random.below(kinds.length)]!
    const bytes = damaged(door, seeds[random.below(seeds.length)]!, all, random)
    parseRtp(bytes, rtp)
    parseRtcp(bytes)
    parseStun(bytes)
    door.deliver(bytes, random.below(10) === 0 ? STRANGER : PHONE)
    if (i % TICK_EVERY > 0) continue
    now += TICK_MS
    thread.tick(now)
  }
  thread.handle({ kind: 'shutDown' }, now)
  return { ...totals, sent }
}

async function opened(thread: MediaThread, slot: number, format: LegFormat, doors: Door[]): Promise<Door> {
  const leg = { slot, generation: 1 }
  const { srtp } = format
  const far = srtp ? new SrtpProtection({ ours: srtp.theirs, theirs: srtp.ours }) : null
  const door: Door = { leg, format, far, deliver: () => {} }
  doors[slot] = door
  const rest = { localAddress: 'here', localPorts: [10_000 + 2 * slot], ssrc: 42, firstSequence: 1, firstRtpTime: 1 }
  thread.handle({ kind: 'openLeg', leg, rings: createLegRings(8_000), rateHz: 8_000, ...rest }, 0)
  await new Promise(setImmediate)
  thread.handle({ kind: 'startLeg', leg, format, remote: PHONE, sending: true }, 0)
  thread.handle({ kind: 'hear', leg, on: true }, 0)
  doors.pop()
  return door
}

/** Under SRTP half of the damage is done before it is protected, so that it comes through. */
function damaged({ far }: Door, seed: Uint8Array, all: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  // Numbers go on, so that not everything is late.
  const fresh = Uint8Array.from(seed)
  if (fresh[0]! >> 6 === 2 && fresh.length >= 4) fresh[3] = random.below(256)
  const inside = random.below(8) === 0 ? fresh : mutated(fresh, all, false, random)
  if (far === null || inside.length < 12 || inside[0]! >> 6 !== 2) return inside
  const isRtcp = inside[1]! >= 192 && inside[1]! <= 223
  const sealed = isRtcp ? far.protectRtcp(inside) : far.protectRtp(inside)
  return random.below(2) === 0 ? sealed.slice() : mutated(sealed, all, false, random)
}
