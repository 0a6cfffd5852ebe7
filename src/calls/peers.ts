/** What other calls tell this one: about the bridge, and what is said and to be said across it. */

import { LANE_SAY } from '../media/protocol.ts'
import type { ConnectOver } from './bridge.ts'
import type { Effects } from './effects.ts'
import type { Inside } from './inside.ts'
import type { Outcomes } from './outcomes.ts'
import type { Overhearing } from './overhearing.ts'
import type { PeerNews } from './part.ts'
import type { Voice } from './voice.ts'

export interface AcrossTheBridge {
  readonly voice: Voice
  readonly overhearing: Overhearing
  readonly outcomes: Outcomes
}

export class Peers {
  readonly #inside: Inside
  readonly #across: AcrossTheBridge

  constructor(inside: Inside, across: AcrossTheBridge) {
    this.#inside = inside
    this.#across = across
  }

  take(fx: Effects, news: PeerNews): void {
    const { bridge, ears, record, mouth, tellFlow } = this.#inside
    const { voice, overhearing, outcomes } = this.#across
    if (bridge.take(fx, news)) return
    switch (news.kind) {
      case 'heard':
        return ears.spoken(fx, news.text, news.at)
      case 'listen':
        if (record.status !== 'hangup') overhearing.asked(fx, news)
        return
      case 'utter':
        if (record.status === 'progressing') this.#utter(fx, news)
        return
      case 'uttered':
        return outcomes.settled(fx, voice.uttered(news.sayId, news.end))
      case 'flushUttered':
        return mouth.flush(fx, LANE_SAY, 'flush')
      case 'adopt':
        return this.#adopt(fx, news.callId, news.from)
      case 'takenOver':
        return this.#takenOver(fx, news.callId)
      case 'notTakenOver':
        return this.#inside.hangUp(fx, 'failed')
      case 'connectRefused':
        return tellFlow(fx, { kind: 'connectOver', wasConnected: false, reason: 'failed' })
      default:
        return
    }
  }

  /** The transfer that our far end asked for is over. Whom it wanted to be rid of is back, or it is not needed any more. */
  gaveAway(fx: Effects, { code, back }: { readonly code: number; readonly back: boolean }): void {
    if (this.#inside.record.status === 'hangup') return
    fx.out({ kind: 'referProgress', code })
    if (!back) this.#inside.hangUp(fx, 'normal')
  }

  /** The same phone's other call leaves its peer to ours. */
  #adopt(fx: Effects, callId: string, from: string): void {
    const { bridge, record, hangUp } = this.#inside
    const isDone = record.status === 'progressing' && bridge.passOn(fx, callId, from)
    if (!isDone) return fx.tellPeer(from, { kind: 'notAdopted', callId })
    fx.tellPeer(from, { kind: 'handedOver', callId, code: 200, back: false })
    hangUp(fx, 'normal')
  }

  /** Another phone of the customer has taken our place: our peer is its peer, or who rings us is answered by it. */
  #takenOver(fx: Effects, by: string): void {
    const { bridge, record, hangUp } = this.#inside
    const { birth, status } = record
    const isRung = (status === 'dialing' || status === 'ringing') && birth.direction === 'outgoing'
    if (isRung && birth.masterCallId !== undefined) {
      fx.tell({ kind: 'groupcall', id: birth.groupcallId }, { kind: 'pickedUp', callId: by })
    } else if (status === 'progressing' && bridge.passOn(fx, by, null)) hangUp(fx, 'normal')
    else fx.tellPeer(by, { kind: 'notTakenOver' })
  }

  /** A connection is over, or came to nothing. A leg that has no flow of its own has nothing more to do. */
  disconnected(fx: Effects, end: ConnectOver): void {
    const { record, hangUp, tellFlow, flow } = this.#inside
    const { client, wasConnected, reason } = end
    if (record.status === 'hangup') return
    if (!wasConnected && client !== null) this.#tellFailed(fx, reason)
    if (!wasConnected && end.relayReason) return hangUp(fx, reason)
    if (client === 'flow') tellFlow(fx, { kind: 'connectOver', wasConnected, reason })
    else if ((record.birth.masterCallId || record.birth.takesOver) && !flow()) hangUp(fx, 'normal')
  }

  #utter(fx: Effects, news: PeerNews & { kind: 'utter' }): void {
    const { mouth, facts } = this.#inside
    mouth.say(fx, {
      lane: LANE_SAY,
      owner: { kind: 'peer', id: `${news.callId} ${news.sayId}` },
      uuid: facts.random.uuid(),
      text: news.text,
      voice: news.voice,
    })
  }

  #tellFailed(fx: Effects, reason: string): void {
    const { facts } = this.#inside
    fx.event('call_connect_failed', {
      id: facts.random.uuid(),
      customer_id: facts.customerId,
      call_id: facts.callId,
      reason,
      tm_create: fx.time(),
    })
  }
}
