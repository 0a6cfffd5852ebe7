/**
 * The sound of one phone call: one RTP socket, frames out on a 20 ms grid, frames in as they come. Symmetric RTP: sends to
 * where sound comes from. No jitter buffer and no concealment: who listens here wants what was on the wire.
 */

import { MAX_PAYLOAD_BYTES, type SoundDecoder, type SoundEncoder } from '../audio/codec.ts'
import { CLOCK_HZ, openDecoder, openEncoder } from '../audio/codecs.ts'
import type { Clock, Millis, Scheduled } from '../kernel/clock.ts'
import type { CodecName, RtpAddress } from '../media/protocol.ts'
import type { DatagramSocket, Endpoint, Network } from '../net/port.ts'
import { DtmfReceiver, DtmfSender, type Press } from '../rtp/dtmf.ts'
import { emptyRtpHeader, parseRtp, RTP_HEADER_BYTES } from '../rtp/packet.ts'
import { RtpSender } from '../rtp/sender.ts'
import type { FrameInfo } from './call.ts'
import { Reception } from './reception.ts'
import { SpeechQueue, type Spoken } from './speech-queue.ts'

export interface SoundOptions {
  readonly network: Network
  readonly clock: Clock
  readonly localAddress: string
  readonly localPorts: readonly number[]
  readonly sendSilence: boolean
  readonly ssrc: number
  readonly firstSequence: number
  readonly firstRtpTime: number
}

/** What offer and answer agreed on. */
export interface SoundFormat {
  readonly codec: CodecName
  readonly payloadType: number
  readonly dtmfPayloadType: number | null
  /** Of those events. Absent: 8,000. */
  readonly dtmfClockHz?: number
  readonly remote: RtpAddress
  /** False while the far end holds the call: the grid goes on, nothing is sent. */
  readonly isSending: boolean
}

export interface SoundStats {
  readonly packetsSent: number
  /** Without duplicates. */
  readonly packetsReceived: number
  readonly lost: number
  readonly duplicates: number
  readonly reordered: number
  /** Datagrams that were no RTP of this call. */
  readonly strange: number
  /** Frames that left a whole frame or more after their time. */
  readonly lateFrames: number
  /** Frames of the grid given up because the clock was too late for them. */
  readonly skippedFrames: number
  /** Speech not sent yet. */
  readonly queuedMs: number
}

const FRAME_MS = 20
const RATE_HZ = 8_000
const FRAME_SAMPLES = 160
/** Of keys, where nothing else is said. */
const DTMF_CLOCK_HZ = 8_000
/** Frames that may be made up for in one go; further behind, the RTP clock jumps instead. */
const MOST_CAUGHT_UP = 3
/** The source of sound may change when the present one has been silent that long. */
const SOURCE_SILENT_MS = 1_000
const KEYS = /^[0-9*#A-D]$/i
/** How long a key is down, and the pause behind it. */
const KEY_MS = 120
const KEY_GAP_MS = 60
const EVENT_BYTES = 4
const decoded = new Int16Array(MAX_PAYLOAD_BYTES)

export class PhoneSound {
  onFrame: ((pcm8k: Int16Array, info: FrameInfo) => void) | null = null
  onDigit: ((digit: string) => void) | null = null

  readonly #clock: Clock
  readonly #sendsSilence: boolean
  readonly #sender: RtpSender
  readonly #speech = new SpeechQueue()
  readonly #keysOut = new DtmfSender(FRAME_SAMPLES)
  readonly #keysIn = new DtmfReceiver()
  readonly #reception = new Reception()
  readonly #frame = new Int16Array(FRAME_SAMPLES)
  readonly #packet = new Uint8Array(RTP_HEADER_BYTES + MAX_PAYLOAD_BYTES)
  #encoder: SoundEncoder | null = null
  #decoder: SoundDecoder | null = null
  #frameClock = FRAME_SAMPLES
  #keyClockHz = DTMF_CLOCK_HZ
  readonly #header = emptyRtpHeader()
  #socket!: DatagramSocket
  #format: SoundFormat | null = null
  #tick: Scheduled | null = null
  /** When the next frame is due. */
  #dueAt: Millis = 0
  #source: { readonly from: Endpoint; heardAt: Millis } | null = null
  #lateFrames = 0
  #skippedFrames = 0
  #strange = 0
  #isClosed = false

  /** @returns sound with its port bound, silent until `start`; rejects like `Network.bind` when no port is free */
  static async open(options: SoundOptions): Promise<PhoneSound> {
    const sound = new PhoneSound(options)
    sound.#socket = await bindFirst(options, (bytes, from) => sound.#receive(bytes, from))
    return sound
  }

  private constructor(options: SoundOptions) {
    this.#clock = options.clock
    this.#sendsSilence = options.sendSilence
    this.#sender = new RtpSender(options.ssrc, options.firstSequence, options.firstRtpTime)
  }

  get localPort(): number {
    return this.#socket.local.port
  }

  get stats(): SoundStats {
    return {
      packetsSent: this.#sender.packets,
      packetsReceived: this.#reception.received,
      lost: this.#reception.lost,
      duplicates: this.#reception.duplicates,
      reordered: this.#reception.reordered,
      strange: this.#strange,
      lateFrames: this.#lateFrames,
      skippedFrames: this.#skippedFrames,
      queuedMs: (this.#speech.depthSamples / FRAME_SAMPLES) * FRAME_MS,
    }
  }

  /** Begins the grid with a frame at once; later it only changes where and how frames are sent. */
  start(format: SoundFormat): void {
    if (this.#isClosed) return
    this.#open(format)
    this.#format = format
    this.#source = null
    if (this.#tick) return
    this.#dueAt = this.#clock.now()
    this.#onTick()
  }

  #open({ codec, dtmfClockHz }: SoundFormat): void {
    const keyClockHz = dtmfClockHz ?? DTMF_CLOCK_HZ
    if (keyClockHz !== this.#keyClockHz) this.#keysOut.repace((keyClockHz * FRAME_MS) / 1000, FRAME_MS, FRAME_MS)
    this.#keyClockHz = keyClockHz
    if (codec === this.#format?.codec) return
    this.#encoder?.free()
    this.#decoder?.free()
    this.#encoder = openEncoder(codec, RATE_HZ)
    this.#decoder = openDecoder(codec, RATE_HZ)
    this.#frameClock = (CLOCK_HZ[codec] * FRAME_MS) / 1000
  }

  /** As `PhoneCall.speak`. */
  speak(pcm8k: Int16Array): Promise<Spoken> {
    const now = this.#clock.now()
    return this.#isClosed ? Promise.resolve({ firstAt: now, lastAt: now }) : this.#speech.push(pcm8k, now)
  }

  /** As `PhoneCall.press`. */
  press(digit: string): void {
    if (!KEYS.test(digit)) throw new RangeError(`not a key: ${digit}`)
    this.#keysOut.press(digit, KEY_MS, KEY_GAP_MS, FRAME_MS)
  }

  /** May be called twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#tick?.cancel()
    this.#speech.clear(this.#clock.now())
    this.#socket.close()
    this.#encoder?.free()
    this.#decoder?.free()
  }

  // ---- out

  /** Sends all that is due. The grid is absolute: a late clock is made up for or, when it is too late, skipped. */
  #onTick(): void {
    const now = this.#clock.now()
    const late = Math.floor((now - this.#dueAt) / FRAME_MS)
    if (late > MOST_CAUGHT_UP) this.#skip(late)
    else this.#lateFrames += late
    for (; this.#dueAt <= now; this.#dueAt += FRAME_MS) this.#sendFrame(now)
    this.#tick = this.#clock.schedule(this.#dueAt, () => this.#onTick())
  }

  #skip(frames: number): void {
    this.#skippedFrames += frames
    this.#dueAt += frames * FRAME_MS
    this.#sender.skip(frames * this.#frameClock)
  }

  /** One slot of the grid: a key, else speech, else silence. */
  #sendFrame(now: Millis): void {
    const format = this.#format
    const isSent =
      format?.isSending === true && (this.#keysOut.isBusy ? this.#sendKey(format) : this.#sendSound(format, now))
    if (isSent) this.#sender.advance(this.#frameClock)
    else this.#sender.skip(this.#frameClock)
  }

  #sendSound({ payloadType }: SoundFormat, now: Millis): boolean {
    const isSpeech = this.#speech.take(this.#frame, now)
    if (!isSpeech && !this.#sendsSilence) return false
    if (!isSpeech) this.#frame.fill(0)
    const bytes = this.#encoder!.encode(this.#frame, this.#packet, RTP_HEADER_BYTES)
    if (bytes === 0) return false
    this.#sender.write(this.#packet, payloadType)
    this.#sendPacket(bytes)
    return true
  }

  #sendKey({ dtmfPayloadType }: SoundFormat): boolean {
    const { kind, rtpTime, isFirst } = this.#keysOut.next(this.#sender.rtpTime, this.#packet, RTP_HEADER_BYTES)
    if (kind === 'gap' || dtmfPayloadType === null) return false
    this.#sender.write(this.#packet, dtmfPayloadType, rtpTime, isFirst)
    this.#sendPacket(EVENT_BYTES)
    return true
  }

  #sendPacket(payloadBytes: number): void {
    this.#socket.send(this.#packet.subarray(0, RTP_HEADER_BYTES + payloadBytes), this.#remote)
  }

  get #remote(): Endpoint {
    return this.#source?.from ?? this.#format!.remote
  }

  // ---- in

  #receive(bytes: Uint8Array, from: Endpoint): void {
    const format = this.#format
    const header = this.#header
    if (!format || !parseRtp(bytes, header) || !isKnown(format, header.payloadType) || !this.#isFrom(from)) {
      this.#strange++
      return
    }
    if (!this.#reception.note(header.ssrc, header.sequence)) return
    const payload = bytes.subarray(header.payloadAt, header.payloadAt + header.payloadBytes)
    if (header.payloadType === format.dtmfPayloadType) {
      this.#tellKey(this.#keysIn.receive(header.rtpTime, payload, 0, payload.length))
      return
    }
    if (this.#keysIn.isOpen) this.#tellKey(this.#keysIn.end())
    const pcm8k = decoded.slice(0, this.#decoder!.decode(payload, 0, payload.length, decoded))
    const { sequence, rtpTime: timestamp, marker } = header
    this.onFrame?.(pcm8k, { at: this.#clock.now(), sequence, timestamp, marker })
  }

  #tellKey(press: Press | null): void {
    if (press) this.onDigit?.(press.digit)
  }

  /** Sound is taken from one source; another one takes its place when that has gone silent. */
  #isFrom(from: Endpoint): boolean {
    const now = this.#clock.now()
    const source = this.#source
    if (source && isSame(source.from, from)) source.heardAt = now
    else if (!source || now - source.heardAt > SOURCE_SILENT_MS) this.#source = { from, heardAt: now }
    else return false
    return true
  }
}

function isKnown({ payloadType, dtmfPayloadType }: SoundFormat, received: number): boolean {
  return received === payloadType || received === dtmfPayloadType
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.address === b.address
}

async function bindFirst(
  { network, localAddress, localPorts }: SoundOptions,
  onDatagram: (bytes: Uint8Array, from: Endpoint) => void,
): Promise<DatagramSocket> {
  let failure: unknown = new Error('no RTP port given')
  for (const port of localPorts) {
    try {
      return await network.bind({ address: localAddress, port }, onDatagram)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
