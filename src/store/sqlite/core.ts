/**
 * The store on one SQLite connection, synchronous: used inside the store's threads, and in the caller's own thread by
 * simulations. One core writes a file at a time; any number may read it.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type {
  Batch,
  CommitResult,
  DeliveryRow,
  EventRow,
  Guard,
  KeyValue,
  ListQuery,
  Row,
  Store,
  TableName,
} from '../port.ts'
import { UNIQUE } from '../port.ts'
import {
  type Column,
  type Columns,
  checkKeys,
  DELIVERY_COLUMNS,
  deliveryFrom,
  deliveryValues,
  EVENT_COLUMNS,
  eventFrom,
  eventValues,
  keysOf,
  keyText,
  rowFrom,
  rowValues,
  type StoredEvent,
} from '../rows.ts'
import { type RowsShape, Statements } from '../statements.ts'
import { sqliteCompiler } from './compiler.ts'

/** Extended result codes of SQLite: a unique index, a primary key. */
const TAKEN_CODES = new Set([2067, 1555])

/** Ends the batch without a trace; becomes a refusal. */
class Refused extends Error {}

export type SyncStore = {
  [method in keyof Store]: Store[method] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never
}

export class SqliteCore implements SyncStore {
  readonly #database: DatabaseSync
  readonly #statements = new Statements(sqliteCompiler())
  readonly #prepared = new Map<string, StatementSync>()

  /** Owns the database from now on; its tables are there. `openSqlite` is the usual way here. */
  constructor(database: DatabaseSync) {
    this.#database = database
  }

  commit(batch: Batch): CommitResult {
    if (!this.#database.isOpen) return failed('the store is closed')
    try {
      this.#run('begin', () => 'BEGIN IMMEDIATE')
      for (const guard of batch.guards ?? []) this.#check(guard)
      const cursors = this.#write(batch)
      this.#run('commit', () => 'COMMIT')
      return { ok: true, cursors }
    } catch (error) {
      this.#rollBack()
      if (error instanceof Refused) return { ok: false, kind: 'refused', reason: error.message }
      return failed(error instanceof Error ? error.message : String(error))
    }
  }

  get(table: TableName, customerId: string, id: string): Row | null {
    const found = this.#one(`get ${table}`, () => this.#statements.getRow(table, 'customer'), [id, customerId])
    return found ? rowFrom(table, found) : null
  }

  getAnyCustomer(table: TableName, id: string): Row | null {
    const found = this.#one(`get any ${table}`, () => this.#statements.getRow(table, 'all'), [id])
    return found ? rowFrom(table, found) : null
  }

  list(query: ListQuery): readonly Row[] {
    const { table, customer_id: customerId, before = null, where = {}, limit } = query
    return this.#rows(table, { customerId, before, where, limit })
  }

  /** Newest first, as lists are. */
  find(
    table: TableName,
    where: Readonly<Record<string, KeyValue>>,
    limit: number = Number.MAX_SAFE_INTEGER,
  ): readonly Row[] {
    return this.#rows(table, { customerId: null, before: null, where, limit })
  }

  eventsOfCall(customerId: string, callId: string): readonly StoredEvent[] {
    const found = this.#all('events of call', () => this.#statements.eventsOfCall(), [callId, customerId])
    return found.map(eventFrom)
  }

  dueDeliveries(us: number, limit: number): readonly { readonly delivery: DeliveryRow; readonly event: EventRow }[] {
    const found = this.#all('due deliveries', () => this.#statements.dueDeliveries(), [us, limit])
    return found.map((columns) => ({
      delivery: deliveryFrom(pick(columns, DELIVERY_COLUMNS, '')),
      event: eventFrom(pick(columns, EVENT_COLUMNS, 'event.')),
    }))
  }

  deliveriesOf(customerId: string, eventId: string): readonly DeliveryRow[] {
    const found = this.#all('deliveries of', () => this.#statements.deliveriesOf(), [eventId, customerId])
    return found.map(deliveryFrom)
  }

  inputLog(customerId: string, callId: string): readonly string[] | null {
    const found = this.#one('input log', () => this.#statements.inputLog(), [callId, customerId])
    if (!found) return null
    return found['lines'] === '' ? [] : String(found['lines']).split('\n')
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

  #check(guard: Guard): void {
    checkKeys(guard.table, Object.keys(guard.expect))
    const live = this.get(guard.table, guard.customer_id, guard.id)
    const holds = live && Object.entries(guard.expect).every(([key, value]) => (live.keys[key] ?? null) === value)
    if (!holds) throw new Refused(guard.reason)
  }

  #write(batch: Batch): number[] {
    for (const { table, id } of batch.removals ?? [])
      this.#run(`remove ${table}`, () => this.#statements.remove(table), [id])
    for (const { table, row } of batch.rows ?? []) this.#putRow(table, row)
    const cursors = this.#addEvents(batch.events ?? [])
    for (const delivery of batch.deliveries ?? []) {
      const put = (): void => this.#run('put delivery', () => this.#statements.putDelivery(), deliveryValues(delivery))
      orRefused(put, () => 'TAKEN:deliveries.destination')
    }
    for (const { call_id, customer_id, lines } of batch.inputLogs ?? []) {
      this.#run('put log', () => this.#statements.putInputLog(), [call_id, customer_id, lines.join('\n')])
    }
    return cursors
  }

  #putRow(table: TableName, row: Row): void {
    const values = rowValues(table, row)
    const put = (): void => this.#run(`put ${table}`, () => this.#statements.putRow(table), values)
    orRefused(put, () => `TAKEN:${table}.${this.#takenKey(table, row) ?? 'id'}`)
  }

  /** The first unique key of `row` that another live row has. */
  #takenKey(table: TableName, row: Row): string | undefined {
    const taken = UNIQUE[table]?.find(({ key, over }) => {
      const values = [row.keys[key] as Column, ...(over === 'all' ? [] : [row.customer_id])]
      const owners = this.#all(`owners ${table} ${key}`, () => this.#statements.owners(table, key, over), values)
      return owners.some((owner) => owner['id'] !== row.id)
    })
    return taken?.key
  }

  #addEvents(events: readonly EventRow[]): number[] {
    const last = new Map<string, number>()
    return events.map((event) => {
      const customer = event.customer_id
      const cursor = (last.get(customer) ?? this.#lastCursor(customer)) + 1
      last.set(customer, cursor)
      const add = (): void => this.#run('add event', () => this.#statements.addEvent(), eventValues(event, cursor))
      orRefused(add, (code) => (code === 1555 ? 'TAKEN:events.id' : 'TAKEN:events.seq'))
      return cursor
    })
  }

  #lastCursor(customerId: string): number {
    return Number(this.#one('last cursor', () => this.#statements.lastCursor(), [customerId])?.['last'] ?? 0)
  }

  #rows(
    table: TableName,
    wish: {
      readonly customerId: string | null
      readonly before: ListQuery['before'] | null
      readonly where: Readonly<Record<string, KeyValue>>
      readonly limit: number
    },
  ): readonly Row[] {
    if (!Number.isInteger(wish.limit) || wish.limit < 1) throw new RangeError('A limit is a whole number from 1.')
    const asked = keysOf(table).filter((key) => wish.where[key] !== undefined)
    checkKeys(table, Object.keys(wish.where))
    const shape: RowsShape = {
      table,
      ofCustomer: wish.customerId !== null,
      keys: asked.filter((key) => wish.where[key] !== null),
      nullKeys: asked.filter((key) => wish.where[key] === null),
      before: Boolean(wish.before),
    }
    const values: Column[] = wish.customerId === null ? [] : [wish.customerId]
    for (const key of shape.keys) values.push(keyText(table, key, wish.where[key]!))
    if (wish.before) values.push(wish.before.us, wish.before.id)
    const found = this.#all(nameOf(shape), () => this.#statements.rows(shape), [...values, wish.limit])
    return found.map((columns) => rowFrom(table, columns))
  }

  #run(name: string, sql: () => string, values: readonly Column[] = []): void {
    this.#prepare(name, sql).run(...values)
  }

  #one(name: string, sql: () => string, values: readonly Column[]): Columns | undefined {
    return this.#prepare(name, sql).get(...values) as Columns | undefined
  }

  #all(name: string, sql: () => string, values: readonly Column[]): readonly Columns[] {
    return this.#prepare(name, sql).all(...values) as unknown as readonly Columns[]
  }

  /** Statements are few: one per table and shape of query. */
  #prepare(name: string, sql: () => string): StatementSync {
    const known = this.#prepared.get(name)
    if (known) return known
    const statement = this.#database.prepare(sql())
    this.#prepared.set(name, statement)
    return statement
  }

  /** SQLite has already rolled back by itself after some errors (a full disk is one). */
  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch {
      // The connection is beyond use; the next BEGIN says so.
    }
  }
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
  const { table, ofCustomer, keys, nullKeys, before } = shape
  return ['rows', table, ofCustomer, ...keys, 'null', ...nullKeys, before].join(' ')
}

function pick(columns: Columns, names: readonly string[], prefix: string): Columns {
  return Object.fromEntries(names.map((name) => [name, columns[prefix + name] as Column]))
}
