/** The peer-to-peer relation of RFC 3261 §12: who, where to, and in which order. Not the call that lives in it. */

import { parseAddress } from '../message/address.ts'
import { type Extras, makeRequest } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import { fieldsOf, header, listOf, type SipMessage, type SipRequest, type SipResponse } from '../message/message.ts'
import { parseUri } from '../message/uri.ts'
import type { Flow } from '../types.ts'

interface Start {
  readonly sipCallId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly local: string
  readonly remote: string
  readonly localCSeq: number
  readonly remoteCSeq: number | null
  readonly routeSet: readonly string[]
  readonly target: string
  readonly flow: Flow
  readonly ownsCallId: boolean
}

export class Dialog {
  readonly sipCallId: string
  readonly localTag: string
  readonly remoteTag: string
  /** Who chose the Call-ID waits longer after a glare (RFC 3261 §14.1). */
  readonly ownsCallId: boolean
  readonly #local: string
  readonly #remote: string
  #routeSet: readonly string[]
  #localCSeq: number
  #remoteCSeq: number | null
  #target: string
  #flow: Flow
  /** Methods of their last Allow header, null before any. */
  #allowed: ReadonlySet<string> | null = null

  private constructor(start: Start) {
    this.sipCallId = start.sipCallId
    this.localTag = start.localTag
    this.remoteTag = start.remoteTag
    this.ownsCallId = start.ownsCallId
    this.#local = start.local
    this.#remote = start.remote
    this.#routeSet = start.routeSet
    this.#localCSeq = start.localCSeq
    this.#remoteCSeq = start.remoteCSeq
    this.#target = start.target
    this.#flow = start.flow
  }

  /** UAS side (§12.1.1). @param localTag the tag of our answers */
  static ofRequest(request: SipRequest, envelope: Envelope, localTag: string, flow: Flow): Dialog {
    const dialog = new Dialog({
      sipCallId: envelope.sipCallId,
      localTag,
      remoteTag: envelope.fromTag,
      local: `${header(request, 'to')};tag=${localTag}`,
      remote: header(request, 'from')!,
      localCSeq: 0,
      remoteCSeq: envelope.cseq,
      routeSet: listOf(request, 'record-route') ?? [],
      target: targetOf(request) ?? envelope.from.uri,
      flow,
      ownsCallId: false,
    })
    dialog.#noteAllowed(request)
    return dialog
  }

  /** UAC side (§12.1.2). @param request the INVITE as sent */
  static ofResponse(request: SipRequest, response: SipResponse, envelope: Envelope, flow: Flow): Dialog {
    const dialog = new Dialog({
      sipCallId: envelope.sipCallId,
      localTag: envelope.fromTag,
      remoteTag: envelope.toTag,
      local: header(request, 'from')!,
      remote: header(response, 'to')!,
      localCSeq: envelope.cseq,
      remoteCSeq: null,
      routeSet: (listOf(response, 'record-route') ?? []).reverse(),
      target: targetOf(response) ?? request.uri,
      flow,
      ownsCallId: true,
    })
    dialog.#noteAllowed(response)
    return dialog
  }

  /** Their 2xx has the last word on the route and the target of an early dialog of ours (§13.2.2.4). */
  confirm(response: SipResponse): void {
    this.#routeSet = (listOf(response, 'record-route') ?? []).reverse()
    this.#target = targetOf(response) ?? this.#target
    this.#noteAllowed(response)
  }

  /** Their Allow header named it. */
  allows(method: string): boolean {
    return this.#allowed?.has(method) === true
  }

  /** Finds it among all dialogs: the same for every message of it, seen from our side. */
  get key(): string {
    return dialogKey(this.sipCallId, this.localTag, this.remoteTag)
  }

  /**
   * Where our requests go: the way the peer's messages come, which is right behind NAT and behind a proxy that stays on
   * the path.
   */
  get flow(): Flow {
    return this.#flow
  }

  /** The next request of ours (§12.2.1.1). */
  next(method: string, extras: Extras = [], body = ''): SipRequest {
    this.#localCSeq += 1
    return this.#make(method, this.#localCSeq, extras, body)
  }

  /** @param cseq that of the INVITE it acknowledges (§13.2.2.4) */
  ack(cseq: number, extras: Extras = []): SipRequest {
    return this.#make('ACK', cseq, extras, '')
  }

  /** Notes the number of a request of theirs. @returns false when it is out of order (§12.2.2) */
  takes(cseq: number): boolean {
    if (this.#remoteCSeq !== null && cseq <= this.#remoteCSeq) return false
    this.#remoteCSeq = cseq
    return true
  }

  /** A target refresh (§12.2): an INVITE or UPDATE, or its 2xx. A peer whose address changed is followed. */
  refresh(message: SipMessage, flow: Flow): void {
    this.#target = targetOf(message) ?? this.#target
    this.#flow = flow
    this.#noteAllowed(message)
  }

  #noteAllowed(message: SipMessage): void {
    const methods = listOf(message, 'allow')
    if (methods !== null && methods.length > 0) this.#allowed = new Set(methods)
  }

  /** A first route that knows no loose routing gets the request addressed to itself (§12.2.1.1). */
  #make(method: string, cseq: number, extras: Extras, body: string): SipRequest {
    const first = this.#routeSet[0]
    const strict = first === undefined ? null : strictUri(first)
    const route = strict === null ? this.#routeSet : [...this.#routeSet.slice(1), `<${this.#target}>`]
    const uri = strict ?? this.#target
    const { sipCallId } = this
    return makeRequest({ method, uri, from: this.#local, to: this.#remote, sipCallId, cseq, route, extras, body })
  }
}

export function dialogKey(sipCallId: string, localTag: string, remoteTag: string): string {
  return `${sipCallId}|${localTag}|${remoteTag}`
}

function targetOf(message: SipMessage): string | null {
  const contact = fieldsOf(message, 'contact')[0]
  const address = contact === undefined ? null : parseAddress(contact.value)
  return address !== null && parseUri(address.uri).ok ? address.uri : null
}

/** The URI of a route without `lr`, null for a loose one. */
function strictUri(route: string): string | null {
  const address = parseAddress(route)
  const uri = address && parseUri(address.uri)
  return !uri?.ok || 'lr' in uri.value.parameters ? null : address!.uri
}
