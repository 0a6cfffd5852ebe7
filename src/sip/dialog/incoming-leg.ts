/** A leg that began with their INVITE, until it is answered or refused; then its session goes on. */

import { step, type Table } from '../../kernel/machine.ts'
import { sdpOf } from '../message/body.ts'
import { ACCEPT, ALLOW, type Extras } from '../message/compose.ts'
import { header } from '../message/message.ts'
import { phraseOf } from '../message/phrases.ts'
import type { Incoming } from '../transaction/layer.ts'
import type { EndCause } from '../types.ts'
import type { Desk } from './desk.ts'
import { Dialog } from './dialog.ts'
import { Exchange } from './exchange.ts'
import { requires, SUPPORTED, supports } from './option-tags.ts'
import { ReliableProvisionals } from './reliable.ts'
import { Session } from './session.ts'

/** `acceptWaits`: our user has answered, and a PRACK must come first (RFC 3262 §3). */
export type State = 'alerting' | 'acceptWaits' | 'answered' | 'over'
/**
 * `withdrawn`: their CANCEL, or a BYE before the answer. `unreachable`: our answers do not arrive. `acceptLater`: a
 * description of ours is not acknowledged yet, `acked`: it is.
 */
export type Input = 'ring' | 'accept' | 'acceptLater' | 'acked' | 'reject' | 'withdrawn' | 'unreachable'
export type Action =
  | 'ring'
  | 'accept'
  | 'stopRinging'
  | 'reject'
  | 'terminate'
  | 'tellCancelled'
  | 'tellFailed'
  | 'close'

const REJECT = { to: 'over', run: ['reject', 'tellFailed', 'close'] } as const
const WITHDRAW = { to: 'over', run: ['terminate', 'tellCancelled', 'close'] } as const
const LOSE = { to: 'over', run: ['tellFailed', 'close'] } as const
const DONE = {
  ring: 'ignore',
  accept: 'ignore',
  acceptLater: 'ignore',
  acked: 'ignore',
  reject: 'ignore',
  withdrawn: 'ignore',
  unreachable: 'ignore',
} as const

export const INCOMING_LEG: Table<State, Input, Action> = {
  alerting: {
    ring: { to: 'alerting', run: ['ring'] },
    accept: { to: 'answered', run: ['accept'] },
    acceptLater: { to: 'acceptWaits', run: ['stopRinging'] },
    acked: 'ignore',
    reject: REJECT,
    withdrawn: WITHDRAW,
    unreachable: LOSE,
  },
  acceptWaits: {
    ring: 'ignore',
    accept: 'bug',
    acceptLater: 'ignore',
    acked: { to: 'answered', run: ['accept'] },
    reject: REJECT,
    withdrawn: WITHDRAW,
    unreachable: LOSE,
  },
  answered: DONE,
  over: DONE,
}

/** A provisional answer is repeated so often, or proxies on the way give up (RFC 3261 §13.3.1.1). */
export const RING_AGAIN_MS = 60_000

interface Refusal {
  readonly code: number
  readonly phrase: string
  readonly cause: EndCause
  readonly extras: Extras
}

export class IncomingLeg {
  readonly #desk: Desk
  readonly #leg: string
  readonly #incoming: Incoming
  /** True when the INVITE had no offer: ours goes out in the 2xx. */
  readonly #late: boolean
  readonly #dialog: Dialog
  readonly #over: () => void
  readonly #timer: string
  #state: State = 'alerting'
  readonly #reliable: ReliableProvisionals
  /** For the 2xx, and for what is said before it. */
  #body = ''
  /** Our answer has arrived for certain: both may offer again. */
  #exchange: Exchange | null = null
  #reason = ''
  #refusal: Refusal = { code: 480, phrase: '', cause: 'local', extras: [] }
  #session: Session | null = null

  constructor(desk: Desk, leg: string, parts: { incoming: Incoming; late: boolean; over: () => void }) {
    const { incoming } = parts
    this.#desk = desk
    this.#leg = leg
    this.#incoming = incoming
    this.#late = parts.late
    this.#over = parts.over
    this.#timer = desk.context.newName('ring')
    this.#dialog = Dialog.ofRequest(incoming.request, incoming.envelope, incoming.toTag, incoming.flow)
    this.#reliable = new ReliableProvisionals({
      context: desk.context,
      incoming,
      acked: (prack, body) => this.#pracked(prack, body),
      lost: () => this.#refuse('reject', { code: 504, phrase: '', cause: 'timeout', extras: [] }),
    })
    desk.dialogs.set(this.#dialog.key, {
      dialog: this.#dialog,
      user: { request: (early) => this.#early(early), acknowledged() {} },
      leg,
      stage: 'theirsEarly',
    })
    incoming.onCancel = (reason) => {
      this.#reason = reason
      this.#input('withdrawn')
    }
    incoming.user = {
      acknowledged: (request, envelope) => this.#session?.acknowledged(request, envelope),
      failed: (why) => {
        if (why === 'transport') this.#refuse('unreachable', { code: 503, phrase: '', cause: 'transport', extras: [] })
      },
    }
  }

  get session(): Session | null {
    return this.#session
  }

  get name(): Pick<Dialog, 'sipCallId' | 'localTag' | 'remoteTag'> {
    const { sipCallId, localTag, remoteTag } = this.#dialog
    return { sipCallId, localTag, remoteTag }
  }

  /** Where an offer may be answered, or made; null before there is one. */
  get exchange(): Exchange | null {
    return this.#exchange
  }

  /** @param body early media (183), null for 180 */
  ring(body: string | null): void {
    this.#body = body ?? ''
    this.#input('ring')
  }

  accept(body: string): void {
    this.#body = body
    this.#input(this.#reliable.holdsBody ? 'acceptLater' : 'accept')
  }

  reject(code: number, phrase: string, extras: Extras): void {
    const final = code >= 300 && code <= 699 ? code : 480
    this.#refuse('reject', { code: final, phrase, cause: 'local', extras })
  }

  #refuse(input: Input, refusal: Refusal): void {
    this.#refusal = refusal
    this.#input(input)
  }

  /** Requests of theirs before our answer. */
  #early(incoming: Incoming): void {
    const { method } = incoming.request
    if (method === 'BYE') {
      incoming.respond({ code: 200 })
      this.#reason = header(incoming.request, 'reason') ?? ''
      this.#input('withdrawn')
    } else if (method === 'PRACK') this.#reliable.take(incoming)
    else if (method === 'UPDATE') this.#update(incoming)
    else if (method === 'OPTIONS') incoming.respond({ code: 200, extras: [ALLOW, ACCEPT, SUPPORTED] })
    else if (method === 'INVITE') this.#later(incoming)
    else if (method === 'REFER') incoming.respond({ code: 403 })
    else if (method === 'INFO')
      incoming.respond(incoming.request.body === '' ? { code: 200 } : { code: 415, extras: [ACCEPT] })
    else incoming.respond({ code: 405, extras: [ALLOW] })
  }

  /** An offer has to wait until theirs in the INVITE is answered for certain (RFC 3311 §5.2). */
  #update(incoming: Incoming): void {
    const offer = sdpOf(incoming.request)
    if (offer === null) incoming.respond({ code: 415, extras: [ACCEPT] })
    else if (offer === '') {
      this.#dialog.refresh(incoming.request, incoming.flow)
      incoming.respond({ code: 200, extras: this.#desk.headersFor(incoming.flow) })
    } else if (this.#exchange === null) this.#later(incoming)
    else this.#exchange.offered(incoming, offer)
  }

  #later(incoming: Incoming): void {
    incoming.respond({ code: 500, extras: [['Retry-After', String(this.#desk.context.random.below(11))]] })
  }

  /** The PRACK may carry an offer of its own (RFC 3262 §5). @param body ours that it acknowledges */
  #pracked(prack: Incoming, body: string): void {
    if (body !== '' && !this.#late && this.#exchange === null) {
      this.#exchange = new Exchange({ desk: this.#desk, dialog: this.#dialog, leg: this.#leg, credentials: undefined })
      this.#exchange.note(body, sdpOf(this.#incoming.request) ?? '')
    }
    const offer = sdpOf(prack.request)
    if (offer === null) prack.respond({ code: 415, extras: [ACCEPT] })
    else if (offer === '') prack.respond({ code: 200 })
    else if (this.#exchange === null) prack.respond({ code: 488 })
    else this.#exchange.offered(prack, offer)
    if (!this.#reliable.holdsBody) this.#input('acked')
  }

  #input(input: Input): void {
    const { to, run } = step('incoming-leg', INCOMING_LEG, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { context } = this.#desk
    switch (action) {
      case 'ring':
        this.#ring()
        break
      case 'accept':
        this.#accept()
        break
      case 'stopRinging':
        context.stopTimer(this.#timer)
        break
      case 'reject':
        this.#reliable.stop()
        this.#incoming.respond(this.#refusal)
        break
      case 'terminate':
        this.#reliable.stop()
        this.#incoming.respond({ code: 487 })
        break
      case 'tellCancelled':
        context.emit({ kind: 'cancelled', leg: this.#leg, ...(this.#reason === '' ? {} : { reason: this.#reason }) })
        break
      case 'tellFailed': {
        const { code, phrase, cause } = this.#refusal
        context.emit({ kind: 'failed', leg: this.#leg, code, phrase: phrase || phraseOf(code), cause })
        break
      }
      case 'close':
        context.stopTimer(this.#timer)
        this.#reliable.stop()
        this.#exchange?.close()
        this.#desk.dialogs.delete(this.#dialog.key)
        this.#over()
        break
      default:
        action satisfies never
    }
  }

  /**
   * Reliably only where that is asked for, or where our sound begins and should not be lost on the way. Who insists and
   * has not offered would have to get our offer with it: he hears nothing until the answer.
   */
  #ring(): void {
    const { request, flow } = this.#incoming
    const isRequired = requires(request, '100rel')
    const code = this.#body === '' ? 180 : 183
    const extras = this.#desk.headersFor(flow)
    this.#desk.context.startTimer(this.#timer, RING_AGAIN_MS, () => this.#ring())
    if (isRequired && this.#late) return
    if (isRequired || (this.#body !== '' && supports(request, '100rel'))) this.#reliable.send(code, extras, this.#body)
    else this.#incoming.respond({ code, extras, body: this.#body })
  }

  #accept(): void {
    const desk = this.#desk
    const { request, flow } = this.#incoming
    desk.context.stopTimer(this.#timer)
    this.#reliable.stop()
    const session = new Session({
      desk,
      dialog: this.#dialog,
      leg: this.#leg,
      over: this.#over,
      ...(this.#exchange === null ? {} : { exchange: this.#exchange }),
      prack: (late) => this.#reliable.take(late),
    })
    this.#session = session
    const extras = [...desk.headersFor(flow), ...session.timer.accept(request)]
    // What was settled anew before the answer is not said again (RFC 6337 §3.1.1).
    const isOld = this.#exchange !== null && this.#exchange.ours !== this.#body
    const bytes = this.#incoming.respond({ code: 200, extras, body: isOld ? '' : this.#body })
    if (this.#exchange === null) session.exchange.note(this.#body, sdpOf(request) ?? '')
    this.#exchange = session.exchange
    session.awaitAck(this.#incoming, bytes, this.#late)
  }
}
