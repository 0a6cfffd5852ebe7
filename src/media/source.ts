/**
 * Symmetric RTP (RFC 4961): whose packets are taken, and where ours go. The address in the SDP is often a private one
 * behind a NAT; the source of the first valid packet is the truth, until it falls silent.
 */

import type { Millis } from '../kernel/clock.ts'
import type { RtpAddress } from './protocol.ts'

/** Another source is taken when the present one has been silent for so long. */
const SILENT_MS = 1_000

export class Source {
  #negotiated: RtpAddress | null = null
  #latched: RtpAddress | null = null
  #at: Millis = 0

  /** Where to send: where sound comes from, else where the SDP says. */
  get target(): RtpAddress | null {
    return this.#latched ?? this.#negotiated
  }

  /** What the SDP says. A new address there replaces what was latched. */
  negotiate(remote: RtpAddress): void {
    if (this.#negotiated && isSame(this.#negotiated, remote)) return
    this.#negotiated = { address: remote.address, port: remote.port }
    this.#latched = null
  }

  /** @returns whether a valid packet from there is to be taken */
  accept(from: RtpAddress, now: Millis): boolean {
    const latched = this.#latched
    if (latched === null || !isSame(latched, from)) {
      const isFree = latched === null || now - this.#at >= SILENT_MS
      if (!isFree && !(this.#negotiated && isSame(this.#negotiated, from))) return false
      this.#latched = { address: from.address, port: from.port }
    }
    this.#at = now
    return true
  }
}

function isSame(a: RtpAddress, b: RtpAddress): boolean {
  return a.port === b.port && a.address === b.address
}
