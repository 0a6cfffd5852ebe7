/**
 * RTP packets (RFC 3550 §5.1).
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |           synchronization source (SSRC) identifier            |
 *   |            contributing source (CSRC) identifiers             |
 */

export const RTP_HEADER_BYTES = 12

/** Reused by its owner for every packet. */
export interface RtpHeader {
  payloadType: number
  marker: boolean
  sequence: number
  rtpTime: number
  ssrc: number
  /** Where the payload lies in the datagram. */
  payloadAt: number
  payloadBytes: number
}

export function emptyRtpHeader(): RtpHeader {
  return { payloadType: 0, marker: false, sequence: 0, rtpTime: 0, ssrc: 0, payloadAt: 0, payloadBytes: 0 }
}

/** @returns false when it is no RTP packet (also for RTCP on the same port, RFC 5761 §4). Never throws. */
export function parseRtp(bytes: Uint8Array, out: RtpHeader): boolean {
  if (bytes.length < RTP_HEADER_BYTES || bytes[0]! >> 6 !== 2) return false
  const payloadType = bytes[1]! & 0x7f
  if (payloadType >= 64 && payloadType <= 95) return false
  let at = RTP_HEADER_BYTES + 4 * (bytes[0]! & 0x0f)
  if (bytes[0]! & 0x10) {
    if (at + 4 > bytes.length) return false
    at += 4 + 4 * ((bytes[at + 2]! << 8) | bytes[at + 3]!)
  }
  const padding = bytes[0]! & 0x20 ? bytes[bytes.length - 1]! : 0
  const payloadBytes = bytes.length - at - padding
  if (payloadBytes < 0 || (bytes[0]! & 0x20 && padding === 0)) return false
  out.payloadType = payloadType
  out.marker = (bytes[1]! & 0x80) !== 0
  out.sequence = (bytes[2]! << 8) | bytes[3]!
  out.rtpTime = word(bytes, 4)
  out.ssrc = word(bytes, 8)
  out.payloadAt = at
  out.payloadBytes = payloadBytes
  return true
}

/** Writes the fixed header into the first 12 bytes of `out`. */
export function writeRtpHeader(
  out: Uint8Array,
  payloadType: number,
  marker: boolean,
  sequence: number,
  rtpTime: number,
  ssrc: number,
): void {
  out[0] = 0x80
  out[1] = (marker ? 0x80 : 0) | payloadType
  out[2] = sequence >> 8
  out[3] = sequence & 0xff
  putWord(out, 4, rtpTime)
  putWord(out, 8, ssrc)
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function putWord(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = (value >>> 16) & 0xff
  out[at + 2] = (value >>> 8) & 0xff
  out[at + 3] = value & 0xff
}
