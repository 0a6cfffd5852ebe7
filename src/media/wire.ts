/**
 * A leg's end of the wire: its socket, which packets on it are taken, and where ours go. What a datagram is, is told by its
 * first octet (RFC 7983 §7): RTP goes on to the leg, the rest is none of its business.
 */

import type { Millis } from '../kernel/clock.ts'
import type { DatagramSocket, Endpoint } from '../net/port.ts'
import { emptyRtpHeader, parseRtp, type RtpHeader } from '../rtp/packet.ts'
import type { RtpAddress } from './protocol.ts'
import { Source } from './source.ts'

/** What a leg does with what came. */
export interface WireUser {
  /** Whether this is a payload of the leg's stream: only such a packet can tell where its far end is. */
  knows(payloadType: number, payloadBytes: number): boolean
  /** A packet of the one source that is listened to. `bytes` and `rtp` are valid only during the call. */
  rtp(bytes: Uint8Array, rtp: RtpHeader, from: Endpoint, now: Millis): void
}

export class Wire {
  readonly #user: WireUser
  readonly #source = new Source()
  readonly #rtp = emptyRtpHeader()
  #socket: DatagramSocket | null = null
  malformed = 0
  otherSource = 0

  constructor(user: WireUser) {
    this.#user = user
  }

  bound(socket: DatagramSocket): void {
    this.#socket = socket
  }

  /** What offer and answer say of the far end. */
  negotiate(remote: RtpAddress): void {
    this.#source.negotiate(remote)
  }

  /** Whether it is known where to send. */
  get hasTarget(): boolean {
    return this.#source.target !== null
  }

  receive(bytes: Uint8Array, from: Endpoint, now: Millis): void {
    const rtp = this.#rtp
    if (!parseRtp(bytes, rtp)) {
      this.malformed++
      return
    }
    if (!this.#user.knows(rtp.payloadType, rtp.payloadBytes)) return
    if (this.#source.accept(from, now)) this.#user.rtp(bytes, rtp, from, now)
    else this.otherSource++
  }

  /** An RTP packet, complete but for its protection. */
  send(packet: Uint8Array): void {
    const { target } = this.#source
    if (target) this.#socket?.send(packet, target)
  }

  /** Lets go of the socket. May be called twice. */
  release(): void {
    this.#socket?.close()
    this.#socket = null
  }
}
