/**
 * Puts received packets in order for the recogniser: no play-out clock. A packet in order is given out at once; a gap
 * waits until a later packet is MAX_WAIT_MS old or MAX_LATER packets have come after it, then the missing ones are lost.
 */

import type { Millis } from '../kernel/clock.ts'
import { nextSequence, sequenceDistance } from './sequence.ts'

export const MAX_WAIT_MS = 60
export const MAX_LATER = 3
const SLOTS = 64
/** A jump this far is a restart of the sender, not loss. */
const RESTART_DISTANCE = 50
const MAX_PAYLOAD_BYTES = 960

interface Slot {
  isFull: boolean
  sequence: number
  rtpTime: number
  at: Millis
  bytes: number
  readonly payload: Uint8Array
}

export type Pulled = 'packet' | 'lost' | 'wait'

export class Jitter {
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({
    isFull: false,
    sequence: 0,
    rtpTime: 0,
    at: 0,
    bytes: 0,
    payload: new Uint8Array(MAX_PAYLOAD_BYTES),
  }))
  #expected: number | null = null
  #waiting = 0
  lost = 0
  duplicate = 0
  reordered = 0
  /** The packet that `pull` gave out last. Valid until the next `push`. */
  rtpTime = 0
  at: Millis = 0
  bytes = 0
  payload: Uint8Array = this.#slots[0]!.payload

  /** True while packets are held back because one before them is missing. */
  get isWaiting(): boolean {
    return this.#waiting > 0
  }

  /** Copies the payload. Never throws; oversized payloads are ignored. */
  push(
    sequence: number,
    rtpTime: number,
    datagram: Uint8Array,
    payloadAt: number,
    payloadBytes: number,
    now: Millis,
  ): void {
    if (payloadBytes > MAX_PAYLOAD_BYTES) return
    this.#expected ??= sequence
    const ahead = sequenceDistance(this.#expected, sequence)
    if (ahead < -RESTART_DISTANCE || ahead > RESTART_DISTANCE) this.#restart(sequence)
    else if (ahead < 0) {
      this.duplicate++
      return
    } else if (ahead === 0 && this.#waiting > 0) this.reordered++
    const slot = this.#slots[sequence % SLOTS]!
    if (slot.isFull) {
      this.duplicate++
      return
    }
    slot.isFull = true
    slot.sequence = sequence
    slot.rtpTime = rtpTime
    slot.at = now
    slot.bytes = payloadBytes
    for (let i = 0; i < payloadBytes; i++) slot.payload[i] = datagram[payloadAt + i]!
    this.#waiting++
  }

  /** Call until it says `wait`. After `packet` the fields of this object describe it. */
  pull(now: Millis): Pulled {
    if (this.#expected === null || this.#waiting === 0) return 'wait'
    const slot = this.#slots[this.#expected % SLOTS]!
    if (slot.isFull) {
      this.#take(slot)
      return 'packet'
    }
    if (this.#waiting < MAX_LATER && now - this.#oldestAt() < MAX_WAIT_MS) return 'wait'
    this.#expected = nextSequence(this.#expected)
    this.lost++
    return 'lost'
  }

  #take(slot: Slot): void {
    slot.isFull = false
    this.#waiting--
    this.#expected = nextSequence(slot.sequence)
    this.rtpTime = slot.rtpTime
    this.at = slot.at
    this.bytes = slot.bytes
    this.payload = slot.payload
  }

  #oldestAt(): Millis {
    let oldest = Number.POSITIVE_INFINITY
    for (const slot of this.#slots) if (slot.isFull && slot.at < oldest) oldest = slot.at
    return oldest
  }

  #restart(sequence: number): void {
    for (const slot of this.#slots) slot.isFull = false
    this.#waiting = 0
    this.#expected = sequence
  }
}
