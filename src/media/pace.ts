/** How late frames left against their own grid: a fixed histogram, read and emptied once a second. */

const BIN_MS = 0.25
/** Everything later than all bins is in the last one; the largest value is kept beside them. */
const BINS = 800

export interface PaceFigures {
  readonly ticks: number
  readonly lateP50Ms: number
  readonly lateP99Ms: number
  readonly lateMaxMs: number
}

export class Pace {
  readonly #bins = new Uint32Array(BINS)
  #ticks = 0
  #frames = 0
  #lateMaxMs = 0

  ticked(): void {
    this.#ticks++
  }

  /** A frame left. */
  note(lateMs: number): void {
    this.#bins[Math.min(BINS - 1, Math.floor(lateMs / BIN_MS))]!++
    this.#frames++
    if (lateMs > this.#lateMaxMs) this.#lateMaxMs = lateMs
  }

  /** Figures since the last time; percentiles are rounded up to the next bin. */
  take(): PaceFigures {
    const taken = {
      ticks: this.#ticks,
      lateP50Ms: this.#percentile(0.5),
      lateP99Ms: this.#percentile(0.99),
      lateMaxMs: this.#lateMaxMs,
    }
    this.#bins.fill(0)
    this.#ticks = 0
    this.#frames = 0
    this.#lateMaxMs = 0
    return taken
  }

  #percentile(share: number): number {
    if (this.#frames === 0) return 0
    let left = this.#frames * share
    for (let bin = 0; bin < BINS; bin++) {
      left -= this.#bins[bin]!
      if (left <= 0) return Math.min((bin + 1) * BIN_MS, this.#lateMaxMs)
    }
    return this.#lateMaxMs
  }
}
