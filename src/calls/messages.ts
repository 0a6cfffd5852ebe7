/** Messages that were given to the operator's gateway: one that cannot be sent is told (contract §9.4). */

import type { Random } from '../kernel/random.ts'
import type { Effects } from './effects.ts'
import type { Errand, ErrandResult } from './errands.ts'

/** Whose they are; without a call `callId` is absent. */
interface Sender {
  readonly customerId: string
  readonly activeflowId: string
  readonly callId?: string
  readonly random: Random
}

export class Messages {
  readonly #sender: Sender
  readonly #waiting = new Set<number>()

  constructor(sender: Sender) {
    this.#sender = sender
  }

  /** What became of one is not known yet. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  asked(errand: number, { kind }: Errand): void {
    if (kind === 'message') this.#waiting.add(errand)
  }

  done(fx: Effects, errand: number, result: ErrandResult): void {
    if (!this.#waiting.delete(errand) || result.ok) return
    const { activeflowId, callId, customerId, random } = this.#sender
    fx.event('message_skipped', {
      id: random.uuid(),
      customer_id: customerId,
      ...(callId === undefined ? {} : { call_id: callId }),
      activeflow_id: activeflowId,
      reason: result.why,
      tm_create: fx.time(),
    })
  }

  /** Gives up waiting. */
  abandon(): void {
    this.#waiting.clear()
  }
}
