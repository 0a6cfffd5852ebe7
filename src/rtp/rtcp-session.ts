/**
 * The RTCP of one leg: when to report (RFC 3550 §6.2, §6.3), what to say of what we sent and heard, and what the far end
 * says of us. No socket and no clock: whoever has them calls `due`, `compose` and `receive`.
 */

import type { Millis } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { RTP_HEADER_BYTES } from './packet.ts'
import { type Rtcp, type SenderInfo, writeRtcp } from './rtcp.ts'
import { Reception } from './rtcp-reception.ts'
import { laterTime } from './sequence.ts'

/** §6.2. With two members the share of the bandwidth allows more, so this minimum is what counts. */
const INTERVAL_MS = 5_000
/** A.7: what the random share and reconsideration shorten it by on average. */
const COMPENSATION = Math.E - 1.5
/** Its longest compound packet: SR with a block, a name, BYE. */
export const MAX_RTCP_BYTES = 128
/** A round trip longer than this is a report that belongs to another time. */
const MAX_ROUND_TRIP_MS = 30_000

/** What the far end said of our sound. */
export interface FarReport {
  /** Of the last interval, 0 to 1. */
  readonly fractionLost: number
  readonly lost: number
  readonly jitterMs: number
}

export interface RtcpSessionOptions {
  readonly ssrc: number
  /** ASCII, the same for the whole call and nobody else's (RFC 7022). */
  readonly cname: string
  readonly random: Random
}

export class RtcpSession {
  readonly #options: RtcpSessionOptions
  readonly reception = new Reception()
  #clockHz = 8_000
  #dueAt: Millis | null = null
  #packets = 0
  #octets = 0
  #lastRtpTime = 0
  #lastSentAt: Millis = 0
  #hasSentSince = false
  /** Of the far end's last sender report: the middle of its time, and when it came. */
  #lastReport = 0
  #lastReportAt: Millis = 0
  /** The last of the far end's words about us. */
  far: FarReport | null = null
  /** Of what we sent, the far end says lost in all. */
  farLost = 0
  /** The last one, null before any. */
  roundTripMs: number | null = null
  /** The far end has said BYE. */
  hasGone = false
  reportsIn = 0
  reportsOut = 0

  constructor(options: RtcpSessionOptions) {
    this.#options = options
  }

  /** Begins to report, or goes on. The first report comes after half the interval (§6.2). */
  start(clockHz: number, now: Millis): void {
    this.#clockHz = clockHz
    this.#dueAt ??= now + this.#interval() / 2
  }

  /** Of what we sent, the share that the far end says is lost, from 0 to 1. */
  get farLostShare(): number {
    return this.#packets === 0 ? 0 : Math.min(1, this.farLost / this.#packets)
  }

  // ---------------------------------------------------------------- what is sent and heard

  /** An RTP packet of ours leaves. */
  sent(packet: Uint8Array, now: Millis): void {
    this.#packets++
    this.#octets += packet.length - RTP_HEADER_BYTES
    this.#lastRtpTime = ((packet[4]! << 24) | (packet[5]! << 16) | (packet[6]! << 8) | packet[7]!) >>> 0
    this.#lastSentAt = now
    this.#hasSentSince = true
  }

  /** An RTP packet of the far end. @param isSound and not keys, which have times of their own */
  heard(ssrc: number, sequence: number, rtpTime: number, now: Millis, isSound = true): void {
    this.reception.note(ssrc, sequence, rtpTime, this.#clockHz, now, isSound)
  }

  // ---------------------------------------------------------------- reports

  isDue(now: Millis): boolean {
    return this.#dueAt !== null && now >= this.#dueAt
  }

  /** Writes our report, and sets the time of the next. @returns its length in octets */
  compose(out: Uint8Array, now: Millis, isBye = false): number {
    this.#dueAt = now + this.#interval()
    this.reportsOut++
    const since = this.#lastReport === 0 ? 0 : Math.floor(((now - this.#lastReportAt) * 65_536) / 1000)
    const length = writeRtcp(out, {
      ssrc: this.#options.ssrc,
      sender: this.#hasSentSince ? this.#senderInfo(now) : null,
      block: this.reception.takeBlock(this.#lastReport, Math.min(since, 0xffff_ffff)),
      cname: this.#options.cname,
      isBye,
    })
    this.#hasSentSince = false
    return length
  }

  /** The far end's report. */
  receive(rtcp: Rtcp, now: Millis): void {
    this.reportsIn++
    if (rtcp.sender !== null) {
      this.#lastReport = middle(rtcp.sender.ntpSeconds, rtcp.sender.ntpFraction)
      this.#lastReportAt = now
    }
    if (rtcp.byes.length > 0) this.hasGone = true
    for (const block of rtcp.blocks) {
      if (block.ssrc !== this.#options.ssrc) continue
      this.far = {
        fractionLost: block.fractionLost / 256,
        lost: block.lost,
        jitterMs: (block.jitter * 1000) / this.#clockHz,
      }
      this.farLost = Math.max(0, block.lost)
      if (block.lastReport !== 0) this.#roundTrip(block.lastReport, block.sinceLastReport, now)
    }
  }

  /** §6.4.1, figure 2. */
  #roundTrip(lastReport: number, sinceLastReport: number, now: Millis): void {
    const { ntpSeconds, ntpFraction } = ntpOf(now)
    const units = (middle(ntpSeconds, ntpFraction) - lastReport - sinceLastReport) | 0
    const ms = (units * 1000) / 65_536
    // The two clocks may differ by a fraction of a ms: no trip is below nothing.
    if (ms > -2 && ms < MAX_ROUND_TRIP_MS) this.roundTripMs = Math.max(0, ms)
  }

  #senderInfo(now: Millis): SenderInfo {
    const sinceSamples = Math.round(((now - this.#lastSentAt) * this.#clockHz) / 1000)
    return {
      ...ntpOf(now),
      rtpTime: laterTime(this.#lastRtpTime, sinceSamples),
      packets: this.#packets >>> 0,
      octets: this.#octets >>> 0,
    }
  }

  #interval(): number {
    return (INTERVAL_MS * (0.5 + this.#options.random.unit())) / COMPENSATION
  }
}

/** Time since the system's start, which is what a host without the time of day uses (§4). */
function ntpOf(now: Millis): { readonly ntpSeconds: number; readonly ntpFraction: number } {
  const ntpSeconds = Math.floor(now / 1000)
  return { ntpSeconds: ntpSeconds >>> 0, ntpFraction: Math.floor((now / 1000 - ntpSeconds) * 0x1_0000_0000) >>> 0 }
}

function middle(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0
}
