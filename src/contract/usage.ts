/** What calls used (ours): seconds and characters, whoever charges for them. */

import { z } from 'zod'
import { time, uuid } from './fields.ts'
import { pageSize, queryText } from './list.ts'

const counts = {
  call_seconds: z.number().meta({ description: 'From answer to hang-up.' }),
  stt_seconds: z.number().meta({ description: 'Audio that recognisers were given. Silence is never given to them.' }),
  tts_characters: z
    .number()
    .meta({ description: 'Unicode characters of the clauses that were synthesised; none of what was cut before.' }),
  tts_characters_cached: z.number().meta({
    description: 'Characters of clauses that were said from a cache, without synthesis. Not in tts_characters.',
  }),
}

const perEngine = z.record(z.string(), z.number())

/** By the name of the engine. */
const engines = z.object({ stt_seconds: perEngine, tts_characters: perEngine })

/** One row a call, written when it is over. */
export const callUsageSchema = z
  .object({
    call_id: uuid,
    customer_id: uuid,
    day: z.string(),
    calls: z.literal(1),
    ...counts,
    engines,
    tm_create: time,
  })
  .meta({ id: 'CallUsage' })

export type CallUsageDoc = z.infer<typeof callUsageSchema>

export const dayUsageSchema = z.object({ day: z.string(), calls: z.int(), ...counts, engines }).meta({ id: 'DayUsage' })

export type DayUsageDoc = z.infer<typeof dayUsageSchema>

export const usageAnswer = z.object({
  result: z.array(z.union([callUsageSchema, dayUsageSchema])),
  next_page_token: z.string(),
})

const DAY = /^\d{4}-\d{2}-\d{2}$/
const moment = (which: string) =>
  z.preprocess(
    (value) => (Array.isArray(value) ? value[0] : value) || undefined,
    z
      .string()
      .refine((value) => momentOf(value) !== null, 'must be a day such as 2026-01-31, or a timestamp')
      .optional()
      .meta({ description: which }),
  )

export const usageQuery = z.object({
  from: moment('First day or moment (UTC); 31 days before "to" unless given.'),
  to: moment('Day or moment (UTC) that is not counted any more; now unless given.'),
  group: z.preprocess(
    (value) => (Array.isArray(value) ? value[0] : value) || undefined,
    z.enum(['day', 'call']).default('day'),
  ),
  page_size: pageSize,
  page_token: queryText,
})

/** @returns microseconds since 1970 of a day's beginning or a timestamp, or null */
export function momentOf(value: string): number | null {
  const text = DAY.test(value) ? `${value}T00:00:00Z` : /^\d{4}-\d{2}-\d{2}[T ]/.test(value) ? zoned(value) : ''
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms * 1000
}

/** The day of the calendar, UTC: `2026-01-31`. */
export function dayOf(micros: number): string {
  return new Date(Math.floor(micros / 1000)).toISOString().slice(0, 10)
}

/** Sums of fractions keep to whole milliseconds. */
export function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}

function zoned(value: string): string {
  const text = value.replace(' ', 'T')
  return /(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`
}
