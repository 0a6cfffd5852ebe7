/**
 * HMAC-SHA1 (RFC 2104, FIPS 180-4) under one key for many short messages: the states after the two padded keys are made
 * once, and nothing is allocated for a message. An object of node:crypto for every packet costs more than the sum itself.
 */

import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const STATE_WORDS = 5
const DIGEST_BYTES = 20
const START = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
/** Shared by all: used up before anybody else can have it. */
const schedule = new Int32Array(80)
const state = new Int32Array(STATE_WORDS)

export class HmacSha1 {
  readonly #inner = new Int32Array(STATE_WORDS)
  readonly #outer = new Int32Array(STATE_WORDS)
  /** The sum of the last message. */
  readonly digest = new Uint8Array(DIGEST_BYTES)

  constructor(key: Uint8Array) {
    const block = new Uint8Array(BLOCK_BYTES)
    block.set(key.length > BLOCK_BYTES ? hash('sha1', key, 'buffer') : key)
    for (let i = 0; i < BLOCK_BYTES; i++) block[i]! ^= INNER_PAD
    afterBlock(block, this.#inner)
    for (let i = 0; i < BLOCK_BYTES; i++) block[i]! ^= INNER_PAD ^ OUTER_PAD
    afterBlock(block, this.#outer)
    block.fill(0)
  }

  /** Sums `bytes[0, length)` followed by one 32-bit word into `digest`. */
  sum(bytes: Uint8Array, length: number, word: number): void {
    state.set(this.#inner)
    let at = 0
    for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) {
      loadBlock(bytes, at)
      compress()
    }
    finish(bytes, at, length, word)
    schedule.set(state)
    this.#finishOuter()
    writeState(this.digest)
  }

  /** The inner sum is in the schedule already. */
  #finishOuter(): void {
    schedule[5] = 0x8000_0000 | 0
    schedule.fill(0, 6, 15)
    schedule[15] = 8 * (BLOCK_BYTES + DIGEST_BYTES)
    state.set(this.#outer)
    compress()
  }
}

/** The tail of the message, the word, the one bit and the length (FIPS 180-4 §5.1.1). */
function finish(bytes: Uint8Array, from: number, length: number, word: number): void {
  schedule.fill(0, 0, 16)
  const left = length - from
  for (let i = 0; i < left; i++) putByte(i, bytes[from + i]!)
  let at = left
  for (let shift = 24; shift >= 0; shift -= 8) at = putNext(at, (word >>> shift) & 0xff)
  at = putNext(at, 0x80)
  if (at > BLOCK_BYTES - 8) {
    compress()
    schedule.fill(0, 0, 16)
  }
  schedule[15] = 8 * (BLOCK_BYTES + length + 4)
  compress()
}

function putByte(at: number, byte: number): void {
  schedule[at >> 2]! |= byte << (24 - 8 * (at & 3))
}

function putNext(at: number, byte: number): number {
  putByte(at, byte)
  if (at + 1 < BLOCK_BYTES) return at + 1
  compress()
  schedule.fill(0, 0, 16)
  return 0
}

function loadBlock(bytes: Uint8Array, at: number): void {
  for (let i = 0, from = at; i < 16; i++, from += 4) {
    schedule[i] = (bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!
  }
}

function afterBlock(block: Uint8Array, out: Int32Array): void {
  state.set(START)
  loadBlock(block, 0)
  compress()
  out.set(state)
}

function writeState(out: Uint8Array): void {
  for (let i = 0; i < STATE_WORDS; i++) {
    const word = state[i]!
    out[4 * i] = word >>> 24
    out[4 * i + 1] = word >>> 16
    out[4 * i + 2] = word >>> 8
    out[4 * i + 3] = word
  }
}

/** One block of 16 words in `schedule` into `state` (FIPS 180-4 §6.1.2). */
function compress(): void {
  const w = schedule
  for (let t = 16; t < 80; t++) {
    const mixed = w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!
    w[t] = (mixed << 1) | (mixed >>> 31)
  }
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  let t = 0
  for (; t < 20; t++) {
    const next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + 0x5a82_7999 + w[t]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (; t < 40; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9_eba1 + w[t]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (; t < 60; t++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + 0x8f1b_bcdc + w[t]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (; t < 80; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62_c1d6 + w[t]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  state[0] = state[0]! + a
  state[1] = state[1]! + b
  state[2] = state[2]! + c
  state[3] = state[3]! + d
  state[4] = state[4]! + e
}
