/** Which numbers of a stream have come (RFC 3711 §3.3.2). Moves only when told that a packet was authentic. */

/** RFC 3711 asks for 64 at least; phones behind bad networks reorder more than that rarely. */
export const WINDOW_PACKETS = 128

export class ReplayWindow {
  /** By index modulo the window: the index seen there last. */
  readonly #seen = new Float64Array(WINDOW_PACKETS).fill(-1)
  /** Highest index seen, -1 before the first. */
  highest = -1

  /** Whether a packet of this index has come, or is too old to tell. */
  isOld(index: number): boolean {
    return index <= this.highest - WINDOW_PACKETS || this.#seen[index % WINDOW_PACKETS] === index
  }

  note(index: number): void {
    this.#seen[index % WINDOW_PACKETS] = index
    if (index > this.highest) this.highest = index
  }
}
