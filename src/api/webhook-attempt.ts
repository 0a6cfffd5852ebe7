/** One attempt to deliver one event: its body, its headers, its time limit, how it ended. */

import type { Clock } from '../kernel/clock.ts'
import type { EventRow, Store } from '../store/port.ts'
import type { Destinations } from './destinations.ts'
import { webhookBody } from './envelope.ts'
import { flatBody, tellsLanguage } from './flat-bodies.ts'
import type { Job } from './webhook-lane.ts'
import { type Schedule, TIMED_OUT } from './webhook-schedule.ts'
import type { Dialect, WebhookTarget } from './webhook-target.ts'
import type { WebhookTransport } from './webhook-transport.ts'

/** How an attempt ended. `gone`: there is nobody to deliver for. */
export type Outcome = { readonly status: number } | { readonly error: string } | 'gone'

/** What has to be looked up before a request can be made. */
export interface Prepared {
  readonly body: string
  readonly secret: string
}

/** Languages of transcriptions that are remembered, most. */
const MAX_LANGUAGES = 10_000

export class WebhookAttempts {
  readonly #store: Pick<Store, 'get'>
  readonly #destinations: Pick<Destinations, 'secretOf'>
  readonly #transport: WebhookTransport
  readonly #clock: Clock
  readonly #schedule: Schedule
  readonly #languages = new Map<string, string>()

  constructor(world: {
    readonly store: Pick<Store, 'get'>
    readonly destinations: Pick<Destinations, 'secretOf'>
    readonly transport: WebhookTransport
    readonly clock: Clock
    readonly schedule: Schedule
  }) {
    this.#store = world.store
    this.#destinations = world.destinations
    this.#transport = world.transport
    this.#clock = world.clock
    this.#schedule = world.schedule
  }

  /** Without a wait when all is known. Null: nobody to deliver for. Rejects when the store cannot be read. */
  prepare({ event, target }: Job): Prepared | null | Promise<Prepared | null> {
    const secret = this.#destinations.secretOf(event.customer_id)
    const body = this.bodyOf(event, target.dialect)
    if (!(secret instanceof Promise) && typeof body === 'string') return secret === null ? null : { body, secret }
    return Promise.all([secret, body]).then(([key, text]) => (key === null ? null : { body: text, secret: key }))
  }

  /** As it is sent. */
  bodyOf(event: EventRow, dialect: Dialect): string | Promise<string> {
    if (dialect === 'standard') return webhookBody(event)
    if (!tellsLanguage(event)) return flatBody(event, '')
    const language = this.#languageOf(event.customer_id, String(event.data['transcribe_id'] ?? ''))
    return language instanceof Promise ? language.then((known) => flatBody(event, known)) : flatBody(event, language)
  }

  /** Ends at the time limit whatever the transport does. @param attempt its number, from 1 */
  send(job: Job, { body, secret }: Prepared, attempt: number, abort: AbortController): Promise<Outcome> {
    const { event, target } = job
    const { method, url, dialect } = target
    const now = this.#clock.wallMicros()
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const limit = this.#clock.schedule(this.#clock.now() + this.#schedule.timeoutMs[dialect], () => abort.abort())
    const ended = (outcome: Outcome): void => {
      limit.cancel()
      resolve(outcome)
    }
    const { signal } = abort
    signal.addEventListener('abort', () => ended({ error: TIMED_OUT }))
    this.#transport
      .post({ method, url, eventId: eventIdIn(event, target), attempt, body, secret, now, signal })
      .then(ended, (error: unknown) => ended(errorOf(error)))
    return promise
  }

  /** A transcription never changes its language. "" when it is not there any more. */
  #languageOf(customerId: string, transcribeId: string): string | Promise<string> {
    const known = this.#languages.get(transcribeId)
    if (known !== undefined) return known
    return this.#store.get('transcribes', customerId, transcribeId).then((row) => {
      const language = String(row?.doc['language'] ?? '')
      if (row) this.#languages.set(transcribeId, language)
      if (this.#languages.size > MAX_LANGUAGES) this.#languages.delete(this.#languages.keys().next().value!)
      return language
    })
  }
}

/** A receiver of both dialects must not take the second for a copy of the first. */
function eventIdIn({ id }: EventRow, { dialect }: WebhookTarget): string {
  return dialect === 'flat' ? `${id}-flat` : id
}

/** A code where there is one: messages may name addresses. */
export function errorOf(error: unknown): { readonly error: string } {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
  return { error: String(code ?? name ?? 'unknown') }
}
