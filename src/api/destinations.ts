/**
 * Where an event goes (contract §16, §17): the customer's webhook, the run's, the entries of `/webhooks`, and the webhook of
 * the flow that a call runs. One URL is told of one event once; an event of the standard list and the one of the flat dialect
 * that goes with it are two events.
 */

import { type FlatName, USUAL_EVENTS } from '../contract/webhook.ts'
import type { Micros } from '../kernel/clock.ts'
import { isUnset } from '../kernel/ids.ts'
import type { EventRow, Store } from '../store/port.ts'
import { isInterim } from './envelope.ts'
import { ENDED_AFTER_MS, FlatCalls, type FlatNews } from './flat-calls.ts'
import {
  type CustomerSettings,
  type FlowSettings,
  methodOf,
  oncePerUrl,
  type TableRows,
  WebhookSettings,
} from './webhook-settings.ts'
import { printDestination } from './webhook-target.ts'

export interface Destination {
  /** @see webhook-target.ts */
  readonly destination: string
  /** The event's name there. */
  readonly name: string
  /** It waits until then, or until an event of the same call releases it. Null = at once. */
  readonly heldUntil: Micros | null
}

export interface Route {
  readonly to: readonly Destination[]
  /** What is held back of the event's call may go, after this event. */
  readonly releases: boolean
}

/** Runs with a webhook of their own that are remembered, most; the oldest are forgotten first. */
const MAX_RUNS = 10_000
const NOWHERE: readonly Destination[] = []

export class Destinations {
  readonly #settings: WebhookSettings
  readonly #calls = new FlatCalls()
  /** Webhook of a run, by its id. */
  readonly #runs = new Map<string, string>()

  constructor(store: Pick<Store, 'get' | 'list'>) {
    this.#settings = new WebhookSettings(store)
  }

  /**
   * To be asked once for every event, in the order in which they happened. Without a wait when the settings are known.
   * Rejects when the store cannot be read.
   */
  of(customerId: string, event: EventRow): Route | Promise<Route> {
    const run = this.#webhookOfRun(event)
    const news = this.#calls.hear(event)
    const customer = this.#settings.customer(customerId)
    const flow = news && !isUnset(news.flowId) ? this.#settings.flow(customerId, news.flowId) : null
    if (customer instanceof Promise || flow instanceof Promise) {
      return Promise.all([customer, flow]).then(([who, runs]) => route(event, run, news, who, runs))
    }
    return route(event, run, news, customer, flow)
  }

  /** The key of the customer's signatures, "" when there is none; null when the customer is gone. */
  secretOf(customerId: string): string | null | Promise<string | null> {
    const customer = this.#settings.customer(customerId)
    return customer instanceof Promise ? customer.then((known) => known?.secret ?? null) : (customer?.secret ?? null)
  }

  /** Rows that have just been stored. */
  note(rows: TableRows): void {
    this.#settings.note(rows)
  }

  /** "" when the event is of no run that has a webhook. */
  #webhookOfRun({ type, data }: EventRow): string {
    if (!type.startsWith('activeflow_')) return this.#runs.get(String(data['activeflow_id'] ?? '')) ?? ''
    const id = String(data['id'] ?? '')
    const url = data['webhook_uri']
    if (typeof url !== 'string' || url === '') return ''
    const destination = printDestination({ dialect: 'standard', method: methodOf(data['webhook_method']), url })
    this.#runs.set(id, destination)
    if (this.#runs.size > MAX_RUNS) this.#runs.delete(this.#runs.keys().next().value!)
    return destination
  }
}

function route(
  event: EventRow,
  run: string,
  news: FlatNews | null,
  customer: CustomerSettings | null,
  flow: FlowSettings | null,
): Route {
  const standard = standardOf(event, run, customer)
  const flat = news?.name ? flatOf(event, news, news.name, customer, flow) : NOWHERE
  return { to: flat.length === 0 ? standard : [...standard, ...flat], releases: news?.releases ?? false }
}

function standardOf({ type }: EventRow, run: string, customer: CustomerSettings | null): readonly Destination[] {
  const asked = customer?.destinations(type) ?? []
  const all = run === '' ? asked : oncePerUrl([...asked, run])
  return all.length === 0 ? NOWHERE : all.map((destination) => ({ destination, name: type, heldUntil: null }))
}

function flatOf(
  event: EventRow,
  news: FlatNews,
  name: FlatName,
  customer: CustomerSettings | null,
  flow: FlowSettings | null,
): readonly Destination[] {
  if (isInterim(event.type) && !flow?.tellsInterims) return NOWHERE
  const ofFlow = flow?.destination && USUAL_EVENTS.includes(name) ? [flow.destination] : []
  const heldUntil = news.isHeld ? event.wall_us + ENDED_AFTER_MS * 1000 : null
  return oncePerUrl([...(customer?.destinations(name) ?? []), ...ofFlow]).map((destination) => ({
    destination,
    name,
    heldUntil,
  }))
}
