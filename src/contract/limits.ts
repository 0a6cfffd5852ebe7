/** Limits of a customer (ours): how many calls, how long, to whom, and when. */

import { z } from 'zod'
import { time, uuid } from './fields.ts'

/** Highest values that may be set; an operator's own ceiling for calls at once may be lower. */
const MOST_CALLS = 5_000
const MOST_CALLS_PER_SECOND = 1_000
const MOST_MINUTES = 10_000_000
const MOST_PER_MINUTE = 1_000
const MOST_PREFIXES = 1_000

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time of day such as 09:00')
  .meta({ examples: ['09:00'] })

const prefix = z.string().regex(/^\+[1-9]\d{0,14}$/, 'must be the beginning of an E.164 number, such as +49')

const callingHours = z
  .object({
    timezone: z.string().refine(isTimezone, 'must be a time zone such as Europe/Berlin'),
    weekdays: z.array(z.enum(WEEKDAYS)).min(1),
    from: clockTime,
    to: clockTime,
  })
  .refine((hours) => hours.from !== hours.to, { message: 'must differ from "from"', path: ['to'] })

const callsAtOnce = z.int().min(0).max(MOST_CALLS)
const newCallsPerSecond = z.int().min(0).max(MOST_CALLS_PER_SECOND)
const minutesPerDay = z.int().min(0).max(MOST_MINUTES)

const settings = {
  calls_at_once: callsAtOnce.meta({ description: 'Calls that ring or talk at the same time, of either direction.' }),
  new_calls_per_second: newCallsPerSecond.meta({ description: 'Calls that begin within any second.' }),
  minutes_per_day: minutesPerDay.meta({
    description: 'Minutes of all calls of a day (UTC). A call that has begun is never cut for it; the next is refused.',
  }),
  allowed_prefixes: z.array(prefix).max(MOST_PREFIXES).meta({
    description:
      'Numbers of the public network that may be called begin with one of these. Empty: none may. Own numbers, extensions, agents and SIP addresses need no prefix.',
  }),
  per_destination_per_minute: z.int().min(0).max(MOST_PER_MINUTE).meta({
    description: 'Calls to the same destination within any minute.',
  }),
  calling_hours: callingHours.nullable().meta({
    description:
      'When numbers outside this server may be called: from "from" up to "to" on these weekdays in this time zone; with "to" before "from", over midnight. Null: always.',
  }),
}

export const DEFAULT_LIMITS = {
  calls_at_once: 500,
  new_calls_per_second: 100,
  minutes_per_day: 100_000,
  allowed_prefixes: [] as string[],
  per_destination_per_minute: 60,
  calling_hours: null as CallingHours | null,
}

export type CallingHours = z.infer<typeof callingHours>

export const limitsSchema = z.object({ customer_id: uuid, ...settings, tm_update: time.nullable() }).meta({
  id: 'Limits',
  examples: [{ customer_id: '7c4d2f3a-1b8e-4f5c-9a6d-3e2f1a0b4c5d', ...DEFAULT_LIMITS, tm_update: null }],
})

export type LimitsDoc = z.infer<typeof limitsSchema>
export type Limits = Pick<LimitsDoc, keyof typeof settings>

const kept = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema.optional())

/** What is absent stays as it is; `calling_hours` null allows all hours. */
export const limitsChange = z.object({
  calls_at_once: kept(settings.calls_at_once),
  new_calls_per_second: kept(settings.new_calls_per_second),
  minutes_per_day: kept(settings.minutes_per_day),
  allowed_prefixes: kept(settings.allowed_prefixes),
  per_destination_per_minute: kept(settings.per_destination_per_minute),
  calling_hours: callingHours.nullable().optional(),
})

/** Limits of one number, beside those of its customer. Absent: none of its own. */
export const numberLimits = z.object({
  calls_at_once: callsAtOnce.optional(),
  new_calls_per_second: newCallsPerSecond.optional(),
  minutes_per_day: minutesPerDay.optional(),
})

export type NumberLimits = z.infer<typeof numberLimits>

/** What a call was refused for: a setting above, `number.` before one of a number, or the law. */
export const LIMIT_NAMES = [
  'calls_at_once',
  'new_calls_per_second',
  'minutes_per_day',
  'number.calls_at_once',
  'number.new_calls_per_second',
  'number.minutes_per_day',
  'per_destination_per_minute',
  'allowed_prefixes',
  'calling_hours',
  'do_not_call',
  'emergency',
] as const

export type LimitName = (typeof LIMIT_NAMES)[number]

/** `limit_reached` (ours): a call was refused. At most one a second for each limit. */
export const limitReachedSchema = z.object({
  id: uuid,
  customer_id: uuid,
  limit: z.enum(LIMIT_NAMES),
  /** Of the error table. */
  reason: z.string(),
  direction: z.enum(['incoming', 'outgoing']),
  /** Who would have been called. */
  number: z.string(),
  tm_create: time,
})

export type LimitReachedDoc = z.infer<typeof limitReachedSchema>

/** The limits of a customer as stored, the defaults where nothing was set. */
export function limitsOf(doc: Readonly<Record<string, unknown>> | null): Limits {
  const read = limitsChange.safeParse(doc ?? {})
  const given = Object.entries(read.success ? read.data : {}).filter(([, value]) => value !== undefined)
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(given) }
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return name !== ''
  } catch {
    return false
  }
}
