/** Sends the requests of webhooks over HTTP. What the receiver answers beyond its status line is not read. */

import type { IncomingHttpHeaders } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import { checkedConnector, type LookUp, refusedAddresses } from './webhook-addresses.ts'
import { type Signed, webhookHeaders } from './webhook-headers.ts'

/** What is sent; whoever sends it signs it, as that costs as much as sending. */
export interface WebhookRequest extends Signed {
  readonly method: string
  readonly url: string
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
const REFUSED = 'ECONNREFUSED'
/** So long nobody knocks again where nobody listens: what is sent meanwhile fails the same way. */
const REFUSAL_MS = 50
/** Places remembered that refused. */
const MOST_REFUSALS = 1_000

export class HttpTransport implements WebhookTransport {
  readonly #agent: Agent
  /** When each was asked last, by origin; the oldest first. */
  readonly #refusals = new Map<string, number>()

  /** @param options.lookUp asks for the addresses of names, instead of the system */
  constructor(options: { readonly blockPrivate?: boolean; readonly lookUp?: LookUp } = {}) {
    const isRefused = refusedAddresses(options.blockPrivate ?? false)
    const connect = checkedConnector(isRefused, CONNECT_MS, options.lookUp)
    this.#agent = new Agent({ connect, bodyTimeout: BODY_MS })
  }

  /** Follows redirects with the same method and body: what counts is that the event arrives. */
  async post(request: WebhookRequest): Promise<{ readonly status: number }> {
    const headers = webhookHeaders(request)
    let url = new URL(request.url)
    for (let redirects = 0; ; redirects++) {
      const { status, location } = await this.#once(url, request, headers)
      if (!REDIRECTS.has(status) || location === null || redirects === MAX_REDIRECTS) return { status }
      url = new URL(location, url)
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #once(url: URL, { method, body, signal }: WebhookRequest, headers: Readonly<Record<string, string>>) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('only http and https are allowed')
    const { origin, pathname, search } = url
    if (this.#hasJustRefused(origin)) throw Object.assign(new Error('nobody listens there'), { code: REFUSED })
    return new Promise<StatusLine>((resolve, reject) => {
      const failed = (error: Error): void => {
        if ((error as { readonly code?: unknown }).code === REFUSED) this.#noteRefusal(origin)
        reject(error)
      }
      const wish = { origin, path: `${pathname}${search}`, method: method as 'POST', headers, body }
      this.#agent.dispatch(wish, new Answer(signal, resolve, failed))
    })
  }

  #hasJustRefused(origin: string): boolean {
    return performance.now() - (this.#refusals.get(origin) ?? Number.NEGATIVE_INFINITY) < REFUSAL_MS
  }

  #noteRefusal(origin: string): void {
    this.#refusals.delete(origin)
    this.#refusals.set(origin, performance.now())
    if (this.#refusals.size > MOST_REFUSALS) this.#refusals.delete(this.#refusals.keys().next().value!)
  }
}

interface StatusLine {
  readonly status: number
  readonly location: string | null
}

/** Takes the status line; what comes after it is let go, and cut off when it is too long. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal
  readonly #resolve: (line: StatusLine) => void
  readonly #reject: (error: Error) => void
  #request: Dispatcher.DispatchController | null = null
  #bytes = 0

  constructor(signal: AbortSignal, resolve: (line: StatusLine) => void, reject: (error: Error) => void) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    signal.addEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => {
    const why = new DOMException('The attempt was ended.', 'AbortError')
    if (this.#request) this.#request.abort(why)
    this.#reject(why)
  }

  onRequestStart(request: Dispatcher.DispatchController): void {
    this.#request = request
    if (this.#signal.aborted) this.#abort()
  }

  onResponseStart(_request: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    const { location } = headers
    this.#resolve({ status, location: typeof location === 'string' ? location : null })
  }

  onResponseData(request: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > BODY_BYTES) request.abort(new Error('the answer is too long'))
  }

  onResponseEnd(): void {
    this.#done()
  }

  onResponseError(_request: Dispatcher.DispatchController, error: Error): void {
    this.#done()
    this.#reject(error)
  }

  #done(): void {
    this.#signal.removeEventListener('abort', this.#abort)
  }
}
