/**
 * RTCP of one leg on the wire: on RTP's own port when both sides want it so (RFC 5761), else on a port of its own beside
 * it, which is opened only then. A port that cannot be had costs the reports, never the call.
 */

import { CLOCK_HZ } from '../audio/codecs.ts'
import type { Millis } from '../kernel/clock.ts'
import type { DatagramSocket, Endpoint } from '../net/port.ts'
import { parseRtcp } from '../rtp/rtcp.ts'
import { MAX_RTCP_BYTES, type RtcpSession } from '../rtp/rtcp-session.ts'
import { MAX_STUN_BYTES } from '../rtp/stun.ts'
import { IceLite } from '../rtp/stun-ice.ts'
import type { LegFormat, LegTransport, RtpAddress } from './protocol.ts'
import type { Protection } from './wire.ts'

/** Binds a port at the address of the leg. `bytes` is valid only during the call. */
export type OpenPort = (
  port: number,
  onDatagram: (bytes: Uint8Array, from: Endpoint, now: Millis) => void,
) => Promise<DatagramSocket>

export type RtcpVerdict = 'taken' | 'malformed' | 'unauthentic' | 'otherSource'

/** Used up before the next one is written. */
const report = new Uint8Array(MAX_RTCP_BYTES)
const stunAnswer = new Uint8Array(MAX_STUN_BYTES)

export class RtcpWire {
  readonly session: RtcpSession
  readonly #openPort: OpenPort | undefined
  readonly #lossTold: ((percent: number) => void) | undefined
  #transport: LegTransport | null = null
  /** RTP's socket. */
  #shared: DatagramSocket | null = null
  #own: DatagramSocket | null = null
  #isOpening = false
  #isReleased = false
  #ice: IceLite | null = null
  /** Where the far end's RTCP came from last. */
  #latched: RtpAddress | null = null
  protection: Protection | null = null
  /** Datagrams on our own port that were of no use. */
  dropped = 0

  /** @param lossTold what share of our packets the far end lacks, with each of its reports */
  constructor(session: RtcpSession, openPort?: OpenPort, lossTold?: (percent: number) => void) {
    this.session = session
    this.#openPort = openPort
    this.#lossTold = lossTold
  }

  negotiate(format: LegFormat, transport: LegTransport, shared: DatagramSocket, now: Millis): void {
    const before = this.#transport
    this.#transport = transport
    this.#shared = shared
    this.session.start(CLOCK_HZ[format.codec], now)
    if (before && !isSame(before.remoteRtcp, transport.remoteRtcp)) this.#latched = null
    const { ice } = transport
    if (!ice || transport.rtcpMux) this.#ice = null
    else if (!this.#ice?.isFor(ice, ice.remoteUfrag)) this.#ice = new IceLite(ice, ice.remoteUfrag)
    if (!transport.rtcpMux) this.#open(shared.local.port + 1)
  }

  #open(port: number): void {
    if (!this.#openPort || this.#own || this.#isOpening || port > 65_535) return
    this.#isOpening = true
    this.#openPort(port, (bytes, from, now) => this.#onOwnPort(bytes, from, now)).then(
      (socket) => {
        this.#isOpening = false
        if (this.#isReleased) socket.close()
        else this.#own = socket
      },
      // Somebody else has it: the call goes on without reports.
      () => {
        this.#isOpening = false
      },
    )
  }

  #onOwnPort(bytes: Uint8Array, from: Endpoint, now: Millis): void {
    if (bytes.length > 0 && bytes[0]! < 4) {
      const length = this.#ice?.answer(bytes, from, now, stunAnswer) ?? 0
      if (length > 0) this.#own?.send(stunAnswer.subarray(0, length), from)
    } else if (this.receive(bytes, from, null, now) !== 'taken') this.dropped++
  }

  /** @param rtpSource where RTP comes from or is sent to: RTCP comes from the same host */
  receive(datagram: Uint8Array, from: Endpoint, rtpSource: RtpAddress | null, now: Millis): RtcpVerdict {
    const { protection } = this
    const bytes = protection === null ? datagram : protection.unprotectRtcp(datagram)
    if (bytes === null) return 'unauthentic'
    const rtcp = parseRtcp(bytes)
    if (rtcp === null) return 'malformed'
    // A stream that is heard vouches for its reports; so do the address of the SDP, and a proof.
    const isOurs =
      protection !== null ||
      rtcp.ssrc === this.session.reception.ssrc ||
      from.address === rtpSource?.address ||
      from.address === this.#transport?.remoteRtcp.address
    if (!isOurs) return 'otherSource'
    this.#latched = { address: from.address, port: from.port }
    this.session.receive(rtcp, now)
    if (this.session.far) this.#lossTold?.(100 * this.session.far.fractionLost)
    return 'taken'
  }

  /** @param rtpTarget where RTP goes */
  tick(rtpTarget: RtpAddress | null, now: Millis): void {
    if (!this.session.isDue(now)) return
    this.#report(rtpTarget, now, false)
  }

  /** Says goodbye. May be called twice. */
  release(rtpTarget: RtpAddress | null, now: Millis): void {
    if (this.#isReleased) return
    this.#isReleased = true
    if (this.#transport && this.session.reportsOut + this.session.reportsIn > 0) this.#report(rtpTarget, now, true)
    this.#own?.close()
    this.#own = null
    this.#shared = null
  }

  #report(rtpTarget: RtpAddress | null, now: Millis, isBye: boolean): void {
    const length = this.session.compose(report, now, isBye)
    const socket = this.#transport?.rtcpMux ? this.#shared : this.#own
    const to = this.#target(rtpTarget)
    if (socket === null || to === null) return
    const packet = report.subarray(0, length)
    socket.send(this.protection === null ? packet : this.protection.protectRtcp(packet), to)
  }

  /** Behind a NAT the address of the SDP is of no use: then where its reports come from, or beside its RTP. */
  #target(rtpTarget: RtpAddress | null): RtpAddress | null {
    if (this.#transport === null || rtpTarget === null) return null
    if (this.#transport.rtcpMux) return rtpTarget
    if (this.#ice?.target) return this.#ice.target
    if (this.#latched) return this.#latched
    const { remoteRtcp } = this.#transport
    if (remoteRtcp.address === rtpTarget.address) return remoteRtcp
    return rtpTarget.port < 65_535 ? { address: rtpTarget.address, port: rtpTarget.port + 1 } : null
  }
}

function isSame(a: RtpAddress, b: RtpAddress): boolean {
  return a.port === b.port && a.address === b.address
}
