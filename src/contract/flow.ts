/** Flows and their actions (contract §9.1, §9.3, §9.4). */

import { z } from 'zod'
import { isUuid, NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { AppError } from './errors.ts'
import {
  clearableText,
  jsonObject,
  optional,
  recordTimes,
  referenceChange,
  referenceIn,
  text,
  timeOrNull,
  uuid,
  WEBHOOK_METHODS,
  webhookMethod,
  webhookUri,
} from './fields.ts'

export const actionSchema = z
  .object({ id: uuid, next_id: uuid, type: z.string(), option: jsonObject, tm_execute: timeOrNull.exactOptional() })
  .meta({ id: 'Action' })

export type ActionDoc = z.infer<typeof actionSchema>

const optionText = z.preprocess((value) => value ?? undefined, z.string().optional())
const directionOption = optional(z.string())

/** Options of the actions that run in this release. Unknown options are kept as they are. */
export const ACTION_OPTIONS = {
  answer: z.looseObject({}),
  talk: z.looseObject({
    text: z.string().min(1),
    language: optionText,
    provider: optionText,
    voice_id: optionText,
    gender: optional(z.enum(['male', 'female', 'neutral'])),
    voice: optionText,
    digits_handle: optional(z.enum(['next'])),
    async: z.preprocess((value) => value ?? undefined, z.boolean().optional()),
  }),
  sleep: z.looseObject({ duration: z.number().min(0).describe('Milliseconds') }),
  transcribe_start: z.looseObject({
    language: z.string().min(1),
    direction: directionOption,
    provider: optionText,
    on_end_flow_id: referenceIn,
  }),
  hangup: z.looseObject({ reason: optionText, reference_id: optionText }),
} as const satisfies Record<string, z.ZodType>

export type ActionType = keyof typeof ACTION_OPTIONS

/** Types of §9.4 that this release does not run. */
export const LATER_ACTIONS: readonly string[] = [
  'transcribe_stop',
  'ai_talk',
  'play',
  'connect',
  'call',
  'digits_receive',
  'digits_send',
  'branch',
  'goto',
  'condition_variable',
  'condition_datetime',
  'condition_call_digits',
  'condition_call_status',
  'conference_join',
  'confbridge_join',
  'recording_start',
  'recording_stop',
  'transcribe_recording',
  'webhook_send',
  'fetch',
  'fetch_flow',
  'variable_set',
  'beep',
  'echo',
  'stream_echo',
  'mute',
  'amd',
  'ai_summary',
  'ai_task',
  'external_media_start',
  'external_media_stop',
  'block',
  'stop',
  'empty',
  'message_send',
  'queue_join',
  'email_send',
  'conversation_send',
  'case_create',
]

/** Most actions of one list. */
export const MAX_ACTIONS = 1000

const idOrNone = z.preprocess(
  (value) => (value === null || value === '' ? undefined : value),
  z
    .string()
    .refine(isUuid, 'must be a UUID')
    .transform((id) => id.toLowerCase())
    .optional(),
)

const actionIn = z.object({
  id: idOrNone,
  next_id: idOrNone,
  type: z.string(),
  option: z.preprocess((value) => value ?? {}, z.record(z.string(), z.unknown())),
})

/**
 * Checks a list of actions as a client sent it, and fills in missing ids.
 *
 * @param newId makes a version 4 UUID
 * @throws AppError INVALID_ARGUMENT for a wrong action, an unknown type, one that this release does not run, an id used
 *   twice or a `next_id` outside the list
 */
export function readActions(list: readonly unknown[], newId: () => string): ActionDoc[] {
  if (list.length > MAX_ACTIONS) throw refused('actions', `must not be more than ${MAX_ACTIONS}`)
  const actions = list.map((item, at) => readAction(item, `actions.${at}`, newId))
  const ids = new Set(actions.map((action) => action.id))
  if (ids.size < actions.length) throw refused('actions', 'two actions have the same id')
  actions.forEach((action, at) => {
    if (action.next_id !== NIL_UUID && !ids.has(action.next_id)) {
      throw refused(`actions.${at}.next_id`, 'names no action of this list')
    }
  })
  return actions
}

function readAction(item: unknown, path: string, newId: () => string): ActionDoc {
  const action = parsed(actionIn, item, path)
  if (!isActionType(action.type)) {
    const known = LATER_ACTIONS.includes(action.type)
    throw refused(`${path}.type`, `"${action.type}" is ${known ? 'not available in this release' : 'unknown'}`)
  }
  return {
    id: action.id ?? newId(),
    next_id: action.next_id ?? NIL_UUID,
    type: action.type,
    option: parsed<JsonObject>(ACTION_OPTIONS[action.type] as z.ZodType<JsonObject>, action.option, `${path}.option`),
    tm_execute: null,
  }
}

function isActionType(type: string): type is ActionType {
  return Object.hasOwn(ACTION_OPTIONS, type)
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw refused([path, ...(issue?.path ?? [])].join('.'), issue?.message ?? 'is wrong')
}

function refused(field: string, why: string): AppError {
  return new AppError('INVALID_ARGUMENT', { message: `${field}: ${why}`, details: [{ field, message: why }] })
}

// ---------------------------------------------------------------- flows

const transcriptionSchema = z.object({
  enabled: z.boolean(),
  language: z.string(),
  interim_results: z.boolean(),
})

export const flowSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    type: z.enum(['flow', 'conference', 'queue', 'campaign', 'transfer']),
    name: z.string(),
    detail: z.string(),
    actions: z.array(actionSchema),
    direct_hash: z.string(),
    on_complete_flow_id: uuid,
    /** The three of the flat dialect (§17): shown when set. */
    webhook_url: z.string().exactOptional(),
    webhook_method: z.enum(WEBHOOK_METHODS).exactOptional(),
    transcription: transcriptionSchema.exactOptional(),
    ...recordTimes,
  })
  .meta({ id: 'Flow' })

export type FlowDoc = z.infer<typeof flowSchema>

const transcriptionIn = optional(
  z.object({
    enabled: z.preprocess((value) => value ?? undefined, z.boolean().default(false)),
    language: text,
    interim_results: z.preprocess((value) => value ?? undefined, z.boolean().default(false)),
  }),
)

export const flowRequest = z.object({
  name: z.string().min(1),
  detail: text,
  actions: optional(z.array(z.unknown())),
  on_complete_flow_id: referenceIn,
  webhook_url: webhookUri,
  webhook_method: webhookMethod,
  transcription: transcriptionIn,
})

export const flowChange = z.object({
  name: clearableText,
  detail: clearableText,
  actions: optional(z.array(z.unknown())),
  on_complete_flow_id: referenceChange,
  webhook_url: webhookUri,
  webhook_method: webhookMethod,
  transcription: transcriptionIn,
})

/** The optional fields of a flow, left out when they say nothing. */
export function flatDialect(fields: {
  readonly webhook_url?: string | undefined
  readonly webhook_method?: FlowDoc['webhook_method'] | undefined
  readonly transcription?: FlowDoc['transcription'] | undefined
}): Pick<FlowDoc, 'webhook_url' | 'webhook_method' | 'transcription'> {
  return {
    ...(fields.webhook_url ? { webhook_url: fields.webhook_url } : {}),
    ...(fields.webhook_method ? { webhook_method: fields.webhook_method } : {}),
    ...(fields.transcription ? { transcription: fields.transcription } : {}),
  }
}

export interface NewFlow extends Pick<FlowDoc, 'webhook_url' | 'webhook_method' | 'transcription'> {
  readonly id: string
  readonly customerId: string
  readonly name: string
  readonly detail?: string
  readonly actions: readonly ActionDoc[]
  readonly onCompleteFlowId?: string
  /** Timestamp of the wire. */
  readonly tmCreate: string
}

export function newFlow(flow: NewFlow): FlowDoc {
  return {
    id: flow.id,
    customer_id: flow.customerId,
    type: 'flow',
    name: flow.name,
    detail: flow.detail ?? '',
    actions: [...flow.actions],
    direct_hash: '',
    on_complete_flow_id: flow.onCompleteFlowId ?? NIL_UUID,
    ...flatDialect(flow),
    tm_create: flow.tmCreate,
    tm_update: flow.tmCreate,
    tm_delete: null,
  }
}
