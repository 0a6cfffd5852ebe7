/**
 * Symmetric RTP (RFC 4961): whose packets are taken, and where ours go. The address in the SDP is often a private one
 * behind a NAT, so the source of the first valid packets is the truth; but it must not be stolen by whoever sends to our
 * port. Addresses have a rank by what speaks for them:
 *
 *   3  offer or answer names it, or its packets are proven (SRTP, or ICE has checked it)
 *   2  it is the host that offer or answer names, or that signals
 *   1  any other
 *
 * A better one is followed at any time, at once when it is named or proven, else after a few packets in a row. One that is
 * not better is followed only when the present one is silent: soon while it has hardly begun, later once it is settled, and
 * then only with a reason: the same stream goes on (a NAT that gave it another port), its host is known, or signalling has
 * spoken since (a re-INVITE).
 */

import type { Millis } from '../kernel/clock.ts'
import { sequenceDistance } from '../rtp/sequence.ts'
import type { RtpAddress } from './protocol.ts'

/** So many packets make a source settled. */
export const SETTLED_PACKETS = 10
/** In a row, of one stream: what somebody has to send to be believed to be a stream. */
export const PROVING_PACKETS = 4
/** Packets of one stream are no further apart than this in number. */
const CLOSE = 20
/** Silence after which another source may follow: of one that is not settled yet, of a settled one. */
export const BRIEF_SILENCE_MS = 250
export const LONG_SILENCE_MS = 1_000

type Rank = 1 | 2 | 3

interface Latched extends RtpAddress {
  readonly rank: Rank
  ssrc: number
  packets: number
  at: Millis
}

/** Somebody else who sends: how many in a row. */
interface Other {
  address: string
  port: number
  ssrc: number
  sequence: number
  run: number
}

export class Source {
  #negotiated: RtpAddress | null = null
  #signalledFrom = ''
  #latched: Latched | null = null
  /** Signalling has spoken, and the present source has not gone on since: how many of its packets are still doubted. */
  #moveLeft = 0
  readonly #other: Other = { address: '', port: 0, ssrc: 0, sequence: 0, run: 0 }

  /** Where to send: where sound comes from, else where the SDP says. */
  get target(): RtpAddress | null {
    return this.#latched ?? this.#negotiated
  }

  /** Whether sound comes from there. */
  isLatched(from: RtpAddress): boolean {
    return this.#latched !== null && isSame(this.#latched, from)
  }

  get isSettled(): boolean {
    return this.#latched !== null && this.#latched.packets >= SETTLED_PACKETS
  }

  /** What the SDP says. A new address there replaces what was latched. @param signalledFrom host, '' when not known */
  negotiate(remote: RtpAddress, signalledFrom = ''): void {
    this.#signalledFrom = signalledFrom
    this.#moveLeft = SETTLED_PACKETS
    if (this.#negotiated && isSame(this.#negotiated, remote)) return
    this.#negotiated = { address: remote.address, port: remote.port }
    this.#latched = null
  }

  /**
   * A packet that is valid by itself.
   * @param isProven nobody but the far end can have made it
   * @returns whether it is to be taken
   */
  accept(from: RtpAddress, ssrc: number, sequence: number, now: Millis, isProven = false): boolean {
    const latched = this.#latched
    if (latched !== null && isSame(latched, from)) {
      latched.ssrc = ssrc
      latched.packets++
      latched.at = now
      if (this.#moveLeft > 0) this.#moveLeft--
      return true
    }
    if (latched !== null && !this.#follows(latched, from, ssrc, sequence, now, isProven)) return false
    this.#latch(from, ssrc, now, isProven)
    return true
  }

  #latch(from: RtpAddress, ssrc: number, now: Millis, isProven: boolean): void {
    const rank = isProven ? 3 : this.#rankOf(from)
    this.#latched = { address: from.address, port: from.port, rank, ssrc, packets: 1, at: now }
    this.#other.run = 0
    this.#moveLeft = 0
  }

  #follows(
    latched: Latched,
    from: RtpAddress,
    ssrc: number,
    sequence: number,
    now: Millis,
    isProven: boolean,
  ): boolean {
    if (isProven) return true
    const rank = this.#rankOf(from)
    if (rank === 3 && latched.rank < 3) return true
    const isStream = this.#inARow(from, ssrc, sequence) >= PROVING_PACKETS
    if (rank > latched.rank) return isStream
    const silentMs = now - latched.at
    if (latched.packets < SETTLED_PACKETS && rank === latched.rank) return silentMs >= BRIEF_SILENCE_MS
    if (silentMs < LONG_SILENCE_MS) return false
    return ssrc === latched.ssrc || rank >= 2 || (this.#moveLeft > 0 && isStream && rank === latched.rank)
  }

  #rankOf({ address, port }: RtpAddress): Rank {
    const negotiated = this.#negotiated
    if (negotiated !== null && address === negotiated.address) return port === negotiated.port ? 3 : 2
    return address === this.#signalledFrom ? 2 : 1
  }

  #inARow(from: RtpAddress, ssrc: number, sequence: number): number {
    const other = this.#other
    const apart = sequenceDistance(other.sequence, sequence)
    const isNext = other.run > 0 && isSame(other, from) && other.ssrc === ssrc && apart > 0 && apart <= CLOSE
    other.address = from.address
    other.port = from.port
    other.ssrc = ssrc
    other.sequence = sequence
    other.run = isNext ? other.run + 1 : 1
    return other.run
  }
}

function isSame(a: RtpAddress, b: RtpAddress): boolean {
  return a.port === b.port && a.address === b.address
}
