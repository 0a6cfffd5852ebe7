/**
 * Which legs hear each other, and what sounds while nothing else does: with one of them on hold, and afterwards again. Two
 * legs of different media threads are each other's guests: what they give crosses by rings (`media/guest.ts`).
 */

import { createRing } from '../kernel/ring.ts'
import type { Background, LegRef, MediaCommand } from '../media/protocol.ts'

/** Packets on their way to another thread, which looks every 5 ms. */
const LENDING_RECORDS = 32

/** One leg's place among others. */
export interface Place {
  readonly leg: LegRef
  /** Number of its media thread. */
  readonly thread: number
  /** The thread where it is a guest. */
  guestIn: number | null
  /** The other one of its mix group. */
  bridgedTo: Place | null
  /** What it may do in its group while it is not held. */
  group: { readonly id: number; readonly talks: boolean; readonly hears: boolean } | null
  background: Background
  isHeld: boolean
  isDeafened: boolean
}

export function newPlace(leg: LegRef, thread: number): Place {
  return {
    leg,
    thread,
    guestIn: null,
    bridgedTo: null,
    group: null,
    background: 'none',
    isHeld: false,
    isDeafened: false,
  }
}

export class Mixing {
  readonly #post: (thread: number, command: MediaCommand) => void
  #lastGroup = 0

  constructor(post: (thread: number, command: MediaCommand) => void) {
    this.#post = post
  }

  /** Each leaves whom it was bridged to before. `oneWay`: only `one` hears the other. */
  bridge(one: Place, other: Place, oneWay: boolean): void {
    if (one.bridgedTo !== other) {
      this.part(one)
      this.part(other)
      if (one.thread !== other.thread) {
        this.#lend(one, other.thread)
        this.#lend(other, one.thread)
      }
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
      this.#post(place.thread, { kind: 'leave', leg: place.leg })
      this.#takeBack(place)
    }
  }

  /** Music, and nobody else; nobody hears it either. */
  hold(one: Place, on: boolean): void {
    if (one.isHeld === on) return
    one.isHeld = on
    this.#join(one)
    this.#sound(one)
  }

  deafen(one: Place, on: boolean): void {
    one.isDeafened = on
    this.#both(one, { kind: 'deafen', leg: one.leg, on })
  }

  background(one: Place, sound: Background): void {
    one.background = sound
    if (!one.isHeld) this.#sound(one)
  }

  #lend(one: Place, thread: number): void {
    const { leg } = one
    const ring = createRing(LENDING_RECORDS, 'dropOldest')
    one.guestIn = thread
    this.#post(thread, { kind: 'invite', leg, ring })
    this.#post(one.thread, { kind: 'lend', leg, ring })
    if (one.isDeafened) this.#post(thread, { kind: 'deafen', leg, on: true })
  }

  #takeBack(one: Place): void {
    if (one.guestIn === null) return
    this.#post(one.guestIn, { kind: 'dismiss', leg: one.leg })
    this.#post(one.thread, { kind: 'lend', leg: one.leg, ring: null })
    one.guestIn = null
  }

  /** Where it is, and where it is a guest. */
  #both(one: Place, command: MediaCommand): void {
    this.#post(one.thread, command)
    if (one.guestIn !== null) this.#post(one.guestIn, command)
  }

  #join(place: Place): void {
    const { group, isHeld, leg } = place
    if (!group) return
    const { id, talks, hears } = group
    this.#both(place, { kind: 'join', leg, group: id, talks: talks && !isHeld, hears: hears && !isHeld })
  }

  #sound({ background, isHeld, leg, thread }: Place): void {
    this.#post(thread, { kind: 'background', leg, sound: isHeld ? 'music' : background })
  }
}
