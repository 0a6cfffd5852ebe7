/** Requests to servers of customers: few redirects, short answers, no address that is refused. */

import { Agent, request as send } from 'undici'
import { checkedConnector, refusedAddresses } from './addresses.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Ends the request, its answer too. */
  readonly signal: AbortSignal
  /** False: what comes after the status line is thrown away, `text` is ''. */
  readonly reads: boolean
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

export interface HttpDoor {
  /** Rejects when there is no answer, or it is longer than 1 MiB. */
  request(request: HttpRequest): Promise<HttpAnswer>
  /** Leaves no socket. */
  close(): Promise<void>
}

const MAX_REDIRECTS = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const CONNECT_MS = 5_000
const BODY_MS = 5_000
const MAX_BYTES = 1024 * 1024
const UNREAD_BYTES = 16 * 1024

export class HttpClient implements HttpDoor {
  readonly #agent: Agent

  constructor(options: { readonly blockPrivate?: boolean } = {}) {
    const isRefused = refusedAddresses(options.blockPrivate ?? false)
    this.#agent = new Agent({ connect: checkedConnector(isRefused, CONNECT_MS), bodyTimeout: BODY_MS })
  }

  /** Follows redirects with the same method and body. */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    let url = new URL(request.url)
    for (let redirects = 0; ; redirects++) {
      const { answer, location } = await this.#once(url, request)
      if (!REDIRECTS.has(answer.status) || location === null || redirects === MAX_REDIRECTS) return answer
      url = new URL(location, url)
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #once(url: URL, { method, headers, body, signal, reads }: HttpRequest) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('only http and https are allowed')
    const answer = await send(url, { method, headers, body, signal, dispatcher: this.#agent })
    const { location } = answer.headers
    const redirect = REDIRECTS.has(answer.statusCode) && typeof location === 'string' ? location : null
    if (!reads || redirect !== null) answer.body.dump({ limit: UNREAD_BYTES }).catch(() => {})
    const text = reads && redirect === null ? await wholeText(answer.body) : ''
    return { answer: { status: answer.statusCode, text }, location: redirect }
  }
}

async function wholeText(body: AsyncIterable<Uint8Array> & { destroy(): unknown }): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.length
    if (bytes > MAX_BYTES) {
      body.destroy()
      throw new Error('the answer is too long')
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
