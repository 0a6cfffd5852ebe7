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
import type { Endpoint, Network } from '../net/port.ts'
import { type LocalMedia, makeAnswer, makeOffer, type Negotiated, readAnswer } from '../sdp/negotiate.ts'
import { createSipCore } from '../sip/core.ts'
import type { Contact, Flow, RequestSummary, SipAddress, SipCore, SipInput, SipOutput } from '../sip/types.ts'
import type { Directory } from './directory.ts'
import { FailedDigests, TOO_MANY_FAILURES } from './failed-digests.ts'
import { callerShown, type InviteWish, type LegBook, localMedia, newBook } from './leg-book.ts'
import { addressTowards } from './own-address.ts'
import { isLoopback, LOOPBACK, policyFor } from './sip-policy.ts'
import { type Target, targetsOf } from './sip-targets.ts'
import { SipTransports } from './sip-transports.ts'
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

export class SipDriver implements Signalling {
  readonly #options: SipDriverOptions
  readonly #core: SipCore
  readonly #timers: Timers
  readonly #byCall = new Map<string, LegBook>()
  readonly #byLeg = new Map<string, LegBook>()
  readonly #given = new Set<string>()
  readonly #failures = new FailedDigests()
  readonly #transports: SipTransports

  constructor(options: SipDriverOptions) {
    this.#options = options
    this.#timers = new Timers(options.clock)
    const { network, bindAddress, port } = options
    this.#transports = new SipTransports({
      network,
      bindAddress,
      port,
      onReceived: (flow, bytes) => this.#feed({ kind: 'received', flow, bytes }),
      onFailed: (flow, why) => this.#feed({ kind: 'transportFailed', flow, why }),
    })
    this.#core = createSipCore({
      contactFor: (flow) => this.#contactFor(flow),
      userAgent: options.userAgent,
      seed: options.seed,
      nonceKey: options.nonceKey ?? randomBytes(32),
      nonceLifeMs: 300_000,
    })
  }

  open(): Promise<Endpoint> {
    return this.#transports.open()
  }

  close(): void {
    this.#timers.clearAll()
    this.#transports.close()
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

  ring(callId: string, early = false): void {
    this.#onLeg(callId, (book) => {
      const body = early ? this.#answerOf(callId, book) : null
      this.#feed({ kind: 'ring', leg: book.leg, body })
    })
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
      const answer = this.#answerOf(callId, book)
      if (answer === null) return this.reject(callId, 488, 'Not Acceptable Here')
      this.#feed({ kind: 'accept', leg: book.leg, body: answer })
    })
  }

  /** Starts the sound with it. @returns null when their offer has nothing for us, or there is none to answer yet */
  #answerOf(callId: string, book: LegBook): string | null {
    if (book.answer !== '') return book.answer
    const local = this.#localMedia(callId, book)
    const answer = local && book.offer !== '' ? makeAnswer(book.offer, local) : null
    if (!answer?.ok) return null
    this.#startSound(callId, answer.value.negotiated)
    book.answer = answer.value.text
    return book.answer
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

  hold(callId: string, on: boolean): void {
    this.#onLeg(callId, (book) => {
      book.isHolding = on
      book.version++
      const local = this.#localMedia(callId, book)
      if (!local) return this.#options.onNews(callId, { kind: 'held', on, ok: false })
      const offer = makeOffer(local)
      book.reoffers.push({ offer, on })
      this.#feed({ kind: 'reinvite', leg: book.leg, body: offer })
    })
  }

  /** Their answer to our re-INVITE; refused, everything is as it was. */
  #reinvited(leg: string, code: number, body: string): void {
    const book = this.#byLeg.get(leg)
    const reoffer = book?.reoffers.shift()
    if (!book || !reoffer) return
    const negotiated = code < 300 ? readAnswer(reoffer.offer, body) : null
    const ok = negotiated?.ok === true
    if (ok) {
      book.isHeld = reoffer.on
      this.#startSound(book.callId, negotiated.value)
    }
    if (book.reoffers.length === 0) book.isHolding = book.isHeld
    this.#options.onNews(book.callId, { kind: 'held', on: reoffer.on, ok })
  }

  forget(callId: string): void {
    this.#given.delete(callId)
    const book = this.#byCall.get(callId)
    this.#byCall.delete(callId)
    if (book) this.#byLeg.delete(book.leg)
  }

  invite(callId: string, want: InviteWish): void {
    void this.#targetsOf(want.customerId, want.destination).then(
      (targets) => this.#invite(callId, want, targets),
      (cause: unknown) => {
        this.#options.log.error({ call_id: callId, err: cause }, 'destination could not be resolved')
        this.#invite(callId, want, [])
      },
    )
  }

  #invite(callId: string, want: InviteWish, targets: readonly Target[]): void {
    if (this.#given.has(callId)) return
    const fail = (why: string): void => this.#options.onNews(callId, { kind: 'failed', code: 404, cause: 'local', why })
    const first = targets[0]
    if (!first) return fail('nobody is registered there and no route leads there')
    const remote = first.flow.remote.address
    const book = newBook({ callId, leg: callId, direction: 'outgoing', remote, offer: '', weOffered: true })
    const local = this.#localMedia(callId, book)
    if (!local) return fail('no media port')
    this.#byCall.set(callId, book)
    this.#byLeg.set(book.leg, book)
    book.offer = makeOffer(local)
    const host = this.#contactFor(first.flow).address
    this.#feed({
      kind: 'invite',
      leg: book.leg,
      targets,
      ...callerShown(want, host),
      to: { display: '', uri: first.requestUri },
      body: book.offer,
      timeoutMs: this.#options.dialTimeoutMs,
    })
  }

  #targetsOf(customerId: string, destination: Address): Promise<Target[]> {
    return targetsOf(customerId, destination, {
      directory: this.#options.directory,
      contactsOf: (extensionId) => this.#core.contactsOf(extensionId),
      self: this.#transports.local,
      flowTo: (remote) => this.#transports.flowTo(remote),
    })
  }

  // ---------------------------------------------------------------- the core's loop

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
        return this.#transports.send(output.flow, output.bytes)
      case 'setTimer':
        return this.#timers.set(output.id, output.at, () => this.#feed({ kind: 'timer', id: output.id }))
      case 'cancelTimer':
        return this.#timers.clear(output.id)
      case 'authorise':
        return this.#authorise(output.query, output.request)
      case 'authFailed':
        this.#failures.failed(output.request.flow.remote.address, this.#options.clock.now())
        return log.warn(
          { from: output.request.flow.remote.address, method: output.request.method },
          'sip authentication failed',
        )
      case 'registered':
        for (const { flow } of output.contacts) this.#failures.succeeded(flow.remote.address)
        return this.#options.onContacts(output.identity, output.contacts)
      case 'incoming':
        return this.#incoming(output)
      case 'progress':
        return this.#progressed(output.leg, output.code, output.body ?? '')
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
        return this.#reinvited(output.leg, output.code, output.body)
      case 'registerResult':
      case 'info':
        return
      default:
        output satisfies never
    }
  }

  #authorise(query: string, request: RequestSummary): void {
    const isRefused = this.#failures.isRefused(request.flow.remote.address, this.#options.clock.now())
    const policy = isRefused ? Promise.resolve(TOO_MANY_FAILURES) : policyFor(request, this.#options.directory)
    void policy.then(
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
    const book = newBook({ callId: '', leg, direction: 'incoming', remote, offer: body, weOffered: false })
    let isGone = false
    // News of the far end may come while we find out whose call this is.
    this.#byLeg.set(leg, book)
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
        const whole = newBook({ ...book, callId: verdict.callId })
        this.#byLeg.set(leg, whole)
        this.#byCall.set(verdict.callId, whole)
        if (isGone) this.#options.onNews(verdict.callId, { kind: 'cancelled' })
        return undefined
      })
  }

  /** A 183 with sound is heard before the answer. */
  #progressed(leg: string, code: number, body: string): void {
    const book = this.#byLeg.get(leg)
    const early = book && body !== '' ? readAnswer(book.offer, body) : null
    if (book && early?.ok) this.#startSound(book.callId, early.value)
    this.#tell(leg, { kind: 'progress', code, ...(early?.ok ? { early: true } : {}) })
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
    if (port === null) return null
    const media = localMedia(addressTowards(book.remote, this.#options), port, book.leg, book.version)
    return book.isHolding ? { ...media, direction: 'sendonly' } : media
  }

  #contactFor(flow: Flow): SipAddress {
    return { address: addressTowards(flow.remote.address, this.#options), port: flow.local.port }
  }
}
