/** Which legs hear each other, and what sounds while nothing else does: with one of them on hold, and afterwards again. */

import type { Background, LegRef, MediaCommand } from '../media/protocol.ts'

/** One leg's place among others. */
export interface Place {
  readonly leg: LegRef
  /** The other one of its mix group. */
  bridgedTo: Place | null
  /** What it may do in its group while it is not held. */
  group: { readonly id: number; readonly talks: boolean; readonly hears: boolean } | null
  background: Background
  isHeld: boolean
}

export function newPlace(leg: LegRef): Place {
  return { leg, bridgedTo: null, group: null, background: 'none', isHeld: false }
}

export class Mixing {
  readonly #post: (command: MediaCommand) => void
  #lastGroup = 0

  constructor(post: (command: MediaCommand) => void) {
    this.#post = post
  }

  /** Each leaves whom it was bridged to before. `oneWay`: only `one` hears the other. */
  bridge(one: Place, other: Place, oneWay: boolean): void {
    if (one.bridgedTo !== other) {
      this.part(one)
      this.part(other)
    }
    const id = ++this.#lastGroup
    one.bridgedTo = other
    other.bridgedTo = one
    one.group = { id, talks: !oneWay, hears: true }
    other.group = { id, talks: true, hears: !oneWay }
    this.#join(one)
    this.#join(other)
  }

  part(one: Place): void {
    const other = one.bridgedTo
    if (!other) return
    for (const place of [one, other]) {
      place.bridgedTo = null
      place.group = null
      this.#post({ kind: 'leave', leg: place.leg })
    }
  }

  /** Music, and nobody else; nobody hears it either. */
  hold(one: Place, on: boolean): void {
    if (one.isHeld === on) return
    one.isHeld = on
    this.#join(one)
    this.#sound(one)
  }

  background(one: Place, sound: Background): void {
    one.background = sound
    if (!one.isHeld) this.#sound(one)
  }

  #join({ group, isHeld, leg }: Place): void {
    if (!group) return
    const { id, talks, hears } = group
    this.#post({ kind: 'join', leg, group: id, talks: talks && !isHeld, hears: hears && !isHeld })
  }

  #sound({ background, isHeld, leg }: Place): void {
    this.#post({ kind: 'background', leg, sound: isHeld ? 'music' : background })
  }
}
