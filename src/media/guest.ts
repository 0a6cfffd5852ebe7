/**
 * A leg in a mix group of another media thread. Each thread mixes for its own legs; what the far leg gives comes through a
 * ring: its packets as they are received, and its keys. So both threads have the whole group, and neither waits for the other.
 *
 * ```
 * sound   epoch = SSRC, firstSample = RTP time of the first sample, count, samples
 * key     flags = KEY, sayId = the digit's character, firstSample = duration in ms, atMs
 * ```
 */

import { emptyHeader, MAX_RECORD_SAMPLES, RingReader, RingWriter } from '../kernel/ring.ts'
import { Member, type MixGroup } from './group.ts'
import type { Key } from './keys.ts'
import type { LegRef } from './protocol.ts'

/** Not one of the ring's own flags. */
const KEY = 8
const NO_SAMPLES = new Int16Array(0)

/** The end in the leg's own thread. When the other thread does not read, the oldest is lost. */
export class Lending {
  readonly #ring: RingWriter
  readonly #header = emptyHeader()

  constructor(ring: SharedArrayBuffer, leg: LegRef) {
    this.#ring = new RingWriter(ring)
    this.#header.slot = leg.slot
    this.#header.generation = leg.generation
  }

  /** The first `count` of `pcm`, one packet. */
  sound(ssrc: number, rtpTime: number, pcm: Int16Array, count: number): void {
    const header = this.#header
    header.flags = 0
    header.epoch = ssrc
    for (let from = 0; from < count; from += MAX_RECORD_SAMPLES) {
      header.count = Math.min(MAX_RECORD_SAMPLES, count - from)
      header.firstSample = rtpTime + from
      this.#ring.push(header, from === 0 ? pcm : pcm.subarray(from))
    }
  }

  key({ digit, durationMs, at }: Key): void {
    const header = this.#header
    header.flags = KEY
    header.sayId = digit.charCodeAt(0)
    header.firstSample = Math.round(durationMs)
    header.count = 0
    header.atMs = at
    this.#ring.push(header, NO_SAMPLES)
  }
}

/** The end in the other thread: a member that talks and never listens here. */
export class Guest {
  readonly ref: LegRef
  readonly #ring: RingReader
  readonly #member: Member
  readonly #header = emptyHeader()
  readonly #pcm = new Int16Array(MAX_RECORD_SAMPLES)
  #group: MixGroup | null = null

  constructor(ref: LegRef, ring: SharedArrayBuffer, rateHz: number) {
    this.ref = ref
    this.#ring = new RingReader(ring)
    // A key of somebody here goes to its leg by that one's own lending.
    this.#member = new Member(rateHz, () => {})
  }

  get group(): MixGroup | null {
    return this.#group
  }

  join(group: MixGroup, talks: boolean, hears: boolean): void {
    if (group !== this.#group) {
      this.leave()
      group.add(this.#member)
      this.#group = group
    }
    this.#member.talks = talks
    this.#member.hears = hears
  }

  leave(): void {
    this.#group?.remove(this.#member)
    this.#group = null
  }

  deafen(on: boolean): void {
    this.#member.isDeafened = on
    if (on) this.#member.feed.forget()
  }

  /** Once a tick: takes what its leg gave since the last one. */
  drain(): void {
    const header = this.#header
    while (this.#ring.pop(header, this.#pcm)) {
      if (header.flags !== KEY) this.#member.feed.sound(header.epoch, header.firstSample, this.#pcm, header.count)
      else {
        const key = { digit: String.fromCharCode(header.sayId), durationMs: header.firstSample, at: header.atMs }
        this.#group?.relay(this.#member, key)
      }
    }
  }
}
