/** Calls of ours on their way out: to the contacts of a phone all at once, or to one place after another. */

import type { EndCause, Flow, SipInput, SipOutput } from '../sip/types.ts'
import { Attempts, type Place } from './attempts.ts'
import { callerShown, type InviteWish, isPrivateFlow, type LegBook, type MediaWish, newBook } from './leg-book.ts'
import type { LegMedia } from './leg-media.ts'
import { OWN_PHONE } from './phone-transfers.ts'
import type { SipDriverOptions } from './sip-options.ts'
import { peerIdentity } from './sip-policy.ts'
import type { Target, waysOf } from './sip-targets.ts'

type Invitation = Omit<SipInput & { kind: 'invite' }, 'kind' | 'leg' | 'body'>

export interface OutgoingParts {
  readonly options: Pick<SipDriverOptions, 'clock' | 'dialTimeoutMs' | 'trunks' | 'trace' | 'log' | 'onNews'>
  readonly media: LegMedia
  readonly byCall: Map<string, LegBook>
  readonly byLeg: Map<string, LegBook>
  readonly waysOf: (want: InviteWish) => ReturnType<typeof waysOf>
  /** How the far end of a flow sees us. */
  readonly hostOf: (flow: Flow) => string
  readonly feed: (input: SipInput) => void
}

export class OutgoingCalls {
  readonly #parts: OutgoingParts
  /** Given up before anything was sent. */
  readonly #given = new Set<string>()
  /** Of calls that go to one of several places. */
  readonly #attempts = new Map<string, Attempts>()

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  get count(): number {
    return this.#given.size + this.#attempts.size
  }

  /** @returns false when nothing was sent, and nothing will be */
  cancel(callId: string): boolean {
    this.#attempts.get(callId)?.stop()
    if (this.#parts.byCall.has(callId)) return true
    this.#given.add(callId)
    return false
  }

  forget(callId: string): void {
    this.#attempts.get(callId)?.stop()
    this.#attempts.delete(callId)
    this.#given.delete(callId)
    this.#letGo(callId)
  }

  /** Somebody at the place that is tried now. */
  attemptOf(leg: string): Attempts | undefined {
    const book = this.#parts.byLeg.get(leg)
    return book && this.#attempts.get(book.callId)
  }

  /** @returns true when another place is tried, and nobody need know */
  goesOn({ leg, code, cause }: SipOutput & { kind: 'failed' }): boolean {
    const { byCall, byLeg } = this.#parts
    const book = byLeg.get(leg)
    const attempts = book && this.#attempts.get(book.callId)
    if (!book || !attempts) return false
    this.#letGo(book.callId)
    if (attempts.ended(code, cause)) return true
    byCall.set(book.callId, book)
    byLeg.set(leg, book)
    return false
  }

  invite(callId: string, want: InviteWish): void {
    void this.#parts.waysOf(want).then(
      ({ targets, places }) =>
        targets.length === 0 && places.length > 0
          ? this.#tryPlaces(callId, places)
          : this.#invite(callId, want, targets),
      (cause: unknown) => {
        this.#parts.options.log.error({ call_id: callId, err: cause }, 'destination could not be resolved')
        this.#invite(callId, want, [])
      },
    )
  }

  #invite(callId: string, want: InviteWish, targets: readonly Target[]): void {
    if (this.#given.has(callId)) return
    const fail = (why: string): void =>
      this.#parts.options.onNews(callId, { kind: 'failed', code: 404, cause: 'local', why })
    const first = targets[0]
    if (!first) return fail('nobody is registered there and no route leads there')
    const shown = callerShown(want, this.#parts.hostOf(first.flow))
    const invitation = { targets, ...shown, to: { display: '', uri: first.requestUri } }
    if (!this.#send(callId, callId, first.flow, { ...invitation, timeoutMs: this.#parts.options.dialTimeoutMs }))
      return fail('no media port')
    const { type } = want.destination
    const book = this.#parts.byCall.get(callId)
    if (book && (type === 'extension' || type === 'agent')) book.identity = OWN_PHONE
  }

  /** @returns false when there is no media port */
  #send(callId: string, leg: string, flow: Flow, invitation: Invitation, media: MediaWish = {}): boolean {
    const remote = flow.remote.address
    const isPrivate = isPrivateFlow(flow)
    const plain = newBook({ callId, leg, direction: 'outgoing', remote, isPrivate, offer: '', weOffered: true })
    const book = { ...plain, ...media }
    const offer = this.#parts.media.offer(callId, book)
    if (offer === null) return false
    this.#parts.byCall.set(callId, book)
    this.#parts.byLeg.set(leg, book)
    book.offer = offer
    this.#parts.options.trace?.expect(callId)
    this.#parts.feed({ kind: 'invite', leg, ...invitation, body: book.offer })
    return true
  }

  /** One after another, each with a leg of its own. */
  #tryPlaces(callId: string, places: readonly Place[]): void {
    if (this.#given.has(callId)) return
    const { clock, dialTimeoutMs, trunks } = this.#parts.options
    const fail = (code: number, cause: EndCause, why: string): void =>
      this.#parts.options.onNews(callId, { kind: 'failed', code, cause, why })
    let legs = 0
    const attempts = new Attempts({
      clock,
      places,
      timeoutMs: dialTimeoutMs,
      start: (place, flow, timeoutMs) => {
        const leg = legs++ === 0 ? callId : `${callId}/${legs}`
        const address = this.#parts.hostOf(flow)
        const invitation = place.invitation(flow, address.includes(':') ? `[${address}]` : address)
        const isSent = this.#send(callId, leg, flow, { ...invitation, timeoutMs, tellTrying: true }, place.media)
        const book = isSent && place.gatewayId !== null ? this.#parts.byCall.get(callId) : undefined
        if (book) book.identity = peerIdentity(place.gatewayId!)
        if (!isSent) fail(404, 'local', 'no media port')
        return isSent
      },
      abandon: () => {
        const book = this.#parts.byCall.get(callId)
        this.#letGo(callId)
        if (book) this.#parts.feed({ kind: 'cancel', leg: book.leg })
      },
      failed: fail,
      onEnd: ({ gatewayId }, end) => {
        if (gatewayId !== null) trunks?.gateways.ended(gatewayId, end)
      },
    })
    this.#attempts.set(callId, attempts)
    attempts.begin()
  }

  /** The leg is no longer the call's. */
  #letGo(callId: string): void {
    const book = this.#parts.byCall.get(callId)
    this.#parts.byCall.delete(callId)
    if (book) this.#parts.byLeg.delete(book.leg)
  }
}
