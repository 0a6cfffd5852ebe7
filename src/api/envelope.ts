/** Events as they leave the server (contract §15, §16, §18): the body of a webhook, the frame of a WebSocket. */

import { timestamp } from '../kernel/ids.ts'
import type { EventRow } from '../store/port.ts'

const INTERIM = /_(?:interim|intermediate)$/

/** A partial text that a later event replaces; the first to go when a receiver is slow. */
export function isInterim(type: string): boolean {
  return INTERIM.test(type)
}

/** The standard envelope: two fields, nothing else at top level (§15). */
export function webhookBody(event: EventRow): string {
  return JSON.stringify({ type: event.type, data: event.data })
}

/** One server frame (§18); `topic` is the topic of the event that matched. */
export function frame(event: EventRow, topic: string): string {
  return JSON.stringify({
    type: event.type,
    event_type: event.type,
    timestamp: timestamp(event.wall_us),
    topic,
    data: event.data,
    id: event.id,
    seq: event.seq,
    offset_ms: event.offset_ms,
  })
}
