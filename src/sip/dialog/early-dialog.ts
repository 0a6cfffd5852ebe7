/**
 * One fork of an INVITE of ours before its answer (RFC 3261 §12.1): acknowledges reliable provisional answers (RFC 3262
 * §4), and once one of them has answered our offer, takes part in further exchanges (RFC 3311).
 */

import type { Credentials } from '../auth/answer.ts'
import { sdpOf } from '../message/body.ts'
import { ACCEPT, ALLOW, type Extras } from '../message/compose.ts'
import { parseNumber } from '../message/grammar.ts'
import { header, type SipResponse } from '../message/message.ts'
import type { Incoming } from '../transaction/layer.ts'
import { ask } from './attempt.ts'
import type { Desk } from './desk.ts'
import type { Dialog } from './dialog.ts'
import { Exchange } from './exchange.ts'
import { requires, SUPPORTED } from './option-tags.ts'

export interface EarlyParts {
  readonly desk: Desk
  readonly dialog: Dialog
  readonly leg: string
  readonly credentials: Credentials | undefined
  /** Ours, in the INVITE. */
  readonly offer: string
  /** Of the INVITE. */
  readonly cseq: number
}

export class EarlyDialog {
  readonly dialog: Dialog
  readonly #parts: EarlyParts
  /** Number of the last reliable answer that was acknowledged. */
  #rseq: number | null = null
  #exchange: Exchange | null = null

  constructor(parts: EarlyParts) {
    this.#parts = parts
    this.dialog = parts.dialog
    const user = { request: (incoming: Incoming) => this.#request(incoming), acknowledged() {} }
    parts.desk.dialogs.set(parts.dialog.key, { dialog: parts.dialog, user, leg: parts.leg, stage: 'early' })
  }

  /** Null until their answer has come for certain. */
  get exchange(): Exchange | null {
    return this.#exchange
  }

  /** @returns false for a reliable answer that is a copy, or came before its turn: the sender repeats it (RFC 3262 §4) */
  takes(response: SipResponse): boolean {
    const rseq = requires(response, '100rel') ? parseNumber(header(response, 'rseq') ?? '') : null
    if (rseq === null) return true
    if (this.#rseq !== null && rseq !== this.#rseq + 1) return false
    this.#rseq = rseq
    this.#acknowledge(rseq)
    this.#settle(sdpOf(response) ?? '')
    return true
  }

  /** @param goesOn it was answered: its exchange is the session's from now on */
  close(goesOn: boolean): void {
    this.#parts.desk.dialogs.delete(this.dialog.key)
    if (!goesOn) this.#exchange?.close()
  }

  #acknowledge(rseq: number): void {
    const { desk, dialog, credentials, cseq } = this.#parts
    const make = (extras: Extras) => dialog.next('PRACK', [['RAck', `${rseq} ${cseq} INVITE`], ...extras])
    ask(desk, { flow: dialog.flow, credentials, make }, () => {})
  }

  #settle(answer: string): void {
    const { desk, dialog, leg, credentials, offer } = this.#parts
    if (answer === '' || offer === '' || this.#exchange !== null) return
    this.#exchange = new Exchange({ desk, dialog, leg, credentials })
    this.#exchange.note(offer, answer)
  }

  /** Requests of theirs before their answer. While our offer is not answered theirs meets it (RFC 3311 §5.2). */
  #request(incoming: Incoming): void {
    const { method, body } = incoming.request
    if (method === 'OPTIONS') incoming.respond({ code: 200, extras: [ALLOW, ACCEPT, SUPPORTED] })
    else if (method === 'INFO' && body === '') incoming.respond({ code: 200 })
    else if (method === 'UPDATE') this.#update(incoming)
    else if (method === 'INVITE') incoming.respond({ code: 491 })
    else if (method === 'BYE' || method === 'PRACK') incoming.respond({ code: 481 })
    else if (method === 'REFER') incoming.respond({ code: 403 })
    else if (method === 'INFO') incoming.respond({ code: 415, extras: [ACCEPT] })
    else incoming.respond({ code: 405, extras: [ALLOW] })
  }

  #update(incoming: Incoming): void {
    const offer = sdpOf(incoming.request)
    if (offer === null) incoming.respond({ code: 415, extras: [ACCEPT] })
    else if (offer === '') {
      this.dialog.refresh(incoming.request, incoming.flow)
      incoming.respond({ code: 200, extras: this.#parts.desk.headersFor(incoming.flow) })
    } else if (this.#exchange === null) incoming.respond({ code: 491 })
    else this.#exchange.offered(incoming, offer)
  }
}
