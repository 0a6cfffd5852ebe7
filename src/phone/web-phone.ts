/**
 * The web phone: a WebSocket on one side, one real SIP/RTP call on the other. A browser thereby is a caller like any
 * other: its sound leaves as RTP, reaches the server by its SIP port and comes back the same way.
 *
 * Client text: `dial {to}`, `hangup`, `dtmf {digit}`, `speak {text}` (a voice says it into the call as the caller).
 * Server text: `ringing`, `answered`, `ended {cause, code}`, `spoken`, `error {reason}`, with `sip_call_id` of a call.
 * Binary, both ways: one frame of 20 ms, 160 samples of 16 bits, little end first, 8 kHz.
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock, Scheduled } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { PhoneCall } from './call.ts'
import { PhoneError } from './phone-error.ts'

/** Who the socket belongs to, as the API's authentication told. */
export interface WebPhoneIdentity {
  readonly customerId: string
}

/** What the gateway needs of a `Phone`. */
export interface Line {
  call(target: string): Promise<PhoneCall>
  close(): Promise<void>
}

export interface WebPhoneOptions {
  readonly clock: Clock
  readonly log: Log
  /** A phone of this customer, ready to call. One per call; closed when the call is over. */
  openLine(identity: WebPhoneIdentity): Promise<Line>
  /** @returns 8 kHz mono. Rejects when the text cannot be spoken */
  synthesise(text: string): Promise<Int16Array>
}

const MAX_SOCKETS = 20
const MAX_MESSAGE_BYTES = 4_096
const MAX_SPEAK_CHARS = 200
const IDLE_LIMIT_MS = 60_000
const FRAME_SAMPLES = 160
const FRAME_BYTES = FRAME_SAMPLES * 2
/** Sound waiting to leave; a browser's clock and ours drift, and a network delivers in bursts. */
const ENOUGH_QUEUED_FRAMES = 3
const MOST_QUEUED_FRAMES = 10
/** A frame whose loudest sample is below this may be left out unheard. */
const QUIET_PEAK = 250
/** A browser that reads this slowly gets no more sound until it has caught up. */
const SLOW_READER_BYTES = 32_768

export class WebPhones {
  readonly #options: WebPhoneOptions
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
  readonly #sessions = new Set<WebPhoneSession>()

  constructor(options: WebPhoneOptions) {
    this.#options = options
  }

  get socketCount(): number {
    return this.#sessions.size
  }

  /** Takes over an HTTP upgrade that has been authenticated. Answers 503 when all places are taken. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, identity: WebPhoneIdentity): void {
    if (this.#sessions.size >= MAX_SOCKETS) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const session = new WebPhoneSession(client, identity, this.#options)
      this.#sessions.add(session)
      client.on('close', () => this.#sessions.delete(session))
    })
  }

  /** Hangs up every call and closes every socket. May be called twice. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()))
    this.#server.close()
  }
}

class WebPhoneSession {
  readonly #client: WebSocket
  readonly #identity: WebPhoneIdentity
  readonly #options: WebPhoneOptions
  #idle: Scheduled | null = null
  /** A dial is under way or a call is up. */
  #isBusy = false
  #line: Line | null = null
  #call: PhoneCall | null = null
  #queuedFrames = 0
  /** A synthesised sentence is leaving; the microphone has to wait. */
  #isSpeaking = false
  #isClosed = false

  constructor(client: WebSocket, identity: WebPhoneIdentity, options: WebPhoneOptions) {
    this.#client = client
    this.#identity = identity
    this.#options = options
    client.on('message', (data, isBinary) => {
      if (isBinary) this.#heardFrame(data as Buffer)
      else this.#asked(String(data))
    })
    client.on('error', () => {}) // 'close' follows
    client.on('close', () => void this.close())
    this.#waitIdle()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#idle?.cancel()
    this.#client.close(1001)
    this.#call?.hangup()
    await this.#line?.close()
  }

  #waitIdle(): void {
    const { clock } = this.#options
    this.#idle?.cancel()
    this.#idle = clock.schedule(clock.now() + IDLE_LIMIT_MS, () => {
      if (!this.#isBusy) this.#client.close(1000, 'idle')
    })
  }

  #asked(text: string): void {
    const wish = parseWish(text)
    switch (wish?.type) {
      case undefined:
        this.#tell({ type: 'error', reason: 'not understood' })
        break
      case 'dial':
        void this.#dial(wish.to)
        break
      case 'hangup':
        this.#call?.hangup()
        break
      case 'dtmf':
        if (this.#call?.state === 'answered') this.#call.press(wish.digit)
        break
      case 'speak':
        void this.#speak(wish.text)
        break
    }
  }

  async #dial(to: string): Promise<void> {
    if (this.#isBusy) return this.#tell({ type: 'error', reason: 'there is a call already' })
    this.#isBusy = true
    this.#idle?.cancel()
    let call: PhoneCall | null = null
    try {
      this.#line = await this.#options.openLine(this.#identity)
      if (this.#isClosed) return await this.#line.close()
      call = this.#call = await this.#line.call(to)
      await this.#follow(call)
    } catch (error) {
      this.#options.log.warn({ customer_id: this.#identity.customerId, why: String(error) }, 'web phone call failed')
      this.#tell({ type: 'error', sip_call_id: call?.sipCallId ?? '', reason: reasonOf(error) })
    }
    await this.#afterCall()
  }

  async #follow(call: PhoneCall): Promise<void> {
    const sip_call_id = call.sipCallId
    call.onFrame = (pcm8k) => this.#sendFrame(pcm8k)
    this.#tell({ type: 'ringing', sip_call_id })
    if (this.#isClosed) call.hangup()
    try {
      await call.answered
      this.#tell({ type: 'answered', sip_call_id })
      const { cause, code } = await call.ended
      this.#tell({ type: 'ended', sip_call_id, cause, code })
    } catch (error) {
      if (!(error instanceof PhoneError)) throw error
      this.#tell({ type: 'ended', sip_call_id, cause: error.phrase, code: error.code })
    }
  }

  async #afterCall(): Promise<void> {
    const line = this.#line
    this.#call = null
    this.#line = null
    this.#queuedFrames = 0
    this.#isSpeaking = false
    this.#isBusy = false
    await line?.close()
    if (!this.#isClosed) this.#waitIdle()
  }

  /** A frame of the microphone goes into the call, unless too much is waiting already. */
  #heardFrame(bytes: Buffer): void {
    const call = this.#call
    if (bytes.length !== FRAME_BYTES || call?.state !== 'answered' || this.#isSpeaking) return
    const pcm8k = new Int16Array(FRAME_SAMPLES)
    for (let i = 0; i < FRAME_SAMPLES; i++) pcm8k[i] = bytes.readInt16LE(2 * i)
    const limit = isQuiet(pcm8k) ? ENOUGH_QUEUED_FRAMES : MOST_QUEUED_FRAMES
    if (this.#queuedFrames >= limit) return
    this.#queuedFrames++
    call.speak(pcm8k).then(
      () => this.#frameLeft(call),
      () => this.#frameLeft(call),
    )
  }

  #frameLeft(call: PhoneCall): void {
    if (call === this.#call) this.#queuedFrames--
  }

  async #speak(text: string): Promise<void> {
    const call = this.#call
    if (call?.state !== 'answered' || this.#isSpeaking) return
    this.#isSpeaking = true
    try {
      const pcm8k = await this.#options.synthesise(text)
      if (call.state !== 'answered') return
      await call.speak(pcm8k)
      this.#tell({ type: 'spoken', sip_call_id: call.sipCallId })
    } catch (error) {
      if (call.state === 'answered') this.#tell({ type: 'error', sip_call_id: call.sipCallId, reason: reasonOf(error) })
    } finally {
      if (call === this.#call) this.#isSpeaking = false
    }
  }

  #sendFrame(pcm8k: Int16Array): void {
    if (this.#isClosed || this.#client.bufferedAmount > SLOW_READER_BYTES) return
    const bytes = Buffer.allocUnsafe(pcm8k.length * 2)
    for (let i = 0; i < pcm8k.length; i++) bytes.writeInt16LE(pcm8k[i]!, 2 * i)
    this.#client.send(bytes)
  }

  #tell(message: object): void {
    if (!this.#isClosed && this.#client.readyState === this.#client.OPEN) this.#client.send(JSON.stringify(message))
  }
}

type Wish =
  | { readonly type: 'dial'; readonly to: string }
  | { readonly type: 'hangup' }
  | { readonly type: 'dtmf'; readonly digit: string }
  | { readonly type: 'speak'; readonly text: string }

/** @returns null for anything that is not one of the four */
function parseWish(text: string): Wish | null {
  let given: Record<string, unknown>
  try {
    given = Object(JSON.parse(text))
  } catch {
    return null
  }
  const { type, to, digit, text: words } = given
  if (type === 'hangup') return { type }
  if (type === 'dial' && typeof to === 'string' && /^[\w.+*#-]{1,64}$/.test(to)) return { type, to }
  if (type === 'dtmf' && typeof digit === 'string' && /^[0-9*#A-D]$/.test(digit)) return { type, digit }
  if (type === 'speak' && typeof words === 'string' && words.trim() !== '' && words.length <= MAX_SPEAK_CHARS) {
    return { type, text: words }
  }
  return null
}

function isQuiet(pcm: Int16Array): boolean {
  return pcm.every((sample) => sample > -QUIET_PEAK && sample < QUIET_PEAK)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
