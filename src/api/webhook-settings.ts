/** What a customer said about its webhook (contract §3), kept in memory: asked for every event. */

import type { EventRow, Row, Store } from '../store/port.ts'
import type { Destinations } from './publisher.ts'

interface Settings {
  readonly destinations: readonly string[]
  readonly secret: string
}

export class WebhookSettings implements Destinations {
  readonly #store: Pick<Store, 'get'>
  readonly #known = new Map<string, Settings | null | Promise<Settings | null>>()

  constructor(store: Pick<Store, 'get'>) {
    this.#store = store
  }

  /** The customer's one webhook, which gets all its events. Rejects when the store cannot be read. */
  of(customerId: string, _event: EventRow): readonly string[] | Promise<readonly string[]> {
    return map(this.#settings(customerId), (settings) => settings?.destinations ?? [])
  }

  /** The key of the customer's signatures, "" when there is none; null when the customer is gone. */
  secretOf(customerId: string): string | null | Promise<string | null> {
    return map(this.#settings(customerId), (settings) => settings?.secret ?? null)
  }

  note(rows: readonly { readonly table: string; readonly row: Row }[]): void {
    for (const { table, row } of rows) {
      if (table === 'customers') this.#known.set(row.id, row.tm_delete_us === null ? settingsOf(row) : null)
    }
  }

  #settings(customerId: string): Settings | null | Promise<Settings | null> {
    const known = this.#known.get(customerId)
    if (known !== undefined) return known
    const asked = this.#read(customerId)
    this.#known.set(customerId, asked)
    return asked
  }

  /** What was noted meanwhile is newer than what is read. A customer that is not there may come: that is not kept. */
  async #read(customerId: string): Promise<Settings | null> {
    let settings: Settings | null = null
    try {
      const row = await this.#store.get('customers', customerId, customerId)
      settings = row && settingsOf(row)
      return settings
    } finally {
      if (this.#known.get(customerId) instanceof Promise) {
        if (settings) this.#known.set(customerId, settings)
        else this.#known.delete(customerId)
      }
    }
  }
}

function settingsOf({ doc }: Row): Settings {
  const uri = text(doc['webhook_uri'])
  const method = text(doc['webhook_method']) || 'POST'
  return { destinations: uri ? [printDestination({ method, url: uri })] : [], secret: text(doc['webhook_secret']) }
}

export interface WebhookTarget {
  readonly method: string
  readonly url: string
}

export function printDestination({ method, url }: WebhookTarget): string {
  return `webhook:${method}:${url}`
}

/** @returns null for what is no webhook */
export function parseDestination(destination: string): WebhookTarget | null {
  const match = /^webhook:([A-Z]+):(.+)$/s.exec(destination)
  return match && { method: match[1]!, url: match[2]! }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function map<T, U>(value: T | Promise<T>, change: (value: T) => U): U | Promise<U> {
  return value instanceof Promise ? value.then(change) : change(value)
}
