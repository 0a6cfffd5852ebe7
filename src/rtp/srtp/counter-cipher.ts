/** AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1). Our side allocates nothing for a packet. */

import type { PacketCipher, PacketNumber } from './cipher.ts'
import type { SessionKeys } from './derive.ts'
import { HmacSha1 } from './hmac-sha1.ts'
import { COUNTER_SHAPE, KeyStream } from './keystream.ts'

export class CounterCipher implements PacketCipher {
  readonly tagBytes: number
  readonly isTagLast = true
  readonly #stream: KeyStream
  readonly #hmac: HmacSha1

  /** @param ahead packets whose key stream is made at a time */
  constructor(session: SessionKeys, tagBytes: number, ahead: number) {
    this.tagBytes = tagBytes
    this.#stream = new KeyStream(session.key, session.salt, COUNTER_SHAPE, ahead)
    this.#hmac = new HmacSha1(session.auth)
  }

  seal(packet: Uint8Array, bytes: number, headBytes: number, number: PacketNumber, out: Uint8Array): number {
    this.#crypt(packet, bytes, headBytes, number, out)
    this.#hmac.sum(out, bytes, number.word)
    const { digest } = this.#hmac
    for (let i = 0; i < this.tagBytes; i++) out[bytes + i] = digest[i]!
    return bytes + this.tagBytes
  }

  open(
    packet: Uint8Array,
    bytes: number,
    headBytes: number,
    tagAt: number,
    number: PacketNumber,
    out: Uint8Array,
  ): boolean {
    this.#hmac.sum(packet, bytes, number.word)
    const { digest } = this.#hmac
    // All of the tag is looked at, whatever its first byte: how long it takes tells nothing.
    let difference = 0
    for (let i = 0; i < this.tagBytes; i++) difference |= packet[tagAt + i]! ^ digest[i]!
    if (difference !== 0) return false
    this.#crypt(packet, bytes, headBytes, number, out)
    return true
  }

  #crypt(packet: Uint8Array, bytes: number, headBytes: number, number: PacketNumber, out: Uint8Array): void {
    for (let i = 0; i < headBytes; i++) out[i] = packet[i]!
    if (bytes === headBytes) return
    this.#stream.seek(number.ssrc, number.high * 0x1_0000 + number.low, bytes - headBytes)
    const { bytes: stream, at } = this.#stream
    for (let i = headBytes, s = at; i < bytes; i++, s++) out[i] = packet[i]! ^ stream[s]!
  }
}
