/**
 * Takes the protection off what comes under one master key (RFC 3711 §3.3). A packet must be authentic before anything
 * moves: neither the window against replays, nor the rollover count, nor the list of sources.
 */

import { emptyNumber, makeCipher, type PacketCipher, type PacketNumber } from './cipher.ts'
import { Out, RTCP_HEAD_BYTES, readWord, rtpHeadBytes, WORD_BYTES } from './heads.ts'
import { ReplayWindow } from './replay.ts'
import { MAX_PACKET_BYTES, MAX_RTCP_PACKETS, MAX_RTP_PACKETS, type SrtpKeys } from './suite.ts'

/** Sources under one key. Their windows must be remembered as long as the key is used, so one more is not taken. */
const MAX_SOURCES = 32
const SEQUENCES = 0x1_0000
const HALF = SEQUENCES / 2
const MAX_ROLLOVERS = 2 ** 32 - 1

export type Refusal = 'notAuthentic' | 'replayed' | 'usedUp'

interface Heard {
  readonly rtp: ReplayWindow
  readonly rtcp: ReplayWindow
}

export class Opener {
  readonly keys: SrtpKeys
  readonly #rtp: PacketCipher
  readonly #rtcp: PacketCipher
  readonly #sources = new Map<number, Heard>()
  /** Rollovers that an unknown source may have: it began before we heard it, or under an earlier key. */
  readonly #firstRollovers: readonly number[]
  readonly #number = emptyNumber()
  readonly #out = new Out(MAX_PACKET_BYTES)
  #rtpLeft: number
  #rtcpLeft: number

  /** @param rollovers as far as the streams had come under the key before */
  constructor(keys: SrtpKeys, rollovers = 0) {
    this.keys = keys
    this.#rtp = makeCipher(keys, 'rtp')
    this.#rtcp = makeCipher(keys, 'rtcp')
    this.#firstRollovers = rollovers === 0 ? [0, 1] : [0, 1, rollovers, rollovers + 1]
    this.#rtpLeft = Math.min(keys.lifetimePackets ?? MAX_RTP_PACKETS, MAX_RTP_PACKETS)
    this.#rtcpLeft = Math.min(keys.lifetimePackets ?? MAX_RTCP_PACKETS, MAX_RTCP_PACKETS)
  }

  /** The most that a stream has rolled over. */
  get rollovers(): number {
    let most = 0
    for (const { rtp } of this.#sources.values()) most = Math.max(most, Math.floor(rtp.highest / SEQUENCES))
    return most
  }

  /** @returns the plain packet, valid until the next call; `packet` stays as it is */
  rtp(packet: Uint8Array): Uint8Array | Refusal {
    const bytes = packet.length - this.#rtp.tagBytes - this.keys.mki.length
    const head = packet.length > MAX_PACKET_BYTES ? -1 : rtpHeadBytes(packet, bytes)
    if (head < 0 || !this.#hasMki(this.#rtp, packet)) return 'notAuthentic'
    if (this.#rtpLeft <= 0) return 'usedUp'
    const number = this.#number
    number.ssrc = readWord(packet, 8)
    number.low = (packet[2]! << 8) | packet[3]!
    const known = this.#sources.get(number.ssrc)
    const highest = known ? known.rtp.highest : -1
    if (highest >= 0) {
      number.high = rolloversOf(highest, number.low)
      if (number.high < 0 || known!.rtp.isOld(indexOf(number))) return 'replayed'
      if (!this.#openRtp(packet, bytes, head)) return 'notAuthentic'
    } else if (!this.#openFirst(packet, bytes, head)) return 'notAuthentic'
    const source = known ?? this.#newSource(number.ssrc)
    if (!source) return 'notAuthentic'
    source.rtp.note(indexOf(number))
    this.#rtpLeft--
    return this.#out.first(bytes)
  }

  /** @returns as `rtp` */
  rtcp(packet: Uint8Array): Uint8Array | Refusal {
    const cipher = this.#rtcp
    const bytes = packet.length - cipher.tagBytes - this.keys.mki.length - WORD_BYTES
    if (packet.length > MAX_PACKET_BYTES || bytes < RTCP_HEAD_BYTES) return 'notAuthentic'
    if (!this.#hasMki(cipher, packet)) return 'notAuthentic'
    if (this.#rtcpLeft <= 0) return 'usedUp'
    const number = this.#number
    const index = this.#rtcpNumber(packet, bytes + (cipher.isTagLast ? 0 : cipher.tagBytes))
    const known = this.#sources.get(number.ssrc)
    if (known?.rtcp.isOld(index)) return 'replayed'
    const isEncrypted = number.word >>> 31 === 1
    const head = isEncrypted ? RTCP_HEAD_BYTES : bytes
    if (!cipher.open(packet, bytes, head, this.#tagAt(cipher, packet, bytes), number, this.#out.bytes)) {
      return 'notAuthentic'
    }
    const source = known ?? this.#newSource(number.ssrc)
    if (!source) return 'notAuthentic'
    source.rtcp.note(index)
    this.#rtcpLeft--
    return this.#out.first(bytes)
  }

  /** @param wordAt where the E bit and the index are. @returns the index */
  #rtcpNumber(packet: Uint8Array, wordAt: number): number {
    const number = this.#number
    number.ssrc = readWord(packet, 4)
    number.word = readWord(packet, wordAt)
    const index = number.word & 0x7fff_ffff
    number.high = index >>> 16
    number.low = index & 0xffff
    return index
  }

  #openFirst(packet: Uint8Array, bytes: number, head: number): boolean {
    for (const rollovers of this.#firstRollovers) {
      this.#number.high = rollovers
      if (this.#openRtp(packet, bytes, head)) return true
    }
    return false
  }

  #openRtp(packet: Uint8Array, bytes: number, head: number): boolean {
    this.#number.word = this.#number.high
    const tagAt = this.#tagAt(this.#rtp, packet, bytes)
    return this.#rtp.open(packet, bytes, head, tagAt, this.#number, this.#out.bytes)
  }

  #tagAt(cipher: PacketCipher, packet: Uint8Array, bytes: number): number {
    return cipher.isTagLast ? packet.length - cipher.tagBytes : bytes
  }

  #hasMki(cipher: PacketCipher, packet: Uint8Array): boolean {
    const { mki } = this.keys
    const at = packet.length - mki.length - (cipher.isTagLast ? cipher.tagBytes : 0)
    return mki.every((byte, i) => packet[at + i] === byte)
  }

  #newSource(ssrc: number): Heard | null {
    if (this.#sources.size >= MAX_SOURCES) return null
    const source = { rtp: new ReplayWindow(), rtcp: new ReplayWindow() }
    this.#sources.set(ssrc, source)
    return source
  }
}

function indexOf({ high, low }: PacketNumber): number {
  return high * SEQUENCES + low
}

/** The rollover count that a packet most likely has (RFC 3711 appendix A), -1 when there was none before. */
function rolloversOf(highest: number, sequence: number): number {
  const rollovers = Math.floor(highest / SEQUENCES)
  const last = highest % SEQUENCES
  if (last < HALF) return sequence - last > HALF ? rollovers - 1 : rollovers
  return last - HALF > sequence ? Math.min(rollovers + 1, MAX_ROLLOVERS) : rollovers
}
