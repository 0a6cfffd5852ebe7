/**
 * The store as the rest of the server sees it: rows of resources, an append-only list of events, deliveries of events.
 * A row is the resource as GET shows it (`doc`) plus the keys that are searched. Every row has a customer, every read
 * names one (but for the few marked `anyCustomer`, which only drivers use). Writes are batches: all or nothing.
 */

import type { Micros } from '../kernel/clock.ts'
import type { Json, JsonObject } from '../kernel/json.ts'

/** Tables of resources, and the keys searchable in each (text or integer, null when unset). */
export const TABLES = {
  customers: ['email'],
  agents: ['username'],
  accesskeys: ['token_hash'],
  numbers: ['number'],
  extensions: ['extension', 'name'],
  flows: [],
  calls: ['status', 'groupcall_id', 'node_id', 'boot_id', 'source', 'destination', 'master_call_id'],
  groupcalls: ['status', 'node_id', 'boot_id'],
  activeflows: ['status', 'reference_id', 'node_id', 'boot_id'],
  transcribes: ['status', 'reference_type', 'reference_id', 'node_id', 'boot_id'],
  transcripts: ['transcribe_id', 'direction', 'reference_id'],
  speakings: ['status', 'reference_type', 'reference_id', 'node_id', 'boot_id'],
  contacts: ['extension_id'],
  settings: ['name'],
  /** 000's webhooks (contract §17). */
  webhooks: ['url'],
  /** One row a call: what it used (`GET /usage`). */
  usages: ['call_id', 'day'],
  /** One row a customer: its limits (ours). */
  limits: [],
  /** Numbers that must not be called (ours). */
  do_not_call: ['number'],
  trunks: ['domain_name'],
  providers: [],
  routes: [],
} as const

export type TableName = keyof typeof TABLES
export type KeyValue = string | number | null

/** Keys that no two rows of a table may share while neither is deleted: per customer, or over all. */
export const UNIQUE: Partial<Record<TableName, { readonly key: string; readonly over: 'customer' | 'all' }[]>> = {
  agents: [{ key: 'username', over: 'all' }],
  accesskeys: [{ key: 'token_hash', over: 'all' }],
  numbers: [{ key: 'number', over: 'all' }],
  extensions: [{ key: 'extension', over: 'customer' }],
  settings: [{ key: 'name', over: 'all' }],
  webhooks: [{ key: 'url', over: 'customer' }],
  do_not_call: [{ key: 'number', over: 'customer' }],
  trunks: [{ key: 'domain_name', over: 'all' }],
}

export interface Row {
  readonly id: string
  readonly customer_id: string
  /** Orders lists, newest first, together with `id`. */
  readonly tm_create_us: Micros
  /** Set = soft-deleted: left out of `get`, `find` and `list`. */
  readonly tm_delete_us: Micros | null
  readonly keys: Readonly<Record<string, KeyValue>>
  /** The resource as the wire shows it. */
  readonly doc: JsonObject
  /** What the wire never shows (hashes, drivers' own notes). */
  readonly hidden: JsonObject
}

export interface EventRow {
  readonly id: string
  readonly customer_id: string
  /** Nil-free: null when the event belongs to no call. */
  readonly call_id: string | null
  /** Number within the call, from 1. Null without a call. */
  readonly seq: number | null
  readonly wall_us: Micros
  /** Ms since the call began; null without a call. */
  readonly offset_ms: number | null
  readonly type: string
  readonly data: JsonObject
}

export interface DeliveryRow {
  readonly id: string
  readonly event_id: string
  readonly customer_id: string
  readonly call_id: string | null
  /** `webhook:<METHOD>:<url>`; unique together with the event. */
  readonly destination: string
  readonly state: 'pending' | 'delivered' | 'dead'
  readonly attempts: number
  /** When it may be tried (again), wall time. */
  readonly due_us: Micros
  /** Outcome of the last attempt, for people. */
  readonly last: JsonObject
  readonly event_type: string
}

/** Refuses the whole batch with `reason` unless the live row has these values. */
export interface Guard {
  readonly table: TableName
  readonly id: string
  readonly customer_id: string
  readonly expect: Readonly<Record<string, KeyValue>>
  readonly reason: string
}

export interface Batch {
  readonly guards?: readonly Guard[]
  /** Inserts or replaces by (table, id). */
  readonly rows?: readonly { readonly table: TableName; readonly row: Row }[]
  readonly events?: readonly EventRow[]
  readonly deliveries?: readonly DeliveryRow[]
  /** Removes rows for good; transcripts with their words and the events that carry them. Comes before `rows` and `events`. */
  readonly removals?: readonly { readonly table: TableName; readonly id: string }[]
  /** The finished input log of a call, one JSON text per line. */
  readonly inputLogs?: readonly {
    readonly call_id: string
    readonly customer_id: string
    readonly lines: readonly string[]
  }[]
}

export type CommitResult =
  /** `cursors`: the customer-wide number of each event of the batch, in order. */
  | { readonly ok: true; readonly cursors: readonly number[] }
  /** Nothing was written. `reason` is the guard's, or `TAKEN:<table>.<key>` for a unique key. */
  | { readonly ok: false; readonly kind: 'refused'; readonly reason: string }
  /** Nothing was written: the disk is full, the file cannot be written, the store is closed. */
  | { readonly ok: false; readonly kind: 'failed'; readonly why: string }

export interface ListQuery {
  readonly table: TableName
  readonly customer_id: string
  /** 1 to 100. */
  readonly limit: number
  /** Only rows older than this. */
  readonly before?: { readonly us: Micros; readonly id: string }
  readonly where?: Readonly<Record<string, KeyValue>>
  /** Deleted rows too, as long as they are there. For export and erase. */
  readonly withDeleted?: boolean
}

export interface DeliveryQuery {
  readonly customer_id: string
  /** 1 to 100. */
  readonly limit: number
  /** Only deliveries of events older than this. */
  readonly before?: { readonly us: Micros; readonly id: string }
  readonly state?: DeliveryRow['state']
  readonly event_type?: string
  readonly call_id?: string
  readonly destination?: string
}

export interface TranscriptQuery {
  readonly customer_id: string
  /** Free text: its words, in any order, any case. */
  readonly words: string
  readonly limit: number
  readonly before?: { readonly us: Micros; readonly id: string }
  /** Keys of the table. */
  readonly where?: Readonly<Record<string, KeyValue>>
  /** From this time on. */
  readonly from_us?: Micros
  /** Before this time. */
  readonly to_us?: Micros
}

export interface TranscriptHits {
  /** May be fewer than asked for although there are more: a page looks at a bounded number of transcripts. */
  readonly rows: readonly Row[]
  /** Where the next page begins; null when this was the last. */
  readonly next: { readonly us: Micros; readonly id: string } | null
}

/** What is taken away for good, oldest first, at most `limit` at a time (contract: retention and erase, ours). */
export type Purge =
  /** Events of a customer that are older, with their deliveries. */
  | { readonly kind: 'events'; readonly customer_id: string; readonly before_us: Micros; readonly limit: number }
  | { readonly kind: 'eventsOfCall'; readonly customer_id: string; readonly call_id: string; readonly limit: number }
  /** Input logs of calls that are older. */
  | { readonly kind: 'inputLogs'; readonly customer_id: string; readonly before_us: Micros; readonly limit: number }
  | { readonly kind: 'inputLog'; readonly customer_id: string; readonly call_id: string }
  /** Rows that were deleted before, of one customer or of all; transcripts with the events that carry them. */
  | {
      readonly kind: 'deleted'
      readonly table: TableName
      readonly customer_id?: string
      readonly before_us: Micros
      readonly limit: number
    }
  /** What removed records may have left in the store's side files. Removes nothing itself. */
  | { readonly kind: 'traces' }

export interface Store {
  /** Never rejects. Batches are applied in the order of the calls. */
  commit(batch: Batch): Promise<CommitResult>
  get(table: TableName, customerId: string, id: string): Promise<Row | null>
  list(query: ListQuery): Promise<readonly Row[]>
  /** Live rows of one table by keys, over all customers. For drivers (routing, sign-in, recovery), never for the API's lists. */
  find(table: TableName, where: Readonly<Record<string, KeyValue>>, limit?: number): Promise<readonly Row[]>
  /** By id, over all customers: for the credentials' own look-ups. */
  getAnyCustomer(table: TableName, id: string): Promise<Row | null>
  eventsOfCall(customerId: string, callId: string): Promise<readonly (EventRow & { readonly cursor: number })[]>
  /** Pending deliveries due by `us`, oldest event first. */
  dueDeliveries(
    us: Micros,
    limit: number,
  ): Promise<readonly { readonly delivery: DeliveryRow; readonly event: EventRow }[]>
  deliveriesOf(customerId: string, eventId: string): Promise<readonly DeliveryRow[]>
  /** Newest first; a delivery is as old as its event. */
  listDeliveries(query: DeliveryQuery): Promise<readonly { readonly delivery: DeliveryRow; readonly event: EventRow }[]>
  getDelivery(
    customerId: string,
    id: string,
  ): Promise<{ readonly delivery: DeliveryRow; readonly event: EventRow } | null>
  /** Transcripts that hold all the words, newest first. Works the same when texts are encrypted. */
  searchTranscripts(query: TranscriptQuery): Promise<TranscriptHits>
  /** Live rows of a customer from before that time, oldest first. */
  oldest(table: TableName, customerId: string, beforeUs: Micros, limit: number): Promise<readonly Row[]>
  /** Events of a customer after a cursor, in their order: for exports. */
  eventsAfter(
    customerId: string,
    cursor: number,
    limit: number,
  ): Promise<readonly (EventRow & { readonly cursor: number })[]>
  /** @returns how many records went; rejects when the store cannot be written */
  purge(purge: Purge): Promise<number>
  /**
   * Brings up to `limit` older records to the form they would be written in today (sealed with the present key, known to
   * the search). @returns how many it looked at; 0 when there is nothing left to do
   */
  tend(limit: number): Promise<number>
  inputLog(customerId: string, callId: string): Promise<readonly string[] | null>
  close(): Promise<void>
}

/** For documents kept as text. */
export type { Json, JsonObject }
