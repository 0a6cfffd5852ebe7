/** Carries out what calls and runs of flows ask of the world outside (`calls/errands.ts`). */

import type { ActionDoc } from '../calls/commands.ts'
import type { Errand, ErrandResult } from '../calls/errands.ts'
import type { Errands } from '../calls/ports.ts'
import { readActions } from '../contract/flow.ts'
import type { Clock } from '../kernel/clock.ts'
import { isUuid } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { uuidFromWords } from '../kernel/random.ts'
import type { HttpAnswer, HttpDoor } from '../net/http-client.ts'
import type { Store } from '../store/port.ts'

export interface ErrandWorld {
  readonly store: Pick<Store, 'get'>
  readonly clock: Clock
  readonly log: Log
  readonly http: HttpDoor
  readonly randomBytes: (size: number) => Uint8Array
  /** The headers that prove a request to be ours, as on webhooks; none when the customer has no secret. */
  readonly sign: (customerId: string, body: string) => Promise<Readonly<Record<string, string>>>
  /** Of a whole request, redirects and answer included. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 5_000
/** Of one customer: a flow in a circle must not take all sockets. */
const MAX_AT_ONCE = 64

export class HttpErrands implements Errands {
  readonly #world: ErrandWorld
  readonly #running = new Map<string, number>()

  constructor(world: ErrandWorld) {
    this.#world = world
  }

  async run(customerId: string, errand: Errand): Promise<ErrandResult> {
    const running = this.#running.get(customerId) ?? 0
    if (running >= MAX_AT_ONCE) return this.#told(customerId, errand, { ok: false, why: 'too many at once' })
    this.#running.set(customerId, running + 1)
    try {
      return this.#told(customerId, errand, await this.#do(customerId, errand))
    } catch (error) {
      return this.#told(customerId, errand, { ok: false, why: whyOf(error) })
    } finally {
      this.#left(customerId)
    }
  }

  /** Ends what is under way. */
  close(): Promise<void> {
    return this.#world.http.close()
  }

  #do(customerId: string, errand: Errand): Promise<ErrandResult> {
    switch (errand.kind) {
      case 'send':
        return this.#send(customerId, errand)
      case 'fetchActions':
        return this.#fetch(customerId, errand)
      case 'readFlow':
        return this.#readFlow(customerId, errand.flowId)
      case 'message':
        return Promise.resolve({ ok: false, why: 'no SMS gateway is configured' })
      default:
        errand satisfies never
        return Promise.resolve({ ok: false, why: 'unknown' })
    }
  }

  async #send(customerId: string, errand: Errand & { kind: 'send' }): Promise<ErrandResult> {
    const { uri, method, contentType, body } = errand
    const { status } = await this.#ask(customerId, { url: uri, method, contentType, body, reads: false })
    return status >= 200 && status < 300 ? { ok: true, status } : { ok: false, why: `status ${status}` }
  }

  async #fetch(customerId: string, errand: Errand & { kind: 'fetchActions' }): Promise<ErrandResult> {
    const { url, method } = errand
    const body = JSON.stringify(errand.body)
    const answer = await this.#ask(customerId, { url, method, contentType: 'application/json', body, reads: true })
    if (answer.status !== 200) return { ok: false, why: `status ${answer.status}` }
    const list: unknown = JSON.parse(answer.text)
    if (!Array.isArray(list)) return { ok: false, why: 'the answer is no array' }
    const actions: readonly ActionDoc[] = readActions(list, () => this.#uuid())
    return { ok: true, status: 200, actions }
  }

  async #readFlow(customerId: string, flowId: string): Promise<ErrandResult> {
    const row = isUuid(flowId) ? await this.#world.store.get('flows', customerId, flowId.toLowerCase()) : null
    return row ? { ok: true, flow: row.doc } : { ok: false, why: 'no such flow' }
  }

  /** Ends at the time limit whatever the far end does. */
  async #ask(
    customerId: string,
    want: { url: string; method: string; contentType: string; body: string; reads: boolean },
  ): Promise<HttpAnswer> {
    const { clock, http, sign, timeoutMs = TIMEOUT_MS } = this.#world
    const { url, method, contentType, body, reads } = want
    const headers = { ...(await sign(customerId, body)), 'content-type': contentType }
    const attempt = new AbortController()
    const late = Promise.withResolvers<HttpAnswer>()
    const limit = clock.schedule(clock.now() + timeoutMs, () => {
      late.reject(new Error('timeout'))
      attempt.abort()
    })
    try {
      const answer = http.request({ method, url, headers, body, reads, signal: attempt.signal })
      return await Promise.race([answer, late.promise])
    } finally {
      limit.cancel()
    }
  }

  #left(customerId: string): void {
    const running = (this.#running.get(customerId) ?? 1) - 1
    if (running > 0) this.#running.set(customerId, running)
    else this.#running.delete(customerId)
  }

  #told(customerId: string, errand: Errand, result: ErrandResult): ErrandResult {
    const fields = { customer_id: customerId, errand: errand.kind }
    if (!result.ok) this.#world.log.warn({ ...fields, why: result.why }, 'an action of a flow failed')
    return result
  }

  #uuid(): string {
    const bytes = Buffer.from(this.#world.randomBytes(16))
    return uuidFromWords(bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12))
  }
}

/** A code where there is one: messages may hold addresses, or a part of what was answered. */
function whyOf(error: unknown): string {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown }
  if (code === undefined && name === 'Error') return String(message)
  return String(code ?? name ?? 'unknown')
}
