/**
 * Puts received packets in order for the recogniser: no play-out clock. A packet in order is given out at once; a gap
 * waits until a later packet is MAX_WAIT_MS old or MAX_LATER packets have come after it, then the missing ones are lost.
 */

import type { Millis } from '../kernel/clock.ts'
import { nextSequence, sequenceDistance } from './sequence.ts'

export const MAX_WAIT_MS = 60
export const MAX_LATER = 3
const SLOTS = 64
/** A jump this far is a restart of the sender, not loss; when a second packet says so too, and not one that went astray. */
const RESTART_DISTANCE = 50
const MAX_PAYLOAD_BYTES = 960
/** 20 ms of G.711 or G.722, and what Opus makes of it. */
const USUAL_BYTES = 160
const NO_BYTES = new Uint8Array(0)

/** A packet from far away, until the next one tells whether it is the first of a new run. */
interface Stray {
  readonly sequence: number
  readonly rtpTime: number
  readonly payload: Uint8Array
  readonly at: Millis
  readonly payloadType: number
}

interface Slot {
  isFull: boolean
  sequence: number
  rtpTime: number
  at: Millis
  /** Of RTP: what the payload is. */
  payloadType: number
  bytes: number
  /** Its payload is in the one room of all that come in order. */
  isDirect: boolean
  /** Made when first needed: a leg whose packets come in order needs few, and there are many legs. */
  payload: Uint8Array
}

export type Pulled = 'packet' | 'lost' | 'wait'

export class Jitter {
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({
    isFull: false,
    sequence: 0,
    rtpTime: 0,
    at: 0,
    payloadType: 0,
    bytes: 0,
    isDirect: false,
    payload: NO_BYTES,
  }))
  /** For the packet that is next anyway: it is pulled before another one is. */
  #direct: Uint8Array = new Uint8Array(USUAL_BYTES)
  #expected: number | null = null
  #waiting = 0
  #stray: Stray | null = null
  lost = 0
  duplicate = 0
  reordered = 0
  /** The packet that `pull` gave out last. Valid until the next `push`. */
  rtpTime = 0
  at: Millis = 0
  payloadType = 0
  bytes = 0
  payload: Uint8Array = NO_BYTES

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
    payloadType = 0,
  ): void {
    if (payloadBytes > MAX_PAYLOAD_BYTES) return
    this.#expected ??= sequence
    const ahead = sequenceDistance(this.#expected, sequence)
    if (ahead < -RESTART_DISTANCE || ahead > RESTART_DISTANCE) {
      const stray = this.#stray
      const apart = stray === null ? RESTART_DISTANCE : sequenceDistance(stray.sequence, sequence)
      if (stray === null || apart === 0 || Math.abs(apart) > MAX_LATER) {
        const payload = datagram.slice(payloadAt, payloadAt + payloadBytes)
        this.#stray = { sequence, rtpTime, payload, at: now, payloadType }
        return
      }
      this.#restart(apart > 0 ? stray.sequence : sequence)
      this.push(stray.sequence, stray.rtpTime, stray.payload, 0, stray.payload.length, stray.at, stray.payloadType)
      return this.push(sequence, rtpTime, datagram, payloadAt, payloadBytes, now, payloadType)
    }
    this.#stray = null
    if (ahead < 0) {
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
    slot.payloadType = payloadType
    slot.bytes = payloadBytes
    slot.isDirect = this.#waiting === 0 && sequence === this.#expected
    let room = slot.isDirect ? this.#direct : slot.payload
    if (room.length < payloadBytes) {
      room = new Uint8Array(payloadBytes <= USUAL_BYTES ? USUAL_BYTES : MAX_PAYLOAD_BYTES)
      if (slot.isDirect) this.#direct = room
      else slot.payload = room
    }
    for (let i = 0; i < payloadBytes; i++) room[i] = datagram[payloadAt + i]!
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
    this.payloadType = slot.payloadType
    this.bytes = slot.bytes
    this.payload = slot.isDirect ? this.#direct : slot.payload
  }

  #oldestAt(): Millis {
    let oldest = Number.POSITIVE_INFINITY
    for (const slot of this.#slots) if (slot.isFull && slot.at < oldest) oldest = slot.at
    return oldest
  }

  #restart(sequence: number): void {
    for (const slot of this.#slots) slot.isFull = false
    this.#waiting = 0
    this.#stray = null
    this.#expected = sequence
  }
}
