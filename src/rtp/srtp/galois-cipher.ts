/**
 * AES in Galois/counter mode (RFC 7714), out of the key stream and GHASH: objects of node:crypto for every packet cost several
 * times as much, most of it for collecting them again. Our side allocates nothing for a packet.
 */

import { createCipheriv } from 'node:crypto'
import type { PacketCipher, PacketNumber } from './cipher.ts'
import type { SessionKeys } from './derive.ts'
import { Ghash } from './ghash.ts'
import { writeWord } from './heads.ts'
import { GALOIS_SHAPE, KeyStream } from './keystream.ts'
import { MAX_PACKET_BYTES } from './suite.ts'

const TAG_BYTES = 16
const WORD_BYTES = 4
/** Head and word of a packet, together: used up before the next one. */
const clear = new Uint8Array(MAX_PACKET_BYTES + WORD_BYTES)

export class GaloisCipher implements PacketCipher {
  readonly tagBytes = TAG_BYTES
  readonly isTagLast = false
  readonly #stream: KeyStream
  readonly #ghash: Ghash
  readonly #tag = new Uint8Array(TAG_BYTES)
  readonly #hasWord: boolean

  /**
   * @param hasWord the packet's word is authenticated behind its head (RFC 7714 §9.2)
   * @param ahead packets whose key stream is made at a time
   */
  constructor(session: SessionKeys, hasWord: boolean, ahead: number) {
    this.#stream = new KeyStream(session.key, session.salt, GALOIS_SHAPE, ahead)
    const aes = createCipheriv('aes-128-ecb', session.key, null).setAutoPadding(false)
    this.#ghash = new Ghash(aes.update(new Uint8Array(TAG_BYTES)))
    this.#hasWord = hasWord
  }

  seal(packet: Uint8Array, bytes: number, headBytes: number, number: PacketNumber, out: Uint8Array): number {
    this.#seek(number, bytes - headBytes)
    this.#crypt(packet, bytes, headBytes, out)
    this.#sum(out, bytes, headBytes, number.word)
    for (let i = 0; i < TAG_BYTES; i++) out[bytes + i] = this.#tag[i]!
    return bytes + TAG_BYTES
  }

  open(
    packet: Uint8Array,
    bytes: number,
    headBytes: number,
    tagAt: number,
    number: PacketNumber,
    out: Uint8Array,
  ): boolean {
    this.#seek(number, bytes - headBytes)
    this.#sum(packet, bytes, headBytes, number.word)
    // All of the tag is looked at, whatever its first byte: how long it takes tells nothing.
    let difference = 0
    for (let i = 0; i < TAG_BYTES; i++) difference |= packet[tagAt + i]! ^ this.#tag[i]!
    if (difference !== 0) return false
    this.#crypt(packet, bytes, headBytes, out)
    return true
  }

  /** The block for the tag comes first, then those of the body. */
  #seek({ ssrc, high, low }: PacketNumber, bodyBytes: number): void {
    this.#stream.seek(ssrc, high * 0x1_0000 + low, TAG_BYTES + bodyBytes)
  }

  #crypt(packet: Uint8Array, bytes: number, headBytes: number, out: Uint8Array): void {
    for (let i = 0; i < headBytes; i++) out[i] = packet[i]!
    const { bytes: stream, at } = this.#stream
    for (let i = headBytes, s = at + TAG_BYTES; i < bytes; i++, s++) out[i] = packet[i]! ^ stream[s]!
  }

  /** The tag of an encrypted packet into `#tag`. */
  #sum(sealed: Uint8Array, bytes: number, headBytes: number, word: number): void {
    const ghash = this.#ghash
    ghash.begin()
    let clearBytes = headBytes
    if (this.#hasWord) {
      for (let i = 0; i < headBytes; i++) clear[i] = sealed[i]!
      writeWord(clear, headBytes, word)
      clearBytes += WORD_BYTES
      ghash.add(clear, 0, clearBytes)
    } else ghash.add(sealed, 0, headBytes)
    ghash.add(sealed, headBytes, bytes)
    ghash.words(0, 8 * clearBytes, 0, 8 * (bytes - headBytes))
    ghash.write(this.#tag)
    const { bytes: stream, at } = this.#stream
    for (let i = 0; i < TAG_BYTES; i++) this.#tag[i]! ^= stream[at + i]!
  }
}
