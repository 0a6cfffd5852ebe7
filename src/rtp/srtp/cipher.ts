/**
 * What is done to one packet once its number is known: a head that stays readable, a body that does not, a tag. RTP and
 * RTCP differ in one word: RTP authenticates its rollover count, RTCP its own number, which it also sends.
 */

import { CounterCipher } from './counter-cipher.ts'
import { deriveKeys, type SessionKeys } from './derive.ts'
import { GaloisCipher } from './galois-cipher.ts'
import { type SrtpKeys, type SrtpSuite, SUITES } from './suite.ts'

/** RTP comes fifty times a second, RTCP once in seconds: then what is made ahead is not worth its memory. */
const RTP_AHEAD = 8
const RTCP_AHEAD = 1

/** Reused by its owner for every packet. The index of RFC 3711 §3.3.1 (RTP) or §3.4 (RTCP), in two parts. */
export interface PacketNumber {
  ssrc: number
  /** Upper 32 bits of the index: the rollover count of RTP. */
  high: number
  /** Lower 16 bits: the sequence number of RTP. */
  low: number
  /** Authenticated with the packet; the first bit of RTCP's says that it is encrypted. */
  word: number
}

/** Knows nothing of replays. `packet` and `out` must not overlap; `headBytes` is at most `bytes`. Never throws. */
export interface PacketCipher {
  readonly tagBytes: number
  /** What RTCP and an MKI add stands before the tag (RFC 3711 §3.1), or after it (RFC 7714 §9.2). */
  readonly isTagLast: boolean
  /** @returns bytes written to `out`: as many as given, and the tag */
  seal(packet: Uint8Array, bytes: number, headBytes: number, number: PacketNumber, out: Uint8Array): number
  /**
   * @param bytes length without tag
   * @param tagAt where the tag lies in `packet`
   * @returns whether the packet is authentic; then `out` holds its `bytes` bytes
   */
  open(
    packet: Uint8Array,
    bytes: number,
    headBytes: number,
    tagAt: number,
    number: PacketNumber,
    out: Uint8Array,
  ): boolean
}

export function makeCipher(keys: SrtpKeys, kind: 'rtp' | 'rtcp'): PacketCipher {
  return cipherOf(deriveKeys(keys, kind), keys.suite, kind)
}

/** The same from keys of packets, as test vectors give them. */
export function cipherOf(session: SessionKeys, suite: SrtpSuite, kind: 'rtp' | 'rtcp'): PacketCipher {
  const { rtpTagBytes, rtcpTagBytes } = SUITES[suite]
  const ahead = kind === 'rtp' ? RTP_AHEAD : RTCP_AHEAD
  if (suite === 'AEAD_AES_128_GCM') return new GaloisCipher(session, kind === 'rtcp', ahead)
  return new CounterCipher(session, kind === 'rtp' ? rtpTagBytes : rtcpTagBytes, ahead)
}

export function emptyNumber(): PacketNumber {
  return { ssrc: 0, high: 0, low: 0, word: 0 }
}
