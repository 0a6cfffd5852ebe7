/**
 * The key stream of AES in counter mode (RFC 3711 §4.1.1, RFC 7714 §8.1). One cipher in ECB mode lives as long as its key and is fed with
 * counter blocks: an object of node:crypto for every packet costs several times as much. A call of the cipher costs about
 * as much for one packet as for eight, and the next packets' numbers are known, so theirs is made along with it.
 *
 *    counter block = salt and zeros XOR SSRC at byte 4 (or 2) XOR index after it, with the block's number at the end
 */

import { createCipheriv } from 'node:crypto'

const BLOCK_BYTES = 16

/** Where a counter block has what. */
export interface BlockShape {
  /** The 48-bit index stands behind the SSRC. */
  readonly ssrcAt: number
  /** Number of a packet's first block. */
  readonly firstBlock: number
}

/** RFC 3711 §4.1.1. */
export const COUNTER_SHAPE: BlockShape = { ssrcAt: 4, firstBlock: 0 }
/** RFC 7714 §8.1; the first block is for the tag (NIST SP 800-38D §7.1). */
export const GALOIS_SHAPE: BlockShape = { ssrcAt: 2, firstBlock: 1 }

export class KeyStream {
  readonly #cipher
  /** Salt and zeros. */
  readonly #base = new Uint8Array(BLOCK_BYTES)
  readonly #shape: BlockShape
  readonly #ahead: number
  #blocks = new Uint8Array(0)
  #view = new DataView(this.#blocks.buffer)
  #ssrc = 0
  #first = 0
  #made = 0
  #blocksEach = 0
  /** The stream of the packet asked for last lies in `bytes` from `at` on. */
  bytes: Uint8Array = this.#blocks
  at = 0

  /** @param ahead packets made at a time */
  constructor(key: Uint8Array, salt: Uint8Array, shape = COUNTER_SHAPE, ahead = 1) {
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    this.#base.set(salt)
    this.#shape = shape
    this.#ahead = ahead
  }

  /**
   * Makes `bytes` and `at` say where the stream of a packet is.
   * @param index the packet's 48-bit index
   * @param length bytes of stream wanted
   */
  seek(ssrc: number, index: number, length: number): void {
    const blocks = Math.ceil(length / BLOCK_BYTES)
    const ahead = index - this.#first
    const isMade = ahead >= 0 && ahead < this.#made && blocks <= this.#blocksEach && ssrc === this.#ssrc
    if (!isMade) this.#make(ssrc, index, blocks)
    this.at = (index - this.#first) * this.#blocksEach * BLOCK_BYTES
  }

  #make(ssrc: number, index: number, blocks: number): void {
    if (blocks > this.#blocksEach || this.#made === 0) this.#resize(blocks)
    this.#ssrc = ssrc
    this.#first = index
    const base = new DataView(this.#base.buffer)
    const view = this.#view
    const { ssrcAt } = this.#shape
    const source = base.getUint32(ssrcAt) ^ ssrc
    let at = ssrcAt
    for (let one = index; one < index + this.#made; one++) {
      const high = base.getUint32(ssrcAt + 4) ^ Math.floor(one / 0x1_0000)
      const low = base.getUint16(ssrcAt + 8) ^ (one % 0x1_0000)
      for (let block = 0; block < this.#blocksEach; block++, at += BLOCK_BYTES) {
        view.setUint32(at, source)
        view.setUint32(at + 4, high)
        view.setUint16(at + 8, low)
      }
    }
    this.bytes = this.#cipher.update(this.#blocks)
  }

  /** The parts of the blocks that no packet changes. */
  #resize(blocks: number): void {
    this.#blocksEach = blocks
    this.#made = this.#ahead
    this.#blocks = new Uint8Array(this.#ahead * blocks * BLOCK_BYTES)
    this.#view = new DataView(this.#blocks.buffer)
    for (let i = 0; i < this.#ahead * blocks; i++) {
      this.#blocks.set(this.#base, i * BLOCK_BYTES)
      this.#view.setUint16(i * BLOCK_BYTES + BLOCK_BYTES - 2, this.#shape.firstBlock + (i % blocks))
    }
  }
}
