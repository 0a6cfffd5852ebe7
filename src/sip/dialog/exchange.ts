/**
 * Offers and answers within a dialog: re-INVITE and UPDATE out and in, and the ACKs of our 2xx. Begins with the answer to
 * the INVITE, or earlier, where an offer and its answer are known to both sides already (RFC 3262 §5, RFC 3311 §5).
 */

import { step } from '../../kernel/machine.ts'
import type { Credentials } from '../auth/answer.ts'
import { sdpOf } from '../message/body.ts'
import type { Envelope } from '../message/envelope.ts'
import { parseNumber } from '../message/grammar.ts'
import { header, type SipRequest, type SipResponse } from '../message/message.ts'
import type { Incoming } from '../transaction/layer.ts'
import { GIVE_UP_MS } from '../transaction/timers.ts'
import { AwaitedAck } from './acknowledged.ts'
import { Attempt } from './attempt.ts'
import type { Desk } from './desk.ts'
import type { Dialog } from './dialog.ts'
import { type Action, EXCHANGE, type Input, type State } from './exchange-table.ts'
import type { SessionTimer } from './session-timer.ts'

/** After so many glares in a row the 491 is told. */
export const MAX_GLARES = 6
/** A Retry-After of more is not waited for. */
const MOST_RETRY_S = 10

export interface ExchangeParts {
  readonly desk: Desk
  readonly dialog: Dialog
  readonly leg: string
  readonly credentials: Credentials | undefined
}

/** The session it belongs to once the INVITE is answered. */
export interface ExchangeHost {
  /** Every re-INVITE and UPDATE refreshes the session. Null before the answer. */
  readonly timer: SessionTimer | null
  /** The first ACK is there. */
  confirmed(): void
  /** A 2xx of ours was never acknowledged. */
  unconfirmed(): void
  /** The far end does not know the dialog any more, or is silent (RFC 3261 §12.2.1.2). @param code 481 or 408 */
  lost(code: number): void
}

const NOT_ANSWERED: ExchangeHost = { timer: null, confirmed() {}, unconfirmed() {}, lost() {} }

type OfferMethod = 'INVITE' | 'UPDATE'

interface Wish {
  /** Null: what was said last, for a refresh. */
  readonly body: string | null
  readonly method: OfferMethod
}

interface Offer {
  readonly incoming: Incoming
  /** '' for a late offer. */
  readonly body: string
}

interface Awaited {
  readonly ack: AwaitedAck
  readonly first: boolean
  /** True when the offer was ours, and the ACK carries their answer. */
  readonly late: boolean
}

export class Exchange {
  /** Set when the INVITE is answered. */
  host: ExchangeHost = NOT_ANSWERED
  readonly #parts: ExchangeParts
  readonly #name: string
  #state: State = 'idle'
  /** Our offers that wait for their turn; the first may be on the way. */
  readonly #wishes: Wish[] = []
  #glares = 0
  #backoffMs = 0
  #result = { code: 0, body: '' }
  /** The descriptions in force. */
  #ours = ''
  #theirs = ''
  /** The offer that has just come. */
  #arrived: Offer | null = null
  /** The offer our user thinks about. */
  #offer: Offer | null = null
  #answer = ''
  #awaited: Awaited | null = null
  #acknowledgement = ''

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    this.#name = parts.desk.context.newName('exchange')
  }

  get state(): State {
    return this.#state
  }

  /** Our description in force. */
  get ours(): string {
    return this.#ours
  }

  /** Their description in force. */
  get theirs(): string {
    return this.#theirs
  }

  /** What both have said. */
  note(ours: string, theirs: string): void {
    this.#ours = ours
    this.#theirs = theirs
  }

  /** For the callee: goes on with the 2xx to the first INVITE waiting for its ACK. */
  awaitFirstAck(incoming: Incoming, bytes: Uint8Array, late: boolean): void {
    if (this.#offer !== null) this.#takeOffer().incoming.respond({ code: 491 })
    this.#state = 'unacked'
    this.#await(incoming, bytes, { first: true, late })
  }

  /** Sends this offer, as soon as it may. */
  wish(body: string | null, method: OfferMethod): void {
    this.#wishes.push({ body, method })
    this.#input('wish')
  }

  /** A re-INVITE, or an UPDATE or PRACK with an offer. */
  offered(incoming: Incoming, body: string): void {
    this.#arrived = { incoming, body }
    this.#input('offer')
  }

  /** Our user's answer to `offered`, null refuses. */
  answer(body: string | null): void {
    if (this.#offer === null) return
    this.#answer = body ?? ''
    const accept = this.#offer.incoming.request.method === 'INVITE' ? 'acceptInvite' : 'acceptUpdate'
    this.#input(body === null ? 'refuse' : accept)
  }

  acknowledged(request: SipRequest, envelope: Envelope): void {
    if (this.#awaited?.ack.cseq !== envelope.cseq) return
    this.#awaited.ack.stop()
    this.#acknowledgement = sdpOf(request) ?? ''
    this.#input('ack')
  }

  /** The dialog is ending: nothing of an exchange is told any more, and what was asked gets an answer. */
  close(): void {
    this.#awaited?.ack.stop()
    this.#input('close')
  }

  #input(input: Input): void {
    const { to, run } = step('exchange', EXCHANGE, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { context } = this.#parts.desk
    switch (action) {
      case 'send':
        this.#send()
        break
      case 'startBackoff':
        context.startTimer(`${this.#name}/backoff`, this.#backoffMs, () => this.#input('retry'))
        break
      case 'stopBackoff':
        context.stopTimer(`${this.#name}/backoff`)
        break
      case 'tellOffer':
        this.#tellOffer()
        break
      case 'tellResult':
        this.#tellResult()
        break
      case 'tellAck':
        this.#tellAck()
        break
      case 'accept':
        this.#accept()
        break
      case 'refuse':
        this.#takeOffer().incoming.respond({ code: 488 })
        break
      case 'withdraw':
        this.#takeOffer().incoming.respond({ code: 487 })
        break
      case 'replyPending':
        this.#arrived?.incoming.respond({ code: 491 })
        break
      case 'replyBusy':
        this.#arrived?.incoming.respond({ code: 500, extras: [['Retry-After', String(context.random.below(11))]] })
        break
      case 'next':
        if (this.#wishes.length > 0) this.#input('wish')
        break
      default:
        action satisfies never
    }
  }

  #send(): void {
    const { desk, dialog, credentials } = this.#parts
    const { body, method } = this.#wishes[0]!
    const { host } = this
    const limit = `${this.#name}/limit`
    let acked: Uint8Array | null = null
    const attempt: Attempt = new Attempt(desk, {
      flow: dialog.flow,
      credentials,
      adapt: (response) => host.timer?.raise(response) === true,
      make: (extras) =>
        dialog.next(
          method,
          [...desk.headersFor(dialog.flow), ...(host.timer?.asked ?? []), ...extras],
          body ?? this.#ours,
        ),
      user: {
        response: (response, envelope) => {
          if (response.code < 200 || attempt.answers(response)) return
          desk.context.stopTimer(limit)
          if (response.code >= 300) return this.#conclude(response.code, '', retryAfterMs(response))
          if (acked !== null) return desk.context.send(dialog.flow, acked)
          dialog.refresh(response, dialog.flow)
          if (method === 'INVITE')
            acked = desk.transactions.sendAck(dialog.ack(envelope.cseq, attempt.credentials), dialog.flow)
          this.host.timer?.answered(response)
          this.#conclude(response.code, sdpOf(response) ?? '')
        },
        failed: (why) => {
          desk.context.stopTimer(limit)
          this.#conclude(why === 'timeout' ? 408 : 503, '')
        },
      },
    })
    if (method === 'UPDATE') return
    desk.context.startTimer(limit, GIVE_UP_MS, () => {
      desk.transactions.cancel(attempt.current)
      attempt.current.giveUp()
    })
  }

  #conclude(code: number, body: string, retryMs: number | null = null): void {
    this.#result = { code, body }
    const glare = code === 491 || (code === 500 && retryMs !== null)
    if (glare) this.#glares += 1
    this.#backoffMs = retryMs ?? this.#drawnBackoffMs()
    if (glare && this.#glares < MAX_GLARES) this.#input('glare')
    else this.#input(code < 300 ? 'accepted' : 'refused')
    if (code === 481 || code === 408) this.host.lost(code)
  }

  /** RFC 3261 §14.1: 2.1 to 4 s for who chose the Call-ID, 0 to 2 s for the other, in steps of 10 ms. */
  #drawnBackoffMs(): number {
    const { random } = this.#parts.desk.context
    return this.#parts.dialog.ownsCallId ? 2_100 + 10 * random.below(191) : 10 * random.below(201)
  }

  #tellResult(): void {
    const { body: offered } = this.#wishes.shift()!
    const { code, body } = this.#result
    const { context } = this.#parts.desk
    const { leg } = this.#parts
    const isNews = code < 300 && body !== this.#theirs
    this.#glares = 0
    if (code < 300) this.note(offered ?? this.#ours, body || this.#theirs)
    if (offered !== null) context.emit({ kind: 'reinvited', leg, code, body })
    else if (isNews && body !== '') context.emit({ kind: 'refreshed', leg, offer: this.#ours, body })
  }

  #tellOffer(): void {
    this.#offer = this.#arrived
    const { incoming, body } = this.#offer!
    incoming.onCancel = () => this.#input('withdrawn')
    this.#parts.desk.context.emit({ kind: 'offered', leg: this.#parts.leg, body })
  }

  #accept(): void {
    const { desk, dialog } = this.#parts
    const { incoming, body } = this.#takeOffer()
    const { method } = incoming.request
    const isPrack = method === 'PRACK'
    if (!isPrack) dialog.refresh(incoming.request, incoming.flow)
    const refresh = isPrack ? [] : (this.host.timer?.accept(incoming.request) ?? [])
    const extras = isPrack ? [] : [...desk.headersFor(incoming.flow), ...refresh]
    this.note(this.#answer, body)
    const bytes = incoming.respond({ code: 200, extras, body: this.#answer })
    if (method === 'INVITE') this.#await(incoming, bytes, { first: false, late: body === '' })
  }

  #takeOffer(): Offer {
    const offer = this.#offer!
    this.#offer = null
    return offer
  }

  #await(incoming: Incoming, bytes: Uint8Array, kind: { first: boolean; late: boolean }): void {
    const { context } = this.#parts.desk
    const ack = new AwaitedAck(context, incoming.envelope.cseq, incoming.flow, bytes, () => this.host.unconfirmed())
    this.#awaited = { ack, ...kind }
  }

  #tellAck(): void {
    const { first, late } = this.#awaited!
    this.#awaited = null
    const body = late ? this.#acknowledgement : ''
    if (late) this.#theirs = body
    if (first || late) this.#parts.desk.context.emit({ kind: 'confirmed', leg: this.#parts.leg, body })
    if (first) this.host.confirmed()
  }
}

/** Of a refusal that says when to ask again, soon enough. */
function retryAfterMs(response: SipResponse): number | null {
  const seconds = parseNumber((header(response, 'retry-after') ?? '').split(/[;(\s]/)[0]!)
  return seconds === null || seconds > MOST_RETRY_S ? null : 1_000 * seconds
}
