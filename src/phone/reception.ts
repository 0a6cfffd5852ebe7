/** Counts what arrives on one RTP stream: lost, late and repeated packets, by sequence number (RFC 3550 §A.1). */

const REMEMBERED = 128
/** A jump beyond this is a new stream, not a loss. */
const FAR = 3_000

export class Reception {
  #ssrc: number | null = null
  #first = 0
  #highest = 0
  /** Extended sequence number kept in each slot, -1 when none. */
  readonly #seen = new Array<number>(REMEMBERED).fill(-1)
  #received = 0
  #unique = 0
  #lostBefore = 0
  #duplicates = 0
  #reordered = 0

  get received(): number {
    return this.#received
  }

  get duplicates(): number {
    return this.#duplicates
  }

  get reordered(): number {
    return this.#reordered
  }

  get lost(): number {
    return this.#lostBefore + this.#lostNow()
  }

  /** @returns false for a packet that came before */
  note(ssrc: number, sequence: number): boolean {
    const extended = this.#extend(ssrc, sequence)
    const slot = ((extended % REMEMBERED) + REMEMBERED) % REMEMBERED
    if (this.#seen[slot] === extended) {
      this.#duplicates++
      return false
    }
    this.#seen[slot] = extended
    this.#received++
    this.#unique++
    if (extended < this.#highest) this.#reordered++
    this.#highest = Math.max(this.#highest, extended)
    return true
  }

  #extend(ssrc: number, sequence: number): number {
    if (this.#ssrc === ssrc) {
      const step = ((sequence - this.#highest + 0x8000) & 0xffff) - 0x8000
      if (Math.abs(step) < FAR) return this.#highest + step
    }
    this.#lostBefore += this.#lostNow()
    this.#ssrc = ssrc
    this.#unique = 0
    this.#first = this.#highest = sequence + 0x1_0000
    this.#seen.fill(-1)
    return this.#first
  }

  #lostNow(): number {
    return this.#ssrc === null ? 0 : Math.max(0, this.#highest - this.#first + 1 - this.#unique)
  }
}
