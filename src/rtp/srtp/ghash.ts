/**
 * GHASH (NIST SP 800-38D §6.4): multiplication in GF(2^128) by one key, four bits at a time with a table of 16 products.
 * Nothing is allocated for a message.
 */

const BLOCK_BYTES = 16
const WORDS = 4
/** What the four bits that fall off at the end add at the top, times 2^112: the field's polynomial, reduced. */
const REDUCED = Int32Array.from({ length: 16 }, (_, bits) => {
  let sum = 0
  for (let bit = 0; bit < 4; bit++) if (bits & (1 << bit)) sum ^= 0xe100 >> (3 - bit)
  return sum << 16
})

export class Ghash {
  /** The key times every polynomial of degree below 4, in the bit order of the standard. */
  readonly #table = new Int32Array(16 * WORDS)
  #z0 = 0
  #z1 = 0
  #z2 = 0
  #z3 = 0

  /** @param key AES of a block of zeros */
  constructor(key: Uint8Array) {
    const view = new DataView(Uint8Array.from(key).buffer)
    const v = Int32Array.from({ length: WORDS }, (_, i) => view.getInt32(4 * i))
    for (let i = 8; i > 0; i >>= 1) {
      this.#table.set(v, i * WORDS)
      const reduced = (v[3]! & 1) * 0xe100_0000
      for (let w = 3; w > 0; w--) v[w] = (v[w]! >>> 1) | (v[w - 1]! << 31)
      v[0] = (v[0]! >>> 1) ^ reduced
    }
    for (let i = 2; i < 16; i *= 2) {
      for (let j = 1; j < i; j++) {
        for (let w = 0; w < WORDS; w++) {
          this.#table[(i + j) * WORDS + w] = this.#table[i * WORDS + w]! ^ this.#table[j * WORDS + w]!
        }
      }
    }
  }

  /** Begins anew. */
  begin(): void {
    this.#z0 = this.#z1 = this.#z2 = this.#z3 = 0
  }

  /** Takes in `bytes[from, to)`, filled up with zeros to whole blocks. */
  add(bytes: Uint8Array, from: number, to: number): void {
    let at = from
    for (; at + BLOCK_BYTES <= to; at += BLOCK_BYTES) {
      this.words(wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8), wordAt(bytes, at + 12))
    }
    if (at === to) return
    const last = LAST.fill(0)
    for (let i = 0; at + i < to; i++) last[i] = bytes[at + i]!
    this.words(wordAt(last, 0), wordAt(last, 4), wordAt(last, 8), wordAt(last, 12))
  }

  /** Takes in one block. */
  words(a: number, b: number, c: number, d: number): void {
    const table = this.#table
    const x0 = this.#z0 ^ a
    const x1 = this.#z1 ^ b
    const x2 = this.#z2 ^ c
    const x3 = this.#z3 ^ d
    let z0 = 0
    let z1 = 0
    let z2 = 0
    let z3 = 0
    for (let word = 3; word >= 0; word--) {
      let x = word === 3 ? x3 : word === 2 ? x2 : word === 1 ? x1 : x0
      for (let nibble = 0; nibble < 8; nibble++) {
        const top = REDUCED[z3 & 15]!
        const product = (x & 15) << 2
        z3 = ((z3 >>> 4) | (z2 << 28)) ^ table[product + 3]!
        z2 = ((z2 >>> 4) | (z1 << 28)) ^ table[product + 2]!
        z1 = ((z1 >>> 4) | (z0 << 28)) ^ table[product + 1]!
        z0 = (z0 >>> 4) ^ top ^ table[product]!
        x >>>= 4
      }
    }
    this.#z0 = z0
    this.#z1 = z1
    this.#z2 = z2
    this.#z3 = z3
  }

  /** The sum so far, into `out` at `at`. */
  write(out: Uint8Array): void {
    putWord(out, 0, this.#z0)
    putWord(out, 4, this.#z1)
    putWord(out, 8, this.#z2)
    putWord(out, 12, this.#z3)
  }
}

const LAST = new Uint8Array(BLOCK_BYTES)

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

function putWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word >>> 24
  out[at + 1] = word >>> 16
  out[at + 2] = word >>> 8
  out[at + 3] = word
}
