/**
 * One leg: a UDP port of its own, received sound to the ears and to other legs, sound of the play-out ring and of other
 * legs to the wire on an absolute grid. From start to close a packet leaves every 20 ms, or as far apart as the far end asked
 * for, of silence when there is nothing to say: carriers prefer packets that keep coming to comfort noise.
 */

import { MAX_PAYLOAD_BYTES, type SoundEncoder } from '../audio/codec.ts'
import { CLOCK_HZ, openEncoder } from '../audio/codecs.ts'
import type { Millis } from '../kernel/clock.ts'
import { SeededRandom } from '../kernel/random.ts'
import { RingReader, RingWriter } from '../kernel/ring.ts'
import type { DatagramSocket, Endpoint } from '../net/port.ts'
import { RTP_HEADER_BYTES, type RtpHeader } from '../rtp/packet.ts'
import { RtcpSession } from '../rtp/rtcp-session.ts'
import { RtpSender } from '../rtp/sender.ts'
import { SrtpProtection } from '../rtp/srtp/protection.ts'
import type { SrtpPair } from '../rtp/srtp/suite.ts'
import type { MixGroup } from './group.ts'
import { Lending } from './guest.ts'
import { Hearing } from './hearing.ts'
import { Inbound, type SoundIn } from './inbound.ts'
import { type Key, KeysIn, KeysOut } from './keys.ts'
import { Onward } from './onward.ts'
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
import { RtpTime } from './rtp-time.ts'
import { Surroundings } from './surroundings.ts'
import { HearingTap } from './taps.ts'
import { Wire } from './wire.ts'
import type { OpenPort } from './wire-rtcp.ts'

/** Of all sound in here. Codecs of a wider band are opened for it: they resample, or code it as it is. */
export const RATE_HZ = 8_000
/** As long as frames are where nobody asks for other packets, and in the rings. */
export const FRAME_MS = 20
const DTMF_CLOCK_HZ = 8_000
const FRAME_SAMPLES = (RATE_HZ * FRAME_MS) / 1000
/** Legs are spread over this many phases of the grid, so that their packets do not leave all at once. */
const PHASES = 4
const PHASE_MS = FRAME_MS / PHASES
/** Frames that are made up for one by one; further behind, the timestamp jumps. */
const MOST_CAUGHT_UP = 3
/** Comfort noise (RFC 3389): a packet that says that there is no sound. */
const COMFORT_NOISE = 13
/** Of a stream with another clock than most, so that it counts as another stream. */
const OTHER_CLOCK = 2 ** 32

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
  /** Kept for its counts when SRTP is given up again. */
  #srtp: SrtpProtection | null = null
  readonly #inbound = new Inbound(RATE_HZ)
  readonly #onward: Onward
  readonly #rtpTime = new RtpTime(RATE_HZ)
  #encoder: SoundEncoder | null = null
  /** One packet's sound, and the packet. */
  #frame = new Int16Array(FRAME_SAMPLES)
  readonly #packet = new Uint8Array(RTP_HEADER_BYTES + MAX_PAYLOAD_BYTES)
  /** The beginning of `#packet` that was sent last: most packets are as long as the one before. */
  #sent = this.#packet.subarray(0, RTP_HEADER_BYTES + FRAME_SAMPLES)
  #frameMs = FRAME_MS
  /** RTP time of a frame. */
  #frameClock = FRAME_SAMPLES
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

  /** @param openPort for the port of RTCP; absent: there is none */
  constructor(opening: Opening, emit: (event: MediaEvent) => void, openPort?: OpenPort) {
    const leg = opening.leg
    this.ref = leg
    this.#emit = emit
    this.#tap = new HearingTap(new RingWriter(opening.rings.hearing), leg, RATE_HZ, FRAME_SAMPLES, (news) =>
      emit({ kind: 'gate', leg, ...news }),
    )
    this.#hearing = new Hearing(this.#tap, this.#inbound, RATE_HZ, FRAME_SAMPLES)
    this.#keysIn = new KeysIn((key) => this.#pressed(key))
    this.#onward = new Onward(RATE_HZ, (...sound) => this.#surroundings.heard(...sound))
    this.#surroundings = new Surroundings(RATE_HZ, FRAME_SAMPLES, (key) => this.#relay(key))
    this.#playout = new Playout(new RingReader(opening.rings.playout), leg, RATE_HZ, (news) => this.#tell(news))
    this.#keysOut = new KeysOut(RATE_HZ, FRAME_MS, () => emit({ kind: 'digitsSent', leg, at: this.#now }))
    this.#wire = new Wire(
      {
        knows: (payloadType, payloadBytes) => this.#knows(payloadType, payloadBytes),
        rtp: (bytes, rtp, from, now) => this.#received(bytes, rtp, from, now),
        lossTold: (percent) => this.expectLoss(percent),
      },
      rtcpOf(opening),
      openPort,
    )
    this.#sender = new RtpSender(opening.ssrc, opening.firstSequence, opening.firstRtpTime)
  }

  /** Records put into the hearing ring so far. */
  get pushed(): number {
    return this.#tap.pushed
  }

  /** Of RTP; null before it is bound. */
  localPort: number | null = null

  bound(socket: DatagramSocket): void {
    this.localPort = socket.local.port
    this.#wire.bound(socket)
  }

  // ---------------------------------------------------------------- commands

  start(format: LegFormat, remote: RtpAddress, sending: boolean, now: Millis): void {
    this.#now = now
    this.#speakAs(format)
    this.#format = format
    this.#inbound.agree(format)
    this.#protect(format.srtp ?? null)
    this.#wire.negotiate(format, remote, now)
    this.#isSending = sending
    this.#dueAt ??= Math.ceil(now / FRAME_MS) * FRAME_MS + (this.ref.slot % PHASES) * PHASE_MS
    this.#quietOrNot()
  }

  /** Another codec begins anew, marked as after a pause; the same one goes on. */
  #speakAs(format: LegFormat): void {
    const before = this.#format
    const isSame = before?.codec === format.codec && JSON.stringify(before.opus) === JSON.stringify(format.opus)
    if (!isSame) {
      this.#encoder?.free()
      this.#encoder = openEncoder(format.codec, RATE_HZ, format.opus)
      this.#sender.skip(0)
    }
    if (format.ptimeMs !== this.#frameMs) {
      this.#frameMs = format.ptimeMs
      this.#frame = new Int16Array((RATE_HZ * format.ptimeMs) / 1000)
    }
    this.#frameClock = (CLOCK_HZ[format.codec] * format.ptimeMs) / 1000
    const keyClockHz = format.dtmfPayloadType === null ? RATE_HZ : (format.dtmfClockHz ?? DTMF_CLOCK_HZ)
    this.#keysOut.pace(keyClockHz, format.ptimeMs)
  }

  /** How much of our sound the far end loses, as its reports say. */
  expectLoss(percent: number): void {
    this.#encoder?.expectLoss(percent)
  }

  hear(on: boolean, now: Millis): void {
    this.#tap.hear(on, now)
  }

  #protect(keys: SrtpPair | null): void {
    if (keys !== null && this.#srtp === null) this.#srtp = new SrtpProtection(keys)
    else if (keys !== null) this.#srtp?.change(keys)
    this.#wire.protect(keys === null ? null : this.#srtp)
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

  lend(ring: SharedArrayBuffer | null): void {
    this.#surroundings.lend(ring && new Lending(ring, this.ref))
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

  /** Lets go of the socket and the codecs. May be called twice. */
  release(): void {
    this.#wire.release()
    this.#encoder?.free()
    this.#inbound.free()
  }

  close(now: Millis): void {
    this.#now = now
    this.release()
    const cut = this.#playout.abandon()
    const quality = this.#wire.quality()
    const rest = { counters: this.#counters(), ...(quality && { quality }), at: now }
    this.#emit({ kind: 'legClosed', leg: this.ref, cut, ...rest })
  }

  // ---------------------------------------------------------------- in

  receive(bytes: Uint8Array, from: Endpoint, now: Millis): void {
    this.#wire.receive(bytes, from, now)
  }

  #knows(payloadType: number, payloadBytes: number): boolean {
    if (payloadBytes > MAX_PAYLOAD_BYTES) this.#malformed++
    if (!this.#format || payloadBytes > MAX_PAYLOAD_BYTES) return false
    const inbound = this.#inbound
    return (
      inbound.sound(payloadType) !== null || inbound.keyClockHz(payloadType) !== null || payloadType === COMFORT_NOISE
    )
  }

  #received(bytes: Uint8Array, rtp: RtpHeader, from: Endpoint, now: Millis): void {
    const format = this.#format
    if (!format) return
    if (this.#packetsIn === 0) {
      this.#emit({ kind: 'rtpStarted', leg: this.ref, remote: { address: from.address, port: from.port }, at: now })
    }
    this.#packetsIn++
    this.#octetsIn += rtp.payloadBytes
    const sound = this.#inbound.sound(rtp.payloadType)
    if (sound !== null) return this.#heard(sound, bytes, rtp, now)
    const keyClockHz = this.#inbound.keyClockHz(rtp.payloadType)
    const clockHz = CLOCK_HZ[format.codec]
    const stream = streamOf(rtp.ssrc, clockHz)
    if (keyClockHz !== null) this.#keysIn.receive(bytes, rtp, keyClockHz, now)
    else if (this.#surroundings.isListening && rtp.payloadBytes > 0) {
      const time = this.#rtpTime.at(stream, clockHz, rtp.rtpTime)
      this.#onward.comfort(bytes[rtp.payloadAt]! & 0x7f, stream, rtp.sequence, time, now)
    }
    this.#hearing.other(bytes, rtp, stream, now)
  }

  #heard(sound: SoundIn, bytes: Uint8Array, rtp: RtpHeader, now: Millis): void {
    const stream = streamOf(rtp.ssrc, sound.clockHz)
    const time = this.#rtpTime.at(stream, sound.clockHz, rtp.rtpTime)
    this.#hearing.sound(bytes, rtp, stream, time, now)
    if (this.#surroundings.isListening) this.#onward.sound(sound, bytes, rtp, stream, time)
    else this.#onward.rest()
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
    if (this.#format) this.#hearing.drain(now)
    this.#hearing.tick(now)
    this.#keysIn.tick(now)
    if (this.#surroundings.isListening) this.#onward.tick(now)
    this.#wire.tick(now)
    if (this.#dueAt === null || now < this.#dueAt) return -1
    const late = now - this.#dueAt
    const behind = Math.floor(late / this.#frameMs)
    if (behind > MOST_CAUGHT_UP) {
      this.#skippedFrames += behind
      this.#sender.skip(behind * this.#frameClock)
      this.#dueAt += behind * this.#frameMs
    } else if (behind > 0) this.#lateFrames++
    const due = this.#dueAt
    this.#dueAt += this.#frameMs
    this.#speak(due)
    return late
  }

  #speak(due: Millis): void {
    if (!this.#isSending || !this.#wire.hasTarget || !this.#format) return this.#sender.skip(this.#frameClock)
    if (this.#keysOut.isBusy && !this.#playout.isFading) {
      this.#surroundings.skip()
      this.#sendKey(this.#format)
    } else {
      const isSaying = this.#playout.pull(this.#frame)
      this.#sendSound(this.#format, this.#surroundings.add(this.#frame, isSaying, this.#isMuted, due))
    }
    this.#playout.left(this.#now)
    this.#sender.advance(this.#frameClock)
  }

  #sendSound(format: LegFormat, isSound: boolean): void {
    const packet = this.#packet
    const encoder = this.#encoder!
    const bytes = isSound
      ? encoder.encode(this.#frame, packet, RTP_HEADER_BYTES)
      : encoder.silence(this.#frame.length, packet, RTP_HEADER_BYTES)
    if (bytes === 0) return
    if (this.#sent.length !== RTP_HEADER_BYTES + bytes) this.#sent = packet.subarray(0, RTP_HEADER_BYTES + bytes)
    this.#sender.write(packet, format.payloadType)
    this.#wire.send(this.#sent)
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
      authFailed: this.#srtp?.authFailed ?? 0,
      replayed: this.#srtp?.replayed ?? 0,
      concealed: hearing.concealed,
      lateFrames: this.#lateFrames,
      skippedFrames: this.#skippedFrames,
      hearingDropped: this.#tap.dropped,
    }
  }
}

/** Its name need only be nobody else's (RFC 7022); the numbers that packets begin with are random enough for that. */
function rtcpOf({ ssrc, firstSequence, firstRtpTime }: Opening): RtcpSession {
  const cname = [ssrc, firstSequence, firstRtpTime].map((word) => word.toString(36)).join('.')
  return new RtcpSession({ ssrc, cname, random: new SeededRandom(cname) })
}

/** Who sends, and by which clock: packets of another clock say nothing about the time of those before. */
function streamOf(ssrc: number, clockHz: number): number {
  return clockHz === RATE_HZ ? ssrc : ssrc + OTHER_CLOCK
}
