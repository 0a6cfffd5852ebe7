/**
 * Runs the SIP core on real sockets and timers: feeds it datagrams, answers its questions of who may do what, and
 * carries signalling of calls to it and back. SDP is read and written here; the core carries it unread.
 */

import { randomBytes } from 'node:crypto'
import type { SipNews } from '../calls/part.ts'
import type { Signalling } from '../calls/ports.ts'
import type { Endpoint } from '../net/port.ts'
import { createSipCore } from '../sip/core.ts'
import { COMPLETED_ELSEWHERE } from '../sip/dialog/reason.ts'
import type { Contact, Flow, SipAddress, SipCore, SipInput, SipOutput } from '../sip/types.ts'
import { keyOfInfo } from './dtmf-info.ts'
import { KeepAlive } from './keep-alive.ts'
import { type InviteWish, isPrivateFlow, type LegBook, newBook } from './leg-book.ts'
import { LegMedia } from './leg-media.ts'
import type { Locate } from './locating-port.ts'
import { OutgoingCalls } from './outgoing-calls.ts'
import { addressTowards } from './own-address.ts'
import { SipDoor } from './sip-door.ts'
import { makeLocator } from './sip-locator.ts'
import { refusalOf, type SipDriverOptions } from './sip-options.ts'
import { isLoopback, isSelf, LOOPBACK, peerIdOf } from './sip-policy.ts'
import { waysOf } from './sip-targets.ts'
import { reachableFlow, SipTransports } from './sip-transports.ts'
import { Timers } from './timers.ts'

const TWO_LINE_ENDS = new TextEncoder().encode('\r\n\r\n')

export class SipDriver implements Signalling {
  readonly #options: SipDriverOptions
  readonly #core: SipCore
  readonly #timers: Timers
  readonly #byCall = new Map<string, LegBook>()
  readonly #byLeg = new Map<string, LegBook>()
  readonly #outgoing: OutgoingCalls
  readonly #transports: SipTransports
  readonly #keepAlive: KeepAlive
  readonly #media: LegMedia
  readonly #door: SipDoor
  /** The servers behind a SIP URI, in the order to try them. */
  readonly locate: Locate

  constructor(options: SipDriverOptions) {
    this.#options = options
    this.#timers = new Timers(options.clock)
    this.#media = new LegMedia(options, (callId) => this.#byCall.get(callId))
    this.#transports = new SipTransports({
      ...options,
      onReceived: (flow, bytes) => {
        this.#options.trace?.message(false, flow, bytes)
        this.#feed({ kind: 'received', flow, bytes })
      },
      onFailed: (flow, why) => {
        this.#feed({ kind: 'transportFailed', flow, why })
        this.#options.onFlowFailed?.(flow)
      },
    })
    this.#keepAlive = new KeepAlive(options.clock, ({ flow, uri, path: route = [] }) =>
      this.#feed({ kind: 'ping', flow, uri, route }),
    )
    this.#door = new SipDoor(options, this.#transports)
    this.#outgoing = new OutgoingCalls({
      options,
      media: this.#media,
      byCall: this.#byCall,
      byLeg: this.#byLeg,
      waysOf: (want) => this.#waysOf(want),
      hostOf: (flow) => this.#contactFor(flow).address,
      feed: (input) => this.#feed(input),
    })
    this.locate = makeLocator({
      ...options,
      names: options.names ?? null,
      flowTo: (remote, transport, wishes) => this.#transports.flowTo(remote, transport, wishes),
    })
    this.#core = createSipCore({
      contactFor: (flow) => this.#contactFor(flow),
      userAgent: options.userAgent,
      seed: options.seed,
      nonceKey: options.nonceKey ?? randomBytes(32),
      nonceLifeMs: 300_000,
      ...(options.digestAlgorithms ? { digestAlgorithms: options.digestAlgorithms } : {}),
    })
  }

  open(): Promise<Endpoint> {
    return this.#transports.open()
  }

  close(): void {
    this.#timers.clearAll()
    this.#keepAlive.close()
    this.#transports.close()
  }

  /** Where TLS is listened for, or null. */
  get tlsLocal(): Endpoint | null {
    return this.#transports.tlsLocal
  }

  census(): ReturnType<SipCore['census']> & { readonly timers: number; readonly books: number } {
    return {
      ...this.#core.census(),
      timers: this.#timers.size,
      books: this.#byCall.size + this.#byLeg.size + this.#outgoing.count,
    }
  }

  contactsOf(extensionId: string): readonly Contact[] {
    return this.#core.contactsOf(extensionId)
  }

  restoreContacts(extensionId: string, contacts: readonly Contact[]): void {
    this.#feed({ kind: 'restoreContacts', identity: extensionId, contacts })
    this.#keepAlive.set(extensionId, contacts)
  }

  dropContacts(extensionId: string): void {
    this.#feed({ kind: 'dropContacts', identity: extensionId })
  }

  // ---------------------------------------------------------------- signalling of calls

  ring(callId: string, early = false): void {
    this.#onLeg(callId, (book) => {
      const body = early ? this.#media.answer(callId, book) : null
      this.#feed({ kind: 'ring', leg: book.leg, body })
    })
  }

  accept(callId: string): void {
    this.#onLeg(callId, (book) => {
      if (book.offer === '') {
        const offer = this.#media.offer(callId, book)
        if (offer === null) return this.reject(callId, 503, 'No media port')
        book.offer = offer
        book.weOffered = true
        return this.#feed({ kind: 'accept', leg: book.leg, body: offer })
      }
      const answer = this.#media.answer(callId, book)
      if (answer === null) return this.reject(callId, 488, 'Not Acceptable Here')
      this.#feed({ kind: 'accept', leg: book.leg, body: answer })
      this.#media.tellAnswered(book)
    })
  }

  reject(callId: string, code: number, phrase: string): void {
    this.#onLeg(callId, (book) => this.#feed({ kind: 'reject', leg: book.leg, code, phrase }))
  }

  cancel(callId: string, elsewhere = false): void {
    if (!this.#outgoing.cancel(callId)) {
      return this.#options.onNews(callId, {
        kind: 'failed',
        code: 487,
        cause: 'local',
        why: 'cancelled before it was sent',
      })
    }
    const reason = elsewhere ? { reason: COMPLETED_ELSEWHERE } : {}
    this.#onLeg(callId, (book) => this.#feed({ kind: 'cancel', leg: book.leg, ...reason }))
  }

  referred(callId: string, code: number): void {
    this.#onLeg(callId, (book) => {
      const { leg, refer } = book
      if (refer === '') return
      if (code >= 200) book.refer = ''
      // It may be over before anybody could say that it was taken on.
      this.#feed({ kind: 'answerRefer', leg, refer, code: 202 })
      this.#feed({ kind: 'notifyRefer', leg, refer, code })
    })
  }

  bye(callId: string, reason: string): void {
    this.#onLeg(callId, (book) => this.#feed({ kind: 'bye', leg: book.leg, reason }))
  }

  hold(callId: string, on: boolean): void {
    this.#onLeg(callId, (book) => {
      book.isHolding = on
      book.version++
      const offer = this.#media.offer(callId, book)
      if (offer === null) return this.#options.onNews(callId, { kind: 'held', on, ok: false })
      book.reoffers.push({ offer, on })
      this.#feed({ kind: 'reinvite', leg: book.leg, body: offer })
    })
  }

  /** Their answer to our re-INVITE; refused, everything is as it was. */
  #reinvited(leg: string, code: number, body: string): void {
    const book = this.#byLeg.get(leg)
    const reoffer = book?.reoffers.shift()
    if (!book || !reoffer) return
    const ok = code < 300 && this.#media.answered(book, reoffer.offer, body) === null
    if (ok) book.isHeld = reoffer.on
    if (book.reoffers.length === 0) book.isHolding = book.isHeld
    this.#options.onNews(book.callId, { kind: 'held', on: reoffer.on, ok })
  }

  forget(callId: string): void {
    this.#outgoing.forget(callId)
  }

  invite(callId: string, want: InviteWish): void {
    this.#outgoing.invite(callId, want)
  }

  #failed(output: SipOutput & { kind: 'failed' }): void {
    const { leg, code, cause, phrase, reason } = output
    if (!this.#outgoing.goesOn(output))
      this.#tell(leg, { kind: 'failed', code, cause, why: phrase, ...because(reason) })
  }

  /** Two line ends, which nobody answers (RFC 5626 §3.5.1): the way back through a NAT stays open. */
  keepOpen(flow: Flow): void {
    this.#transports.send(flow, TWO_LINE_ENDS)
  }

  /** A REGISTER of ours; answered by `onRegisterResult`. */
  register(request: Omit<SipInput & { kind: 'register' }, 'kind'>): void {
    this.#feed({ kind: 'register', ...request })
  }

  #waysOf(want: InviteWish): ReturnType<typeof waysOf> {
    return waysOf(want, want.destination, {
      placesFor: async (wish) => (await this.#options.trunks?.gateways.placesFor(wish)) ?? [],
      directory: this.#options.directory,
      contactsOf: (extensionId) => this.#core.contactsOf(extensionId),
      self: this.#transports.local,
      flowTo: (remote) => this.#transports.flowTo(remote),
      locate: this.locate,
      flowOf: (contact) => reachableFlow(contact, this.#transports),
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
    switch (output.kind) {
      case 'send':
        this.#options.trace?.message(true, output.flow, output.bytes)
        return this.#transports.send(output.flow, output.bytes)
      case 'setTimer':
        return this.#timers.set(output.id, output.at, () => this.#feed({ kind: 'timer', id: output.id }))
      case 'cancelTimer':
        return this.#timers.clear(output.id)
      case 'authorise':
        return void this.#door.policy(output.request, output.authUser).then((policy) => {
          this.#feed({ kind: 'authorised', query: output.query, policy })
        })
      case 'authFailed':
        return this.#door.failed(output.request)
      case 'registered':
        this.#door.registered(output.identity, output.contacts)
        this.#keepAlive.set(output.identity, output.contacts)
        return this.#options.onContacts(output.identity, output.contacts)
      case 'incoming':
        return this.#incoming(output)
      case 'progress':
        return this.#progressed(output.leg, output.code, output.body ?? '')
      case 'answered':
        return this.#answered(output.leg, output.body)
      case 'failed':
        return this.#failed(output)
      case 'trying':
        return this.#outgoing.attemptOf(output.leg)?.heard(false)
      case 'cancelled':
        return this.#tell(output.leg, { kind: 'cancelled', ...because(output.reason) })
      case 'confirmed':
        return this.#confirmed(output.leg, output.body)
      case 'offered':
        return this.#offered(output.leg, output.body)
      case 'ended':
        return this.#tell(output.leg, {
          kind: 'ended',
          cause: output.cause,
          ...because(output.cause === 'local' ? '' : output.reason),
        })
      case 'reinvited':
        return this.#reinvited(output.leg, output.code, output.body)
      case 'registerResult':
        return this.#options.onRegisterResult?.(output.leg, output.code, output.expiresS, output.serviceRoute ?? [])
      case 'info': {
        const key = keyOfInfo(output.contentType, output.body)
        return key ? this.#tell(output.leg, { kind: 'key', ...key }) : undefined
      }
      case 'requested':
      case 'notified':
        return
      case 'refreshed':
        return this.#refreshed(output)
      case 'refer':
        return this.#refer(output)
      default:
        output satisfies never
    }
  }

  /** A refresh of the session was answered with another description than before. */
  #refreshed({ leg, offer, body }: SipOutput & { kind: 'refreshed' }): void {
    const book = this.#byLeg.get(leg)
    if (book) this.#media.answered(book, offer, body)
  }

  /** One at a time for each call. */
  #refer({ leg, refer, target, replaces }: SipOutput & { kind: 'refer' }): void {
    const { onRefer, log } = this.#options
    const book = this.#byLeg.get(leg)
    const answer = (code: number, phrase = ''): void => this.#feed({ kind: 'answerRefer', leg, refer, code, phrase })
    if (!book || !onRefer || book.callId === '') return answer(603)
    if (book.refer !== '') return answer(491)
    book.refer = refer
    const other = replaces === undefined ? {} : { replaces: this.#byLeg.get(replaces?.leg ?? '')?.callId || null }
    void onRefer({ callId: book.callId, identity: book.identity, target, ...other })
      .catch((cause: unknown) => {
        log.error({ call_id: book.callId, err: cause }, 'transfer by a phone failed')
        return { code: 500, phrase: '' }
      })
      .then(({ code, phrase }) => {
        if (code >= 300) book.refer = ''
        answer(code, phrase)
      })
  }

  /** OPTIONS are refused, so that proxies and carriers go elsewhere; calls are for `room` to refuse. */
  drain(on: boolean, retryAfterS: number): void {
    this.#feed({ kind: 'drain', on, retryAfterS })
  }

  #incoming(output: SipOutput & { kind: 'incoming' }): void {
    const { leg, request, identity, body, replaces } = output
    const refuse = (code: number, phrase: string): void => this.#feed({ kind: 'reject', leg, code, phrase })
    if (body !== '' && !this.#media.isUsable(body, leg, peerIdOf(identity) !== null))
      return refuse(488, 'Not Acceptable Here')
    const remote = request.flow.remote.address
    if (identity === LOOPBACK && !isLoopback(remote) && !isSelf(request.flow.remote, this.#transports.local))
      return refuse(403, 'Forbidden')
    const isPrivate = isPrivateFlow(request.flow)
    const book = newBook({ callId: '', leg, direction: 'incoming', remote, isPrivate, offer: body, weOffered: false })
    book.identity = identity
    const replaced = replaces && this.#byLeg.get(replaces.leg)?.callId
    if (replaces && !replaced) return refuse(481, '')
    const taken = replaces && replaced ? { replaces: { callId: replaced, isEarly: replaces.isEarly } } : {}
    let isGone = false
    // News of the far end may come while we find out whose call this is.
    this.#byLeg.set(leg, book)
    void this.#options
      .onIncoming({ leg, request, identity, ...taken })
      .catch((cause: unknown) => {
        this.#options.log.error({ err: cause }, 'incoming call failed')
        return { code: 500, phrase: 'Server Internal Error' }
      })
      .then((verdict) => {
        isGone = !this.#byLeg.has(leg)
        this.#byLeg.delete(leg)
        if (!('callId' in verdict))
          return isGone ? undefined : this.#feed({ kind: 'reject', leg, ...refusalOf(verdict) })
        const whole = { ...newBook({ ...book, callId: verdict.callId }), ...verdict.media, identity }
        this.#byLeg.set(leg, whole)
        this.#byCall.set(verdict.callId, whole)
        this.#options.trace?.bind(verdict.callId, request.sipCallId)
        if (isGone) this.#options.onNews(verdict.callId, { kind: 'cancelled' })
        return undefined
      })
  }

  /** A 183 with sound is heard before the answer. */
  #progressed(leg: string, code: number, body: string): void {
    const book = this.#byLeg.get(leg)
    const early = book !== undefined && body !== '' && this.#media.answered(book, book.offer, body) === null
    this.#outgoing.attemptOf(leg)?.heard(code === 180 || early)
    this.#tell(leg, { kind: 'progress', code, ...(early ? { early } : {}) })
  }

  #answered(leg: string, body: string): void {
    const book = this.#byLeg.get(leg)
    if (!book) return
    this.#outgoing.attemptOf(leg)?.answered()
    const why = this.#media.answered(book, book.offer, body)
    if (why !== null) {
      this.#options.log.warn({ call_id: book.callId, why }, 'answer could not be used')
      this.#feed({ kind: 'bye', leg, reason: 'no usable media' })
      return
    }
    this.#media.tellAnswered(book)
    this.#tell(leg, { kind: 'answered' })
  }

  #confirmed(leg: string, body: string): void {
    const book = this.#byLeg.get(leg)
    if (!book) return
    if (book.weOffered && book.direction === 'incoming') {
      const isUsable = this.#media.answered(book, book.offer, body) === null
      if (!isUsable) return this.#feed({ kind: 'bye', leg, reason: 'no usable media' })
      book.weOffered = false
    }
    this.#tell(leg, { kind: 'confirmed' })
  }

  /** A re-INVITE: hold, resume, a moved address. An empty body asks for our offer (RFC 3261 §14.2). */
  #offered(leg: string, body: string): void {
    const book = this.#byLeg.get(leg)
    this.#feed({ kind: 'answerOffer', leg, body: book ? this.#media.answerAgain(book, body) : null })
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

  #contactFor(flow: Flow): SipAddress {
    return { address: addressTowards(flow.remote.address, this.#options), port: flow.local.port }
  }
}

/** The far end's reason, or the network's; not what we said ourselves. */
function because(reason: string | undefined): { readonly reason?: string } {
  return reason ? { reason } : {}
}
