/**
 * Batches with their documents printed as JSON, once: that is how they go to another thread and into columns. On that way
 * texts in a row cost a fraction of what named fields and trees of objects cost.
 */

import type { Batch, DeliveryRow, EventRow, Row, TableName } from './port.ts'

export interface TextRow extends Omit<Row, 'doc' | 'hidden'> {
  readonly doc: string
  readonly hidden: string
  /** What was said, of a transcript; '' otherwise. */
  readonly message: string
}

/** The columns of an event, without its cursor; the last is the transcript that it carries, or null. */
export type TextEvent = readonly [
  id: string,
  customerId: string,
  callId: string | null,
  seq: number | null,
  wallUs: number,
  offsetMs: number | null,
  type: string,
  data: string,
  subjectId: string | null,
]

/** In the order of `DELIVERY_COLUMNS`. */
export type TextDelivery = readonly [
  id: string,
  eventId: string,
  customerId: string,
  callId: string | null,
  destination: string,
  state: DeliveryRow['state'],
  attempts: number,
  dueUs: number,
  last: string,
  eventType: string,
]

/** As `Batch`. */
export interface TextBatch extends Omit<Batch, 'rows' | 'events' | 'deliveries'> {
  readonly rows?: readonly { readonly table: TableName; readonly row: TextRow }[]
  readonly events?: readonly TextEvent[]
  readonly deliveries?: readonly TextDelivery[]
}

/** @throws TypeError for what is no JSON */
export function textBatch(batch: Batch): TextBatch {
  const { guards = [], rows = [], events = [], deliveries = [], removals = [], inputLogs = [] } = batch
  return {
    ...(guards.length > 0 ? { guards } : {}),
    ...(removals.length > 0 ? { removals } : {}),
    ...(rows.length > 0 ? { rows: rows.map(({ table, row }) => ({ table, row: textRow(table, row) })) } : {}),
    ...(events.length > 0 ? { events: events.map(textEvent) } : {}),
    ...(deliveries.length > 0 ? { deliveries: deliveries.map(textDelivery) } : {}),
    ...(inputLogs.length > 0 ? { inputLogs } : {}),
  }
}

/** @param table only transcripts say something */
export function textRow(table: TableName, row: Row): TextRow {
  const message = table === 'transcripts' ? messageOf(row) : ''
  return { ...row, doc: JSON.stringify(row.doc), hidden: JSON.stringify(row.hidden), message }
}

export function textEvent(event: EventRow): TextEvent {
  const { id, customer_id, call_id, seq, wall_us, offset_ms, type, data } = event
  return [id, customer_id, call_id, seq, wall_us, offset_ms, type, JSON.stringify(data), subjectOf(event)]
}

function textDelivery(delivery: DeliveryRow): TextDelivery {
  const { id, event_id, customer_id, call_id, destination, state, attempts, due_us, last, event_type } = delivery
  const text = JSON.stringify(last)
  return [id, event_id, customer_id, call_id, destination, state, attempts, due_us, text, event_type]
}

/** What was said. */
export function messageOf(row: Row): string {
  const { message } = row.doc
  return typeof message === 'string' ? message : ''
}

/** The transcript that an event carries, or null. */
export function subjectOf(event: EventRow): string | null {
  const { id } = event.data
  return event.type.startsWith('transcript_') && typeof id === 'string' ? id : null
}
