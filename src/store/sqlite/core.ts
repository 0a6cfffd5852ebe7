/**
 * The store on one SQLite connection, synchronous: used inside the store's threads, and in the caller's own thread by
 * simulations. One core writes a file at a time; any number may read it.
 */

import type { DatabaseSync } from 'node:sqlite'
import type {
  Batch,
  CommitResult,
  DeliveryQuery,
  DeliveryRow,
  EventRow,
  Guard,
  KeyValue,
  ListQuery,
  Purge,
  Row,
  Store,
  TableName,
  TranscriptHits,
  TranscriptQuery,
} from '../port.ts'
import { UNIQUE } from '../port.ts'
import {
  type Codec,
  type Column,
  type Columns,
  checkKeys,
  DELIVERY_COLUMNS,
  deliveryFrom,
  EVENT_COLUMNS,
  keysOf,
  type StoredEvent,
} from '../rows.ts'
import type { Sealer } from '../sealer.ts'
import { DELIVERY_FILTERS, inOrderOfWorth, type RowsShape, Statements } from '../statements.ts'
import { type TextBatch, type TextDelivery, type TextEvent, type TextRow, textBatch, textRow } from '../texts.ts'
import { sqliteCompiler } from './compiler.ts'
import { Meta } from './keys.ts'
import { Prepared } from './prepared.ts'
import { carryOutPurge, removeEventsOf } from './purge.ts'
import { searchTranscripts } from './search.ts'
import { Tending } from './tend.ts'

/** Extended result codes of SQLite: a unique index, a primary key. */
const TAKEN_CODES = new Set([2067, 1555])

/** Ends the batch without a trace; becomes a refusal. */
class Refused extends Error {}

export type SyncStore = {
  [method in keyof Store]: Store[method] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never
}

type Delivered = { readonly delivery: DeliveryRow; readonly event: EventRow }

export class SqliteCore implements SyncStore {
  readonly #database: DatabaseSync
  readonly #prepared: Prepared
  readonly #codec: Codec
  readonly #statements = new Statements(sqliteCompiler())
  readonly #tending: Tending
  /** The newest cursor of each customer. Only the writer of a file has a use for it. */
  readonly #cursors = new Map<string, number>()

  /** Owns the database from now on; its tables are there. `openSqlite` is the usual way here. */
  constructor(database: DatabaseSync, { codec, sealer }: { readonly codec: Codec; readonly sealer: Sealer }) {
    this.#database = database
    this.#prepared = new Prepared(database)
    this.#codec = codec
    this.#tending = new Tending({ ...this.#parts(), sealer, meta: new Meta(database) })
  }

  commit(batch: Batch): CommitResult {
    return this.#commitAlone(textBatch(batch))
  }

  /**
   * Batches that came together share one write of the file, which is most of what a commit costs. Each is all or nothing,
   * in order; a refused one leaves the others be. As few are refused, they are first written as one; when that fails, each
   * has to be one that can be taken back; when the write fails, each is tried alone.
   */
  commitAll(batches: readonly TextBatch[]): readonly CommitResult[] {
    if (batches.length > 1 && this.#database.isOpen) {
      for (const write of [this.#tryWrite, this.#writeOrLeave]) {
        try {
          return this.#prepared.transaction(() => batches.map((batch) => write.call(this, batch)))
        } catch {
          this.#cursors.clear()
        }
      }
    }
    return batches.map((batch) => this.#commitAlone(batch))
  }

  #commitAlone(batch: TextBatch): CommitResult {
    if (!this.#database.isOpen) return failed('the store is closed')
    try {
      return this.#prepared.transaction(() => this.#tryWrite(batch))
    } catch (error) {
      this.#cursors.clear()
      if (error instanceof Refused) return { ok: false, kind: 'refused', reason: error.message }
      return failed(error instanceof Error ? error.message : String(error))
    }
  }

  purge(purge: Purge): number {
    const world = { ...this.#parts(), remove: (table: TableName, id: string) => this.#remove(table, id) }
    if (purge.kind === 'traces') this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return this.#prepared.transaction(() => carryOutPurge(world, purge))
  }

  tend(limit: number): number {
    return this.#prepared.transaction(() => this.#tending.step(limit))
  }

  get(table: TableName, customerId: string, id: string): Row | null {
    const found = this.#one(`get ${table}`, () => this.#statements.getRow(table, 'customer'), [id, customerId])
    return found ? this.#codec.rowFrom(table, found) : null
  }

  getAnyCustomer(table: TableName, id: string): Row | null {
    const found = this.#one(`get any ${table}`, () => this.#statements.getRow(table, 'all'), [id])
    return found ? this.#codec.rowFrom(table, found) : null
  }

  list(query: ListQuery): readonly Row[] {
    const { table, customer_id: customerId, before = null, where = {}, withDeleted = false, limit } = query
    return this.#rows(table, { customerId, before, where, withDeleted, limit })
  }

  /** Newest first, as lists are. */
  find(
    table: TableName,
    where: Readonly<Record<string, KeyValue>>,
    limit: number = Number.MAX_SAFE_INTEGER,
  ): readonly Row[] {
    return this.#rows(table, { customerId: null, before: null, where, withDeleted: false, limit })
  }

  oldest(table: TableName, customerId: string, beforeUs: number, limit: number): readonly Row[] {
    const values = [customerId, beforeUs, limit]
    const found = this.#all(`oldest ${table}`, () => this.#statements.oldest(table), values)
    return found.map((columns) => this.#codec.rowFrom(table, columns))
  }

  searchTranscripts(query: TranscriptQuery): TranscriptHits {
    checkKeys('transcripts', Object.keys(query.where ?? {}))
    checkLimit(query.limit)
    const { customer_id: customerId, where = {} } = query
    const world = {
      ...this.#parts(),
      get: (id: string) => this.get('transcripts', customerId, id),
      list: (before: ListQuery['before'] & {}, limit: number) =>
        this.#rows('transcripts', { customerId, before, where, withDeleted: false, limit }),
    }
    return searchTranscripts(world, query)
  }

  eventsOfCall(customerId: string, callId: string): readonly StoredEvent[] {
    const found = this.#all('events of call', () => this.#statements.eventsOfCall(), [callId, customerId])
    return found.map((columns) => this.#codec.eventFrom(columns))
  }

  eventsAfter(customerId: string, cursor: number, limit: number): readonly StoredEvent[] {
    const found = this.#all('events after', () => this.#statements.eventsAfter(), [customerId, cursor, limit])
    return found.map((columns) => this.#codec.eventFrom(columns))
  }

  dueDeliveries(us: number, limit: number): readonly Delivered[] {
    const found = this.#all('due deliveries', () => this.#statements.dueDeliveries(), [us, limit])
    return found.map((columns) => this.#delivered(columns))
  }

  deliveriesOf(customerId: string, eventId: string): readonly DeliveryRow[] {
    const found = this.#all('deliveries of', () => this.#statements.deliveriesOf(), [eventId, eventId, customerId])
    return found.map(deliveryFrom)
  }

  listDeliveries(query: DeliveryQuery): readonly Delivered[] {
    checkLimit(query.limit)
    const { before, state = null } = query
    const filters = DELIVERY_FILTERS.filter((filter) => query[filter] !== undefined)
    const shape = { filters, state, before: Boolean(before) }
    const values: Column[] = [query.customer_id, ...filters.map((filter) => query[filter]!)]
    if (before) values.push(before.us, before.id)
    const name = ['deliveries', ...filters, state, shape.before].join(' ')
    const found = this.#all(name, () => this.#statements.deliveries(shape), [...values, query.limit])
    return found.map((columns) => this.#delivered(columns))
  }

  getDelivery(customerId: string, id: string): Delivered | null {
    const found = this.#one('get delivery', () => this.#statements.getDelivery(), [id, customerId])
    return found ? this.#delivered(found) : null
  }

  inputLog(customerId: string, callId: string): readonly string[] | null {
    const found = this.#one('input log', () => this.#statements.inputLog(), [callId, customerId])
    return found ? this.#codec.logLines(callId, String(found['lines'])) : null
  }

  /** May be called twice. */
  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  /**
   * Bounds the file to this many pages (usually of 4 KiB); what would pass the bound fails as on a full disk.
   * A bound below the present size is the present size.
   */
  limitPages(pages: number): void {
    this.#database.exec(`PRAGMA max_page_count = ${Math.trunc(pages)}`)
  }

  /** Inside a transaction. @throws Refused, or what the database says */
  #tryWrite(batch: TextBatch): CommitResult {
    for (const guard of batch.guards ?? []) this.#check(guard)
    return { ok: true, cursors: this.#write(batch) }
  }

  #writeOrLeave(batch: TextBatch): CommitResult {
    try {
      return this.#prepared.part(() => this.#tryWrite(batch))
    } catch (error) {
      this.#cursors.clear()
      if (!(error instanceof Refused)) throw error
      return { ok: false, kind: 'refused', reason: error.message }
    }
  }

  #parts() {
    return { prepared: this.#prepared, statements: this.#statements, codec: this.#codec }
  }

  #check(guard: Guard): void {
    checkKeys(guard.table, Object.keys(guard.expect))
    const live = this.get(guard.table, guard.customer_id, guard.id)
    const holds =
      live &&
      Object.entries(guard.expect).every(
        ([key, value]) => (live.keys[key] ?? null) === this.#codec.key(guard.table, key, value),
      )
    if (!holds) throw new Refused(guard.reason)
  }

  #write(batch: TextBatch): number[] {
    for (const { table, id } of batch.removals ?? []) this.#remove(table, id)
    for (const { table, row } of batch.rows ?? []) this.#putRow(table, row)
    const cursors = this.#addEvents(batch.events ?? [])
    for (const delivery of batch.deliveries ?? []) this.#putDelivery(delivery, batch.events ?? [])
    for (const { call_id, customer_id, lines } of batch.inputLogs ?? []) {
      const age = this.#one('age of call', () => this.#statements.ageOfCall(), [call_id])?.['tm_create_us'] ?? null
      const values = [call_id, customer_id, this.#codec.logText(call_id, lines), age]
      this.#run('put log', () => this.#statements.putInputLog(), values)
    }
    return cursors
  }

  #putRow(table: TableName, row: TextRow): void {
    const values = this.#codec.rowValues(table, row)
    const put = (): void => this.#run(`put ${table}`, () => this.#statements.putRow(table), values)
    orRefused(put, () => `TAKEN:${table}.${this.#takenKey(table, row) ?? 'id'}`)
    if (table === 'transcripts') this.#noteWords(row, row.tm_delete_us === null)
  }

  #remove(table: TableName, id: string): void {
    if (table === 'transcripts') {
      const found = this.#one('any transcript', () => this.#statements.anyRow('transcripts'), [id])
      if (found) {
        this.#noteWords(textRow('transcripts', this.#codec.rowFrom('transcripts', found)), false)
        removeEventsOf(this.#parts(), String(found['customer_id']), id)
      }
    }
    this.#run(`remove ${table}`, () => this.#statements.remove(table), [id])
  }

  /** The search finds live transcripts and forgets deleted ones at once. */
  #noteWords(row: TextRow, isLive: boolean): void {
    for (const token of this.#codec.tokens(row)) {
      const values = [token, row.tm_create_us, row.id]
      if (isLive) this.#run('add word', () => this.#statements.addWord(), values)
      else this.#run('remove word', () => this.#statements.removeWord(), values)
    }
  }

  /** As old as its event, which is usually stored with it. Nothing is kept of an event that was removed. */
  #putDelivery(delivery: TextDelivery, events: readonly TextEvent[]): void {
    const eventId = delivery[1]
    const event = events.find(([id]) => id === eventId)
    if (!event && this.#changeDelivery(delivery)) return
    const age = event?.[4] ?? this.#one('age of event', () => this.#statements.ageOfEvent(), [eventId])?.['wall_us']
    if (age === undefined) return
    const put = (): void => this.#run('put delivery', () => this.#statements.putDelivery(), [...delivery, age])
    orRefused(put, () => 'TAKEN:deliveries.destination')
  }

  /** @returns false when it is not there yet */
  #changeDelivery([id, , , , , state, attempts, dueUs, last]: TextDelivery): boolean {
    const values = [state, attempts, dueUs, last, id]
    return this.#prepared.run('change delivery', () => this.#statements.changeDelivery(), values) > 0
  }

  /** The first unique key of `row` that another live row has. */
  #takenKey(table: TableName, row: TextRow): string | undefined {
    const taken = UNIQUE[table]?.find(({ key, over }) => {
      const values = [row.keys[key] as Column, ...(over === 'all' ? [] : [row.customer_id])]
      const owners = this.#all(`owners ${table} ${key}`, () => this.#statements.owners(table, key, over), values)
      return owners.some((owner) => owner['id'] !== row.id)
    })
    return taken?.key
  }

  #addEvents(events: readonly TextEvent[]): number[] {
    return events.map((event) => {
      const customerId = event[1]
      const cursor = this.#lastCursor(customerId) + 1
      const values = this.#codec.eventValues(event, cursor)
      const add = (): void => this.#run('add event', () => this.#statements.addEvent(), values)
      orRefused(add, (code) => (code === 1555 ? 'TAKEN:events.id' : 'TAKEN:events.seq'))
      this.#cursors.set(customerId, cursor)
      return cursor
    })
  }

  #lastCursor(customerId: string): number {
    const known = this.#cursors.get(customerId)
    if (known !== undefined) return known
    const last = this.#one('last cursor', () => this.#statements.lastCursor(), [customerId])?.['last'] ?? 0
    const floor = this.#one('floor', () => this.#statements.floor(), [customerId])?.['cursor'] ?? 0
    return Math.max(Number(last), Number(floor))
  }

  #rows(
    table: TableName,
    wish: {
      readonly customerId: string | null
      readonly before: ListQuery['before'] | null
      readonly where: Readonly<Record<string, KeyValue>>
      readonly withDeleted: boolean
      readonly limit: number
    },
  ): readonly Row[] {
    checkLimit(wish.limit)
    const asked = inOrderOfWorth(keysOf(table).filter((key) => wish.where[key] !== undefined))
    checkKeys(table, Object.keys(wish.where))
    const shape: RowsShape = {
      table,
      ofCustomer: wish.customerId !== null,
      keys: asked.filter((key) => wish.where[key] !== null),
      nullKeys: asked.filter((key) => wish.where[key] === null),
      before: Boolean(wish.before),
      withDeleted: wish.withDeleted,
    }
    const values: Column[] = wish.customerId === null ? [] : [wish.customerId]
    for (const key of shape.keys) values.push(this.#codec.key(table, key, wish.where[key]!))
    if (wish.before) values.push(wish.before.us, wish.before.id)
    const found = this.#all(nameOf(shape), () => this.#statements.rows(shape), [...values, wish.limit])
    return found.map((columns) => this.#codec.rowFrom(table, columns))
  }

  #delivered(columns: Columns): Delivered {
    return {
      delivery: deliveryFrom(pick(columns, DELIVERY_COLUMNS, '')),
      event: this.#codec.eventFrom(pick(columns, EVENT_COLUMNS, 'event.')),
    }
  }

  #run(name: string, sql: () => string, values: readonly Column[]): void {
    this.#prepared.run(name, sql, values)
  }

  #one(name: string, sql: () => string, values: readonly Column[]): Columns | undefined {
    return this.#prepared.one(name, sql, values)
  }

  #all(name: string, sql: () => string, values: readonly Column[]): readonly Columns[] {
    return this.#prepared.all(name, sql, values)
  }
}

function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError('A limit is a whole number from 1.')
}

function orRefused(write: () => void, reason: (code: number) => string): void {
  try {
    write()
  } catch (error) {
    const code = (error as { readonly errcode?: unknown }).errcode
    if (typeof code === 'number' && TAKEN_CODES.has(code)) throw new Refused(reason(code))
    throw error
  }
}

function failed(why: string): CommitResult {
  return { ok: false, kind: 'failed', why }
}

function nameOf(shape: RowsShape): string {
  const { table, ofCustomer, keys, nullKeys, before, withDeleted } = shape
  return ['rows', table, ofCustomer, ...keys, 'null', ...nullKeys, before, withDeleted].join(' ')
}

function pick(columns: Columns, names: readonly string[], prefix: string): Columns {
  return Object.fromEntries(names.map((name) => [name, columns[prefix + name] as Column]))
}
