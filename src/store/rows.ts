/** Rows, events and deliveries as columns of a database, and back. The same for every SQL store. */

import type { JsonObject } from '../kernel/json.ts'
import type { DeliveryRow, EventRow, KeyValue, Row, TableName } from './port.ts'
import { TABLES } from './port.ts'

export type Column = string | number | null
export type Columns = Readonly<Record<string, Column>>
export type StoredEvent = EventRow & { readonly cursor: number }

/** A key that the table does not have: our own mistake, never the reader's. */
export class UnknownKey extends Error {
  constructor(table: string, key: string) {
    super(`The table ${table} has no key ${key}.`)
    this.name = 'UnknownKey'
  }
}

export const ROW_COLUMNS = ['id', 'customer_id', 'tm_create_us', 'tm_delete_us', 'doc', 'hidden'] as const
export const EVENT_COLUMNS = [
  'id',
  'customer_id',
  'cursor',
  'call_id',
  'seq',
  'wall_us',
  'offset_ms',
  'type',
  'data',
] as const
export const DELIVERY_COLUMNS = [
  'id',
  'event_id',
  'customer_id',
  'call_id',
  'destination',
  'state',
  'attempts',
  'due_us',
  'last',
  'event_type',
] as const

export function keysOf(table: TableName): readonly string[] {
  const keys = Object.hasOwn(TABLES, table) ? TABLES[table] : undefined
  if (!keys) throw new Error(`There is no table ${String(table)}.`)
  return keys
}

/** @throws UnknownKey */
export function checkKeys(table: TableName, keys: readonly string[]): void {
  const known = keysOf(table)
  for (const key of keys) if (!known.includes(key)) throw new UnknownKey(table, key)
}

/** Values in the order of `ROW_COLUMNS`, then of the table's keys. @throws UnknownKey, TypeError for a key that is no text */
export function rowValues(table: TableName, row: Row): Column[] {
  checkKeys(table, Object.keys(row.keys))
  const values: Column[] = [
    row.id,
    row.customer_id,
    row.tm_create_us,
    row.tm_delete_us,
    JSON.stringify(row.doc),
    JSON.stringify(row.hidden),
  ]
  for (const key of keysOf(table)) values.push(keyText(table, key, row.keys[key] ?? null))
  return values
}

/** Every key there is today is text. A number stored as text would come back as another value, so it is refused. */
export function keyText(table: TableName, key: string, value: KeyValue): string | null {
  if (value !== null && typeof value !== 'string') throw new TypeError(`The key ${table}.${key} must be text or null.`)
  return value
}

export function rowFrom(table: TableName, columns: Columns): Row {
  const keys: Record<string, KeyValue> = {}
  for (const key of keysOf(table)) keys[key] = columns[key] ?? null
  return {
    id: columns['id'] as string,
    customer_id: columns['customer_id'] as string,
    tm_create_us: columns['tm_create_us'] as number,
    tm_delete_us: columns['tm_delete_us'] as number | null,
    keys,
    doc: parse(columns['doc']),
    hidden: parse(columns['hidden']),
  }
}

/** Values in the order of `EVENT_COLUMNS`. */
export function eventValues(event: EventRow, cursor: number): Column[] {
  const { id, customer_id, call_id, seq, wall_us, offset_ms, type, data } = event
  return [id, customer_id, cursor, call_id, seq, wall_us, offset_ms, type, JSON.stringify(data)]
}

export function eventFrom(columns: Columns): StoredEvent {
  return { ...columns, data: parse(columns['data']) } as unknown as StoredEvent
}

/** Values in the order of `DELIVERY_COLUMNS`. */
export function deliveryValues(delivery: DeliveryRow): Column[] {
  return DELIVERY_COLUMNS.map((column) => (column === 'last' ? JSON.stringify(delivery.last) : delivery[column]))
}

export function deliveryFrom(columns: Columns): DeliveryRow {
  return { ...columns, last: parse(columns['last']) } as unknown as DeliveryRow
}

function parse(text: Column | undefined): JsonObject {
  return JSON.parse(text as string) as JsonObject
}
