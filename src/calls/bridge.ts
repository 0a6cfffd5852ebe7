/**
 * A call's tie to other calls: the legs it dials, the one it is bridged with, and the one that waits while it consults
 * (attended transfer). Calls tell each other by `peer` news; sound is joined by the one that `leads`. Knows nothing of
 * flows: whoever asked for a connection is told by `BridgeHost.over`.
 */

import { NIL_UUID } from '../kernel/ids.ts'
import { step } from '../kernel/machine.ts'
import { type Action, BRIDGE, type Input, type State } from './bridge-table.ts'
import type { Address } from './commands.ts'
import type { Effects } from './effects.ts'
import type { CallFacts } from './facts.ts'
import type { ConnectWish } from './flow/action.ts'
import { type HangupReason, REFUSALS } from './hangup.ts'
import type { PeerNews } from './part.ts'

/** Who wants to know how a connection went: the flow's running action, or nobody. */
export type Client = 'flow' | 'command'

/** The end of a connection. `reason` is a word of `hangup_reason`. */
export interface ConnectOver {
  readonly client: Client | null
  readonly wasConnected: boolean
  readonly reason: HangupReason
  readonly relayReason: boolean
}

export interface BridgeHost {
  /** Our own far end has answered. */
  isUp(): boolean
  isRinging(): boolean
  answer(fx: Effects): void
  over(fx: Effects, end: ConnectOver): void
  /** What became of the peer we gave away, and wait for. @param code a SIP code; `back`: it is our peer again */
  gaveAway(fx: Effects, end: { readonly code: number; readonly back: boolean }): void
  /** Peer or legs are others than before. */
  changed(fx: Effects): void
}

/** What the legs are. Ids are drawn here, so that an answer can name them. */
export interface Legs {
  readonly groupcallId: string
  readonly callIds: readonly string[]
}

export class Bridge {
  readonly #facts: CallFacts
  readonly #host: BridgeHost
  #state: State = 'alone'
  #peer: string | null = null
  /** The other one of a consultation. */
  #held: string | null = null
  /** Who gave us away and waits for how that goes; whom we gave away and wait for. */
  #giver: string | null = null
  #given: string | null = null
  #legs: Legs = { groupcallId: NIL_UUID, callIds: [] }
  #wish: ConnectWish | null = null
  #client: Client | null = null
  /** What the news being taken says. */
  #news: { callId: string; lead: boolean; reason: HangupReason } = { callId: '', lead: false, reason: 'normal' }

  constructor(facts: CallFacts, host: BridgeHost) {
    this.#facts = facts
    this.#host = host
  }

  get state(): State {
    return this.#state
  }

  /** The call that can be heard here, or null. */
  get peer(): string | null {
    return this.#state === 'bridged' ? this.#peer : null
  }

  /** Legs that are rung, or the calls at the other end: `chained_call_ids`. */
  get chained(): readonly string[] {
    const { legs, held } = { legs: this.#isDialing ? this.#legs.callIds : [], held: this.#held }
    const peer = this.#peer !== null && !legs.includes(this.#peer) ? [this.#peer] : []
    return [...legs, ...peer, ...(held === null ? [] : [held])]
  }

  get #isDialing(): boolean {
    return this.#state === 'dialing' || this.#state === 'early'
  }

  /** @returns null when this call is connected or being connected already */
  connect(fx: Effects, wish: ConnectWish, client: Client): Legs | null {
    if (this.#state !== 'alone') return null
    this.#client = client
    return this.#dial(fx, 'dial', wish)
  }

  /** Our peer waits with music while we talk to somebody else. @returns null when there is no peer */
  consult(fx: Effects, destinations: readonly Address[]): Legs | null {
    if (this.#state !== 'bridged' || this.#held !== null) return null
    return this.#dial(fx, 'consult', transferTo(destinations))
  }

  /** Our peer is given to others. @param waits we want to hear how it goes @returns null when there is none */
  giveAway(fx: Effects, destinations: readonly Address[], waits = false): Legs | null {
    if (this.#state !== 'bridged' || this.#held !== null || this.#peer === null) return null
    const legs = this.#newLegs(destinations)
    const peer = this.#peer
    this.#step(fx, 'release')
    if (waits) this.#given = peer
    const { callId } = this.#facts
    fx.tellPeer(peer, { kind: 'handOver', callId, ...legs, destinations, ...(waits ? { waits } : {}) })
    return legs
  }

  /** Our peer is given to the peer of another call, which answers by `handedOver` or `notAdopted`. @returns false when there is none */
  giveTo(fx: Effects, otherCallId: string): boolean {
    const peer = this.#released(fx)
    if (peer === null) return false
    this.#given = peer
    fx.tellPeer(otherCallId, { kind: 'adopt', callId: peer, from: this.#facts.callId })
    return true
  }

  /** Our peer and this call belong together from now on. @returns false when there is no peer for it */
  passOn(fx: Effects, callId: string, from: string | null): boolean {
    const peer = this.#peer === from || this.#peer === callId ? null : this.#released(fx)
    if (peer === null) return false
    fx.tellPeer(peer, { kind: 'joined', callId, lead: true })
    return true
  }

  #released(fx: Effects): string | null {
    if (this.#state !== 'bridged' || this.#held !== null) return null
    const peer = this.#peer
    this.#step(fx, 'release')
    return peer
  }

  /** The flow's `connect` is not wanted any more. */
  release(fx: Effects): void {
    const peer = this.#peer
    const wasBridged = this.#state === 'bridged'
    this.#step(fx, 'release')
    if (wasBridged && peer !== null) this.#sayLeft(fx, peer)
  }

  /** Our own far end has answered. */
  up(fx: Effects): void {
    this.#step(fx, 'up')
  }

  gone(fx: Effects): void {
    if (this.#given !== null) this.#sayLeft(fx, this.#given)
    this.#tellGiver(fx, 487, false)
    this.#given = null
    this.#step(fx, this.#held !== null && (this.#isDialing || this.#state === 'bridged') ? 'goneHeld' : 'gone')
    this.#peer = null
    this.#held = null
  }

  /** @returns true when it was for the bridge */
  take(fx: Effects, news: PeerNews): boolean {
    switch (news.kind) {
      case 'early':
        this.#note(news.callId)
        if (this.#wish?.earlyMedia === true) this.#step(fx, 'early')
        return true
      case 'connected':
        this.#note(news.callId)
        this.#step(fx, this.#host.isUp() ? 'won' : 'wonUnanswered')
        if (this.#peer === news.callId) this.#tellGiver(fx, 200, false)
        return true
      case 'nobody':
        this.#backToGiver(fx, news.reason)
        this.#note('', news.reason)
        this.#step(fx, this.#held === null ? 'nobody' : 'back')
        return true
      case 'joined':
        return this.#joined(fx, news.callId, news.lead === true)
      case 'notAdopted':
        if (news.callId !== this.#given) return true
        this.#host.gaveAway(fx, { code: 503, back: true })
        return this.#joined(fx, news.callId, true)
      case 'handedOver':
        if (news.callId !== this.#given) return true
        this.#given = null
        this.#host.gaveAway(fx, news)
        return true
      case 'parked':
        if (news.callId === this.#peer) this.#step(fx, 'parked')
        return true
      case 'left':
        return this.#left(fx, news.callId, news.reason)
      case 'handOver':
        if (news.callId !== this.#peer || this.#state !== 'bridged') return true
        this.#giver = news.waits === true ? news.callId : null
        this.#legs = { groupcallId: news.groupcallId, callIds: news.callIds }
        this.#wish = { ...transferTo(news.destinations), relayReason: this.#wish?.relayReason ?? false }
        this.#step(fx, 'redial')
        return true
      case 'dialOn':
        if (this.#state !== 'parked' && this.#state !== 'alone') return true
        this.#peer = null
        this.#legs = { groupcallId: news.groupcallId, callIds: news.callIds }
        this.#step(fx, 'dialOn')
        return true
      default:
        return false
    }
  }

  #left(fx: Effects, callId: string, reason: string): true {
    this.#note(callId, reason)
    if (callId === this.#giver) this.#giver = null
    if (callId === this.#given) {
      this.#given = null
      this.#host.gaveAway(fx, { code: 487, back: false })
    } else if (callId === this.#held) {
      this.#held = null
      this.#host.changed(fx)
    } else if (callId === this.#peer) this.#step(fx, this.#held === null ? 'left' : 'back')
    return true
  }

  #joined(fx: Effects, callId: string, lead: boolean): true {
    this.#given = null
    this.#note(callId)
    this.#news.lead = lead
    this.#step(fx, 'joined')
    return true
  }

  /** Nobody was reached, and who gave us away is still there. */
  #backToGiver(fx: Effects, reason: string): void {
    if (this.#giver === null || this.#held !== null || !this.#isDialing) return
    this.#held = this.#giver
    this.#tellGiver(fx, REFUSALS[reason as HangupReason]?.code ?? 503, true)
  }

  #tellGiver(fx: Effects, code: number, back: boolean): void {
    if (this.#giver === null) return
    fx.tellPeer(this.#giver, { kind: 'handedOver', callId: this.#facts.callId, code, back })
    this.#giver = null
  }

  #note(callId: string, reason: string = 'normal'): void {
    this.#news = { callId, lead: false, reason: reason as HangupReason }
  }

  #dial(fx: Effects, input: 'dial' | 'consult', wish: ConnectWish): Legs {
    this.#wish = wish
    this.#legs = this.#newLegs(wish.destinations)
    this.#step(fx, input)
    return this.#legs
  }

  #newLegs(destinations: readonly Address[]): Legs {
    const { random } = this.#facts
    return { groupcallId: random.uuid(), callIds: destinations.map(() => random.uuid()) }
  }

  #step(fx: Effects, input: Input): void {
    const before = this.#state
    const next = step('bridge', BRIDGE, before, input)
    this.#state = next.to
    for (const action of next.run) this.#run(fx, action)
    if (next.run.length > 0 && next.to !== 'over') this.#host.changed(fx)
  }

  #run(fx: Effects, action: Action): void {
    const { callId, lead, reason } = this.#news
    switch (action) {
      case 'dial':
        return this.#callLegs(fx)
      case 'ringback':
        if (this.#host.isUp()) fx.out({ kind: 'background', sound: 'ringback' })
        return
      case 'quiet':
        return fx.out({ kind: 'background', sound: 'none' })
      case 'music':
        return fx.out({ kind: 'background', sound: 'music' })
      case 'earlySound':
        if (this.#host.isRinging()) fx.out({ kind: 'ring', early: true })
        return fx.out({ kind: 'bridge', peerCallId: callId, oneWay: true })
      case 'answer':
        this.#peer = callId
        // It has to know us before we can hear it: should it leave meanwhile, it tells.
        fx.tellPeer(callId, { kind: 'joined', callId: this.#facts.callId })
        return this.#host.answer(fx)
      case 'join':
        this.#peer ??= callId
        return this.#join(fx, this.#peer)
      case 'take':
        this.#peer = callId
        if (lead) this.#join(fx, callId)
        return
      case 'part':
        this.#peer = null
        return fx.out({ kind: 'unbridge' })
      case 'park':
        this.#held = this.#peer
        this.#peer = null
        fx.out({ kind: 'unbridge' })
        return fx.tellPeer(this.#held!, { kind: 'parked', callId: this.#facts.callId })
      case 'fetch':
        this.#peer = this.#held
        this.#held = null
        return this.#join(fx, this.#peer!)
      case 'refuse':
        return this.#hangUp(fx, { kind: 'call', id: callId })
      case 'cancel':
        return this.#hangUp(fx, { kind: 'groupcall', id: this.#legs.groupcallId })
      case 'turnAway':
        return this.#sayLeft(fx, callId)
      case 'tellLeft':
        if (this.#peer !== null) this.#sayLeft(fx, this.#peer)
        return
      case 'tellOver':
        return this.#over(fx, true, reason)
      case 'tellNobody':
        return this.#over(fx, false, reason)
      case 'handOn':
        return this.#handOn(fx)
      case 'joinOthers':
        return this.#joinOthers(fx)
      default:
        action satisfies never
    }
  }

  #callLegs(fx: Effects): void {
    const { groupcallId, callIds } = this.#legs
    const wish = this.#wish!
    fx.out({
      kind: 'dial',
      dial: {
        groupcallId,
        callIds,
        source: wish.source,
        destinations: wish.destinations,
        anonymous: wish.anonymous,
        isChild: true,
        flowId: NIL_UUID,
        actions: [],
        variables: {},
      },
    })
  }

  #join(fx: Effects, peerCallId: string): void {
    fx.out({ kind: 'bridge', peerCallId })
    fx.tellPeer(peerCallId, { kind: 'joined', callId: this.#facts.callId })
  }

  /** We hang up while somebody we wanted to consult is being rung: it goes on ringing for the one that waits. */
  #handOn(fx: Effects): void {
    const { groupcallId } = this.#legs
    fx.tellPeer(this.#held!, { kind: 'dialOn', ...this.#legs })
    fx.tell({ kind: 'groupcall', id: groupcallId }, { kind: 'master', callId: this.#held! })
  }

  /** We hang up and leave the two others to each other. */
  #joinOthers(fx: Effects): void {
    fx.tellPeer(this.#held!, { kind: 'joined', callId: this.#peer!, lead: true })
  }

  #over(fx: Effects, wasConnected: boolean, reason: HangupReason): void {
    const client = this.#client
    const relayReason = this.#wish?.relayReason === true
    this.#peer = null
    this.#client = null
    this.#wish = null
    this.#host.over(fx, { client, wasConnected, reason, relayReason })
  }

  #sayLeft(fx: Effects, peer: string): void {
    fx.tellPeer(peer, { kind: 'left', callId: this.#facts.callId, reason: 'normal' })
  }

  #hangUp(fx: Effects, ref: { kind: 'call' | 'groupcall'; id: string }): void {
    fx.tell(ref, { kind: 'command', reply: 0, command: { kind: 'hangup' } })
  }
}

/** Legs of a transfer: the caller hears how it rings, and goes on when nobody is there. */
function transferTo(destinations: readonly Address[]): ConnectWish {
  return { source: null, destinations, earlyMedia: false, relayReason: false, anonymous: false }
}
