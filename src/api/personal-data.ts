/** What the store knows of one caller or of a whole customer, page by page; and all of it as one document. */

import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { EventRow, KeyValue, Row, TableName } from '../store/port.ts'
import type { Desk } from './app.ts'

export const PAGE_ROWS = 100

/** Of a customer: one caller's number, or null for everything. */
export interface Whose {
  readonly customerId: string
  readonly number: string | null
}

/** The pieces of one JSON document, read as they are asked for: no page is read before the one before was taken. */
export async function* exportOf(desk: Desk, whose: Whose): AsyncGenerator<string> {
  const head = { customer_id: whose.customerId, number: whose.number ?? '', tm_export: desk.ledger.time() }
  yield `${JSON.stringify(head).slice(0, -1)},"calls":`
  yield* listed(docsOf(callsOf(desk, whose)))
  yield ',"transcripts":'
  yield* listed(docsOf(transcriptsOf(desk, whose)))
  yield ',"events":'
  yield* listed(eventsOf(desk, whose))
  yield '}'
}

/** Calls whose source or destination is the number, or all. With a number also deleted ones, as long as they are there. */
export async function* callsOf(desk: Desk, { customerId, number }: Whose): AsyncGenerator<Row> {
  if (number === null) return yield* rowsOf(desk, 'calls', customerId)
  yield* rowsOf(desk, 'calls', customerId, { source: number }, true)
  for await (const call of rowsOf(desk, 'calls', customerId, { destination: number }, true)) {
    if (call.keys['source'] !== call.keys['destination']) yield call
  }
}

/** Newest first. What is removed meanwhile is not missed by later pages. */
export async function* rowsOf(
  { ledger }: Desk,
  table: TableName,
  customerId: string,
  where: Readonly<Record<string, KeyValue>> = {},
  withDeleted = false,
): AsyncGenerator<Row> {
  const query = { table, customer_id: customerId, where, withDeleted, limit: PAGE_ROWS }
  let before: { us: number; id: string } | null = null
  for (;;) {
    const rows: readonly Row[] = await ledger.list({ ...query, ...(before && { before }) })
    yield* rows
    const last = rows.at(-1)
    if (!last || rows.length < PAGE_ROWS) return
    before = { us: last.tm_create_us, id: last.id }
  }
}

async function* transcriptsOf(desk: Desk, whose: Whose): AsyncGenerator<Row> {
  if (whose.number === null) return yield* rowsOf(desk, 'transcripts', whose.customerId)
  for await (const call of callsOf(desk, whose)) {
    yield* rowsOf(desk, 'transcripts', whose.customerId, { reference_id: call.id })
  }
}

async function* eventsOf(desk: Desk, whose: Whose): AsyncGenerator<JsonObject> {
  if (whose.number === null) return yield* allEvents(desk, whose.customerId)
  for await (const call of callsOf(desk, whose)) {
    for (const event of await desk.ledger.eventsOfCall(whose.customerId, call.id)) yield shownEvent(event)
  }
}

async function* allEvents({ deps: { store } }: Desk, customerId: string): AsyncGenerator<JsonObject> {
  let cursor = 0
  for (;;) {
    const events = await store.eventsAfter(customerId, cursor, PAGE_ROWS)
    for (const event of events) yield shownEvent(event)
    if (events.length < PAGE_ROWS) return
    cursor = events.at(-1)!.cursor
  }
}

function shownEvent({ id, type, call_id, wall_us, data }: EventRow): JsonObject {
  return { id, type, call_id, tm_event: timestamp(wall_us), data }
}

async function* docsOf(rows: AsyncIterable<Row>): AsyncGenerator<JsonObject> {
  for await (const row of rows) yield row.doc
}

async function* listed(items: AsyncIterable<JsonObject>): AsyncGenerator<string> {
  let mark = '['
  for await (const item of items) {
    yield mark + JSON.stringify(item)
    mark = ','
  }
  yield mark === '[' ? '[]' : ']'
}
