/** Events as they leave the server (contract §15, §16, §18): the body of a webhook, the frame of a WebSocket. */

import { timestamp } from '../kernel/ids.ts'
import type { EventRow } from '../store/port.ts'

const INTERIM = /_(?:interim|intermediate)$/

/** A partial text that a later event replaces; the first to go when a receiver is slow. */
export function isInterim(type: string): boolean {
  return INTERIM.test(type)
}

/** The JSON of what an event carries: all its receivers are sent the same. */
const printed = new WeakMap<EventRow, string>()

function dataOf(event: EventRow): string {
  const known = printed.get(event)
  if (known !== undefined) return known
  const json = JSON.stringify(event.data)
  printed.set(event, json)
  return json
}

/** The standard envelope: two fields, nothing else at top level (§15). */
export function webhookBody(event: EventRow): string {
  return `{"type":${JSON.stringify(event.type)},"data":${dataOf(event)}}`
}

/** One server frame (§18); `topic` is the topic of the event that matched. */
export function frame(event: EventRow, topic: string): string {
  const type = JSON.stringify(event.type)
  const head = `"type":${type},"event_type":${type},"timestamp":"${timestamp(event.wall_us)}"`
  const tail = `"id":"${event.id}","seq":${event.seq},"offset_ms":${event.offset_ms}`
  return `{${head},"topic":${JSON.stringify(topic)},"data":${dataOf(event)},${tail}}`
}
