/**
 * A leg's end of the wire: its sockets, which packets on them are taken, and where ours go. What a datagram is, is told by
 * its first octet (RFC 7983 §7), RTP from RTCP by the second (RFC 5761 §4). RTP goes on to the leg, the rest is none of its
 * business. Protection is one seam: taken off before anything is parsed, put on just before a packet leaves.
 */

import type { Millis } from '../kernel/clock.ts'
import type { DatagramSocket, Endpoint } from '../net/port.ts'
import { emptyRtpHeader, parseRtp, type RtpHeader } from '../rtp/packet.ts'
import { estimatedMos } from '../rtp/rtcp-quality.ts'
import type { RtcpSession } from '../rtp/rtcp-session.ts'
import { MAX_STUN_BYTES } from '../rtp/stun.ts'
import { IceLite } from '../rtp/stun-ice.ts'
import { PlainStun } from '../rtp/stun-plain.ts'
import type { LegFormat, LegQuality, LegTransport, RtpAddress } from './protocol.ts'
import { Source } from './source.ts'
import { type OpenPort, RtcpWire } from './wire-rtcp.ts'

/** What a leg does with what came. */
export interface WireUser {
  /** Whether this is a payload of the leg's stream: only such a packet can tell where its far end is. */
  knows(payloadType: number, payloadBytes: number): boolean
  /** A packet of the one source that is listened to. `bytes` and `rtp` are valid only during the call. */
  rtp(bytes: Uint8Array, rtp: RtpHeader, from: Endpoint, now: Millis): void
  /** What share of our packets the far end lacks now, as it reports. */
  lossTold?(percent: number): void
}

/** SRTP and SRTCP of one leg (RFC 3711), as the wire uses it. Without one packets are as they are. Never throws. */
export interface Protection {
  /** @returns the plain packet, valid until the next call (`bytes` may be changed in place); null when it is not authentic, or was seen before */
  unprotectRtp(bytes: Uint8Array): Uint8Array | null
  unprotectRtcp(bytes: Uint8Array): Uint8Array | null
  /** @returns what is to leave, valid until the next call; `packet` itself stays as it is */
  protectRtp(packet: Uint8Array): Uint8Array
  protectRtcp(packet: Uint8Array): Uint8Array
}

/** Binding requests without credentials are answered so often. */
const PLAIN_STUN_PER_SECOND = 5
/** Used up before the next one is written. */
const stunAnswer = new Uint8Array(MAX_STUN_BYTES)

export class Wire {
  readonly #user: WireUser
  readonly #source = new Source()
  readonly #rtp = emptyRtpHeader()
  readonly #rtcp: RtcpWire
  #plainStun: PlainStun | null = null
  #ice: IceLite | null = null
  #socket: DatagramSocket | null = null
  #protection: Protection | null = null
  #format: LegFormat | null = null
  #now: Millis = 0
  malformed = 0
  otherSource = 0
  /** Packets that were not authentic, or replayed. */
  unauthentic = 0

  /** @param openPort binds the port of RTCP beside RTP's. Absent: there is RTCP on RTP's port only */
  constructor(user: WireUser, rtcp: RtcpSession, openPort?: OpenPort) {
    this.#user = user
    this.#rtcp = new RtcpWire(rtcp, openPort, (percent) => user.lossTold?.(percent))
  }

  bound(socket: DatagramSocket): void {
    this.#socket = socket
  }

  /** From now on packets are taken and sent so; null: as they are. */
  protect(protection: Protection | null): void {
    this.#protection = protection
    this.#rtcp.protection = protection
  }

  /** What offer and answer say of the far end, also after a re-INVITE. */
  negotiate(format: LegFormat, remote: RtpAddress, now: Millis): void {
    const { transport } = format
    this.#now = now
    this.#format = format
    this.#source.negotiate(remote, transport?.signalledFrom)
    this.#ice = iceFor(transport, this.#ice)
    if (transport && this.#socket) this.#rtcp.negotiate(format, transport, this.#socket, now)
  }

  /** Whether it is known where to send. */
  get hasTarget(): boolean {
    return this.#target !== null
  }

  /** What the far end nominated, else where its sound comes from, else where the SDP says. */
  get #target(): RtpAddress | null {
    return this.#ice?.target ?? this.#source.target
  }

  receive(bytes: Uint8Array, from: Endpoint, now: Millis): void {
    switch (datagramKind(bytes)) {
      case 'rtp':
        return this.#receiveRtp(bytes, from, now)
      case 'rtcp':
        return this.#receiveRtcp(bytes, from, now)
      case 'stun':
        return this.#answerStun(bytes, from, now)
      default:
        this.malformed++
    }
  }

  #receiveRtp(datagram: Uint8Array, from: Endpoint, now: Millis): void {
    const bytes = this.#protection === null ? datagram : this.#protection.unprotectRtp(datagram)
    if (bytes === null) {
      this.unauthentic++
      return
    }
    const rtp = this.#rtp
    if (!parseRtp(bytes, rtp)) {
      this.malformed++
      return
    }
    if (!this.#user.knows(rtp.payloadType, rtp.payloadBytes)) return
    if (!this.#isTaken(from, rtp, now)) {
      this.otherSource++
      return
    }
    const isSound = rtp.payloadType === this.#format?.payloadType
    this.#rtcp.session.heard(rtp.ssrc, rtp.sequence, rtp.rtpTime, now, isSound)
    this.#user.rtp(bytes, rtp, from, now)
  }

  /**
   * With ICE an address that has checked is the far end's. Once it has nominated one, no other begins to be heard; but the
   * one that was heard till then may go on, for the far end moves over a little later than it says so.
   */
  #isTaken(from: Endpoint, rtp: RtpHeader, now: Millis): boolean {
    const hasChecked = this.#ice?.hasChecked(from) === true
    const isNominated = (this.#ice?.target ?? null) !== null
    if (isNominated && !hasChecked && !this.#source.isLatched(from)) return false
    return this.#source.accept(from, rtp.ssrc, rtp.sequence, now, hasChecked || this.#protection !== null)
  }

  #receiveRtcp(bytes: Uint8Array, from: Endpoint, now: Millis): void {
    const verdict = this.#rtcp.receive(bytes, from, this.#source.target, now)
    if (verdict === 'malformed') this.malformed++
    else if (verdict === 'unauthentic') this.unauthentic++
    else if (verdict === 'otherSource') this.otherSource++
  }

  #answerStun(bytes: Uint8Array, from: Endpoint, now: Millis): void {
    const length =
      this.#ice === null
        ? this.#plain.answer(bytes, from, now, stunAnswer)
        : this.#ice.answer(bytes, from, now, stunAnswer)
    if (length > 0) this.#socket?.send(stunAnswer.subarray(0, length), from)
  }

  /** Made when first asked: few phones ask here. */
  get #plain(): PlainStun {
    this.#plainStun ??= new PlainStun(PLAIN_STUN_PER_SECOND)
    return this.#plainStun
  }

  /** Once a tick: reports that are due. */
  tick(now: Millis): void {
    this.#now = now
    this.#rtcp.tick(this.#target, now)
  }

  /** An RTP packet, complete but for its protection. */
  send(packet: Uint8Array): void {
    const target = this.#target
    if (target === null) return
    this.#rtcp.session.sent(packet, this.#now)
    this.#socket?.send(this.#protection === null ? packet : this.#protection.protectRtp(packet), target)
  }

  /** Takes leave of the far end and lets go of the sockets. May be called twice. */
  release(): void {
    this.#rtcp.release(this.#target, this.#now)
    this.#socket?.close()
    this.#socket = null
  }

  /** A far end whose checks have stopped is behind a way that may be closed by now. */
  #iceNews(): LegQuality['ice'] {
    if (this.#ice === null) return null
    const { checks, refused, lastCheckAt } = this.#ice
    return { checks, refused, quietMs: lastCheckAt === null ? null : this.#now - lastCheckAt }
  }

  /** Null before anything is negotiated. */
  quality(): LegQuality | null {
    if (this.#format === null) return null
    const { codec, ptimeMs } = this.#format
    const { reception, roundTripMs, far, farLost, reportsIn, reportsOut, farLostShare } = this.#rtcp.session
    // What a listener waits for: the way, a packet's length, and a buffer of about twice the jitter.
    const delayMs = (roundTripMs ?? 0) / 2 + ptimeMs
    const lostPercent = reception.expected === 0 ? 0 : (100 * reception.lost) / reception.expected
    return {
      codec,
      expected: reception.expected,
      lost: reception.lost,
      jitterMs: reception.jitterMeanMs,
      jitterMaxMs: reception.jitterMaxMs,
      roundTripMs,
      far: far && { lost: farLost, lostShare: farLostShare, jitterMs: far.jitterMs },
      mos: estimatedMos(codec, lostPercent, delayMs + 2 * reception.jitterMeanMs),
      farMos: far && estimatedMos(codec, 100 * farLostShare, delayMs + 2 * far.jitterMs),
      ice: this.#iceNews(),
      reportsIn,
      reportsOut,
    }
  }
}

/** The same credentials keep what has been checked; new ones are a restart of ICE (RFC 8445 §9). */
function iceFor(transport: LegTransport | undefined, before: IceLite | null): IceLite | null {
  const ice = transport?.ice
  if (!ice) return null
  return before?.isFor(ice, ice.remoteUfrag) ? before : new IceLite(ice, ice.remoteUfrag)
}

/** By the first octets (RFC 7983 §7, RFC 5761 §4). */
export function datagramKind(bytes: Uint8Array): 'stun' | 'rtp' | 'rtcp' | 'other' {
  if (bytes.length < 2) return 'other'
  const first = bytes[0]!
  if (first < 4) return 'stun'
  if (first < 128 || first > 191) return 'other'
  return bytes[1]! >= 192 && bytes[1]! <= 223 ? 'rtcp' : 'rtp'
}
