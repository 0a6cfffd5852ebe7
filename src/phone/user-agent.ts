/**
 * A softphone in code: the project's own SIP core over any network and clock. The demo's caller, the page's web phone,
 * end-to-end tests, benchmarks and simulations all are this one. Its only timers are `clock.schedule`, its only randomness
 * is the seed: with a virtual clock and a network in memory the same seed gives the same packets.
 */

import { createHash } from 'node:crypto'
import { Timers } from '../drivers/timers.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { SeededRandom } from '../kernel/random.ts'
import type { CodecName } from '../media/protocol.ts'
import type { DatagramSocket, Endpoint, Network } from '../net/port.ts'
import { type LocalMedia, makeOffer } from '../sdp/negotiate.ts'
import { createSipCore } from '../sip/core.ts'
import type { Flow, SipCore, SipInput, SipOutput } from '../sip/types.ts'
import { type CallControl, type PhoneCall, SipPhoneCall } from './call.ts'
import { PhoneSound } from './sound.ts'

export type { PhoneCall, PhoneCallEnd, PhoneCallState } from './call.ts'
export { PhoneError } from './phone-error.ts'

export interface PhoneOptions {
  readonly network: Network
  readonly clock: Clock
  /** A concrete address, not a wildcard: it goes into Contact and SDP. */
  readonly localAddress: string
  /** 0 or absent: any free one. */
  readonly sipPort?: number
  /** UDP ports to try for each call's sound, in order. Absent: any free one. */
  readonly rtpPorts?: readonly number[]
  /** Where all requests go. */
  readonly server: Endpoint
  readonly user: string
  /** Host part of our address of record and of dialled numbers. Absent: the server's address and port. */
  readonly domain?: string
  /** Answers to a 401 or 407. */
  readonly credentials?: { readonly username: string; readonly password: string }
  /** The only codec offered and taken. Absent: PCMU, then PCMA. */
  readonly codec?: CodecName
  readonly seed: string
  /** Takes every incoming call as soon as it rings. */
  readonly autoAnswer?: boolean
  /** False: no packets while there is nothing to say, as a phone with silence suppression. Default true. */
  readonly sendSilence?: boolean
  readonly log?: Log
}

const EXPIRES_S = 3_600
/** Share of the granted time after which the registration is renewed. */
const RENEW_AT = 0.8
/** Name of that timer, beside the core's. */
const RENEWAL = 'phone:renewal'
const DIAL_TIMEOUT_MS = 60_000
const NONCE_LIFE_MS = 60_000
/** How long closing waits for the far ends of calls still up. */
const CLOSE_LIMIT_MS = 1_000

export class Phone {
  /** Called with each incoming call while it rings. */
  onIncoming: ((call: PhoneCall) => void) | null = null

  readonly #options: PhoneOptions
  readonly #random: SeededRandom
  readonly #core: SipCore
  readonly #timers: Timers
  /** Legs the core still knows. A call leaves when its last SIP message is done, not when its user hung up. */
  readonly #calls = new Map<string, SipPhoneCall>()
  /** Legs of incoming calls whose RTP port is being bound. */
  readonly #opening = new Set<string>()
  readonly #registering = new Map<string, (code: number) => void>()
  readonly #inputs: SipInput[] = []
  #socket!: DatagramSocket
  #lastLeg = 0
  #isHandling = false
  #isClosed = false
  #whenIdle: (() => void) | null = null

  /** @returns a phone with its SIP port bound; rejects like `Network.bind` */
  static async open(options: PhoneOptions): Promise<Phone> {
    const phone = new Phone(options)
    const local = { address: options.localAddress, port: options.sipPort ?? 0 }
    phone.#socket = await options.network.bind(local, (bytes, from) => phone.#received(bytes, from))
    return phone
  }

  private constructor(options: PhoneOptions) {
    this.#options = options
    this.#timers = new Timers(options.clock)
    this.#random = new SeededRandom(options.seed)
    this.#core = createSipCore({
      contactFor: () => this.#socket.local,
      userAgent: 'quietline-phone',
      seed: this.#random.token(24),
      // Never used: this phone asks nobody for credentials.
      nonceKey: createHash('sha256').update(options.seed).digest(),
      nonceLifeMs: NONCE_LIFE_MS,
    })
  }

  /** Where the phone is reached. */
  get local(): Endpoint {
    return this.#socket.local
  }

  /**
   * Registers with the server and renews in time from then on.
   * @returns the SIP status of the final answer: 200, 403, 408 when there was none
   */
  register(): Promise<number> {
    const leg = this.#nextLeg()
    const { user, credentials } = this.#options
    return new Promise((resolve) => {
      this.#registering.set(leg, resolve)
      this.#handle({
        kind: 'register',
        leg,
        flow: this.#flowTo(this.#options.server),
        registrar: `sip:${this.#domain}`,
        aor: this.#addressOfRecord,
        credentials: credentials ?? { username: user, password: '' },
        expiresS: EXPIRES_S,
      })
    })
  }

  /**
   * @param target a user part (`+15551234567`, `alice`) or a whole `sip:` URI; either way the request goes to the server
   * @param headers of the INVITE, besides those every one has
   * @returns a call whose INVITE has left; its `answered` tells how it went. Rejects when no RTP port can be bound
   */
  async call(target: string, headers: readonly (readonly [string, string])[] = []): Promise<PhoneCall> {
    const sound = await this.#openSound()
    const media = this.#mediaOf(sound)
    const leg = this.#nextLeg()
    const uri = target.startsWith('sip:') ? target : `sip:${userPart(target)}@${this.#domain}`
    const offer = makeOffer(media)
    const { credentials, server } = this.#options
    const outputs = this.#core.handle(
      {
        kind: 'invite',
        leg,
        targets: [{ flow: this.#flowTo(server), requestUri: uri }],
        from: { display: '', uri: this.#addressOfRecord },
        to: { display: '', uri },
        body: offer,
        headers,
        ...(credentials === undefined ? {} : { credentials }),
        timeoutMs: DIAL_TIMEOUT_MS,
      },
      this.#options.clock.now(),
    )
    const call = new SipPhoneCall({
      sipCallId: sipCallIdOf(outputs),
      state: 'calling',
      sound,
      media: { ...media, version: media.version + 1 },
      control: this.#controlOf(leg),
      offer: '',
      sentOffer: offer,
    })
    this.#calls.set(leg, call)
    for (const output of outputs) this.#carryOut(output)
    return call
  }

  /**
   * Hangs up what is still up and lets go of all sockets and timers. With calls up it waits for their last SIP messages,
   * a second at most. May be called twice.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#timers.clear(RENEWAL)
    for (const call of this.#calls.values()) call.hangup()
    if (this.#calls.size > 0) await this.#idle()
    this.#isClosed = true
    this.#timers.clearAll()
    this.#socket.close()
  }

  #idle(): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      const limit = clock.schedule(clock.now() + CLOSE_LIMIT_MS, resolve)
      this.#whenIdle = () => {
        limit.cancel()
        resolve()
      }
    })
  }

  get #domain(): string {
    const { domain, server } = this.#options
    return domain ?? `${server.address}:${server.port}`
  }

  get #addressOfRecord(): string {
    return `sip:${userPart(this.#options.user)}@${this.#domain}`
  }

  #nextLeg(): string {
    return `leg-${++this.#lastLeg}`
  }

  #flowTo(remote: Endpoint): Flow {
    return { transport: 'udp', local: this.#socket.local, remote, connection: '' }
  }

  #openSound(): Promise<PhoneSound> {
    const { network, clock, localAddress, rtpPorts, sendSilence } = this.#options
    return PhoneSound.open({
      network,
      clock,
      localAddress,
      localPorts: rtpPorts ?? [0],
      sendSilence: sendSilence ?? true,
      ssrc: this.#random.u32(),
      firstSequence: this.#random.u32() & 0xffff,
      firstRtpTime: this.#random.u32(),
    })
  }

  #mediaOf(sound: PhoneSound): LocalMedia {
    const { codec, localAddress } = this.#options
    return {
      address: localAddress,
      port: sound.localPort,
      sessionId: String(this.#random.u32()),
      version: 1,
      codecs: codec === undefined ? ['PCMU', 'PCMA'] : [codec],
      direction: 'sendrecv',
    }
  }

  #controlOf(leg: string): CallControl {
    return {
      ringEarly: (body) => this.#handle({ kind: 'ring', leg, body }),
      accept: (body) => this.#handle({ kind: 'accept', leg, body }),
      reject: (code, phrase) => this.#handle({ kind: 'reject', leg, code, phrase }),
      cancel: () => this.#handle({ kind: 'cancel', leg }),
      bye: () => this.#handle({ kind: 'bye', leg }),
      answerOffer: (body) => this.#handle({ kind: 'answerOffer', leg, body }),
      request: (method, headers, body) => this.#handle({ kind: 'request', leg, method, headers, body }),
      dialog: () => this.#core.dialogOf(leg),
    }
  }

  #received(bytes: Uint8Array, from: Endpoint): void {
    this.#handle({ kind: 'received', flow: this.#flowTo(from), bytes })
  }

  /** One input at a time: what an output causes is handled after the outputs before it are carried out. */
  #handle(input: SipInput): void {
    if (this.#isClosed) return
    this.#inputs.push(input)
    if (this.#isHandling) return
    this.#isHandling = true
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        for (const output of this.#core.handle(next, this.#options.clock.now())) this.#carryOut(output)
      }
    } finally {
      this.#isHandling = false
    }
  }

  #carryOut(output: SipOutput): void {
    switch (output.kind) {
      case 'send':
        this.#socket.send(output.bytes, output.flow.remote)
        return
      case 'setTimer':
        this.#timers.set(output.id, output.at, () => this.#handle({ kind: 'timer', id: output.id }))
        return
      case 'cancelTimer':
        this.#timers.clear(output.id)
        return
      case 'authorise':
        // Whoever reaches a phone may ring it.
        this.#handle({
          kind: 'authorised',
          query: output.query,
          policy: { kind: 'open', identity: this.#options.user },
        })
        return
      case 'registerResult':
        this.#registered(output.leg, output.code, output.expiresS)
        return
      case 'incoming':
        void this.#ring(output.leg, output.request.sipCallId, output.body)
        return
      default:
        this.#tellCall(output)
        return
    }
  }

  #tellCall(output: SipOutput): void {
    if (!('leg' in output)) return
    if (output.kind === 'cancelled' || output.kind === 'failed') this.#opening.delete(output.leg)
    const call = this.#calls.get(output.leg)
    if (!call) return
    switch (output.kind) {
      case 'progress':
        call.progressed(output.body ?? '')
        return
      case 'answered':
        call.wasAnswered(output.body)
        return
      case 'confirmed':
        call.confirmed(output.body)
        return
      case 'offered':
        call.offered(output.body)
        return
      case 'failed':
        this.#forget(output.leg)
        call.failed(output.code, output.phrase, output.cause)
        return
      case 'cancelled':
        this.#forget(output.leg)
        call.failed(487, 'Request Terminated', 'remote')
        return
      case 'notified':
        call.onNotified?.(output.line)
        return
      case 'ended':
        this.#forget(output.leg)
        call.over(output.cause)
        return
    }
  }

  #forget(leg: string): void {
    this.#calls.delete(leg)
    if (this.#calls.size === 0) this.#whenIdle?.()
  }

  async #ring(leg: string, sipCallId: string, offer: string): Promise<void> {
    this.#opening.add(leg)
    const sound = await this.#openSound().catch(() => null)
    const isStillWanted = this.#opening.delete(leg) && !this.#isClosed
    if (!isStillWanted) return sound?.close()
    if (!sound) {
      this.#options.log?.warn({ sip_call_id: sipCallId }, 'phone: no free RTP port')
      return this.#handle({ kind: 'reject', leg, code: 503, phrase: 'Service Unavailable' })
    }
    const call = new SipPhoneCall({
      sipCallId,
      state: 'incoming',
      sound,
      media: this.#mediaOf(sound),
      control: this.#controlOf(leg),
      offer,
      sentOffer: null,
    })
    this.#calls.set(leg, call)
    this.#handle({ kind: 'ring', leg, body: null })
    this.onIncoming?.(call)
    if (this.#options.autoAnswer) call.answer()
  }

  #registered(leg: string, code: number, expiresS: number): void {
    this.#registering.get(leg)?.(code)
    this.#registering.delete(leg)
    if (code !== 200 || expiresS <= 0 || this.#isClosed) return
    const { clock } = this.#options
    this.#timers.set(RENEWAL, clock.now() + expiresS * 1_000 * RENEW_AT, () => void this.register())
  }
}

/** Characters of RFC 3261 §25.1 `user` stay, all others are escaped. */
function userPart(text: string): string {
  return encodeURIComponent(text).replace(/%(2B|26|3D|24|2C|3B|3F|2F)/g, (escaped) => decodeURIComponent(escaped))
}

/** The Call-ID the core chose, read from the INVITE it wants to send. */
function sipCallIdOf(outputs: readonly SipOutput[]): string {
  for (const output of outputs) {
    if (output.kind !== 'send') continue
    const match = /^(?:call-id|i)[ \t]*:[ \t]*(\S+)/im.exec(new TextDecoder().decode(output.bytes))
    if (match) return match[1]!
  }
  return ''
}
