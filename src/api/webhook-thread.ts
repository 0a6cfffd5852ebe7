/**
 * The webhooks' own thread as the outbox sees it: a transport like any other. What is asked in one moment goes over in one
 * message. When the thread dies, what was under way has failed; what is asked until it is back waits for it.
 */

import type { PostedRequest, WebhookCommand, WebhookThreadEvent } from './webhook-thread-protocol.ts'
import type { WebhookRequest, WebhookTransport } from './webhook-transport.ts'

/** The main thread's end of the thread, which starts it again when it is gone. */
export interface WebhookChannel {
  post(command: WebhookCommand): void
  onEvents: (events: readonly WebhookThreadEvent[]) => void
  onLost: () => void
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (answer: { readonly status: number }) => void
  readonly reject: (error: Error) => void
}

export class ThreadTransport implements WebhookTransport {
  readonly #channel: WebhookChannel
  /** Requests that are not answered, by id. */
  readonly #waiting = new Map<number, Waiting>()
  /** In order, not yet given to the thread. */
  #unposted: PostedRequest[] = []
  #unwanted: number[] = []
  #nextId = 0
  #isReady = false
  #isSoon = false

  constructor(channel: WebhookChannel) {
    this.#channel = channel
    channel.onEvents = (events) => {
      for (const event of events) this.#hear(event)
    }
    channel.onLost = () => this.#lost()
  }

  post({ signal, ...request }: WebhookRequest): Promise<{ readonly status: number }> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#unposted.push({ ...request, id })
      signal.addEventListener('abort', () => this.#abort(id))
      if (signal.aborted) this.#abort(id)
      this.#soon()
    })
  }

  async close(): Promise<void> {
    await this.#channel.close()
    this.#isReady = false
    this.#failAll()
  }

  /** Whatever else this turn asks for goes along. */
  #soon(): void {
    if (this.#isSoon || !this.#isReady) return
    this.#isSoon = true
    queueMicrotask(() => {
      this.#isSoon = false
      this.#flush()
    })
  }

  #flush(): void {
    if (!this.#isReady) return
    const requests = this.#unposted
    const ids = this.#unwanted
    this.#unposted = []
    this.#unwanted = []
    if (requests.length > 0) this.#channel.post({ kind: 'post', requests })
    if (ids.length > 0) this.#channel.post({ kind: 'abort', ids })
  }

  #abort(id: number): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    waiting.reject(new DOMException('The attempt was ended.', 'AbortError'))
    const unposted = this.#unposted.findIndex((request) => request.id === id)
    if (unposted >= 0) this.#unposted.splice(unposted, 1)
    else this.#unwanted.push(id)
    this.#soon()
  }

  #hear(event: WebhookThreadEvent): void {
    if (event.kind === 'ready') {
      this.#isReady = true
      this.#flush()
      return
    }
    for (const [id, outcome] of event.outcomes) {
      const waiting = this.#waiting.get(id)
      if (!waiting) continue
      this.#waiting.delete(id)
      if (typeof outcome === 'number') waiting.resolve({ status: outcome })
      else waiting.reject(failure(outcome))
    }
  }

  /** What the thread was given is lost with it. */
  #lost(): void {
    this.#isReady = false
    this.#unwanted = []
    const kept = new Set(this.#unposted.map(({ id }) => id))
    this.#failAll((id) => !kept.has(id))
  }

  #failAll(isLost: (id: number) => boolean = () => true): void {
    for (const [id, { reject }] of this.#waiting) {
      if (!isLost(id)) continue
      this.#waiting.delete(id)
      reject(failure('THREAD_LOST'))
    }
  }
}

function failure(code: string): Error {
  return Object.assign(new Error('The webhook was not answered.'), { code })
}
