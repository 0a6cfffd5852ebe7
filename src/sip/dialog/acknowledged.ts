/** A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 §13.3.1.4): T1, doubling to T2, for 64*T1 at most. */

import type { Context } from '../context.ts'
import { GIVE_UP_MS, T1, T2 } from '../transaction/timers.ts'
import type { Flow } from '../types.ts'

export class AwaitedAck {
  readonly cseq: number
  readonly #context: Context
  readonly #flow: Flow
  readonly #bytes: Uint8Array
  readonly #name: string
  #intervalMs = T1

  /** @param bytes the 2xx, sent once already */
  constructor(context: Context, cseq: number, flow: Flow, bytes: Uint8Array, onTimeout: () => void) {
    this.#context = context
    this.cseq = cseq
    this.#flow = flow
    this.#bytes = bytes
    this.#name = context.newName('ack')
    this.#wait()
    context.startTimer(`${this.#name}/limit`, GIVE_UP_MS, () => {
      this.stop()
      onTimeout()
    })
  }

  stop(): void {
    this.#context.stopTimer(`${this.#name}/again`)
    this.#context.stopTimer(`${this.#name}/limit`)
  }

  #wait(): void {
    this.#context.startTimer(`${this.#name}/again`, this.#intervalMs, () => {
      this.#context.send(this.#flow, this.#bytes)
      this.#intervalMs = Math.min(2 * this.#intervalMs, T2)
      this.#wait()
    })
  }
}
