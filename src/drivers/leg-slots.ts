/** Slots for legs and UDP ports for their sound: both are used again and again. */

import { createLegRings } from '../kernel/ring.ts'
import type { LegRef, LegRings } from '../media/protocol.ts'

/** A slot's rings are made when it is first taken, and used by all its legs, one after another. */
export class LegSlots {
  readonly #rateHz: number
  readonly #most: number
  readonly #rings: LegRings[] = []
  readonly #generations: number[] = []
  readonly #free: number[] = []

  constructor(rateHz: number, most: number) {
    this.#rateHz = rateHz
    this.#most = most
  }

  /** Slots that have rings. */
  get count(): number {
    return this.#rings.length
  }

  /** @returns a slot with a new generation, or null when all are taken */
  take(): LegRef | null {
    const slot = this.#free.pop() ?? this.#another()
    return slot === null ? null : { slot, generation: ++this.#generations[slot]! }
  }

  rings({ slot }: LegRef): LegRings {
    return this.#rings[slot]!
  }

  giveBack({ slot }: LegRef): void {
    this.#free.push(slot)
  }

  #another(): number | null {
    if (this.#rings.length >= this.#most) return null
    this.#rings.push(createLegRings(this.#rateHz))
    this.#generations.push(0)
    return this.#rings.length - 1
  }
}

const PORTS_TRIED = 8

/** Even ports, in turn: one that was just let go is tried last. */
export class RtpPorts {
  readonly #first: number
  readonly #last: number
  #next: number

  constructor([first, last]: readonly [first: number, last: number]) {
    this.#first = first + (first % 2)
    this.#last = last
    this.#next = this.#first
  }

  /** Some to try, in order. */
  some(): number[] {
    return Array.from({ length: PORTS_TRIED }, () => {
      const port = this.#next
      this.#next = port + 2 > this.#last ? this.#first : port + 2
      return port
    })
  }
}
