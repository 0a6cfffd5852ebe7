/** Slots for legs and UDP ports for their sound: both are used again and again. */

import { createManyLegRings } from '../kernel/ring.ts'
import type { LegRef, LegRings } from '../media/protocol.ts'

/** 3.5 MB of address space at 8 kHz. */
const SLOTS_AT_ONCE = 16

/** A slot's rings are made when it is first taken, and used by all its legs, one after another. */
export class LegSlots {
  readonly #rateHz: number
  readonly #most: number
  readonly #rings: LegRings[] = []
  #spare: LegRings[] = []
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
    if (this.#spare.length === 0) {
      const count = Math.min(SLOTS_AT_ONCE, this.#most - this.#rings.length)
      this.#spare = createManyLegRings(this.#rateHz, count).reverse()
    }
    this.#rings.push(this.#spare.pop()!)
    this.#generations.push(0)
    return this.#rings.length - 1
  }
}

const PORTS_TRIED = 8

/** Even ports, in turn: one that was just let go is tried last. The odd one beside each is for RTCP, and in the range too. */
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
      this.#next = port + 3 > this.#last ? this.#first : port + 2
      return port
    })
  }
}
