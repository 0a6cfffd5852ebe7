/**
 * The store as the resources use it: every failure is a refusal in the words of `contract/errors.ts`, every change goes
 * through `Records`, and changes of one record take their turn.
 */

import type { Change, NewEvent } from '../calls/ports.ts'
import { AppError, type ErrorCode, isErrorCode } from '../contract/errors.ts'
import type { EventName } from '../contract/events.ts'
import { MAX_PAGE_SIZE, type PagePlace, parsePageToken, printPageToken } from '../contract/list.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { EventRow, KeyValue, ListQuery, Row, TableName, TranscriptQuery } from '../store/port.ts'
import type { ApiDeps } from './deps.ts'
import { knownCredentials } from './known-credentials.ts'
import { newUuid } from './secrets.ts'

/** What it means for a client that a unique key is taken. */
const TAKEN: Readonly<Record<string, ErrorCode>> = {
  'TAKEN:agents.username': 'AGENT_ALREADY_EXISTS',
  'TAKEN:extensions.extension': 'EXTENSION_ALREADY_EXISTS',
  'TAKEN:numbers.number': 'NUMBER_ALREADY_EXISTS',
  'TAKEN:do_not_call.number': 'DO_NOT_CALL_ALREADY_EXISTS',
  'TAKEN:trunks.domain_name': 'TRUNK_ALREADY_EXISTS',
  'TAKEN:webhooks.url': 'WEBHOOK_ALREADY_EXISTS',
}

export interface Page {
  readonly result: JsonObject[]
  readonly next_page_token: string
}

export class Ledger {
  readonly #deps: Pick<ApiDeps, 'store' | 'records' | 'clock' | 'randomBytes'>
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(deps: Pick<ApiDeps, 'store' | 'records' | 'clock' | 'randomBytes'>) {
    this.#deps = deps
  }

  newId(): string {
    return newUuid(this.#deps.randomBytes)
  }

  /** Wall time in the form of the wire. */
  time(): string {
    return timestamp(this.#deps.clock.wallMicros())
  }

  /** @throws AppError `notFound` when the customer has no such live row */
  async row(table: TableName, customerId: string, id: string, notFound: ErrorCode): Promise<Row> {
    const row = await this.maybe(table, customerId, id)
    if (!row) throw new AppError(notFound)
    return row
  }

  maybe(table: TableName, customerId: string, id: string): Promise<Row | null> {
    return reading(this.#deps.store.get(table, customerId, id))
  }

  anyCustomer(table: TableName, id: string): Promise<Row | null> {
    return reading(this.#deps.store.getAnyCustomer(table, id))
  }

  find(table: TableName, where: Readonly<Record<string, KeyValue>>, limit: number): Promise<readonly Row[]> {
    return reading(this.#deps.store.find(table, where, limit))
  }

  list(query: ListQuery): Promise<readonly Row[]> {
    return reading(this.#deps.store.list(query))
  }

  eventsOfCall(customerId: string, callId: string): Promise<readonly EventRow[]> {
    return reading(this.#deps.store.eventsOfCall(customerId, callId))
  }

  /** One page of a list (contract §1.3). @throws AppError INVALID_REQUEST_PARAMETER for a token we did not make */
  async page(
    table: TableName,
    customerId: string,
    query: { readonly page_size: number; readonly page_token?: string | undefined },
    where: Readonly<Record<string, KeyValue>> = {},
  ): Promise<Page> {
    const asked = { table, customer_id: customerId, where }
    // One more than is shown tells whether there is more; the largest page has no room for it and looks again.
    const limit = Math.min(query.page_size + 1, MAX_PAGE_SIZE)
    const found = await this.list({ ...asked, limit, ...startOf(query.page_token) })
    const rows = found.slice(0, query.page_size)
    const last = rows.at(-1)
    if (last === undefined || found.length < query.page_size) return { result: rows.map(docOf), next_page_token: '' }
    const before = { us: last.tm_create_us, id: last.id }
    const hasMore = found.length > rows.length || (limit === rows.length && (await this.#isOlder(asked, before)))
    return { result: rows.map(docOf), next_page_token: hasMore ? printPageToken(before) : '' }
  }

  /** One page of a search. It may be short although there are more: a page looks at a bounded number of transcripts. */
  async searchPage(
    query: Omit<TranscriptQuery, 'limit' | 'before'>,
    page: { readonly page_size: number; readonly page_token?: string | undefined },
  ): Promise<Page> {
    const wish = { ...query, limit: page.page_size, ...startOf(page.page_token) }
    const { rows, next } = await reading(this.#deps.store.searchTranscripts(wish))
    return { result: rows.map((row) => row.doc), next_page_token: next ? printPageToken(next) : '' }
  }

  async #isOlder(asked: Omit<ListQuery, 'limit' | 'before'>, before: PagePlace): Promise<boolean> {
    return (await this.list({ ...asked, limit: 1, before })).length > 0
  }

  /** @throws AppError for a taken key or a refusing guard; SERVICE_UNAVAILABLE when it could not be stored */
  async save(change: Change): Promise<void> {
    const known = knownCredentials(this.#deps.store)
    known.note(change)
    const done = await this.#deps.records.save(change)
    known.note(change)
    if (done.ok) return
    if (done.kind === 'failed') throw new AppError('SERVICE_UNAVAILABLE', { cause: done.why })
    const code = TAKEN[done.reason] ?? done.reason
    throw new AppError(isErrorCode(code) ? code : 'STATE_INVALID', { cause: done.reason })
  }

  /** Runs `task` after all earlier ones of the same id: read, change and write belong together. */
  async inTurn<T>(id: string, task: () => Promise<T>): Promise<T> {
    const earlier = this.#turns.get(id)
    const mine = earlier ? earlier.then(task, task) : task()
    this.#turns.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#turns.get(id) === mine) this.#turns.delete(id)
    }
  }
}

function docOf(row: Row): JsonObject {
  return row.doc
}

/** An event of a record that belongs to no live call. */
export function recordEvent(type: EventName, customerId: string, data: JsonObject): NewEvent {
  return { type, customerId, callId: null, seq: null, offsetMs: null, data }
}

function startOf(token: string | undefined): { before?: PagePlace } {
  if (token === undefined) return {}
  const before = parsePageToken(token)
  if (!before) throw new AppError('INVALID_REQUEST_PARAMETER', { message: 'page_token: is not one of ours' })
  return { before }
}

async function reading<T>(read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (cause) {
    throw new AppError('SERVICE_UNAVAILABLE', { cause })
  }
}
