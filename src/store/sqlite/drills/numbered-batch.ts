/** Batches that can be recognised after a crash: batch n has 1 to 10 rows, as many events, and one delivery an event. */

import type { Batch, DeliveryRow, EventRow, Row } from '../../port.ts'

export const CUSTOMER = 'c0000000-0000-4000-8000-000000000000'

export function sizeOf(number: number): number {
  return 1 + (number % 10)
}

export function callOf(number: number): string {
  return `call-${number}`
}

export function numberedBatch(number: number): Batch {
  const parts = Array.from({ length: sizeOf(number) }, (_, i) => i + 1)
  const events = parts.map((seq) => event(number, seq))
  return {
    rows: parts.map((part) => ({ table: 'transcripts' as const, row: row(number, part) })),
    events,
    deliveries: events.map(delivery),
  }
}

function row(number: number, part: number): Row {
  const id = `row-${number}-${part}`
  const keys = { transcribe_id: callOf(number), direction: 'in' }
  return {
    id,
    customer_id: CUSTOMER,
    tm_create_us: number,
    tm_delete_us: null,
    keys,
    doc: { id, text: 'x'.repeat(200) },
    hidden: {},
  }
}

function event(number: number, seq: number): EventRow {
  return {
    id: `event-${number}-${seq}`,
    customer_id: CUSTOMER,
    call_id: callOf(number),
    seq,
    wall_us: number,
    offset_ms: seq,
    type: 'transcript_created',
    data: { id: `row-${number}-${seq}` },
  }
}

function delivery(of: EventRow): DeliveryRow {
  return {
    id: `delivery-${of.id}`,
    event_id: of.id,
    customer_id: CUSTOMER,
    call_id: of.call_id,
    destination: 'webhook:POST:http://127.0.0.1:1/',
    state: 'pending',
    attempts: 0,
    due_us: of.wall_us,
    last: {},
    event_type: of.type,
  }
}
