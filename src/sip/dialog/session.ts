/** The answered part of a leg: its dialog until both sides have said goodbye, for caller and callee alike. */

import { step, type Table } from '../../kernel/machine.ts'
import type { Credentials } from '../auth/answer.ts'
import { contentType, SDP, sdpOf } from '../message/body.ts'
import { ACCEPT, ALLOW, type Extras } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import { quote } from '../message/grammar.ts'
import { header, type SipRequest } from '../message/message.ts'
import type { Incoming } from '../transaction/layer.ts'
import type { EndCause } from '../types.ts'
import { ask } from './attempt.ts'
import type { Desk, DialogUser } from './desk.ts'
import type { Dialog } from './dialog.ts'
import { Exchange } from './exchange.ts'

/**
 * - `unacked`: our 2xx waits for its ACK; a callee may not send BYE before (RFC 3261 §15)
 * - `byeWaits`: our user has hung up meanwhile
 * - `leaving`: our BYE is on the way
 * - `closing`: the same, and our user knows already that it is over
 */
export type State = 'unacked' | 'up' | 'byeWaits' | 'leaving' | 'closing' | 'over'
/** `failed`: the ACK never came, or the far end has lost the dialog. */
export type Input = 'acked' | 'failed' | 'bye' | 'byeReceived' | 'byeAnswered'
export type Action = 'sendBye' | 'tellEnded' | 'close'

export const SESSION: Table<State, Input, Action> = {
  unacked: {
    acked: { to: 'up' },
    failed: { to: 'closing', run: ['tellEnded', 'sendBye'] },
    bye: { to: 'byeWaits' },
    byeReceived: { to: 'over', run: ['tellEnded', 'close'] },
    byeAnswered: 'bug',
  },
  up: {
    acked: 'bug',
    failed: { to: 'closing', run: ['tellEnded', 'sendBye'] },
    bye: { to: 'leaving', run: ['sendBye'] },
    byeReceived: { to: 'over', run: ['tellEnded', 'close'] },
    byeAnswered: 'bug',
  },
  byeWaits: {
    acked: { to: 'leaving', run: ['sendBye'] },
    failed: { to: 'leaving', run: ['sendBye'] },
    bye: 'ignore',
    byeReceived: { to: 'over', run: ['tellEnded', 'close'] },
    byeAnswered: 'bug',
  },
  leaving: {
    acked: 'bug',
    failed: 'ignore',
    bye: 'ignore',
    byeReceived: 'ignore',
    byeAnswered: { to: 'over', run: ['tellEnded', 'close'] },
  },
  closing: {
    acked: 'bug',
    failed: 'ignore',
    bye: 'ignore',
    byeReceived: 'ignore',
    byeAnswered: { to: 'over', run: ['close'] },
  },
  over: {
    acked: 'bug',
    failed: 'ignore',
    bye: 'ignore',
    byeReceived: 'ignore',
    byeAnswered: 'bug',
  },
}

const DTMF: ReadonlySet<string> = new Set(['application/dtmf-relay', 'application/dtmf'])

export interface SessionParts {
  readonly desk: Desk
  readonly dialog: Dialog
  readonly leg: string
  readonly credentials?: Credentials | undefined
  /** The last thing: nothing of this session is left. */
  readonly over: () => void
}

export class Session implements DialogUser {
  readonly exchange: Exchange
  readonly #parts: SessionParts
  #state: State = 'up'
  #ending: { cause: EndCause; reason: string } | null = null

  constructor(parts: SessionParts) {
    this.#parts = parts
    const { desk, dialog, leg, credentials } = parts
    this.exchange = new Exchange({
      desk,
      dialog,
      leg,
      credentials,
      confirmed: () => this.#input('acked'),
      unconfirmed: () => this.#end('failed', 'timeout', 'no ACK'),
      lost: (code) => this.#end('failed', code === 408 ? 'timeout' : 'remote', ''),
    })
    desk.dialogs.set(dialog.key, { dialog, user: this })
  }

  /** For the callee, right after the 2xx. */
  awaitAck(incoming: Incoming, bytes: Uint8Array, late: boolean): void {
    this.#state = 'unacked'
    this.exchange.awaitFirstAck(incoming, bytes, late)
  }

  /** Our user hangs up. @param reason for the Reason header (RFC 3326), '' for none */
  bye(reason: string): void {
    this.#end('bye', 'local', reason)
  }

  acknowledged(request: SipRequest, envelope: Envelope): void {
    this.exchange.acknowledged(request, envelope)
  }

  request(incoming: Incoming): void {
    const { method } = incoming.request
    if (method === 'BYE') this.#answerBye(incoming)
    else if (this.#state === 'leaving' || this.#state === 'closing') incoming.respond({ code: 481 })
    else if (method === 'INVITE' || method === 'UPDATE') this.#answerOffer(incoming)
    else if (method === 'INFO') this.#answerInfo(incoming)
    else if (method === 'OPTIONS') incoming.respond({ code: 200, extras: [ALLOW, ACCEPT] })
    else incoming.respond({ code: 405, extras: [ALLOW] })
  }

  #answerBye(incoming: Incoming): void {
    incoming.respond({ code: 200 })
    this.#end('byeReceived', 'remote', header(incoming.request, 'reason') ?? '')
  }

  #answerOffer(incoming: Incoming): void {
    const { desk, dialog } = this.#parts
    const body = sdpOf(incoming.request)
    if (incoming.request.method === 'INVITE') incoming.respond({ code: 100 })
    if (body === null) incoming.respond({ code: 415, extras: [ACCEPT] })
    else if (incoming.request.method === 'INVITE' || body !== '') this.exchange.offered(incoming, body)
    else {
      dialog.refresh(incoming.request, incoming.flow)
      incoming.respond({ code: 200, extras: desk.headersFor(incoming.flow) })
    }
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
        this.exchange.close()
        this.#sendBye()
        break
      case 'tellEnded':
        desk.context.emit({ kind: 'ended', leg, ...this.#ending! })
        break
      case 'close':
        this.exchange.close()
        desk.dialogs.delete(dialog.key)
        over()
        break
      default:
        action satisfies never
    }
  }

  #sendBye(): void {
    const { desk, dialog, credentials } = this.#parts
    const reason = reasonHeader(this.#ending?.reason ?? '')
    const make = (extras: Extras) => dialog.next('BYE', [...reason, ...extras])
    ask(desk, { flow: dialog.flow, credentials, make }, () => this.#input('byeAnswered'))
  }
}

/** A value in the form of RFC 3326 goes out as it is, anything else as its text. */
function reasonHeader(reason: string): Extras {
  if (reason === '') return []
  return [['Reason', /^[A-Za-z0-9.]+\s*;/.test(reason) ? reason : `SIP;text=${quote(reason)}`]]
}
