/** 000's webhooks (contract §17): an address that is told of some events, in the flat dialect or in the standard envelope. */

import { z } from 'zod'
import { EVENTS } from './events.ts'
import { isHttpUrl, isLinkLocal, recordTimes, uuid, webhookMethod, webhookUri } from './fields.ts'

/** Names of the flat dialect; the first three are what one gets who names none. */
export const FLAT_EVENTS = [
  'call.initiated',
  'transcript',
  'call.ended',
  'call.answered',
  'call.connect_failed',
] as const
export type FlatName = (typeof FLAT_EVENTS)[number]
export const USUAL_EVENTS: readonly string[] = FLAT_EVENTS.slice(0, 3)

/** Names of §15 that may be asked for although nothing sends them yet. */
const PROMISED_EVENTS: readonly string[] = [
  ...['started', 'finished'].map((what) => `recording_${what}`),
  ...['conference', 'trunk', 'ai', 'summary'].flatMap((resource) =>
    ['created', 'updated', 'deleted'].map((what) => `${resource}_${what}`),
  ),
  ...['joining', 'joined', 'leaving', 'leaved'].map((what) => `conferencecall_${what}`),
  ...['initializing', 'progressing', 'pausing', 'resuming', 'terminating', 'terminated'].map(
    (status) => `aicall_status_${status}`,
  ),
  'aimessage_created',
  'aimessage_intermediate',
]

const NAMES = new Set<string>(['*', ...FLAT_EVENTS, ...Object.keys(EVENTS), ...PROMISED_EVENTS])

/** Most webhooks of one customer. */
export const MAX_WEBHOOKS = 100

export const webhookSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    url: z.string(),
    events: z.array(z.string()),
    method: z.enum(['POST', 'GET', 'PUT', 'DELETE']),
    ...recordTimes,
  })
  .meta({ id: 'Webhook' })

export type WebhookDoc = z.infer<typeof webhookSchema>

/** Absent or empty: the three usual ones. */
const eventNames = z.preprocess(
  (value) => value ?? undefined,
  z
    .array(z.string().refine((name) => NAMES.has(name), 'is not the name of an event'))
    .max(NAMES.size)
    .transform((names) => (names.length === 0 ? [...USUAL_EVENTS] : [...new Set(names)]))
    .optional(),
)

const url = z
  .string()
  .max(2048)
  .refine(isHttpUrl, 'must be an http or https URL')
  .refine((value) => !isLinkLocal(value), 'must not be a link-local address')

export const webhookRequest = z.object({ url, events: eventNames, method: webhookMethod })

/** "" keeps what is there. */
export const webhookChange = z.object({ url: webhookUri, events: eventNames, method: webhookMethod })
