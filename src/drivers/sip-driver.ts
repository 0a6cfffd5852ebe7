/**
 * Runs the SIP core on real sockets and timers: feeds it datagrams, answers its questions of who may do what, and
 * carries signalling of calls to it and back. SDP is read and written here; the core carries it unread.
 */

import { randomBytes } from 'node:crypto'
import type { Address } from '../calls/commands.ts'
import type { SipNews } from '../calls/part.ts'
import type { Signalling } from '../calls/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { DatagramSocket, Endpoint, Network } from '../net/port.ts'
import { type LocalMedia, makeAnswer, makeOffer, type Negotiated, readAnswer } from '../sdp/negotiate.ts'
import { createSipCore } from '../sip/core.ts'
import type { Contact, Flow, RequestSummary, SipAddress, SipCore, SipInput, SipOutput } from '../sip/types.ts'
import type { Directory } from './directory.ts'
import { addressTowards } from './own-address.ts'
import { isLoopback, LOOPBACK, policyFor } from './sip-policy.ts'
import { type Target, targetsOf } from './sip-targets.ts'
import type { SoundForSignalling } from './sound-driver.ts'
import { Timers } from './timers.ts'

export interface IncomingCall {
  readonly leg: string
  readonly request: RequestSummary
  /** `loopback` or the id of the calling extension. */
  readonly identity: string
}

export interface SipDriverOptions {
  readonly clock: Clock
  readonly network: Network
  readonly log: Log
  readonly directory: Directory
  readonly sound: SoundForSignalling
  readonly bindAddress: string
  readonly port: number
  /** Put into Contact and Via; the address of the flow when null. */
  readonly publicAddress: string | null
  readonly userAgent: string
  readonly seed: string
  /** Signs the nonces of digest authentication. Absent: one of this life only. */
  readonly nonceKey?: Uint8Array
  /** Loopback counts as a caller of its own; not so when a proxy makes everybody look like that. */
  readonly trustLoopback?: boolean
  readonly dialTimeoutMs: number
  /** Decides what becomes of a call from outside: `accept(callId)` is its signalling leg's name from then on. */
  readonly onIncoming: (
    call: IncomingCall,
  ) => Promise<{ readonly callId: string } | { readonly code: number; readonly phrase: string }>
  readonly onNews: (callId: string, news: SipNews) => void
  readonly onContacts: (extensionId: string, contacts: readonly Contact[]) => void
}

interface LegBook {
  readonly callId: string
  readonly leg: string
  readonly direction: 'incoming' | 'outgoing'
  /** Address the far end signals from: tells which of our own it can reach. */
  readonly remote: string
  /** The far end's last offer, or ours when we offered. */
  offer: string
  weOffered: boolean
  version: number
}

const CODECS = ['PCMU', 'PCMA'] as const

export class SipDriver implements Signalling {
  readonly #options: SipDriverOptions
  readonly #core: SipCore
  readonly #timers: Timers
  readonly #byCall = new Map<string, LegBook>()
  readonly #byLeg = new Map<string, LegBook>()
  readonly #given = new Set<string>()
  #socket: DatagramSocket | null = null

  constructor(options: SipDriverOptions) {
    this.#options = options
    this.#timers = new Timers(options.clock)
    this.#core = createSipCore({
      contactFor: (flow) => this.#contactFor(flow),
      userAgent: options.userAgent,
      seed: options.seed,
      nonceKey: options.nonceKey ?? randomBytes(32),
      nonceLifeMs: 300_000,
    })
  }

  async open(): Promise<Endpoint> {
    const { network, bindAddress, port } = this.#options
    this.#socket = await network.bind({ address: bindAddress, port }, (bytes, from) => this.#received(bytes, from))
    return this.#socket.local
  }

  close(): void {
    this.#timers.clearAll()
    this.#socket?.close()
    this.#socket = null
  }

  census(): ReturnType<SipCore['census']> & { readonly timers: number; readonly books: number } {
    return {
      ...this.#core.census(),
      timers: this.#timers.size,
      books: this.#byCall.size + this.#byLeg.size + this.#given.size,
    }
  }

  contactsOf(extensionId: string): readonly Contact[] {
    return this.#core.contactsOf(extensionId)
  }

  restoreContacts(extensionId: string, contacts: readonly Contact[]): void {
    this.#feed({ kind: 'restoreContacts', identity: extensionId, contacts })
  }

  dropContacts(extensionId: string): void {
    this.#feed({ kind: 'dropContacts', identity: extensionId })
  }

  // ---------------------------------------------------------------- signalling of calls

  ring(callId: string): void {
    this.#onLeg(callId, (book) => this.#feed({ kind: 'ring', leg: book.leg, body: null }))
  }

  accept(callId: string): void {
    this.#onLeg(callId, (book) => {
      const local = this.#localMedia(callId, book)
      if (!local) return this.reject(callId, 503, 'No media port')
      if (book.offer === '') {
        book.offer = makeOffer(local)
        book.weOffered = true
        return this.#feed({ kind: 'accept', leg: book.leg, body: book.offer })
      }
      const answer = makeAnswer(book.offer, local)
      if (!answer.ok) return this.reject(callId, 488, 'Not Acceptable Here')
      this.#startSound(callId, answer.value.negotiated)
      this.#feed({ kind: 'accept', leg: book.leg, body: answer.value.text })
    })
  }

  reject(callId: string, code: number, phrase: string): void {
    this.#onLeg(callId, (book) => this.#feed({ kind: 'reject', leg: book.leg, code, phrase }))
  }

  cancel(callId: string): void {
    if (!this.#byCall.has(callId)) {
      this.#given.add(callId)
      return this.#options.onNews(callId, {
        kind: 'failed',
        code: 487,
        cause: 'local',
        why: 'cancelled before it was sent',
      })
    }
    this.#onLeg(callId, (book) => this.#feed({ kind: 'cancel', leg: book.leg }))
  }

  bye(callId: string, reason: string): void {
    this.#onLeg(callId, (book) => this.#feed({ kind: 'bye', leg: book.leg, reason }))
  }

  forget(callId: string): void {
    this.#given.delete(callId)
    const book = this.#byCall.get(callId)
    this.#byCall.delete(callId)
    if (book) this.#byLeg.delete(book.leg)
  }

  invite(callId: string, want: { customerId: string; source: Address; destination: Address }): void {
    void this.#targetsOf(want.customerId, want.destination).then(
      (targets) => this.#invite(callId, want, targets),
      (cause: unknown) => {
        this.#options.log.error({ call_id: callId, err: cause }, 'destination could not be resolved')
        this.#invite(callId, want, [])
      },
    )
  }

  #invite(callId: string, want: { source: Address }, targets: readonly Target[]): void {
    if (this.#given.has(callId)) return
    const fail = (why: string): void => this.#options.onNews(callId, { kind: 'failed', code: 404, cause: 'local', why })
    const first = targets[0]
    if (!first) return fail('nobody is registered there and no route leads there')
    const remote = first.flow.remote.address
    const book: LegBook = { callId, leg: callId, direction: 'outgoing', remote, offer: '', weOffered: true, version: 0 }
    const local = this.#localMedia(callId, book)
    if (!local) return fail('no media port')
    this.#byCall.set(callId, book)
    this.#byLeg.set(book.leg, book)
    book.offer = makeOffer(local)
    const host = this.#contactFor(first.flow).address
    const user = want.source.target || 'anonymous'
    this.#feed({
      kind: 'invite',
      leg: book.leg,
      targets,
      from: {
        display: want.source.target_name || want.source.name,
        uri: `sip:${encodeURIComponent(user).replace('%2B', '+')}@${host}`,
      },
      to: { display: '', uri: first.requestUri },
      body: book.offer,
      timeoutMs: this.#options.dialTimeoutMs,
    })
  }

  #targetsOf(customerId: string, destination: Address): Promise<Target[]> {
    return targetsOf(customerId, destination, {
      directory: this.#options.directory,
      contactsOf: (extensionId) => this.#core.contactsOf(extensionId),
      self: this.#socket?.local ?? null,
      flowTo: (remote) => this.#udpFlow(remote),
    })
  }

  // ---------------------------------------------------------------- the core's loop

  #received(bytes: Uint8Array, from: Endpoint): void {
    this.#feed({ kind: 'received', flow: this.#udpFlow(from), bytes })
  }

  #feed(input: SipInput): void {
    let outputs: SipOutput[]
    try {
      outputs = this.#core.handle(input, this.#options.clock.now())
    } catch (cause) {
      // One message's failure never takes the others down.
      this.#options.log.error({ err: cause, input: input.kind }, 'sip core failed')
      return
    }
    for (const output of outputs) this.#apply(output)
  }

  #apply(output: SipOutput): void {
    const { log } = this.#options
    switch (output.kind) {
      case 'send':
        return this.#socket?.send(output.bytes, output.flow.remote)
      case 'setTimer':
        return this.#timers.set(output.id, output.at, () => this.#feed({ kind: 'timer', id: output.id }))
      case 'cancelTimer':
        return this.#timers.clear(output.id)
      case 'authorise':
        return this.#authorise(output.query, output.request)
      case 'authFailed':
        return log.warn(
          { from: output.request.flow.remote.address, method: output.request.method },
          'sip authentication failed',
        )
      case 'registered':
        return this.#options.onContacts(output.identity, output.contacts)
      case 'incoming':
        return this.#incoming(output)
      case 'progress':
        return this.#tell(output.leg, { kind: 'progress', code: output.code })
      case 'answered':
        return this.#answered(output.leg, output.body)
      case 'failed':
        return this.#tell(output.leg, { kind: 'failed', code: output.code, cause: output.cause, why: output.phrase })
      case 'cancelled':
        return this.#tell(output.leg, { kind: 'cancelled' })
      case 'confirmed':
        return this.#confirmed(output.leg, output.body)
      case 'offered':
        return this.#offered(output.leg, output.body)
      case 'ended':
        return this.#tell(output.leg, { kind: 'ended', cause: output.cause })
      case 'reinvited':
      case 'registerResult':
      case 'info':
        return
      default:
        output satisfies never
    }
  }

  #authorise(query: string, request: RequestSummary): void {
    void policyFor(request, this.#options.directory).then(
      (policy) => this.#feed({ kind: 'authorised', query, policy }),
      (cause: unknown) => {
        this.#options.log.error({ err: cause }, 'sip policy failed')
        this.#feed({ kind: 'authorised', query, policy: { kind: 'refuse', code: 503, phrase: 'Service Unavailable' } })
      },
    )
  }

  #incoming(output: SipOutput & { kind: 'incoming' }): void {
    const { leg, request, identity, body } = output
    const refuse = (code: number, phrase: string): void => this.#feed({ kind: 'reject', leg, code, phrase })
    if (body !== '' && !makeAnswer(body, localMedia('127.0.0.1', 9, leg, 0)).ok)
      return refuse(488, 'Not Acceptable Here')
    if (identity === LOOPBACK && !isLoopback(request.flow.remote.address)) return refuse(403, 'Forbidden')
    const remote = request.flow.remote.address
    const book = { leg, direction: 'incoming' as const, remote, offer: body, weOffered: false, version: 0 }
    let isGone = false
    // News of the far end may come while we find out whose call this is.
    this.#byLeg.set(leg, { ...book, callId: '' })
    void this.#options
      .onIncoming({ leg, request, identity })
      .catch((cause: unknown) => {
        this.#options.log.error({ err: cause }, 'incoming call failed')
        return { code: 500, phrase: 'Server Internal Error' }
      })
      .then((verdict) => {
        isGone = !this.#byLeg.has(leg)
        this.#byLeg.delete(leg)
        if (!('callId' in verdict)) return isGone ? undefined : refuse(verdict.code, verdict.phrase)
        const whole: LegBook = { ...book, callId: verdict.callId }
        this.#byLeg.set(leg, whole)
        this.#byCall.set(verdict.callId, whole)
        if (isGone) this.#options.onNews(verdict.callId, { kind: 'cancelled' })
        return undefined
      })
  }

  #answered(leg: string, body: string): void {
    const book = this.#byLeg.get(leg)
    if (!book) return
    const negotiated = readAnswer(book.offer, body)
    if (!negotiated.ok) {
      this.#options.log.warn({ call_id: book.callId, why: negotiated.why }, 'answer could not be used')
      this.#feed({ kind: 'bye', leg, reason: 'no usable media' })
      return
    }
    this.#startSound(book.callId, negotiated.value)
    this.#tell(leg, { kind: 'answered' })
  }

  #confirmed(leg: string, body: string): void {
    const book = this.#byLeg.get(leg)
    if (!book) return
    if (book.weOffered && book.direction === 'incoming') {
      const negotiated = readAnswer(book.offer, body)
      if (!negotiated.ok) return this.#feed({ kind: 'bye', leg, reason: 'no usable media' })
      this.#startSound(book.callId, negotiated.value)
      book.weOffered = false
    }
    this.#tell(leg, { kind: 'confirmed' })
  }

  /** A re-INVITE: hold, resume, a moved address. An empty body asks for our offer (RFC 3261 §14.2). */
  #offered(leg: string, body: string): void {
    const book = this.#byLeg.get(leg)
    if (!book) return this.#feed({ kind: 'answerOffer', leg, body: null })
    book.version++
    const local = this.#localMedia(book.callId, book)
    if (local && body === '') return this.#feed({ kind: 'answerOffer', leg, body: makeOffer(local) })
    const answer = local ? makeAnswer(body, local) : null
    if (!answer?.ok) return this.#feed({ kind: 'answerOffer', leg, body: null })
    book.offer = body
    this.#startSound(book.callId, answer.value.negotiated)
    this.#feed({ kind: 'answerOffer', leg, body: answer.value.text })
  }

  #tell(leg: string, news: SipNews): void {
    const book = this.#byLeg.get(leg)
    if (!book) return
    if (book.callId === '') {
      // Still being looked up: it is over before it began.
      if (news.kind === 'cancelled' || news.kind === 'ended' || news.kind === 'failed') this.#byLeg.delete(leg)
      return
    }
    this.#options.onNews(book.callId, news)
  }

  #onLeg(callId: string, act: (book: LegBook) => void): void {
    const book = this.#byCall.get(callId)
    if (book) act(book)
  }

  #startSound(callId: string, negotiated: Negotiated): void {
    const { codec, payloadType, dtmfPayloadType, ptimeMs, remote, direction } = negotiated
    const sending = direction === 'sendrecv' || direction === 'sendonly'
    this.#options.sound.start(callId, { codec, payloadType, dtmfPayloadType, ptimeMs }, remote, sending)
  }

  #localMedia(callId: string, book: LegBook): LocalMedia | null {
    const port = this.#options.sound.portOf(callId)
    return port === null ? null : localMedia(addressTowards(book.remote, this.#options), port, book.leg, book.version)
  }

  #udpFlow(remote: SipAddress): Flow {
    const local = this.#socket?.local ?? { address: this.#options.bindAddress, port: this.#options.port }
    return { transport: 'udp', local, remote: { address: remote.address, port: remote.port }, connection: '' }
  }

  #contactFor(flow: Flow): SipAddress {
    return { address: addressTowards(flow.remote.address, this.#options), port: flow.local.port }
  }
}

function localMedia(address: string, port: number, leg: string, version: number): LocalMedia {
  return { address, port, sessionId: sessionIdOf(leg), version, codecs: CODECS, direction: 'sendrecv' }
}

/** Digits only, stable for a leg (RFC 8866 §5.2). */
function sessionIdOf(leg: string): string {
  let id = 7
  for (let i = 0; i < leg.length; i++) id = (id * 31 + leg.charCodeAt(i)) % 4_294_967_291
  return String(id)
}
