/** How long what is stored is kept (ours): `GET /retention`, `PUT /retention`. */

import { z } from 'zod'
import type { JsonObject } from '../kernel/json.ts'
import { timeOrNull, uuid } from './fields.ts'

const LONGEST_DAYS = 36_500

/** Whole days; null keeps for good. */
const days = z.int().min(1).max(LONGEST_DAYS).nullable()

/** Days that each kind is kept. Deleted in small batches, some time within the day after. */
const kept = {
  /** What was said; each goes with a `transcript_deleted`. */
  transcripts_days: days,
  /** Sound files, where there are recordings. */
  recordings_days: days,
  /** Events with their deliveries: timelines and replays end with them. */
  events_days: days,
  /** Input logs, by which a call can be played again. */
  logs_days: days,
  /** Calls that have ended, with their groupcalls, flow runs, transcribes and speakings. Usage stays. */
  calls_days: days,
}

export const retentionSchema = z.object({ customer_id: uuid, ...kept, tm_update: timeOrNull }).meta({ id: 'Retention' })

export type RetentionDoc = z.infer<typeof retentionSchema>
export type Kept = keyof typeof kept

/** What is not given stays as it is. */
export const retentionChange = z.object({
  transcripts_days: days.optional(),
  recordings_days: days.optional(),
  events_days: days.optional(),
  logs_days: days.optional(),
  calls_days: days.optional(),
})

/** The name of the setting that holds a customer's choice. */
export function retentionName(customerId: string): string {
  return `retention:${customerId}`
}

/** @param stored the setting, or null for a customer that has not chosen; `defaultDays` then holds for all */
export function retentionOf(customerId: string, stored: JsonObject | null, defaultDays: number | null): RetentionDoc {
  const daysOf = (name: Kept): number | null => {
    const value = stored ? stored[name] : defaultDays
    return typeof value === 'number' ? value : null
  }
  return {
    customer_id: customerId,
    transcripts_days: daysOf('transcripts_days'),
    recordings_days: daysOf('recordings_days'),
    events_days: daysOf('events_days'),
    logs_days: daysOf('logs_days'),
    calls_days: daysOf('calls_days'),
    tm_update: stored && typeof stored['tm_update'] === 'string' ? stored['tm_update'] : null,
  }
}
