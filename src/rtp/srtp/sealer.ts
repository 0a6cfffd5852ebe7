/** Protects what is sent under one master key (RFC 3711 §3.3): counts the packets of each stream, and stops when the key is used up. */

import { emptyNumber, makeCipher, type PacketCipher } from './cipher.ts'
import { Out, RTCP_HEAD_BYTES, readWord, rtpHeadBytes, WORD_BYTES, writeWord } from './heads.ts'
import { MAX_ADDED_BYTES, MAX_PACKET_BYTES, MAX_RTCP_PACKETS, MAX_RTP_PACKETS, type SrtpKeys } from './suite.ts'

export const ENCRYPTED = 0x8000_0000
const NOTHING = new Uint8Array(0)

/** One SSRC of ours. */
interface Sending {
  sequence: number
  rollovers: number
  rtcpIndex: number
}

export class Sealer {
  readonly keys: SrtpKeys
  readonly #rtp: PacketCipher
  readonly #rtcp: PacketCipher
  readonly #streams = new Map<number, Sending>()
  readonly #number = emptyNumber()
  readonly #out = new Out(MAX_PACKET_BYTES + MAX_ADDED_BYTES)
  #rtpLeft: number
  #rtcpLeft: number

  constructor(keys: SrtpKeys) {
    this.keys = keys
    this.#rtp = makeCipher(keys, 'rtp')
    this.#rtcp = makeCipher(keys, 'rtcp')
    this.#rtpLeft = Math.min(keys.lifetimePackets ?? MAX_RTP_PACKETS, MAX_RTP_PACKETS)
    this.#rtcpLeft = Math.min(keys.lifetimePackets ?? MAX_RTCP_PACKETS, MAX_RTCP_PACKETS)
  }

  /**
   * @param packet RTP, each with the sequence number after the one before
   * @returns what may leave, valid until the next call; empty when it is no RTP, or the key is used up
   */
  rtp(packet: Uint8Array): Uint8Array {
    const head = packet.length > MAX_PACKET_BYTES ? -1 : rtpHeadBytes(packet, packet.length)
    if (head < 0 || this.#rtpLeft <= 0) return NOTHING
    this.#rtpLeft--
    const number = this.#number
    number.ssrc = readWord(packet, 8)
    number.low = (packet[2]! << 8) | packet[3]!
    const stream = this.#streamOf(number.ssrc, number.low)
    if (number.low < stream.sequence) stream.rollovers++
    stream.sequence = number.low
    number.high = stream.rollovers
    number.word = stream.rollovers
    return this.#out.first(this.#rtp.seal(packet, packet.length, head, number, this.#out.bytes))
  }

  /** @param packet a compound RTCP packet. @returns as `rtp` */
  rtcp(packet: Uint8Array): Uint8Array {
    const body = packet.length
    if (body < RTCP_HEAD_BYTES || body > MAX_PACKET_BYTES || this.#rtcpLeft <= 0) return NOTHING
    this.#rtcpLeft--
    const number = this.#number
    number.ssrc = readWord(packet, 4)
    const index = ++this.#streamOf(number.ssrc, 0).rtcpIndex
    number.high = Math.floor(index / 0x1_0000)
    number.low = index & 0xffff
    number.word = (ENCRYPTED | index) >>> 0
    const { bytes } = this.#out
    const length = this.#rtcp.seal(packet, body, RTCP_HEAD_BYTES, number, bytes)
    if (this.#rtcp.isTagLast) bytes.copyWithin(body + WORD_BYTES, body, length)
    writeWord(bytes, this.#rtcp.isTagLast ? body : length, number.word)
    return this.#out.first(length + WORD_BYTES)
  }

  #streamOf(ssrc: number, sequence: number): Sending {
    let stream = this.#streams.get(ssrc)
    if (!stream) {
      stream = { sequence, rollovers: 0, rtcpIndex: 0 }
      this.#streams.set(ssrc, stream)
    }
    return stream
  }
}
