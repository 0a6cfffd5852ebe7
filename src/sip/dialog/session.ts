/** The answered part of a leg: its dialog until both sides have said goodbye, for caller and callee alike. */

import { step, type Table } from '../../kernel/machine.ts'
import type { Credentials } from '../auth/answer.ts'
import { contentType, SDP, sdpOf } from '../message/body.ts'
import { ACCEPT, ALLOW, type Extras } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import { header, type SipRequest, type SipResponse } from '../message/message.ts'
import type { Incoming } from '../transaction/layer.ts'
import type { EndCause } from '../types.ts'
import { ask } from './attempt.ts'
import type { Desk, DialogUser } from './desk.ts'
import type { Dialog } from './dialog.ts'
import { Exchange } from './exchange.ts'
import { SUPPORTED } from './option-tags.ts'
import { reasonHeader } from './reason.ts'
import { Referrals } from './referrals.ts'
import { isTooBrief, TOO_BRIEF } from './session-expires.ts'
import { SessionTimer } from './session-timer.ts'

/**
 * - `unacked`: our 2xx waits for its ACK; a callee may not send BYE before (RFC 3261 §15)
 * - `byeWaits`: our user has hung up meanwhile
 * - `telling`: our user has hung up, and what became of a REFER is still on its way to them
 * - `leaving`: our BYE is on the way
 * - `closing`: the same, and our user knows already that it is over
 */
export type State = 'unacked' | 'up' | 'byeWaits' | 'telling' | 'leaving' | 'closing' | 'over'
/**
 * `failed`: the ACK never came, or the far end has lost the dialog. `byeLater`: a NOTIFY of a REFER is to arrive first,
 * which `told` says.
 */
export type Input = 'acked' | 'failed' | 'bye' | 'byeLater' | 'told' | 'byeReceived' | 'byeAnswered'
export type Action = 'sendBye' | 'tellEnded' | 'close'

export const SESSION: Table<State, Input, Action> = {
  unacked: {
    acked: { to: 'up' },
    failed: { to: 'closing', run: ['tellEnded', 'sendBye'] },
    bye: { to: 'byeWaits' },
    byeLater: { to: 'byeWaits' },
    told: 'ignore',
    byeReceived: { to: 'over', run: ['tellEnded', 'close'] },
    byeAnswered: 'bug',
  },
  up: {
    acked: 'bug',
    failed: { to: 'closing', run: ['tellEnded', 'sendBye'] },
    bye: { to: 'leaving', run: ['sendBye'] },
    byeLater: { to: 'telling' },
    told: 'ignore',
    byeReceived: { to: 'over', run: ['tellEnded', 'close'] },
    byeAnswered: 'bug',
  },
  byeWaits: {
    acked: { to: 'leaving', run: ['sendBye'] },
    failed: { to: 'leaving', run: ['sendBye'] },
    bye: 'ignore',
    byeLater: 'ignore',
    told: 'ignore',
    byeReceived: { to: 'over', run: ['tellEnded', 'close'] },
    byeAnswered: 'bug',
  },
  telling: {
    acked: 'bug',
    failed: { to: 'leaving', run: ['sendBye'] },
    bye: 'ignore',
    byeLater: 'ignore',
    told: { to: 'leaving', run: ['sendBye'] },
    byeReceived: { to: 'over', run: ['tellEnded', 'close'] },
    byeAnswered: 'bug',
  },
  leaving: {
    acked: 'bug',
    failed: 'ignore',
    bye: 'ignore',
    byeLater: 'ignore',
    told: 'ignore',
    byeReceived: 'ignore',
    byeAnswered: { to: 'over', run: ['tellEnded', 'close'] },
  },
  closing: {
    acked: 'bug',
    failed: 'ignore',
    bye: 'ignore',
    byeLater: 'ignore',
    told: 'ignore',
    byeReceived: 'ignore',
    byeAnswered: { to: 'over', run: ['close'] },
  },
  over: {
    acked: 'bug',
    failed: 'ignore',
    bye: 'ignore',
    byeLater: 'ignore',
    told: 'ignore',
    byeReceived: 'ignore',
    byeAnswered: 'bug',
  },
}

/** The end of a session that nobody refreshed (RFC 4028 §10). */
const EXPIRED = 'SIP;cause=408;text="Session expired"'
/** After a refresh of ours met a request of theirs. */
const AGAIN_MS = 3_000

const DTMF: ReadonlySet<string> = new Set(['application/dtmf-relay', 'application/dtmf'])

export interface SessionParts {
  readonly desk: Desk
  readonly dialog: Dialog
  readonly leg: string
  readonly credentials?: Credentials | undefined
  /** Begun before the answer; a new one when absent. */
  readonly exchange?: Exchange | undefined
  /** For the callee: takes the PRACKs that come after the answer. */
  readonly prack?: (incoming: Incoming) => void
  /** The last thing: nothing of this session is left. */
  readonly over: () => void
}

export class Session implements DialogUser {
  readonly exchange: Exchange
  readonly timer: SessionTimer
  readonly referrals: Referrals
  readonly #parts: SessionParts
  #state: State = 'up'
  /** REFERs of ours. */
  #referred = 0
  #ending: { cause: EndCause; reason: string } | null = null

  constructor(parts: SessionParts) {
    this.#parts = parts
    const { desk, dialog, leg, credentials } = parts
    this.timer = new SessionTimer({
      context: desk.context,
      refresh: () => this.#refresh(),
      expired: () => this.#end('failed', 'timeout', EXPIRED),
    })
    this.referrals = new Referrals({ desk, dialog, leg, told: () => this.#input('told') })
    this.exchange = parts.exchange ?? new Exchange({ desk, dialog, leg, credentials })
    this.exchange.host = {
      timer: this.timer,
      confirmed: () => this.#input('acked'),
      unconfirmed: () => this.#end('failed', 'timeout', 'no ACK'),
      lost: (code) => this.#lost(code),
    }
    desk.dialogs.set(dialog.key, { dialog, user: this, leg, stage: 'answered' })
  }

  /** For the callee, right after the 2xx. */
  awaitAck(incoming: Incoming, bytes: Uint8Array, late: boolean): void {
    this.#state = 'unacked'
    this.exchange.awaitFirstAck(incoming, bytes, late)
  }

  /** Our user hangs up. @param reason for the Reason header (RFC 3326), '' for none */
  bye(reason: string): void {
    this.#end(this.referrals.isTelling ? 'byeLater' : 'bye', 'local', reason)
  }

  get name(): Pick<Dialog, 'sipCallId' | 'localTag' | 'remoteTag'> {
    const { sipCallId, localTag, remoteTag } = this.#parts.dialog
    return { sipCallId, localTag, remoteTag }
  }

  /** A request of our user that is no exchange and no end. */
  ask(method: string, headers: Extras, body: string): void {
    const { desk, dialog, leg, credentials } = this.#parts
    if (this.#state !== 'up') return
    if (method === 'REFER') this.#referred += 1
    const make = (extras: Extras) => dialog.next(method, [...desk.headersFor(dialog.flow), ...headers, ...extras], body)
    ask(desk, { flow: dialog.flow, credentials, make }, ({ code }) => {
      desk.context.emit({ kind: 'requested', leg, method, code })
    })
  }

  acknowledged(request: SipRequest, envelope: Envelope): void {
    this.exchange.acknowledged(request, envelope)
  }

  request(incoming: Incoming): void {
    const { method } = incoming.request
    if (method === 'BYE') this.#answerBye(incoming)
    else if (method === 'PRACK') this.#answerPrack(incoming)
    else if (this.#state === 'leaving' || this.#state === 'closing') incoming.respond({ code: 481 })
    else if (method === 'INVITE' || method === 'UPDATE') this.#answerOffer(incoming)
    else if (method === 'INFO') this.#answerInfo(incoming)
    else if (method === 'REFER') this.referrals.take(incoming)
    else if (method === 'NOTIFY') this.#answerNotify(incoming)
    else if (method === 'OPTIONS') incoming.respond({ code: 200, extras: [ALLOW, ACCEPT, SUPPORTED] })
    else incoming.respond({ code: 405, extras: [ALLOW] })
  }

  #answerBye(incoming: Incoming): void {
    incoming.respond({ code: 200 })
    this.#end('byeReceived', 'remote', header(incoming.request, 'reason') ?? '')
  }

  #answerOffer(incoming: Incoming): void {
    const { desk, dialog } = this.#parts
    const body = sdpOf(incoming.request)
    if (isTooBrief(incoming.request)) return void incoming.respond(TOO_BRIEF)
    if (incoming.request.method === 'INVITE') incoming.respond({ code: 100 })
    if (body === null) incoming.respond({ code: 415, extras: [ACCEPT] })
    else if (incoming.request.method === 'INVITE' || body !== '') this.exchange.offered(incoming, body)
    else {
      dialog.refresh(incoming.request, incoming.flow)
      const extras = [...desk.headersFor(incoming.flow), ...this.timer.accept(incoming.request)]
      incoming.respond({ code: 200, extras })
    }
  }

  /** Only what a REFER of ours has asked for. */
  #answerNotify(incoming: Incoming): void {
    const { desk, leg } = this.#parts
    const event = header(incoming.request, 'event') ?? ''
    if (this.#referred === 0 || !/^refer\b/i.test(event)) return void incoming.respond({ code: 481 })
    incoming.respond({ code: 200 })
    const isLast = /^\s*terminated/i.test(header(incoming.request, 'subscription-state') ?? '')
    desk.context.emit({ kind: 'notified', leg, line: incoming.request.body.split(/\r?\n/)[0]!, isLast })
  }

  #answerPrack(incoming: Incoming): void {
    if (this.#parts.prack) this.#parts.prack(incoming)
    else incoming.respond({ code: 481 })
  }

  #answerInfo(incoming: Incoming): void {
    const type = contentType(incoming.request)
    const { body } = incoming.request
    const known = DTMF.has(type)
    if (!known && body !== '')
      return void incoming.respond({ code: 415, extras: [['Accept', [SDP, ...DTMF].join(', ')]] })
    incoming.respond({ code: 200 })
    if (known) this.#parts.desk.context.emit({ kind: 'info', leg: this.#parts.leg, contentType: type, body })
  }

  /** RFC 4028 §7.4: by an UPDATE without a body where they know it, else by a re-INVITE with what was said last. */
  #refresh(): void {
    const { desk, dialog, credentials } = this.#parts
    if (!dialog.allows('UPDATE')) return this.exchange.wish(null, 'INVITE')
    const make = (extras: Extras) =>
      dialog.next('UPDATE', [...desk.headersFor(dialog.flow), ...this.timer.asked, ...extras])
    const adapt = (response: SipResponse) => this.timer.raise(response)
    ask(desk, { flow: dialog.flow, credentials, make, adapt }, ({ code, response }) => {
      if (response !== null && code < 300) {
        dialog.refresh(response, dialog.flow)
        this.timer.answered(response)
      } else if (code === 481 || code === 408) this.#lost(code)
      else if (code === 491 || code === 500) this.timer.again(AGAIN_MS)
      else if (code === 405 || code === 501) this.exchange.wish(null, 'INVITE')
    })
  }

  #lost(code: number): void {
    this.#end('failed', code === 408 ? 'timeout' : 'remote', '')
  }

  /** What is told in the end is the first reason there was. */
  #end(input: Input, cause: EndCause, reason: string): void {
    this.#ending ??= { cause, reason }
    this.#input(input)
  }

  #input(input: Input): void {
    const { to, run } = step('session', SESSION, this.#state, input)
    this.#state = to
    for (const action of run) this.#act(action)
  }

  #act(action: Action): void {
    const { desk, dialog, leg, over } = this.#parts
    switch (action) {
      case 'sendBye':
        this.#closeParts()
        this.#sendBye()
        break
      case 'tellEnded':
        desk.context.emit({ kind: 'ended', leg, ...this.#ending! })
        break
      case 'close':
        this.#closeParts()
        desk.dialogs.delete(dialog.key)
        over()
        break
      default:
        action satisfies never
    }
  }

  #closeParts(): void {
    this.exchange.close()
    this.timer.close()
    this.referrals.close()
  }

  #sendBye(): void {
    const { desk, dialog, credentials } = this.#parts
    const reason = reasonHeader(this.#ending?.reason ?? '')
    const make = (extras: Extras) => dialog.next('BYE', [...reason, ...extras])
    ask(desk, { flow: dialog.flow, credentials, make }, () => this.#input('byeAnswered'))
  }
}
