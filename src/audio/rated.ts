/**
 * A codec of 16 kHz sound on a leg of 8 kHz: the 32-tap resampler between them. The lower band of G.722 by itself would be
 * cheaper, but what it folds back from above 4 kHz (a tone of 4.3 kHz at -6 dB, measured) is in every s and f.
 */

import { MAX_PACKET_MS, type SoundDecoder, type SoundEncoder } from './codec.ts'
import { Resampler } from './resample.ts'

const RATIO = 2
const WIDE_HZ = 16_000
const NARROW_HZ = WIDE_HZ / RATIO
/** Wide sound on its way; used up within one call. */
const wide = new Int16Array((WIDE_HZ * MAX_PACKET_MS) / 1000)

export class HalvedDecoder implements SoundDecoder {
  readonly #decoder: SoundDecoder
  readonly #resampler = new Resampler(WIDE_HZ, NARROW_HZ)

  /** @param decoder opened for 16 kHz */
  constructor(decoder: SoundDecoder) {
    this.#decoder = decoder
  }

  lengthOf(payload: Uint8Array, at: number, bytes: number): number {
    return this.#decoder.lengthOf(payload, at, bytes) / RATIO
  }

  decode(payload: Uint8Array, at: number, bytes: number, pcm: Int16Array): number {
    const count = this.#decoder.decode(payload, at, bytes, wide)
    return this.#resampler.process(wide, pcm, count)
  }

  conceal(): boolean {
    return false
  }

  free(): void {
    this.#decoder.free()
  }
}

export class DoubledEncoder implements SoundEncoder {
  readonly #encoder: SoundEncoder
  readonly #resampler = new Resampler(NARROW_HZ, WIDE_HZ)
  #frame = new Int16Array(0)

  /** @param encoder opened for 16 kHz */
  constructor(encoder: SoundEncoder) {
    this.#encoder = encoder
  }

  encode(pcm: Int16Array, out: Uint8Array, at: number): number {
    if (this.#frame.length !== RATIO * pcm.length) this.#frame = new Int16Array(RATIO * pcm.length)
    this.#resampler.process(pcm, this.#frame)
    return this.#encoder.encode(this.#frame, out, at)
  }

  silence(samples: number, out: Uint8Array, at: number): number {
    return this.encode(ZEROS.subarray(0, samples), out, at)
  }

  expectLoss(percent: number): void {
    this.#encoder.expectLoss(percent)
  }

  free(): void {
    this.#encoder.free()
  }
}

const ZEROS = new Int16Array((NARROW_HZ * MAX_PACKET_MS) / 1000)
