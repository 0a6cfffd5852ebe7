/**
 * Who hears a speaking session (contract §11): this call's far end, the other side of its bridge, or both. What sounds at
 * the other side only is counted there and told back. Without a bridge there is one listener, and every direction reaches it.
 */

import { LANE_SAY } from '../media/protocol.ts'
import type { Effects } from './effects.ts'
import { type CutBy, type Mouth, newSay, type Say, type SaySettled, type SayWish } from './mouth.ts'
import type { UtteredThere } from './part.ts'

const UNHEARD: UtteredThere = { complete: false, heardChars: 0, cutWord: '', positionMs: 0 }
/** Name of a say that is not counted at the other side: it sounds here too. */
const UNCOUNTED = 0

export class Voice {
  readonly #callId: string
  readonly #mouth: Mouth
  /** The direction that means this call's own far end. */
  readonly #own: 'in' | 'out'
  readonly #there = new Map<number, Say>()
  #lastId = UNCOUNTED
  #peer: string | null = null

  /** @param direction of the call: the source of an incoming one is its far end, and so is the destination of an outgoing one */
  constructor(callId: string, direction: 'incoming' | 'outgoing', mouth: Mouth) {
    this.#callId = callId
    this.#mouth = mouth
    this.#own = direction === 'incoming' ? 'in' : 'out'
  }

  say(fx: Effects, direction: string, want: SayWish): void {
    const isForBoth = direction !== 'in' && direction !== 'out'
    if (this.#peer === null || direction === this.#own) return void this.#mouth.say(fx, want)
    if (isForBoth) this.#mouth.say(fx, want)
    const sayId = isForBoth ? UNCOUNTED : ++this.#lastId
    if (!isForBoth) this.#there.set(sayId, newSay(sayId, fx.now, want))
    const { text, voice } = want
    fx.tellPeer(this.#peer, { kind: 'utter', callId: this.#callId, sayId, text, voice })
  }

  flush(fx: Effects, cutBy: CutBy): void {
    this.#mouth.flush(fx, LANE_SAY, cutBy)
    if (this.#peer === null) return
    for (const say of this.#there.values()) say.cutBy ??= cutBy
    fx.tellPeer(this.#peer, { kind: 'flushUttered' })
  }

  /** How far a say came at the other side. @returns it, when it is still known */
  uttered(sayId: number, end: UtteredThere): SaySettled[] {
    const say = this.#there.get(sayId)
    this.#there.delete(sayId)
    return say ? [{ say, ...end }] : []
  }

  /** From now on the other side is `peer`. @returns what sounded at one that is no longer there */
  bridged(peer: string | null): SaySettled[] {
    if (peer === this.#peer) return []
    this.#peer = peer
    return [...this.#there.values()].flatMap((say) => {
      say.cutBy ??= 'hangup'
      return this.uttered(say.sayId, UNHEARD)
    })
  }

  /** At the other side: the end of a say that was uttered for `callId`. */
  tellUttered(fx: Effects, end: SaySettled): void {
    const [callId, name] = end.say.owner.id.split(' ')
    const sayId = Number(name)
    if (!callId || sayId === UNCOUNTED) return
    const { complete, heardChars, cutWord, positionMs } = end
    fx.tellPeer(callId, { kind: 'uttered', sayId, end: { complete, heardChars, cutWord, positionMs } })
  }
}
