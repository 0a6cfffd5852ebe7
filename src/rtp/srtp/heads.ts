/** The parts of packets that stay readable (RFC 3711 §3.1, §3.4), and views of a buffer that are made once for each length. */

const RTP_HEAD_BYTES = 12
const SOURCE_BYTES = 4
const HAS_EXTENSION = 0x10
const VERSION_2 = 2
/** First word and SSRC of the first packet of a compound. */
export const RTCP_HEAD_BYTES = 8
/** RTCP's E bit and index. */
export const WORD_BYTES = 4

/** @returns length of the head of an RTP packet with its extension, -1 when `bytes` do not hold it */
export function rtpHeadBytes(packet: Uint8Array, bytes: number): number {
  if (bytes < RTP_HEAD_BYTES || packet[0]! >> 6 !== VERSION_2) return -1
  let head = RTP_HEAD_BYTES + SOURCE_BYTES * (packet[0]! & 0x0f)
  if ((packet[0]! & HAS_EXTENSION) !== 0) {
    if (head + 4 > bytes) return -1
    head += 4 + 4 * ((packet[head + 2]! << 8) | packet[head + 3]!)
  }
  return head <= bytes ? head : -1
}

export function readWord(packet: Uint8Array, at: number): number {
  return ((packet[at]! << 24) | (packet[at + 1]! << 16) | (packet[at + 2]! << 8) | packet[at + 3]!) >>> 0
}

export function writeWord(packet: Uint8Array, at: number, word: number): void {
  packet[at] = word >>> 24
  packet[at + 1] = word >>> 16
  packet[at + 2] = word >>> 8
  packet[at + 3] = word
}

/** Packets of one stream mostly have one length: then the view of before is given again, and nothing is allocated. */
export class Out {
  readonly bytes: Uint8Array
  #view: Uint8Array

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
    this.#view = this.bytes
  }

  first(count: number): Uint8Array {
    if (this.#view.length !== count) this.#view = this.bytes.subarray(0, count)
    return this.#view
  }
}
