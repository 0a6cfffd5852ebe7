/** The pure SIP core: bytes, timers and commands in; bytes, timers and events out. */

import type { Millis } from '../kernel/clock.ts'
import { Admission } from './admission.ts'
import { Nonces } from './auth/nonce.ts'
import { Context } from './context.ts'
import { Desk } from './dialog/desk.ts'
import { IncomingLeg } from './dialog/incoming-leg.ts'
import { type Invitation, OutgoingLeg } from './dialog/outgoing-leg.ts'
import { ping } from './dialog/ping.ts'
import { replacedLeg } from './dialog/referrals.ts'
import { register } from './dialog/registration.ts'
import { replacesOf } from './dialog/replaces.ts'
import { isTooBrief, TOO_BRIEF } from './dialog/session-expires.ts'
import { sdpOf } from './message/body.ts'
import { readEnvelope } from './message/envelope.ts'
import { parseMessage } from './message/parse.ts'
import { Reception } from './reception.ts'
import { Registrar } from './registrar/registrar.ts'
import { summarise } from './summary.ts'
import { type Incoming, Transactions } from './transaction/layer.ts'
import type {
  Contact,
  Flow,
  ReplacedLeg,
  RequestSummary,
  SipCore,
  SipCoreOptions,
  SipInput,
  SipOutput,
} from './types.ts'

/**
 * Never throws for what the network sends. Commands for a leg that is over are ignored: they raced with its end.
 * Every leg ends in exactly one of `failed`, `cancelled` and `ended`.
 */
export function createSipCore(options: SipCoreOptions): SipCore {
  return new Core(options)
}

class Core implements SipCore {
  readonly #context: Context
  readonly #desk: Desk
  readonly #admission: Admission
  readonly #registrar: Registrar
  readonly #reception: Reception
  readonly #legs = new Map<string, IncomingLeg | OutgoingLeg>()
  #registerNumber = 0

  constructor(options: SipCoreOptions) {
    this.#context = new Context(options)
    this.#desk = new Desk(this.#context, new Transactions(this.#context))
    this.#admission = new Admission(
      this.#context,
      new Nonces(options.nonceKey, options.nonceLifeMs, this.#context.random),
    )
    this.#registrar = new Registrar(this.#context)
    this.#reception = new Reception(this.#desk, (incoming) => this.#ask(incoming))
  }

  handle(input: SipInput, now: Millis): SipOutput[] {
    this.#context.begin(now)
    this.#take(input)
    return this.#context.take()
  }

  census(): { transactions: number; dialogs: number; legs: number; contacts: number } {
    return {
      transactions: this.#desk.transactions.count,
      dialogs: this.#desk.dialogs.size,
      legs: this.#legs.size,
      contacts: this.#registrar.count,
    }
  }

  contactsOf(identity: string): readonly Contact[] {
    return this.#registrar.contactsOf(identity)
  }

  dialogOf(leg: string): ReturnType<SipCore['dialogOf']> {
    const found = this.#legs.get(leg)
    return found?.session?.name ?? (found instanceof IncomingLeg ? found.name : null)
  }

  #take(input: SipInput): void {
    switch (input.kind) {
      case 'received':
        this.#receive(input.bytes, input.flow)
        break
      case 'timer':
        this.#context.fire(input.id)
        break
      case 'transportFailed':
        this.#desk.transactions.transportFailed(input.flow)
        break
      case 'authorised':
        this.#admission.answer(input.query, input.policy)
        break
      case 'restoreContacts':
        this.#registrar.restore(input.identity, input.contacts)
        break
      case 'dropContacts':
        this.#registrar.drop(input.identity)
        break
      case 'drain':
        this.#context.drainRetryS = input.on ? input.retryAfterS : null
        break
      case 'ping':
        ping(this.#desk, input)
        break
      case 'register':
        register(this.#desk, input, () => ++this.#registerNumber)
        break
      case 'invite':
        this.#invite(input)
        break
      default:
        this.#command(input)
    }
  }

  #receive(bytes: Uint8Array, flow: Flow): void {
    const parsed = parseMessage(bytes, flow.transport === 'tcp' || flow.transport === 'tls')
    if (!parsed.ok) return
    const { message, flaw } = parsed.value
    if (message.kind === 'request') this.#reception.receive(message, flaw, flow)
    else {
      const envelope = readEnvelope(message)
      if (flaw === null && envelope.ok) this.#desk.transactions.receiveResponse(message, envelope.value)
    }
  }

  #ask(incoming: Incoming): void {
    const summary = summarise(incoming)
    if (!summary.ok) return void incoming.respond({ code: 400 })
    this.#admission.ask(incoming, summary.value, (admitted, identity, request) => {
      if (admitted.request.method === 'REGISTER') this.#registrar.register(identity, admitted)
      else this.#incoming(admitted, identity, request)
    })
  }

  #incoming(incoming: Incoming, identity: string, request: RequestSummary): void {
    if (isTooBrief(incoming.request)) return void incoming.respond(TOO_BRIEF)
    const replaces = this.#replaced(incoming)
    if (typeof replaces === 'number') return void incoming.respond({ code: replaces })
    const leg = this.#context.random.uuid()
    const body = sdpOf(incoming.request) ?? ''
    const over = () => void this.#legs.delete(leg)
    this.#legs.set(leg, new IncomingLeg(this.#desk, leg, { incoming, late: body === '', over }))
    const taken = replaces === null ? {} : { replaces }
    this.#context.emit({ kind: 'incoming', leg, request, identity, body, ...taken })
  }

  /** RFC 3891 §3. @returns the leg that is to be replaced, null for none, or the code of a refusal */
  #replaced(incoming: Incoming): ReplacedLeg | null | 400 | 481 | 486 {
    const replaces = replacesOf(incoming.request)
    if (replaces === null) return null
    if (!replaces.ok) return 400
    const found = replacedLeg(this.#desk, replaces.value)
    if (found === null) return 481
    return replaces.value.isEarlyOnly && !found.isEarly ? 486 : found
  }

  #invite(invitation: Invitation): void {
    const { leg } = invitation
    if (this.#legs.has(leg)) throw new Error('two legs of one name')
    const outgoing = new OutgoingLeg(this.#desk, invitation, () => void this.#legs.delete(leg))
    this.#legs.set(leg, outgoing)
    outgoing.start()
  }

  #command(input: Command): void {
    const leg = this.#legs.get(input.leg)
    if (leg === undefined) return
    switch (input.kind) {
      case 'ring':
        if (leg instanceof IncomingLeg) leg.ring(input.body)
        break
      case 'accept':
        if (leg instanceof IncomingLeg) leg.accept(input.body)
        break
      case 'reject':
        if (leg instanceof IncomingLeg) leg.reject(input.code, input.phrase, input.headers ?? [])
        break
      case 'cancel':
        if (leg instanceof OutgoingLeg) leg.cancel(input.reason)
        break
      case 'bye':
        hangUp(leg, input.reason ?? '')
        break
      case 'reinvite':
        reoffer(leg, input.body, input.method)
        break
      case 'answerOffer':
        leg.exchange?.answer(input.body)
        break
      case 'request':
        leg.session?.ask(input.method, input.headers ?? [], input.body ?? '')
        break
      case 'answerRefer':
        leg.session?.referrals.answer(input.refer, input.code, input.phrase ?? '')
        break
      case 'notifyRefer':
        leg.session?.referrals.told(input.refer, input.code, input.phrase ?? '')
        break
      default:
        input satisfies never
    }
  }
}

type Command = Extract<
  SipInput,
  {
    kind:
      | 'ring'
      | 'accept'
      | 'reject'
      | 'cancel'
      | 'bye'
      | 'reinvite'
      | 'answerOffer'
      | 'request'
      | 'answerRefer'
      | 'notifyRefer'
  }
>

/** Before the answer only the caller may, by UPDATE; a callee says what it wants in its answer. */
function reoffer(leg: IncomingLeg | OutgoingLeg, body: string, method: 'UPDATE' | undefined): void {
  if (leg.session !== null) leg.session.exchange.wish(body, method ?? 'INVITE')
  else if (leg instanceof OutgoingLeg) leg.exchange?.wish(body, 'UPDATE')
}

/** A leg that is not answered yet is refused or given up. */
function hangUp(leg: IncomingLeg | OutgoingLeg, reason: string): void {
  if (leg.session !== null) leg.session.bye(reason)
  else if (leg instanceof IncomingLeg) leg.reject(480, '', [])
  else leg.cancel(reason)
}
