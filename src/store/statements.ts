/**
 * The statements of the store, written once with Kysely and compiled to text by the database at hand. Names of tables and
 * columns come from `TABLES` and this file, never from a request; every value is a parameter.
 */

import { type Compilable, type Kysely, sql } from 'kysely'
import type { TableName } from './port.ts'
import { DELIVERY_COLUMNS, EVENT_COLUMNS, keysOf, ROW_COLUMNS } from './rows.ts'

/** Tables are chosen at run time, so their columns are known to the migrations' test, not to the compiler. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyTables = Kysely<any>

/** Stands for a parameter; Kysely numbers or marks it, the value comes at run time. */
const VALUE = ''

export class Statements {
  readonly #db: AnyTables

  constructor(db: AnyTables) {
    this.#db = db
  }

  /** Parameters: `ROW_COLUMNS`, then the keys of the table. */
  putRow(table: TableName): string {
    return this.#put(table, [...ROW_COLUMNS, ...keysOf(table)], 'replace')
  }

  /** Parameters: `EVENT_COLUMNS`. An event is never changed. */
  addEvent(): string {
    return this.#put('events', EVENT_COLUMNS, 'insert')
  }

  /** Parameters: `DELIVERY_COLUMNS`. */
  putDelivery(): string {
    return this.#put('deliveries', DELIVERY_COLUMNS, 'replace')
  }

  /** Parameters: call id, customer id, text. */
  putInputLog(): string {
    return this.#put('input_logs', ['call_id', 'customer_id', 'lines'], 'replace')
  }

  /** Parameters: id. */
  remove(table: TableName): string {
    return text(this.#db.deleteFrom(table).where('id', '=', VALUE))
  }

  /** Parameters: id, then customer id unless over all. */
  getRow(table: TableName, over: 'customer' | 'all'): string {
    const query = this.#live(table).where('id', '=', VALUE)
    return text(over === 'all' ? query : query.where('customer_id', '=', VALUE))
  }

  /** Rows newest first. Parameters: customer id (if so), the given keys that are not null, `us` and `id` (if so), limit. */
  rows(shape: RowsShape): string {
    let query = this.#live(shape.table)
    if (shape.ofCustomer) query = query.where('customer_id', '=', VALUE)
    for (const key of shape.keys) query = query.where(key, '=', VALUE)
    for (const key of shape.nullKeys) query = query.where(key, 'is', null)
    if (shape.before) query = query.where((is) => is(is.refTuple('tm_create_us', 'id'), '<', is.tuple(VALUE, VALUE)))
    return text(query.orderBy('tm_create_us', 'desc').orderBy('id', 'desc').limit(0))
  }

  /** Parameters: the value, then customer id if so. @returns the ids of the live rows that have it */
  owners(table: TableName, key: string, over: 'customer' | 'all'): string {
    const query = this.#db.selectFrom(table).select('id').where('tm_delete_us', 'is', null).where(key, '=', VALUE)
    return text(over === 'all' ? query : query.where('customer_id', '=', VALUE))
  }

  /** Parameters: customer id. @returns `last`: the newest cursor, or null */
  lastCursor(): string {
    return text(
      this.#db
        .selectFrom('events')
        .select((is) => is.fn.max('cursor').as('last'))
        .where('customer_id', '=', VALUE),
    )
  }

  /** Parameters: call id, customer id. */
  eventsOfCall(): string {
    const query = this.#db.selectFrom('events').select([...EVENT_COLUMNS])
    return text(query.where('call_id', '=', VALUE).where('customer_id', '=', VALUE).orderBy('seq').orderBy('cursor'))
  }

  /** Parameters: latest due time, limit. The event's columns are named `event.<column>`. */
  dueDeliveries(): string {
    return text(
      this.#db
        .selectFrom('deliveries as d')
        .innerJoin('events as e', 'e.id', 'd.event_id')
        .select(DELIVERY_COLUMNS.map((column) => `d.${column}`))
        .select(EVENT_COLUMNS.map((column) => `e.${column} as event.${column}`))
        .where('d.state', '=', sql.lit('pending'))
        .where('d.due_us', '<=', VALUE)
        .orderBy('e.wall_us')
        .orderBy('e.cursor')
        .limit(0),
    )
  }

  /** Parameters: event id, customer id. */
  deliveriesOf(): string {
    const query = this.#db.selectFrom('deliveries').select([...DELIVERY_COLUMNS])
    return text(query.where('event_id', '=', VALUE).where('customer_id', '=', VALUE).orderBy('destination'))
  }

  /** Parameters: call id, customer id. */
  inputLog(): string {
    const query = this.#db.selectFrom('input_logs').select('lines')
    return text(query.where('call_id', '=', VALUE).where('customer_id', '=', VALUE))
  }

  #live(table: TableName) {
    return this.#db
      .selectFrom(table)
      .select([...ROW_COLUMNS, ...keysOf(table)])
      .where('tm_delete_us', 'is', null)
  }

  #put(table: string, columns: readonly string[], mode: 'insert' | 'replace'): string {
    const insert = this.#db.insertInto(table).values(Object.fromEntries(columns.map((column) => [column, VALUE])))
    if (mode === 'insert') return text(insert)
    const [key, ...others] = columns as [string, ...string[]]
    return text(
      insert.onConflict((conflict) =>
        conflict
          .column(key)
          .doUpdateSet((is) => Object.fromEntries(others.map((column) => [column, is.ref(`excluded.${column}`)]))),
      ),
    )
  }
}

export interface RowsShape {
  readonly table: TableName
  readonly ofCustomer: boolean
  readonly keys: readonly string[]
  readonly nullKeys: readonly string[]
  readonly before: boolean
}

function text(query: Compilable): string {
  return query.compile().sql
}
