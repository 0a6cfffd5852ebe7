/**
 * The statements of the store, written once with Kysely and compiled to text by the database at hand. Names of tables and
 * columns come from `TABLES` and this file, never from a request; every value is a parameter.
 */

import { type Compilable, type Kysely, sql } from 'kysely'
import type { DeliveryRow, TableName } from './port.ts'
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

  /** Parameters: `EVENT_COLUMNS`, `subject_id`. An event is never changed. */
  addEvent(): string {
    return this.#put('events', [...EVENT_COLUMNS, 'subject_id'], 'insert')
  }

  /** Parameters: `DELIVERY_COLUMNS`, age of the event. Who and what a delivery is of never changes. */
  putDelivery(): string {
    return this.#put('deliveries', [...DELIVERY_COLUMNS, 'wall_us'], 'replace', DELIVERY_CHANGES)
  }

  /** One that is there. Parameters: `DELIVERY_CHANGES`, id. */
  changeDelivery(): string {
    const changes = Object.fromEntries(DELIVERY_CHANGES.map((column) => [column, VALUE]))
    return text(this.#db.updateTable('deliveries').set(changes).where('id', '=', VALUE))
  }

  /** Parameters: event id. @returns its `wall_us` */
  ageOfEvent(): string {
    return text(this.#db.selectFrom('events').select('wall_us').where('id', '=', VALUE))
  }

  /** Parameters: call id, customer id, text, age of the call. */
  putInputLog(): string {
    return this.#put('input_logs', ['call_id', 'customer_id', 'lines', 'wall_us'], 'replace')
  }

  /** Parameters: call id. @returns its `tm_create_us` */
  ageOfCall(): string {
    return text(this.#db.selectFrom('calls').select('tm_create_us').where('id', '=', VALUE))
  }

  /** Parameters: token, `tm_create_us`, transcript id. */
  addWord(): string {
    const columns = ['token', 'tm_create_us', 'transcript_id']
    const insert = this.#db.insertInto('transcript_words').values(Object.fromEntries(columns.map((c) => [c, VALUE])))
    return text(insert.onConflict((conflict) => conflict.doNothing()))
  }

  /** Parameters: token, `tm_create_us`, transcript id. */
  removeWord(): string {
    const words = this.#db.deleteFrom('transcript_words').where('token', '=', VALUE)
    return text(words.where('tm_create_us', '=', VALUE).where('transcript_id', '=', VALUE))
  }

  /** Parameters: token, most. @returns `found`, at most that many */
  countWord(): string {
    const some = this.#db.selectFrom('transcript_words').select('token').where('token', '=', VALUE).limit(0).as('some')
    return text(this.#db.selectFrom(some).select((is) => is.fn.countAll().as('found')))
  }

  /**
   * Transcripts that hold a word, newest first, among the next `most` that hold the first of them.
   * Parameters: first token, `us` and `id` to be older than, `us` to begin from, most, the other tokens.
   */
  holders(others: number): string {
    let query = this.#db.selectFrom(this.#holding().limit(0).as('w')).select(['w.tm_create_us', 'w.transcript_id'])
    for (let i = 0; i < others; i++) {
      query = query.where((is) =>
        is.exists(
          is
            .selectFrom('transcript_words as x')
            .select('x.token')
            .where('x.token', '=', VALUE)
            .whereRef('x.tm_create_us', '=', 'w.tm_create_us')
            .whereRef('x.transcript_id', '=', 'w.transcript_id'),
        ),
      )
    }
    return text(query.orderBy('w.tm_create_us', 'desc').orderBy('w.transcript_id', 'desc'))
  }

  /** The last of those. Parameters: token, `us`, `id`, `us` to begin from, 1, most - 1. */
  lastHolder(): string {
    return text(this.#holding().limit(0).offset(0))
  }

  #holding() {
    return this.#db
      .selectFrom('transcript_words')
      .select(['tm_create_us', 'transcript_id'])
      .where('token', '=', VALUE)
      .where((is) => is(is.refTuple('tm_create_us', 'transcript_id'), '<', is.tuple(VALUE, VALUE)))
      .where('tm_create_us', '>=', VALUE)
      .orderBy('tm_create_us', 'desc')
      .orderBy('transcript_id', 'desc')
  }

  /** Parameters: id. */
  remove(table: TableName): string {
    return text(this.#db.deleteFrom(table).where('id', '=', VALUE))
  }

  /** Parameters: id. A row, also a deleted one. */
  anyRow(table: TableName): string {
    return text(this.#all(table).where('id', '=', VALUE))
  }

  /** Parameters: id, then customer id unless over all. */
  getRow(table: TableName, over: 'customer' | 'all'): string {
    const query = this.#live(table).where('id', '=', VALUE)
    return text(over === 'all' ? query : query.where('customer_id', '=', VALUE))
  }

  /** Rows newest first. Parameters: customer id (if so), the given keys that are not null, `us` and `id` (if so), limit. */
  rows(shape: RowsShape): string {
    let query = shape.withDeleted ? this.#all(shape.table) : this.#live(shape.table)
    if (shape.ofCustomer) query = query.where('customer_id', '=', VALUE)
    const [first, ...others] = inOrderOfWorth(shape.keys)
    if (first !== undefined) query = query.where(first, '=', VALUE)
    for (const key of others) query = query.where(unindexed(key), '=', VALUE)
    for (const key of shape.nullKeys) query = query.where(key, 'is', null)
    if (shape.before) query = query.where((is) => is(is.refTuple('tm_create_us', 'id'), '<', is.tuple(VALUE, VALUE)))
    return text(query.orderBy('tm_create_us', 'desc').orderBy('id', 'desc').limit(0))
  }

  /** Parameters: customer id, before `us`, limit. */
  oldest(table: TableName): string {
    const query = this.#live(table).where('customer_id', '=', VALUE).where('tm_create_us', '<', VALUE)
    return text(query.orderBy('tm_create_us').orderBy('id').limit(0))
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

  /** Parameters: old: customer id, most, before `us`; of a call: call id, customer id, limit; of a subject: its id, customer id. */
  eventIds(set: 'old events' | 'call events' | 'subject events'): string {
    const ids = this.#db.selectFrom('events').select('id').where('customer_id', '=', VALUE)
    const byCall = this.#db.selectFrom('events').select('id').where('call_id', '=', VALUE)
    const bySubject = this.#db.selectFrom('events').select('id').where('subject_id', '=', VALUE)
    switch (set) {
      case 'old events':
        // Cursors and times rise together, so that the old ones are the first ones.
        return text(
          this.#db
            .selectFrom(ids.select('wall_us').orderBy('cursor').limit(0).as('first'))
            .select('id')
            .where('wall_us', '<', VALUE),
        )
      case 'call events':
        return text(byCall.where(unindexed('customer_id'), '=', VALUE).limit(0))
      case 'subject events':
        return text(bySubject.where('customer_id', '=', VALUE))
      default:
        return set satisfies never
    }
  }

  /** Parameters: customer id. Remembers the newest cursor. */
  keepFloor(): string {
    const newest = this.#db
      .selectFrom('events')
      .select((is) => ['customer_id', is.fn.max('cursor').as('cursor')])
      .where('customer_id', '=', VALUE)
      .groupBy('customer_id')
    return text(
      this.#db
        .insertInto('event_floors')
        .columns(['customer_id', 'cursor'])
        .expression(newest)
        .onConflict((conflict) =>
          conflict.column('customer_id').doUpdateSet((is) => ({ cursor: is.ref('excluded.cursor') })),
        ),
    )
  }

  /** Parameters: event id, event id again. */
  removeDeliveries(): string {
    return text(this.#db.deleteFrom('deliveries').where('wall_us', '=', this.#ageOf()).where('event_id', '=', VALUE))
  }

  /** Parameters: id. */
  removeEvent(): string {
    return text(this.#db.deleteFrom('events').where('id', '=', VALUE))
  }

  /** Parameters: customer id, before `us`, limit. */
  removeOldLogs(): string {
    const old = this.#db
      .selectFrom('input_logs')
      .select('call_id')
      .where('customer_id', '=', VALUE)
      .where('wall_us', '<', VALUE)
      .orderBy('wall_us')
      .limit(0)
    return text(this.#db.deleteFrom('input_logs').where('call_id', 'in', old))
  }

  /** Parameters: call id, customer id. */
  removeLog(): string {
    return text(this.#db.deleteFrom('input_logs').where('call_id', '=', VALUE).where('customer_id', '=', VALUE))
  }

  /** Parameters: deleted before `us`, customer id (if so), limit. @returns their ids */
  deletedRows(table: TableName, over: 'customer' | 'all'): string {
    const deleted = this.#db.selectFrom(table).select('id').where('tm_delete_us', 'is not', null)
    const old = deleted.where('tm_delete_us', '<', VALUE)
    const mine = over === 'all' ? old : old.where('customer_id', '=', VALUE)
    return text(mine.orderBy('tm_delete_us').limit(0))
  }

  /** Records of any kind and age after an id. Parameters: id, limit. */
  walk(table: TableName | 'events' | 'input_logs'): string {
    const id = table === 'input_logs' ? 'call_id' : 'id'
    return text(this.#db.selectFrom(table).selectAll().where(id, '>', VALUE).orderBy(id).limit(0))
  }

  /** Parameters: data, `subject_id`, id. */
  changeEvent(): string {
    return text(this.#db.updateTable('events').set({ data: VALUE, subject_id: VALUE }).where('id', '=', VALUE))
  }

  /** Parameters: lines, call id. */
  changeLog(): string {
    return text(this.#db.updateTable('input_logs').set({ lines: VALUE }).where('call_id', '=', VALUE))
  }

  /** Parameters: customer id, cursor, limit. */
  eventsAfter(): string {
    const query = this.#db
      .selectFrom('events')
      .select([...EVENT_COLUMNS])
      .where('customer_id', '=', VALUE)
    return text(query.where('cursor', '>', VALUE).orderBy('cursor').limit(0))
  }

  /** Parameters: customer id. @returns `cursor`: no later event has this one or one below */
  floor(): string {
    return text(this.#db.selectFrom('event_floors').select('cursor').where('customer_id', '=', VALUE))
  }

  /** Parameters: latest due time, limit. */
  dueDeliveries(): string {
    return text(
      this.#delivered()
        .where('d.state', '=', sql.lit('pending'))
        .where('d.due_us', '<=', VALUE)
        .orderBy('e.wall_us')
        .orderBy('e.cursor')
        .limit(0),
    )
  }

  /** Parameters: delivery id, customer id. */
  getDelivery(): string {
    return text(this.#delivered().where('d.id', '=', VALUE).where('d.customer_id', '=', VALUE))
  }

  /**
   * Newest first: those of a call by its events, pending ones (which are few) by when they are due, the rest by age.
   * Parameters: customer id, the filters in the order of the shape, `us` and `id` (if so), limit.
   */
  deliveries({ filters, state, before }: DeliveriesShape): string {
    const ofCall = filters.includes('call_id')
    const isSorted = ofCall || state === 'pending'
    let query = this.#delivered().where(isSorted ? unindexed('d.customer_id') : 'd.customer_id', '=', VALUE)
    if (ofCall) query = query.whereRef('d.wall_us', '=', 'e.wall_us')
    for (const filter of filters)
      query = query.where(filter === 'call_id' ? 'e.call_id' : unindexed(`d.${filter}`), '=', VALUE)
    if (state === 'pending' && !ofCall) query = query.where('d.due_us', '>=', sql.lit(0))
    if (state) query = query.where('d.state', '=', sql.lit(state))
    if (before) query = query.where((is) => is(is.refTuple('d.wall_us', 'd.id'), '<', is.tuple(VALUE, VALUE)))
    return text(query.orderBy('d.wall_us', 'desc').orderBy('d.id', 'desc').limit(0))
  }

  /** Parameters: event id, event id again, customer id. */
  deliveriesOf(): string {
    const query = this.#db
      .selectFrom('deliveries')
      .select([...DELIVERY_COLUMNS])
      .where('wall_us', '=', this.#ageOf())
    return text(query.where('event_id', '=', VALUE).where('customer_id', '=', VALUE).orderBy('destination'))
  }

  /** Parameters: call id, customer id. */
  inputLog(): string {
    const query = this.#db.selectFrom('input_logs').select('lines')
    return text(query.where('call_id', '=', VALUE).where('customer_id', '=', VALUE))
  }

  #live(table: TableName) {
    return this.#all(table).where('tm_delete_us', 'is', null)
  }

  #all(table: TableName) {
    return this.#db.selectFrom(table).select([...ROW_COLUMNS, ...keysOf(table)])
  }

  /** When an event happened. Parameters: its id. */
  #ageOf() {
    return this.#db.selectFrom('events').select('wall_us').where('id', '=', VALUE)
  }

  /** Deliveries with their events, whose columns are named `event.<column>`. */
  #delivered() {
    return this.#db
      .selectFrom('deliveries as d')
      .innerJoin('events as e', 'e.id', 'd.event_id')
      .select(DELIVERY_COLUMNS.map((column) => `d.${column}`))
      .select(EVENT_COLUMNS.map((column) => `e.${column} as event.${column}`))
  }

  /** @param changes what a second write of the same record may change; all but its key unless given */
  #put(table: string, columns: readonly string[], mode: 'insert' | 'replace', changes?: readonly string[]): string {
    const insert = this.#db.insertInto(table).values(Object.fromEntries(columns.map((column) => [column, VALUE])))
    if (mode === 'insert') return text(insert)
    const [key, ...others] = columns as [string, ...string[]]
    return text(
      insert.onConflict((conflict) =>
        conflict
          .column(key)
          .doUpdateSet((is) =>
            Object.fromEntries((changes ?? others).map((column) => [column, is.ref(`excluded.${column}`)])),
          ),
      ),
    )
  }
}

export interface RowsShape {
  readonly table: TableName
  readonly ofCustomer: boolean
  /** In the order of `inOrderOfWorth`. */
  readonly keys: readonly string[]
  readonly nullKeys: readonly string[]
  readonly before: boolean
  readonly withDeleted: boolean
}

export interface DeliveriesShape {
  readonly filters: readonly DeliveryFilter[]
  readonly state: DeliveryRow['state'] | null
  readonly before: boolean
}

/** Filters of deliveries; the first that is asked for leads. */
export const DELIVERY_FILTERS = ['call_id', 'destination', 'event_type'] as const
export type DeliveryFilter = (typeof DELIVERY_FILTERS)[number]

const DELIVERY_CHANGES = ['state', 'attempts', 'due_us', 'last']

/** Keys with few values, which many rows share: an index of another key is the better way whenever there is one. */
const POOR_KEYS = ['status', 'reference_type', 'direction', 'node_id', 'boot_id']

/** The key that leads the search comes first. */
export function inOrderOfWorth(keys: readonly string[]): readonly string[] {
  return keys.toSorted((a, b) => POOR_KEYS.indexOf(a) - POOR_KEYS.indexOf(b))
}

/** A column that no index answers: without statistics a database may choose the worse of two. */
function unindexed(column: string) {
  return sql<string>`(${sql.ref(column)} || '')`
}

function text(query: Compilable): string {
  return query.compile().sql
}
