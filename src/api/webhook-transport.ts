/** Sends the requests of webhooks over HTTP. What the receiver answers beyond its status line is not read. */

import { Agent, request as send } from 'undici'
import { checkedConnector, refusedAddresses } from './webhook-addresses.ts'

export interface WebhookRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Ends the attempt. */
  readonly signal: AbortSignal
}

export interface WebhookTransport {
  /** Resolves at the status line of the last answer; rejects when there is none. */
  post(request: WebhookRequest): Promise<{ readonly status: number }>
  /** Leaves no socket. */
  close(): Promise<void>
}

const MAX_REDIRECTS = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const CONNECT_MS = 5_000
/** An answer that is still coming after this is cut off. */
const BODY_MS = 5_000
const BODY_BYTES = 16 * 1024

export class HttpTransport implements WebhookTransport {
  readonly #agent: Agent

  constructor(options: { readonly blockPrivate?: boolean } = {}) {
    const isRefused = refusedAddresses(options.blockPrivate ?? false)
    this.#agent = new Agent({ connect: checkedConnector(isRefused, CONNECT_MS), bodyTimeout: BODY_MS })
  }

  /** Follows redirects with the same method and body: what counts is that the event arrives. */
  async post(request: WebhookRequest): Promise<{ readonly status: number }> {
    let url = new URL(request.url)
    for (let redirects = 0; ; redirects++) {
      const { status, location } = await this.#once(url, request)
      if (!REDIRECTS.has(status) || location === null || redirects === MAX_REDIRECTS) return { status }
      url = new URL(location, url)
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #once(url: URL, { method, headers, body, signal }: WebhookRequest) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('only http and https are allowed')
    const answer = await send(url, { method, headers, body, signal, dispatcher: this.#agent })
    answer.body.dump({ limit: BODY_BYTES }).catch(() => {})
    const { location } = answer.headers
    return { status: answer.statusCode, location: typeof location === 'string' ? location : null }
  }
}
