/** What a customer said about its webhooks (contract §3, §9.1, §17), kept in memory: asked for every event. */

import { FLAT_EVENTS, MAX_WEBHOOKS } from '../contract/webhook.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Row, Store, TableName } from '../store/port.ts'
import { type Dialect, parseDestination, printDestination } from './webhook-target.ts'

export type TableRows = readonly { readonly table: TableName; readonly row: Row }[]

/** A flow that reports its calls in the flat dialect. */
export interface FlowSettings {
  /** "" = it has no webhook. */
  readonly destination: string
  /** Partial texts are told too. */
  readonly tellsInterims: boolean
}

const FLAT: ReadonlySet<string> = new Set(FLAT_EVENTS)

/** One customer: where its events go. A change makes a new one. */
export class CustomerSettings {
  readonly secret: string
  readonly #customer: Row
  readonly #webhooks: readonly Row[]
  readonly #destinations = new Map<string, readonly string[]>()

  /** @param webhooks oldest first */
  constructor(customer: Row, webhooks: readonly Row[]) {
    this.#customer = customer
    this.#webhooks = webhooks
    this.secret = text(customer.doc['webhook_secret'])
  }

  /** Who is told of an event: by its standard name, or by its name in the flat dialect. One URL once. */
  destinations(name: string): readonly string[] {
    const known = this.#destinations.get(name)
    if (known) return known
    const isFlat = FLAT.has(name)
    const all = [...(isFlat ? [] : this.#own()), ...this.#asked(name, isFlat ? 'flat' : 'standard')]
    const found = oncePerUrl(all)
    this.#destinations.set(name, found)
    return found
  }

  withCustomer(customer: Row): CustomerSettings {
    return new CustomerSettings(customer, this.#webhooks)
  }

  withWebhook(row: Row): CustomerSettings {
    const at = this.#webhooks.findIndex(({ id }) => id === row.id)
    const kept = this.#webhooks.filter(({ id }) => id !== row.id)
    const changed = row.tm_delete_us === null ? kept.toSpliced(at < 0 ? kept.length : at, 0, row) : kept
    return new CustomerSettings(this.#customer, changed)
  }

  #own(): readonly string[] {
    const { doc } = this.#customer
    const url = text(doc['webhook_uri'])
    return url ? [printDestination({ dialect: 'standard', method: methodOf(doc['webhook_method']), url })] : []
  }

  #asked(name: string, dialect: Dialect): readonly string[] {
    return this.#webhooks
      .filter(({ doc }) => {
        const events = (doc['events'] ?? []) as readonly string[]
        return events.includes(name) || (dialect === 'standard' && events.includes('*'))
      })
      .map(({ doc }) => printDestination({ dialect, method: methodOf(doc['method']), url: text(doc['url']) }))
  }
}

export class WebhookSettings {
  readonly #store: Pick<Store, 'get' | 'list'>
  readonly #customers: Kept<CustomerSettings>
  readonly #flows: Kept<FlowSettings>

  constructor(store: Pick<Store, 'get' | 'list'>) {
    this.#store = store
    this.#customers = new Kept((id) => this.#readCustomer(id))
    this.#flows = new Kept(async (id, customerId) => flowSettings(await store.get('flows', customerId, id)))
  }

  /** Null when the customer is gone. Rejects when the store cannot be read. */
  customer(id: string): CustomerSettings | null | Promise<CustomerSettings | null> {
    return this.#customers.of(id, id)
  }

  /** Null for a flow that is not there. A deleted one still counts for the calls that run it. */
  flow(customerId: string, id: string): FlowSettings | null | Promise<FlowSettings | null> {
    return this.#flows.of(id, customerId)
  }

  /** Rows that have just been stored. */
  note(rows: TableRows): void {
    for (const { table, row } of rows) {
      if (table === 'customers') {
        this.#customers.change(row.id, (known) => (row.tm_delete_us === null ? known.withCustomer(row) : null))
      } else if (table === 'webhooks') this.#customers.change(row.customer_id, (known) => known.withWebhook(row))
      else if (table === 'flows') this.#flows.change(row.id, () => flowSettings(row))
    }
  }

  async #readCustomer(id: string): Promise<CustomerSettings | null> {
    const query = { table: 'webhooks' as const, customer_id: id, limit: MAX_WEBHOOKS }
    const [customer, webhooks] = await Promise.all([this.#store.get('customers', id, id), this.#store.list(query)])
    return customer && new CustomerSettings(customer, webhooks.toReversed())
  }
}

/** Values read once and kept. What is changed during a read is newer than what is read. */
class Kept<T> {
  readonly #read: (id: string, customerId: string) => Promise<T | null>
  readonly #known = new Map<string, T | null>()
  readonly #reads = new Map<
    string,
    { readonly answer: Promise<T | null>; readonly changes: ((known: T) => T | null)[] }
  >()

  constructor(read: (id: string, customerId: string) => Promise<T | null>) {
    this.#read = read
  }

  of(id: string, customerId: string): T | null | Promise<T | null> {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const reading = this.#reads.get(id)
    if (reading) return reading.answer
    const changes: ((known: T) => T | null)[] = []
    const answer = this.#load(id, customerId, changes)
    this.#reads.set(id, { answer, changes })
    return answer
  }

  /** What is not known yet is read when it is asked for. */
  change(id: string, change: (known: T) => T | null): void {
    this.#reads.get(id)?.changes.push(change)
    const known = this.#known.get(id)
    if (known) this.#known.set(id, change(known))
  }

  /** What is not there may come: that is not kept. */
  async #load(id: string, customerId: string, changes: readonly ((known: T) => T | null)[]): Promise<T | null> {
    try {
      const read = await this.#read(id, customerId)
      const now = read && changes.reduce<T | null>((known, change) => known && change(known), read)
      if (read) this.#known.set(id, now)
      return now
    } finally {
      this.#reads.delete(id)
    }
  }
}

/** The first of those with the same URL. */
export function oncePerUrl(destinations: readonly string[]): readonly string[] {
  if (destinations.length < 2) return destinations
  const urls = new Set<string>()
  return destinations.filter((destination) => {
    const url = parseDestination(destination)?.url ?? ''
    const isNew = !urls.has(url)
    urls.add(url)
    return isNew
  })
}

function flowSettings(row: Row | null): FlowSettings | null {
  if (!row) return null
  const url = text(row.doc['webhook_url'])
  const method = methodOf(row.doc['webhook_method'])
  const transcription = row.doc['transcription'] as JsonObject | undefined
  return {
    destination: url ? printDestination({ dialect: 'flat', method, url }) : '',
    tellsInterims: transcription?.['interim_results'] === true,
  }
}

export function methodOf(value: unknown): string {
  return text(value) || 'POST'
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
