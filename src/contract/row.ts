/** Turns a resource into the row the store keeps. */

import { parseTimestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { KeyValue, Row, TableName } from '../store/port.ts'

export interface TableRow {
  readonly table: TableName
  readonly row: Row
}

/**
 * @param doc must have `id` and `tm_create`; `customer_id` is taken from it unless the table is `customers`
 * @param keys the searchable keys of the table
 * @param hidden what the wire never shows
 */
export function rowOf(
  table: TableName,
  doc: JsonObject,
  hidden: JsonObject = {},
  keys: Readonly<Record<string, KeyValue>> = {},
): TableRow {
  const id = String(doc['id'])
  return {
    table,
    row: {
      id,
      customer_id: table === 'customers' ? id : String(doc['customer_id']),
      tm_create_us: micros(doc['tm_create']) ?? 0,
      tm_delete_us: micros(doc['tm_delete']),
      keys,
      doc,
      hidden,
    },
  }
}

/** The same row as deleted at `tmDelete` (a timestamp of the wire). A resource without these times (§10.2) gets none. */
export function deletedRow(table: TableName, row: Row, tmDelete: string): TableRow {
  const doc = 'tm_delete' in row.doc ? { ...row.doc, tm_update: tmDelete, tm_delete: tmDelete } : row.doc
  return { table, row: { ...row, tm_delete_us: micros(tmDelete), doc } }
}

/** The same row with some fields of the resource changed. */
export function changedRow(table: TableName, row: Row, changes: JsonObject, tmUpdate: string): TableRow {
  return { table, row: { ...row, doc: { ...row.doc, ...changes, tm_update: tmUpdate } } }
}

function micros(value: unknown): number | null {
  return typeof value === 'string' ? parseTimestamp(value) : null
}
