/** Changes of records that no live call owns: row and event in one save. */

import type { ErrorCode } from '../../contract/errors.ts'
import type { EventName } from '../../contract/events.ts'
import { changedRow, deletedRow, rowOf } from '../../contract/row.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { KeyValue, Row, TableName } from '../../store/port.ts'
import { type Ledger, recordEvent } from '../ledger.ts'

export interface RecordKind {
  readonly table: TableName
  readonly notFound: ErrorCode
  readonly created: EventName
  readonly updated: EventName
  readonly deleted: EventName
  /** The searchable keys, where they follow from the resource; otherwise a row keeps those it has. */
  readonly keysOf?: (doc: JsonObject) => Readonly<Record<string, KeyValue>>
  /** The resource as events carry it. */
  readonly inEvent?: (doc: JsonObject) => JsonObject
}

const asIs = (doc: JsonObject): JsonObject => doc

/** @param hidden what the wire never shows */
export async function createRecord(
  ledger: Ledger,
  kind: RecordKind,
  doc: JsonObject,
  hidden: JsonObject = {},
): Promise<JsonObject> {
  const saved = rowOf(kind.table, doc, hidden, kind.keysOf?.(doc))
  const event = recordEvent(kind.created, saved.row.customer_id, (kind.inEvent ?? asIs)(doc))
  await ledger.save({ rows: [saved], events: [event] })
  return doc
}

/**
 * @param change says what becomes different
 * @param hidden what becomes different of what the wire never shows
 */
export function changeRecord(
  ledger: Ledger,
  kind: RecordKind,
  customerId: string,
  id: string,
  change: (row: Row) => JsonObject | Promise<JsonObject>,
  hidden: JsonObject | ((row: Row) => JsonObject) = {},
): Promise<JsonObject> {
  return ledger.inTurn(id, async () => {
    const row = await ledger.row(kind.table, customerId, id, kind.notFound)
    const saved = changedRow(kind.table, row, await change(row), ledger.time())
    const { doc } = saved.row
    const unseen = { ...row.hidden, ...(typeof hidden === 'function' ? hidden(row) : hidden) }
    const event = recordEvent(kind.updated, customerId, (kind.inEvent ?? asIs)(doc))
    await ledger.save({
      rows: [{ table: kind.table, row: { ...saved.row, hidden: unseen, keys: kind.keysOf?.(doc) ?? row.keys } }],
      events: [event],
    })
    return doc
  })
}

/** Soft-deletes it. @param last what else becomes different */
export function deleteRecord(
  ledger: Ledger,
  kind: RecordKind,
  customerId: string,
  id: string,
  last: JsonObject = {},
): Promise<JsonObject> {
  return ledger.inTurn(id, async () => {
    const row = await ledger.row(kind.table, customerId, id, kind.notFound)
    const saved = deletedRow(kind.table, { ...row, doc: { ...row.doc, ...last } }, ledger.time())
    const event = recordEvent(kind.deleted, customerId, (kind.inEvent ?? asIs)(saved.row.doc))
    await ledger.save({ rows: [saved], events: [event] })
    return saved.row.doc
  })
}

/** The fields of a PUT that were given. */
export function given(fields: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject
}
