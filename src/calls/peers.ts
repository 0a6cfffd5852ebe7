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
      case 'connectRefused':
        return tellFlow(fx, { kind: 'connectOver', wasConnected: false, reason: 'failed' })
      default:
        return
    }
  }

  /** A connection is over, or came to nothing. A leg that has no flow of its own has nothing more to do. */
  disconnected(fx: Effects, end: ConnectOver): void {
    const { record, hangUp, tellFlow, flow } = this.#inside
    const { client, wasConnected, reason } = end
    if (record.status === 'hangup') return
    if (!wasConnected && client !== null) this.#tellFailed(fx, reason)
    if (!wasConnected && end.relayReason) return hangUp(fx, reason)
    if (client === 'flow') tellFlow(fx, { kind: 'connectOver', wasConnected, reason })
    else if (record.birth.masterCallId && !flow()) hangUp(fx, 'normal')
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
