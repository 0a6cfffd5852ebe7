/** Inside the webhooks' own thread: sends what it is told to, in order, and tells how each ended. */

import { errorOf } from './webhook-attempt.ts'
import type { Ended, WebhookCommand, WebhookThreadEvent } from './webhook-thread-protocol.ts'
import type { WebhookTransport } from './webhook-transport.ts'

export class WebhookPoster {
  readonly #transport: WebhookTransport
  readonly #tell: (events: readonly WebhookThreadEvent[]) => void
  readonly #underWay = new Map<number, AbortController>()
  #ended: Ended[] = []

  constructor(transport: WebhookTransport, tell: (events: readonly WebhookThreadEvent[]) => void) {
    this.#transport = transport
    this.#tell = tell
  }

  obey(command: Exclude<WebhookCommand, { readonly kind: 'shutDown' }>): void {
    switch (command.kind) {
      case 'post':
        for (const { id, ...request } of command.requests) {
          const abort = new AbortController()
          this.#underWay.set(id, abort)
          this.#transport.post({ ...request, signal: abort.signal }).then(
            ({ status }) => this.#note(id, status),
            (error: unknown) => this.#note(id, errorOf(error).error),
          )
        }
        break
      case 'abort':
        for (const id of command.ids) this.#underWay.get(id)?.abort()
        break
      default:
        command satisfies never
    }
  }

  /** Leaves no socket. */
  close(): Promise<void> {
    return this.#transport.close()
  }

  /** All that end in one turn of the event loop are told together. */
  #note(id: number, outcome: number | string): void {
    this.#underWay.delete(id)
    if (this.#ended.length === 0) {
      setImmediate(() => {
        const outcomes = this.#ended
        this.#ended = []
        this.#tell([{ kind: 'ended', outcomes }])
      })
    }
    this.#ended.push([id, outcome])
  }
}
