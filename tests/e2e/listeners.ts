/** Who listens to events, in a thread of their own: receivers of webhooks and clients of the WebSocket. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** How a receiver behaves. dead: nobody listens at its address. */
export type Manner = 'answers' | 'fails' | 'hangs' | 'dead'

export interface Arrival {
  /** The event's number in the test. */
  readonly n: number
  readonly attempt: number
  /** Since it was given to the server. */
  readonly afterMs: number
}

export interface ListenerAnswers {
  /** Its URL. */
  receiver: string
  /** Its place in `heard`. */
  socket: number
  /** Those that hang answer from now on; what hung is broken off. */
  heal: null
  /** Since the last question, in the order in which they were made. */
  heard: { readonly receivers: readonly (readonly Arrival[])[]; readonly sockets: readonly (readonly Arrival[])[] }
  close: null
}

export type ListenerQuestion = keyof ListenerAnswers

export class Listeners {
  readonly #worker = new Worker(new URL('./listeners-worker.ts', import.meta.url))
  readonly #waiting = new Map<number, (value: never) => void>()
  #asked = 0

  constructor() {
    this.#worker.on('message', ({ id, value }: { id: number; value: never }) => {
      this.#waiting.get(id)?.(value)
      this.#waiting.delete(id)
    })
  }

  ask<Q extends ListenerQuestion>(question: Q, want: unknown = null): Promise<ListenerAnswers[Q]> {
    const id = this.#asked++
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve as (value: never) => void)
      this.#worker.postMessage({ id, question, want })
    })
  }

  async close(): Promise<void> {
    const ended = once(this.#worker, 'exit')
    await this.ask('close')
    await ended
  }
}
