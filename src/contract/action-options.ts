/**
 * Options of the flow actions (contract §9.4), checked twice: as a client sends them, when an option that holds a variable
 * (`${name}`) is left alone, and just before the action runs, when all are filled in. Unknown options are kept.
 */

import { z } from 'zod'
import { NIL_UUID } from '../kernel/ids.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { addressIn, destinationsIn, MAX_DESTINATIONS } from './address.ts'
import { codePoints, isHttpUrl, optional, referenceIn } from './fields.ts'

const MAX_TEXT = 5000
const MAX_URL = 2048
const MAX_BODY = 64 * 1024
const MAX_URLS = 100
const DAY_MS = 86_400_000

const CONDITIONS = ['==', '!=', '>', '>=', '<', '<='] as const
const HTTP_METHODS = ['POST', 'GET', 'PUT', 'DELETE'] as const
const CALL_STATUSES = ['dialing', 'ringing', 'progressing', 'terminating', 'canceling', 'hangup'] as const

const nullIsAbsent = (value: unknown): unknown => value ?? undefined

const none = z.looseObject({})
const text = z.preprocess(nullIsAbsent, z.string().optional())
const spoken = z
  .string()
  .min(1)
  .refine((value) => codePoints(value) <= MAX_TEXT, `must not be longer than ${MAX_TEXT} characters`)

/** A variable's value is a text, also where a number is wanted. */
const number = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : nullIsAbsent(value)),
    schema,
  )
const whole = (least: number, most: number) => number(z.int().min(least).max(most).optional())
const durationMs = number(z.number().min(0).max(DAY_MS)).describe('Milliseconds')
const yes = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' || value === '' ? false : nullIsAbsent(value)),
  z.boolean().optional(),
)
const httpUrl = z.string().max(MAX_URL).refine(isHttpUrl, 'must be an http or https URL')
const soundUrl = z
  .string()
  .max(MAX_URL)
  .refine((url) => isHttpUrl(url) || (/^file:./i.test(url) && URL.canParse(url)), 'must be an http, https or file URL')
const digits = (least: number, most: number) =>
  z
    .string()
    .min(least)
    .max(most)
    .regex(/^[0-9A-D#*]*$/, 'may hold 0 to 9, A to D, # and * only')
const anonymous = z.preprocess(
  (value) => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : nullIsAbsent(value)),
  z.enum(['', 'yes', 'no', 'auto']).optional(),
)
const source = z.preprocess(nullIsAbsent, addressIn.optional())
/** Of every action type that is accepted in this release. */
export const ACTION_OPTIONS = {
  answer: none,
  transcribe_start: z.looseObject({
    language: z.string().min(1),
    direction: text,
    provider: text,
    on_end_flow_id: referenceIn,
  }),
  transcribe_stop: none,
  talk: z.looseObject({
    text: spoken,
    language: text,
    provider: text,
    voice_id: text,
    gender: optional(z.enum(['male', 'female', 'neutral'])),
    voice: text,
    digits_handle: optional(z.enum(['next'])),
    async: yes,
  }),
  sleep: z.looseObject({ duration: durationMs }),
  hangup: z.looseObject({ reason: text, reference_id: text }),
  play: z.looseObject({ stream_urls: z.array(soundUrl).min(1).max(MAX_URLS) }),
  connect: z.looseObject({
    source,
    destinations: destinationsIn,
    early_media: yes,
    relay_reason: yes,
    anonymous,
  }),
  call: z.looseObject({
    source,
    destinations: destinationsIn,
    flow_id: referenceIn,
    /** Read like any list of actions, by `readActions`. */
    actions: z.preprocess(nullIsAbsent, z.array(z.unknown()).optional()),
    chained: yes,
    early_execution: yes,
    anonymous,
  }),
  digits_receive: z.looseObject({
    duration: number(z.number().min(0).max(DAY_MS).optional()),
    length: whole(0, 100),
    key: optional(digits(0, 16)),
  }),
  digits_send: z.looseObject({
    digits: digits(1, 100),
    duration: whole(100, 1000),
    interval: whole(0, 5000),
  }),
  branch: z.looseObject({
    variable: text,
    target_ids: z.preprocess((value) => value ?? {}, z.record(z.string(), referenceIn)),
    default_target_id: referenceIn,
  }),
  goto: z.looseObject({ target_id: referenceIn, loop_count: whole(0, 1_000_000) }),
  condition_variable: z.looseObject({
    condition: z.enum(CONDITIONS),
    variable: z.string(),
    value_type: optional(z.enum(['string', 'number', 'length'])),
    value_string: text,
    value_number: number(z.number().optional()),
    value_length: number(z.number().optional()),
    false_target_id: referenceIn,
  }),
  condition_datetime: z.looseObject({
    condition: z.enum(CONDITIONS),
    minute: whole(-1, 59),
    hour: whole(-1, 23),
    day: whole(-1, 31),
    month: whole(-1, 12),
    weekdays: z.preprocess(nullIsAbsent, z.array(z.int().min(0).max(6)).optional()).describe('0 is Sunday'),
    false_target_id: referenceIn,
  }),
  condition_call_digits: z.looseObject({
    length: whole(0, 100),
    key: optional(digits(0, 100)),
    false_target_id: referenceIn,
  }),
  condition_call_status: z.looseObject({
    status: z.enum(CALL_STATUSES),
    false_target_id: referenceIn,
  }),
  webhook_send: z.looseObject({
    sync: yes,
    uri: httpUrl,
    method: optional(z.enum(HTTP_METHODS)),
    data_type: text,
    data: z.preprocess(nullIsAbsent, z.string().max(MAX_BODY).optional()),
  }),
  fetch: z.looseObject({ event_url: httpUrl, event_method: optional(z.enum(HTTP_METHODS)) }),
  fetch_flow: z.looseObject({ flow_id: referenceIn.refine((id) => id !== NIL_UUID, 'is needed') }),
  variable_set: z.looseObject({ key: z.string().min(1).max(256), value: text }),
  beep: none,
  echo: z.looseObject({ duration: durationMs }),
  stream_echo: z.looseObject({ duration: durationMs }),
  mute: z.looseObject({ direction: optional(z.enum(['in', 'out', 'both'])) }),
  block: none,
  stop: none,
  empty: none,
  message_send: z.looseObject({
    source,
    destinations: z.array(addressIn).min(1).max(MAX_DESTINATIONS),
    text: spoken,
  }),
  // Accepted, and skipped when their turn comes.
  ai_task: none,
  external_media_start: none,
  external_media_stop: none,
  queue_join: none,
  email_send: none,
  conversation_send: none,
  case_create: none,
} as const satisfies Record<string, z.ZodObject>

export type ActionType = keyof typeof ACTION_OPTIONS

export function isActionType(type: string): type is ActionType {
  return Object.hasOwn(ACTION_OPTIONS, type)
}

/** Types of §9.4 that are refused: their parts are not built yet. */
export const LATER_ACTIONS: readonly string[] = [
  'ai_talk',
  'ai_summary',
  'amd',
  'conference_join',
  'confbridge_join',
  'recording_start',
  'recording_stop',
  'transcribe_recording',
]

/** True when a text in it names a variable. */
export function holdsVariable(value: unknown): boolean {
  if (typeof value === 'string') return /\$\{[^}]*\}/.test(value)
  return value !== null && typeof value === 'object' && Object.values(value).some(holdsVariable)
}

export type OptionRead =
  | { readonly ok: true; readonly option: JsonObject }
  | { readonly ok: false; readonly field: string; readonly why: string }

/** @param sent true: an option that holds a variable passes as it is. False: all are filled in */
export function readOption(type: ActionType, given: JsonObject, sent: boolean): OptionRead {
  const schema: z.ZodObject = ACTION_OPTIONS[type]
  // The actions of a `call` have their own turn, and variables of their own.
  const kept = sent ? Object.entries(given).filter(([name, value]) => name !== 'actions' && holdsVariable(value)) : []
  const rest: Record<string, Json | undefined> = { ...given }
  const unread: Record<string, true> = {}
  for (const [name] of kept) {
    delete rest[name]
    if (Object.hasOwn(schema.shape, name)) unread[name] = true
  }
  const read = (Object.keys(unread).length === 0 ? schema : schema.omit(unread)).safeParse(rest)
  if (read.success) return { ok: true, option: { ...(read.data as JsonObject), ...Object.fromEntries(kept) } }
  const issue = read.error.issues[0]
  return { ok: false, field: (issue?.path ?? []).join('.'), why: issue?.message ?? 'is wrong' }
}
