/** Comfort noise in place of sound that is not sent (RFC 3389): white, of the level the sender names. Its colour is not used. */

const FULL_SCALE = 32_768
/** Quieter than this nobody hears. */
const QUIETEST_DB = 90

export class ComfortNoise {
  #amplitude = 0
  #seed = 1

  /** @param level of the noise in dB below full scale, 0 to 127 (§3.1) */
  level(level: number): void {
    const rms = level >= QUIETEST_DB ? 0 : FULL_SCALE * 10 ** (-level / 20)
    // Of a uniform distribution.
    this.#amplitude = Math.min(FULL_SCALE - 1, rms * Math.sqrt(3))
  }

  fill(pcm: Int16Array, count: number): void {
    const scale = this.#amplitude / 0x8000_0000
    for (let i = 0; i < count; i++) {
      this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0
      pcm[i] = Math.round(this.#seed * scale)
    }
  }
}
