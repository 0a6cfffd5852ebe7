/** Sorts requests from the network (RFC 3261 §8.2): to their transaction, their dialog, or a first look at a new one. */

import type { Desk } from './dialog/desk.ts'
import { dialogKey } from './dialog/dialog.ts'
import { SUPPORTED, unknownTags } from './dialog/option-tags.ts'
import { SDP, sdpOf } from './message/body.ts'
import { ACCEPT, ALLOW, type Extras, METHODS, makeResponse } from './message/compose.ts'
import { type Envelope, readEnvelope } from './message/envelope.ts'
import { parseNumber, splitList } from './message/grammar.ts'
import { header, listOf, type SipRequest } from './message/message.ts'
import type { Flaw } from './message/parse.ts'
import { printMessage } from './message/print.ts'
import { parseRequestUri, UNKNOWN_SCHEME } from './message/uri.ts'
import { parseVia, printVia, withSource } from './message/via.ts'
import type { Incoming } from './transaction/layer.ts'
import type { Flow, SipAddress } from './types.ts'

const MANDATORY = ['via', 'from', 'to', 'call-id', 'cseq'] as const
const KNOWN: ReadonlySet<string> = new Set(METHODS)

export class Reception {
  readonly #desk: Desk
  readonly #outside: (incoming: Incoming) => void

  /** @param outside gets INVITE and REGISTER that begin something */
  constructor(desk: Desk, outside: (incoming: Incoming) => void) {
    this.#desk = desk
    this.#outside = outside
  }

  /** @param flaw what the parser found wrong */
  receive(given: SipRequest, flaw: Flaw | null, flow: Flow): void {
    const request = withSourceNoted(given, flow.remote)
    const envelope = readEnvelope(given)
    if (flaw !== null) this.#refuseFlawed(request, flow, flaw)
    else if (!envelope.ok) this.#refuseFlawed(request, flow, { code: 400, why: envelope.why })
    else this.#sort(request, envelope.value, flow)
  }

  /** Answers without a transaction, when there is enough to answer with. Nobody answers an ACK. */
  #refuseFlawed(request: SipRequest, flow: Flow, { code, why }: Flaw): void {
    if (request.method === 'ACK' || MANDATORY.some((key) => header(request, key) === null)) return
    const phrase = code === 400 ? `Bad Request (${why})` : why
    const { userAgent } = this.#desk.context.options
    const response = makeResponse(request, {
      code,
      phrase,
      toTag: this.#desk.newTag(),
      extras: [['Server', userAgent]],
    })
    this.#desk.context.send(flow, printMessage(response))
  }

  #sort(request: SipRequest, envelope: Envelope, flow: Flow): void {
    const { transactions, dialogs } = this.#desk
    if (transactions.receiveRequest(request, envelope)) return
    if (request.method === 'ACK') {
      const key = dialogKey(envelope.sipCallId, envelope.toTag, envelope.fromTag)
      dialogs.get(key)?.user.acknowledged(request, envelope)
      return
    }
    const invite = request.method === 'CANCEL' ? transactions.inviteOf(request, envelope) : null
    const merged = envelope.toTag === '' && request.method !== 'CANCEL' && transactions.isMerged(envelope)
    const incoming = transactions.accept(request, envelope, flow, invite?.toTag ?? this.#desk.newTag())
    if (request.method === 'CANCEL') cancel(incoming, invite)
    else if (!this.#refuse(incoming, merged)) this.#deliver(incoming)
  }

  /** The checks that hold for every request. @returns true when it was refused */
  #refuse(incoming: Incoming, merged: boolean): boolean {
    const { request } = incoming
    const refuse = (code: number, extras: Extras = []): boolean => {
      incoming.respond({ code, extras })
      return true
    }
    if (!KNOWN.has(request.method)) return refuse(405, [ALLOW])
    const uri = parseRequestUri(request.uri)
    if (!uri.ok) return refuse(uri.why === UNKNOWN_SCHEME ? 416 : 400)
    if (parseNumber(header(request, 'max-forwards') ?? '') === 0) return refuse(483)
    if (merged) return refuse(482)
    const unknown = unknownTags(request)
    if (unknown.length > 0) return refuse(420, [['Unsupported', unknown.join(', ')]])
    return false
  }

  #deliver(incoming: Incoming): void {
    const { method } = incoming.request
    if (method === 'REGISTER') this.#outside(incoming)
    else if (incoming.envelope.toTag !== '') this.#deliverToDialog(incoming)
    else if (method === 'INVITE') this.#invite(incoming)
    else if (method === 'OPTIONS') this.#options(incoming)
    // A REFER out of the blue would make us call whom a stranger names.
    else incoming.respond({ code: method === 'REFER' ? 403 : 481 })
  }

  #options(incoming: Incoming): void {
    const { drainRetryS } = this.#desk.context
    if (drainRetryS !== null) incoming.respond({ code: 503, extras: [['Retry-After', String(drainRetryS)]] })
    else incoming.respond({ code: 200, extras: [ALLOW, ACCEPT, SUPPORTED] })
  }

  #deliverToDialog(incoming: Incoming): void {
    const { sipCallId, toTag, fromTag, cseq } = incoming.envelope
    const entry = this.#desk.dialogs.get(dialogKey(sipCallId, toTag, fromTag))
    if (entry === undefined) incoming.respond({ code: 481 })
    else if (!entry.dialog.takes(cseq)) incoming.respond({ code: 500, phrase: 'CSeq Out Of Order' })
    else entry.user.request(incoming)
  }

  #invite(incoming: Incoming): void {
    incoming.respond({ code: 100 })
    if (sdpOf(incoming.request) === null) incoming.respond({ code: 415, extras: [ACCEPT] })
    else if (!acceptsSdp(incoming.request)) incoming.respond({ code: 406, extras: [ACCEPT] })
    else this.#outside(incoming)
  }
}

/** Always 200 when there is something to cancel; an INVITE already answered does not mind (RFC 3261 §9.2). */
function cancel(incoming: Incoming, invite: Incoming | null): void {
  incoming.respond({ code: invite === null ? 481 : 200 })
  if (invite !== null && !invite.isAnswered) invite.onCancel?.(header(incoming.request, 'reason') ?? '')
}

function acceptsSdp(request: SipRequest): boolean {
  const accepted = listOf(request, 'accept')
  if (accepted === null || accepted.length === 0) return true
  return accepted.some((range) => {
    const type = range.split(';')[0]!.trim().toLowerCase()
    return type === SDP || type === 'application/*' || type === '*/*'
  })
}

function withSourceNoted(request: SipRequest, source: SipAddress): SipRequest {
  const at = request.fields.findIndex((field) => field.key === 'via')
  const vias = splitList(request.fields[at]?.value ?? '')
  const top = vias === null ? null : parseVia(vias[0]!)
  if (vias === null || top === null) return request
  const value = [printVia(withSource(top, source)), ...vias.slice(1)].join(', ')
  return { ...request, fields: request.fields.with(at, { ...request.fields[at]!, value }) }
}
