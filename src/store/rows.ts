/** Rows, events and deliveries as columns of a database, and back. The same for every SQL store. */

import type { JsonObject } from '../kernel/json.ts'
import type { DeliveryRow, EventRow, KeyValue, Row, TableName } from './port.ts'
import { TABLES } from './port.ts'
import type { Blinder, Sealer } from './sealer.ts'
import type { TextEvent, TextRow } from './texts.ts'
import { wordsOf } from './words.ts'

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

/** Keys that hold people's numbers and are only ever looked for whole: hashed when the store has a data key. */
export const BLINDED: Partial<Record<TableName, readonly string[]>> = { calls: ['source', 'destination'] }

/** Every key there is today is text. A number stored as text would come back as another value, so it is refused. */
function keyText(table: TableName, key: string, value: KeyValue): string | null {
  if (value !== null && typeof value !== 'string') throw new TypeError(`The key ${table}.${key} must be text or null.`)
  return value
}

/** Turns what the store is given into what its columns hold, and back. */
export class Codec {
  readonly #sealer: Sealer
  readonly #blinder: Blinder

  constructor(sealer: Sealer, blinder: Blinder) {
    this.#sealer = sealer
    this.#blinder = blinder
  }

  /** Values in the order of `ROW_COLUMNS`, then of the table's keys. @throws UnknownKey, TypeError for a key that is no text */
  rowValues(table: TableName, row: TextRow): Column[] {
    checkKeys(table, Object.keys(row.keys))
    const values: Column[] = [
      row.id,
      row.customer_id,
      row.tm_create_us,
      row.tm_delete_us,
      this.#sealer.seal(row.doc, `${table}/${row.id}/doc`),
      this.#hidden(table, row),
    ]
    for (const key of keysOf(table)) values.push(this.key(table, key, row.keys[key] ?? null))
    return values
  }

  /** The value of a key as its column holds it. @throws TypeError when it is no text */
  key(table: TableName, key: string, value: KeyValue): string | null {
    const text = keyText(table, key, value)
    return text !== null && BLINDED[table]?.includes(key) ? this.#blinder.value(text) : text
  }

  /** @throws SealBroken */
  rowFrom(table: TableName, columns: Columns): Row {
    const id = columns['id'] as string
    const keys: Record<string, KeyValue> = {}
    for (const key of keysOf(table)) keys[key] = columns[key] ?? null
    return {
      id,
      customer_id: columns['customer_id'] as string,
      tm_create_us: columns['tm_create_us'] as number,
      tm_delete_us: columns['tm_delete_us'] as number | null,
      keys,
      doc: this.#parse(columns['doc'], `${table}/${id}/doc`),
      hidden: this.#parse(columns['hidden'], `${table}/${id}/hidden`),
    }
  }

  /** Values in the order of `EVENT_COLUMNS`, then of `subject_id`. */
  eventValues(event: TextEvent, cursor: number): Column[] {
    const [id, customerId, callId, seq, wallUs, offsetMs, type, data, subjectId] = event
    const text = this.#sealer.seal(data, `events/${id}/data`)
    return [id, customerId, cursor, callId, seq, wallUs, offsetMs, type, text, subjectId]
  }

  /** @throws SealBroken */
  eventFrom(columns: Columns): StoredEvent {
    const data = this.#parse(columns['data'], `events/${String(columns['id'])}/data`)
    return { ...columns, data } as unknown as StoredEvent
  }

  logText(callId: string, lines: readonly string[]): string {
    return this.#sealer.seal(lines.join('\n'), `input_logs/${callId}/lines`)
  }

  /** @throws SealBroken */
  logLines(callId: string, text: string): readonly string[] {
    const plain = this.#sealer.open(text, `input_logs/${callId}/lines`)
    return plain === '' ? [] : plain.split('\n')
  }

  /** What the search knows a transcript by. */
  tokens({ customer_id, message }: Pick<TextRow, 'customer_id' | 'message'>): string[] {
    return this.tokensOf(customer_id, wordsOf(message))
  }

  tokensOf(customerId: string, words: Iterable<string>): string[] {
    return [...words].map((word) => this.#blinder.token(customerId, word))
  }

  /** Nearly all rows hide nothing, which is no secret. */
  #hidden(table: TableName, { id, hidden }: TextRow): string {
    return hidden === '{}' ? hidden : this.#sealer.seal(hidden, `${table}/${id}/hidden`)
  }

  #parse(text: Column | undefined, place: string): JsonObject {
    return JSON.parse(this.#sealer.open(text as string, place)) as JsonObject
  }
}

export function deliveryFrom(columns: Columns): DeliveryRow {
  return { ...columns, last: JSON.parse(columns['last'] as string) } as unknown as DeliveryRow
}
