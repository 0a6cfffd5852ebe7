/**
 * Randomness for pure parts: a generator keyed by a seed, so that the same inputs give the same outputs.
 * Not for secrets: nonces, keys and tokens come from drivers (`node:crypto`).
 */

export interface Random {
  /** An unsigned 32-bit integer. */
  u32(): number
  /** At least 0, below 1. */
  unit(): number
  /** An integer of 0 to `below` - 1. */
  below(below: number): number
  /** `length` characters of 0-9 a-z. */
  token(length: number): string
  /** A version 4 UUID, lower case. */
  uuid(): string
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'

/** The small fast counting generator with 128 bits of state, seeded by any text (a 32-digit hex seed is usual). */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    const state = [0x9e3779b9, 0x243f6a88, 0xb7e15162]
    for (let i = 0; i < seed.length; i++) {
      const at = i % 3
      state[at] = Math.imul((state[at]! ^ seed.charCodeAt(i)) + i, 0x85ebca6b)
      state[at] = state[at]! ^ (state[at]! >>> 13)
    }
    this.#a = state[0]!
    this.#b = state[1]!
    this.#c = state[2]!
    for (let i = 0; i < 15; i++) this.u32()
  }

  u32(): number {
    const out = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + out
    this.#c |= 0
    return out >>> 0
  }

  unit(): number {
    return this.u32() / 0x1_0000_0000
  }

  below(below: number): number {
    return Math.floor(this.unit() * below)
  }

  token(length: number): string {
    let text = ''
    for (let i = 0; i < length; i++) text += DIGITS[this.below(36)]
    return text
  }

  uuid(): string {
    return uuidFromWords(this.u32(), this.u32(), this.u32(), this.u32())
  }
}

/** Shapes 128 bits as a version 4 UUID. */
export function uuidFromWords(a: number, b: number, c: number, d: number): string {
  const hex = [a, ((b & 0xffff0fff) | 0x4000) >>> 0, ((c & 0x3fffffff) | 0x80000000) >>> 0, d]
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
