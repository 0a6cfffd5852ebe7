/** Rows, events and deliveries for tests of stores. Ids count up, so that the same test makes the same data. */

import type { DeliveryRow, EventRow, KeyValue, Row } from './port.ts'

let counted = 0

export function sampleId(): string {
  counted += 1
  return `00000000-0000-4000-8000-${counted.toString(16).padStart(12, '0')}`
}

export function sampleRow(change: Partial<Row> = {}, keys: Readonly<Record<string, KeyValue>> = {}): Row {
  const id = change.id ?? sampleId()
  return {
    id,
    customer_id: 'customer-1',
    tm_create_us: 1_000,
    tm_delete_us: null,
    keys,
    doc: { id },
    hidden: {},
    ...change,
  }
}

export function sampleEvent(change: Partial<EventRow> = {}): EventRow {
  return {
    id: sampleId(),
    customer_id: 'customer-1',
    call_id: null,
    seq: null,
    wall_us: 1_000,
    offset_ms: null,
    type: 'flow_created',
    data: { name: 'x' },
    ...change,
  }
}

export function sampleDelivery(event: EventRow, change: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    id: sampleId(),
    event_id: event.id,
    customer_id: event.customer_id,
    call_id: event.call_id,
    destination: 'webhook:POST:http://127.0.0.1:1/',
    state: 'pending',
    attempts: 0,
    due_us: 1_000,
    last: {},
    event_type: event.type,
    ...change,
  }
}
