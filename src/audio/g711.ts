/** ITU-T G.711, both laws, by tables: 16-bit samples to octets and back. The laws keep 14 (mu) and 13 (A) of the 16 bits. */

import type { SoundDecoder, SoundEncoder } from './codec.ts'

export type G711Name = 'PCMU' | 'PCMA'

/** The octet of a sample of 0. */
export const SILENCE_OCTET: { readonly [codec in G711Name]: number } = { PCMU: 0xff, PCMA: 0xd5 }

const MU_BIAS = 33
const MU_MAX = 0x1fff
const A_EVEN_BITS = 0x55

const DECODED: { readonly [codec in G711Name]: Int16Array } = {
  PCMU: Int16Array.from({ length: 256 }, (_, octet) => expandMu(octet)),
  PCMA: Int16Array.from({ length: 256 }, (_, octet) => expandA(octet)),
}

/** Indexed by the sample as an unsigned 16-bit number. */
const ENCODED: { readonly [codec in G711Name]: Uint8Array } = {
  PCMU: Uint8Array.from({ length: 65_536 }, (_, word) => compressMu((word << 16) >> 16)),
  PCMA: Uint8Array.from({ length: 65_536 }, (_, word) => compressA((word << 16) >> 16)),
}

/**
 * Decodes one octet per sample.
 * @param pcm8k receives `count` samples
 * @param at where in `octets` to begin
 * @returns the number of samples
 */
export function decodeG711(
  codec: G711Name,
  octets: Uint8Array,
  pcm8k: Int16Array,
  at = 0,
  count: number = octets.length - at,
): number {
  const table = DECODED[codec]
  for (let i = 0; i < count; i++) pcm8k[i] = table[octets[at + i]!]!
  return count
}

/**
 * Encodes one octet per sample.
 * @param octets receives `pcm8k.length` octets, from `at` on
 * @returns the number of octets
 */
export function encodeG711(codec: G711Name, pcm8k: Int16Array, octets: Uint8Array, at = 0): number {
  const table = ENCODED[codec]
  const { length } = pcm8k
  for (let i = 0; i < length; i++) octets[at + i] = table[pcm8k[i]! & 0xffff]!
  return length
}

/** G.711 behind the seam of all codecs. It remembers nothing, so one of each law does for all legs. */
class G711Codec implements SoundDecoder, SoundEncoder {
  readonly #codec: G711Name

  constructor(codec: G711Name) {
    this.#codec = codec
  }

  lengthOf(_payload: Uint8Array, _at: number, bytes: number): number {
    return bytes
  }

  decode(payload: Uint8Array, at: number, bytes: number, pcm8k: Int16Array): number {
    return decodeG711(this.#codec, payload, pcm8k, at, bytes)
  }

  conceal(): boolean {
    return false
  }

  encode(pcm8k: Int16Array, out: Uint8Array, at: number): number {
    return encodeG711(this.#codec, pcm8k, out, at)
  }

  silence(samples: number, out: Uint8Array, at: number): number {
    out.fill(SILENCE_OCTET[this.#codec], at, at + samples)
    return samples
  }

  expectLoss(): void {}

  free(): void {}
}

export const G711: { readonly [codec in G711Name]: SoundDecoder & SoundEncoder } = {
  PCMU: new G711Codec('PCMU'),
  PCMA: new G711Codec('PCMA'),
}

function compressMu(sample: number): number {
  const isNegative = sample < 0
  const magnitude = (isNegative ? ~sample : sample) >> 2
  const biased = Math.min(magnitude + MU_BIAS, MU_MAX)
  const segment = 26 - Math.clz32(biased)
  const step = (biased >> (segment + 1)) & 0xf
  return ~((isNegative ? 0x80 : 0) | (segment << 4) | step) & 0xff
}

function expandMu(octet: number): number {
  const bits = ~octet & 0xff
  const segment = (bits >> 4) & 7
  const magnitude = ((2 * (bits & 0xf) + MU_BIAS) << segment) - MU_BIAS
  return (bits & 0x80 ? -magnitude : magnitude) * 4
}

function compressA(sample: number): number {
  const isNegative = sample < 0
  const magnitude = (isNegative ? ~sample : sample) >> 4
  const segment = Math.max(0, 28 - Math.clz32(magnitude))
  const step = (segment > 1 ? magnitude >> (segment - 1) : magnitude) & 0xf
  return ((isNegative ? 0 : 0x80) | (segment << 4) | step) ^ A_EVEN_BITS
}

function expandA(octet: number): number {
  const bits = octet ^ A_EVEN_BITS
  const segment = (bits >> 4) & 7
  const step = 2 * (bits & 0xf) + 1
  const magnitude = segment === 0 ? step : (step + 32) << (segment - 1)
  return (bits & 0x80 ? magnitude : -magnitude) * 8
}
