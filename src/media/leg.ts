/**
 * One leg: a UDP port of its own, received sound to the ears and to other legs, sound of the play-out ring and of other
 * legs to the wire on an absolute 20 ms grid. From start to close a packet leaves every 20 ms, of silence when there is nothing to say.
 */

import { decodeG711, encodeG711, SILENCE_OCTET } from '../audio/g711.ts'
import type { Millis } from '../kernel/clock.ts'
import { RingReader, RingWriter } from '../kernel/ring.ts'
import type { DatagramSocket, Endpoint } from '../net/port.ts'
import { RTP_HEADER_BYTES, type RtpHeader } from '../rtp/packet.ts'
import { RtpSender } from '../rtp/sender.ts'
import type { MixGroup } from './group.ts'
import { Hearing, MAX_PACKET_SAMPLES } from './hearing.ts'
import { type Key, KeysIn, KeysOut } from './keys.ts'
import { Playout, type PlayoutNews } from './playout.ts'
import type {
  Background,
  Lane,
  LegCounters,
  LegFormat,
  LegRef,
  MediaCommand,
  MediaEvent,
  RtpAddress,
} from './protocol.ts'
import { Surroundings } from './surroundings.ts'
import { HearingTap } from './taps.ts'
import { Wire } from './wire.ts'

/** G.711 is all there is, and it has one rate. */
export const RATE_HZ = 8_000
export const FRAME_MS = 20
const FRAME_SAMPLES = (RATE_HZ * FRAME_MS) / 1000
/** Legs are spread over this many phases of the grid, so that their packets do not leave all at once. */
const PHASES = 4
const PHASE_MS = FRAME_MS / PHASES
/** Frames that are made up for one by one; further behind, the timestamp jumps. */
const MOST_CAUGHT_UP = 3
/** Comfort noise (RFC 3389): a packet that says that there is no sound. */
const COMFORT_NOISE = 13
/** Decoded for other legs; used up before the next packet comes. */
const decoded = new Int16Array(MAX_PACKET_SAMPLES)

type Opening = MediaCommand & { kind: 'openLeg' }

export class Leg {
  readonly ref: LegRef
  readonly #emit: (event: MediaEvent) => void
  readonly #tap: HearingTap
  readonly #hearing: Hearing
  readonly #keysIn: KeysIn
  readonly #playout: Playout
  readonly #keysOut: KeysOut
  readonly #surroundings: Surroundings
  readonly #sender: RtpSender
  readonly #wire: Wire
  readonly #frame = new Int16Array(FRAME_SAMPLES)
  readonly #packet = new Uint8Array(RTP_HEADER_BYTES + FRAME_SAMPLES)
  #format: LegFormat | null = null
  #isSending = false
  #isMuted = false
  /** When the next frame has to leave, null before the start. */
  #dueAt: Millis | null = null
  #now: Millis = 0
  #packetsIn = 0
  #octetsIn = 0
  #malformed = 0
  #lateFrames = 0
  #skippedFrames = 0

  constructor(opening: Opening, emit: (event: MediaEvent) => void) {
    const leg = opening.leg
    this.ref = leg
    this.#emit = emit
    this.#tap = new HearingTap(new RingWriter(opening.rings.hearing), leg, RATE_HZ, FRAME_SAMPLES, (news) =>
      emit({ kind: 'gate', leg, ...news }),
    )
    this.#hearing = new Hearing(this.#tap, RATE_HZ, FRAME_SAMPLES)
    this.#keysIn = new KeysIn(RATE_HZ, (key) => this.#pressed(key))
    this.#surroundings = new Surroundings(RATE_HZ, FRAME_SAMPLES, (key) => this.#relay(key))
    this.#playout = new Playout(new RingReader(opening.rings.playout), leg, RATE_HZ, (news) => this.#tell(news))
    this.#keysOut = new KeysOut(RATE_HZ, FRAME_MS, () => emit({ kind: 'digitsSent', leg, at: this.#now }))
    this.#wire = new Wire({
      knows: (payloadType, payloadBytes) => this.#knows(payloadType, payloadBytes),
      rtp: (bytes, rtp, from, now) => this.#received(bytes, rtp, from, now),
    })
    this.#sender = new RtpSender(opening.ssrc, opening.firstSequence, opening.firstRtpTime)
  }

  /** Records put into the hearing ring so far. */
  get pushed(): number {
    return this.#tap.pushed
  }

  bound(socket: DatagramSocket): void {
    this.#wire.bound(socket)
  }

  // ---------------------------------------------------------------- commands

  start(format: LegFormat, remote: RtpAddress, sending: boolean, now: Millis): void {
    this.#now = now
    this.#format = format
    this.#wire.negotiate(remote)
    this.#isSending = sending
    this.#dueAt ??= Math.ceil(now / FRAME_MS) * FRAME_MS + (this.ref.slot % PHASES) * PHASE_MS
    this.#quietOrNot()
  }

  hear(on: boolean, now: Millis): void {
    this.#tap.hear(on, now)
  }

  flush(lane: Lane, epoch: number, now: Millis): void {
    this.#now = now
    this.#playout.flush(lane, epoch)
  }

  mute(on: boolean): void {
    this.#isMuted = on
    this.#quietOrNot()
  }

  deafen(on: boolean): void {
    this.#hearing.isDeafened = on
    this.#surroundings.deafen(on)
  }

  get group(): MixGroup | null {
    return this.#surroundings.group
  }

  join(group: MixGroup, talks: boolean, hears: boolean): void {
    this.#surroundings.join(group, talks, hears)
  }

  leave(): void {
    this.#surroundings.leave()
  }

  background(sound: Background): void {
    this.#surroundings.background(sound)
  }

  echo(on: boolean): void {
    this.#surroundings.echo(on)
  }

  sendDigits(digits: string, durationMs: number, gapMs: number, now: Millis): void {
    this.#now = now
    this.#keysOut.press(digits, durationMs, gapMs)
    this.#quietOrNot()
  }

  /** Lets go of the socket. May be called twice. */
  release(): void {
    this.#wire.release()
  }

  close(now: Millis): void {
    this.#now = now
    this.release()
    const cut = this.#playout.abandon()
    this.#emit({ kind: 'legClosed', leg: this.ref, cut, counters: this.#counters(), at: now })
  }

  // ---------------------------------------------------------------- in

  receive(bytes: Uint8Array, from: Endpoint, now: Millis): void {
    this.#wire.receive(bytes, from, now)
  }

  #knows(payloadType: number, payloadBytes: number): boolean {
    if (payloadBytes > MAX_PACKET_SAMPLES) this.#malformed++
    const format = this.#format
    if (!format || payloadBytes > MAX_PACKET_SAMPLES) return false
    return payloadType === format.payloadType || payloadType === format.dtmfPayloadType || payloadType === COMFORT_NOISE
  }

  #received(bytes: Uint8Array, rtp: RtpHeader, from: Endpoint, now: Millis): void {
    const format = this.#format
    if (!format) return
    if (this.#packetsIn === 0) {
      this.#emit({ kind: 'rtpStarted', leg: this.ref, remote: { address: from.address, port: from.port }, at: now })
    }
    this.#packetsIn++
    this.#octetsIn += rtp.payloadBytes
    if (rtp.payloadType === format.payloadType) return this.#heard(format, bytes, rtp, now)
    if (rtp.payloadType === format.dtmfPayloadType) this.#keysIn.receive(bytes, rtp, now)
    this.#hearing.other(format.codec, bytes, rtp, now)
  }

  #heard(format: LegFormat, bytes: Uint8Array, rtp: RtpHeader, now: Millis): void {
    this.#hearing.sound(format.codec, bytes, rtp, now)
    if (!this.#surroundings.isListening) return
    decodeG711(format.codec, bytes, decoded, rtp.payloadAt, rtp.payloadBytes)
    this.#surroundings.heard(rtp.ssrc, rtp.rtpTime, decoded, rtp.payloadBytes)
  }

  #pressed(key: Key): void {
    this.#emit({ kind: 'dtmf', leg: this.ref, ...key })
    this.#surroundings.pressed(key)
  }

  /** A key of another leg of the group. While the far end holds us it would only come late. */
  #relay(key: Key): void {
    if (!this.#isSending || this.#isMuted) return
    this.#keysOut.relay(key)
    this.#quietOrNot()
  }

  // ---------------------------------------------------------------- out

  /** @returns how late the frame sent now was, in ms, or -1 when none was due */
  tick(now: Millis): number {
    this.#now = now
    if (this.#format) this.#hearing.drain(this.#format.codec, now)
    this.#hearing.tick(now)
    this.#keysIn.tick(now)
    if (this.#dueAt === null || now < this.#dueAt) return -1
    const late = now - this.#dueAt
    const behind = Math.floor(late / FRAME_MS)
    if (behind > MOST_CAUGHT_UP) {
      this.#skippedFrames += behind
      this.#sender.skip(behind * FRAME_SAMPLES)
      this.#dueAt += behind * FRAME_MS
    } else if (behind > 0) this.#lateFrames++
    const due = this.#dueAt
    this.#dueAt += FRAME_MS
    this.#speak(due)
    return late
  }

  #speak(due: Millis): void {
    if (!this.#isSending || !this.#wire.hasTarget || !this.#format) return this.#sender.skip(FRAME_SAMPLES)
    if (this.#keysOut.isBusy && !this.#playout.isFading) {
      this.#surroundings.skip()
      this.#sendKey(this.#format)
    } else {
      const isSaying = this.#playout.pull(this.#frame)
      this.#sendSound(this.#format, this.#surroundings.add(this.#frame, isSaying, this.#isMuted, due))
    }
    this.#playout.left(this.#now)
    this.#sender.advance(FRAME_SAMPLES)
  }

  #sendSound(format: LegFormat, isSound: boolean): void {
    const packet = this.#packet
    if (isSound) encodeG711(format.codec, this.#frame, packet, RTP_HEADER_BYTES)
    else packet.fill(SILENCE_OCTET[format.codec], RTP_HEADER_BYTES)
    this.#sender.write(packet, format.payloadType)
    this.#wire.send(packet)
  }

  #sendKey(format: LegFormat): void {
    const packet = this.#packet.subarray(0, RTP_HEADER_BYTES + KeysOut.PAYLOAD_BYTES)
    if (format.dtmfPayloadType === null) this.#sendSound(format, this.#keysOut.tone(this.#frame))
    else {
      const event = this.#keysOut.event(this.#sender.rtpTime, packet, RTP_HEADER_BYTES)
      if (event === null) this.#sendSound(format, false)
      else {
        this.#sender.write(packet, format.dtmfPayloadType, event.rtpTime, event.isFirst)
        this.#wire.send(packet)
      }
    }
    this.#quietOrNot()
  }

  /** The play-out rests while the far end holds us, while it is muted, and while keys are sent. */
  #quietOrNot(): void {
    if (!this.#isSending) this.#playout.halt()
    else if (this.#isMuted || this.#keysOut.isBusy) this.#playout.suspend()
    else this.#playout.resume()
  }

  #tell(news: PlayoutNews): void {
    const leg = this.ref
    const at = this.#now
    const { rtpTime } = this.#sender
    switch (news.kind) {
      case 'voiceStarted':
        return this.#emit({ kind: 'voiceStarted', leg, sayId: news.sayId, rtpTime, at })
      case 'played':
        return this.#emit({ kind: 'played', leg, say: news.say, rtpTime, at })
      case 'flushed':
        return this.#emit({ ...news, leg, at })
      default:
        news satisfies never
    }
  }

  #counters(): LegCounters {
    const hearing = this.#hearing
    return {
      packetsIn: this.#packetsIn,
      packetsOut: this.#sender.packets,
      octetsIn: this.#octetsIn,
      lost: hearing.lost,
      duplicate: hearing.duplicate,
      reordered: hearing.reordered,
      malformed: this.#malformed + this.#wire.malformed,
      otherSource: this.#wire.otherSource,
      concealed: hearing.concealed,
      lateFrames: this.#lateFrames,
      skippedFrames: this.#skippedFrames,
      hearingDropped: this.#tap.dropped,
    }
  }
}
