/** The bodies of the flat dialect (contract §17), made from the stored events. Pure. */

import type { FlatName } from '../contract/webhook.ts'
import { NIL_UUID, parseTimestamp, timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { EventRow } from '../store/port.ts'
import { isInterim } from './envelope.ts'

const NAMES: Readonly<Record<string, FlatName>> = {
  call_created: 'call.initiated',
  call_progressing: 'call.answered',
  transcript_created: 'transcript',
  transcribe_speech_interim: 'transcript',
  call_hangup: 'call.ended',
  call_connect_failed: 'call.connect_failed',
}

/** @returns what an event is called in the flat dialect, or null when it has no name there */
export function flatName(eventType: string): FlatName | null {
  return NAMES[eventType] ?? null
}

/** True for those whose body tells a language, which is the transcription's. */
export function tellsLanguage(event: EventRow): boolean {
  return flatName(event.type) === 'transcript'
}

/** @param language of the transcription; "" when the event has none or it is not known any more */
export function flatBody(event: EventRow, language: string): string {
  const { data, wall_us } = event
  const name = flatName(event.type) ?? event.type
  const call_id = name === 'transcript' || name === 'call.connect_failed' ? event.call_id : data['id']
  return JSON.stringify({ type: name, call_id, ...said(name, event, language), timestamp: timestamp(wall_us) })
}

function said(name: string, event: EventRow, language: string): JsonObject {
  const { data } = event
  switch (name) {
    case 'transcript': {
      const is_final = !isInterim(event.type)
      return {
        transcript: text(data['message']),
        is_final,
        language,
        transcribe_id: text(data['transcribe_id']) || NIL_UUID,
        transcript_id: is_final ? text(data['id']) : NIL_UUID,
      }
    }
    case 'call.ended':
      return { hangup_reason: text(data['hangup_reason']), hangup_by: text(data['hangup_by']), duration: seconds(data) }
    case 'call.connect_failed':
      return { reason: text(data['reason']) }
    default:
      return {
        direction: text(data['direction']),
        from: target(data['source']),
        to: target(data['destination']),
        flow_id: text(data['flow_id']) || NIL_UUID,
      }
  }
}

/** Seconds from answer to hang-up, to the millisecond; 0 for a call that was not answered. */
function seconds(call: JsonObject): number {
  const from = parseTimestamp(text(call['tm_progressing']))
  const to = parseTimestamp(text(call['tm_hangup']))
  return from === null || to === null ? 0 : Math.max(0, Math.round((to - from) / 1000) / 1000)
}

function target(address: unknown): string {
  return text((address as { target?: unknown } | null | undefined)?.target)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
