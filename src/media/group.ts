/**
 * A mix group: legs that hear each other. One sum of all who talk, and each hears the sum without itself; so a round of
 * mixing costs as much for every member, however many they are.
 *
 * The group has a timeline of its own, in samples since the base of all clocks. Whoever needs a frame due at some time has
 * it mixed up to there: legs of different phases read different frames of the same sound, and one that catches up after a
 * late tick reads older ones.
 */

import type { Millis } from '../kernel/clock.ts'
import { Feed } from './feed.ts'
import type { Key } from './keys.ts'

const FRAME_MS = 20
/** How far back a late frame may lie. A multiple of a frame and of a tick. */
const HISTORY_MS = 120

/** One leg's place in a group, or by itself when its far end hears only its echo. */
export class Member {
  readonly feed: Feed
  /** What it gave, on the group's timeline. Written by the group. */
  readonly given: Int16Array
  /** Where a key goes that another member pressed. */
  readonly press: (key: Key) => void
  talks = false
  hears = false
  echoes = false
  /** Nobody hears what its far end says. */
  isDeafened = false

  constructor(rateHz: number, press: (key: Key) => void) {
    this.feed = new Feed(rateHz)
    this.given = new Int16Array((rateHz * HISTORY_MS) / 1000)
    this.press = press
  }

  /** Of its buffers. */
  get sizeBytes(): number {
    return this.feed.sizeBytes + this.given.byteLength
  }

  get isTalking(): boolean {
    return this.talks && !this.isDeafened
  }
}

export class MixGroup {
  readonly #samplesPerMs: number
  readonly #frameSamples: number
  readonly #sum: Int32Array
  readonly #stretch: Int16Array
  readonly #members: Member[] = []
  /** End of what is mixed. */
  #at: number | null = null

  constructor(rateHz: number) {
    this.#samplesPerMs = rateHz / 1000
    this.#frameSamples = FRAME_MS * this.#samplesPerMs
    this.#sum = new Int32Array(HISTORY_MS * this.#samplesPerMs)
    this.#stretch = new Int16Array(this.#frameSamples)
  }

  get size(): number {
    return this.#members.length
  }

  add(member: Member): void {
    member.given.fill(0)
    this.#members.push(member)
  }

  remove(member: Member): void {
    const at = this.#members.indexOf(member)
    if (at >= 0) this.#members.splice(at, 1)
  }

  /** Whether anybody else may be heard by it, be it silence. */
  isTalkedTo(member: Member): boolean {
    return member.hears && this.#members.some((other) => other !== member && other.isTalking)
  }

  /** A key of one of two goes to the other. In a larger group keys are commands to the room, not sound. */
  relay(from: Member, key: Key): void {
    if (this.#members.length !== 2 || !from.isTalking) return
    for (const other of this.#members) if (other !== from && other.hears) other.press(key)
  }

  /**
   * What a member hears in the frame due at `due`: all who talk but itself, and itself when it has an echo.
   * @param out receives the frame, saturated; half of the history at most
   * @returns false when all of it is silence; `out` is undefined then
   */
  hear(member: Member, due: Millis, out: Int16Array): boolean {
    if (!member.hears && !member.echoes) return false
    const end = due * this.#samplesPerMs
    this.#mixTo(end)
    const first = end - out.length
    if (first < this.#at! - this.#sum.length) return false
    const offset = placeIn(this.#sum, first)
    const head = Math.min(out.length, this.#sum.length - offset)
    let any = this.#pick(member, offset, out, 0, head)
    if (head < out.length) any |= this.#pick(member, 0, out, head, out.length)
    return any !== 0
  }

  #pick(member: Member, offset: number, out: Int16Array, from: number, to: number): number {
    return member.echoes ? this.#withEcho(member, offset, out, from, to) : this.#others(member, offset, out, from, to)
  }

  /** All but itself. Who does not talk has given nothing. */
  #others({ given }: Member, offset: number, out: Int16Array, from: number, to: number): number {
    const sum = this.#sum
    let any = 0
    for (let i = from, at = offset; i < to; i++, at++) {
      const heard = (sum[at]! - given[at]!) | 0
      any |= heard
      out[i] = heard > 32_767 ? 32_767 : heard < -32_768 ? -32_768 : heard
    }
    return any
  }

  /** Its own sound is in the sum when it talks, and stays there. */
  #withEcho({ given, talks, hears }: Member, offset: number, out: Int16Array, from: number, to: number): number {
    const sum = this.#sum
    let any = 0
    for (let i = from, at = offset; i < to; i++, at++) {
      const heard = hears ? (talks ? sum[at]! : (sum[at]! + given[at]!) | 0) : given[at]!
      any |= heard
      out[i] = heard > 32_767 ? 32_767 : heard < -32_768 ? -32_768 : heard
    }
    return any
  }

  /** Nobody has listened for long: what the history holds is of another time. */
  #startAt(at: number): void {
    this.#sum.fill(0)
    for (const { given } of this.#members) given.fill(0)
    this.#at = at
  }

  #mixTo(end: number): void {
    if (this.#at === null || end - this.#at > this.#sum.length) this.#startAt(end - this.#frameSamples)
    for (let at = this.#at!; at < end; at = this.#at) {
      const offset = placeIn(this.#sum, at)
      const count = Math.min(end - at, this.#frameSamples, this.#sum.length - offset)
      this.#mix(offset, count)
      this.#at = at + count
    }
  }

  #mix(offset: number, count: number): void {
    const sum = this.#sum.fill(0, offset, offset + count)
    const stretch = this.#stretch
    for (const { feed, given, talks, echoes } of this.#members) {
      if (!(talks || echoes) || !feed.take(stretch, count)) {
        given.fill(0, offset, offset + count)
        continue
      }
      for (let i = 0; i < count; i++) given[offset + i] = stretch[i]!
      if (talks) for (let i = 0; i < count; i++) sum[offset + i] = (sum[offset + i]! + stretch[i]!) | 0
    }
  }
}

function placeIn(history: Int32Array, at: number): number {
  return at % history.length
}
