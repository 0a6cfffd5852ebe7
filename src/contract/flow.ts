/** Flows and their actions (contract §9.1, §9.3, §9.4). */

import { z } from 'zod'
import { isUuid, NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { isActionType, LATER_ACTIONS, readOption } from './action-options.ts'
import { AppError } from './errors.ts'
import {
  clearableText,
  codePoints,
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

/** Most lists within each other: an action `call` carries the actions of the call it makes. */
const MAX_DEPTH = 3

/** Options that name another action of the same list. */
const TARGETS = ['target_id', 'false_target_id', 'default_target_id'] as const

/**
 * Checks a list of actions as a client sent it, and fills in missing ids. What holds a variable is checked when it runs.
 *
 * @param newId makes a version 4 UUID
 * @throws AppError INVALID_ARGUMENT for a wrong action, an unknown type, one that this release does not run, an id used
 *   twice, or a `next_id` or target outside the list
 */
export function readActions(list: readonly unknown[], newId: () => string): ActionDoc[] {
  return readList(list, 'actions', 1, { newId, room: MAX_ACTIONS })
}

/** `room`: how many actions more there may be, over all depths. */
interface Reading {
  readonly newId: () => string
  room: number
}

function readList(list: readonly unknown[], path: string, depth: number, reading: Reading): ActionDoc[] {
  reading.room -= list.length
  if (reading.room < 0) throw refused(path, `must not be more than ${MAX_ACTIONS}`)
  if (depth > MAX_DEPTH) throw refused(path, `must not be deeper than ${MAX_DEPTH} lists`)
  const actions = list.map((item, at) => readAction(item, `${path}.${at}`, depth, reading))
  const ids = new Set(actions.map((action) => action.id))
  if (ids.size < actions.length) throw refused(path, 'two actions have the same id')
  actions.forEach((action, at) => {
    for (const [field, id] of targetsOf(action)) {
      if (id !== NIL_UUID && !ids.has(id.toLowerCase()))
        throw refused(`${path}.${at}.${field}`, 'names no action of this list')
    }
  })
  return actions
}

/** Everything in an action that must be an id of its own list; what holds a variable is left to the run. */
function targetsOf(action: ActionDoc): [field: string, id: string][] {
  const targets: [string, unknown][] = [['next_id', action.next_id]]
  for (const name of TARGETS) targets.push([`option.${name}`, action.option[name]])
  const byValue = action.option['target_ids']
  if (action.type === 'branch' && byValue !== null && typeof byValue === 'object') {
    for (const [value, id] of Object.entries(byValue)) targets.push([`option.target_ids.${value}`, id])
  }
  return targets.filter((target): target is [string, string] => isUuid(target[1]))
}

function readAction(item: unknown, path: string, depth: number, reading: Reading): ActionDoc {
  const action = parsed(actionIn, item, path)
  if (!isActionType(action.type)) {
    const known = LATER_ACTIONS.includes(action.type)
    throw refused(`${path}.type`, `"${action.type}" is ${known ? 'not available in this release' : 'unknown'}`)
  }
  const read = readOption(action.type, action.option as JsonObject, true)
  if (!read.ok) throw refused([path, 'option', read.field].filter((part) => part !== '').join('.'), read.why)
  const { option } = read
  const inner = action.type === 'call' ? (option['actions'] as readonly unknown[] | undefined) : undefined
  return {
    id: action.id ?? reading.newId(),
    next_id: action.next_id ?? NIL_UUID,
    type: action.type,
    option: inner ? { ...option, actions: readList(inner, `${path}.option.actions`, depth + 1, reading) } : option,
    tm_execute: null,
  }
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
    /** Ours: said first on every call of this flow, cannot be cut. Shown when set. */
    disclosure: z.string().exactOptional(),
    ...recordTimes,
  })
  .meta({ id: 'Flow' })

export type FlowDoc = z.infer<typeof flowSchema>

const MAX_DISCLOSURE = 1000

const disclosureIn = z.preprocess(
  (value) => value ?? undefined,
  z
    .string()
    .refine((value) => codePoints(value) <= MAX_DISCLOSURE, `must not be longer than ${MAX_DISCLOSURE} characters`)
    .optional(),
)

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
  disclosure: disclosureIn,
})

export const flowChange = z.object({
  name: clearableText,
  detail: clearableText,
  actions: optional(z.array(z.unknown())),
  on_complete_flow_id: referenceChange,
  webhook_url: webhookUri,
  webhook_method: webhookMethod,
  transcription: transcriptionIn,
  disclosure: disclosureIn,
})

/** The optional fields of a flow, left out when they say nothing. */
export function flatDialect(fields: {
  readonly webhook_url?: string | undefined
  readonly webhook_method?: FlowDoc['webhook_method'] | undefined
  readonly transcription?: FlowDoc['transcription'] | undefined
  readonly disclosure?: string | undefined
}): Pick<FlowDoc, 'webhook_url' | 'webhook_method' | 'transcription' | 'disclosure'> {
  return {
    ...(fields.webhook_url ? { webhook_url: fields.webhook_url } : {}),
    ...(fields.webhook_method ? { webhook_method: fields.webhook_method } : {}),
    ...(fields.transcription ? { transcription: fields.transcription } : {}),
    ...(fields.disclosure ? { disclosure: fields.disclosure } : {}),
  }
}

export interface NewFlow extends Pick<FlowDoc, 'webhook_url' | 'webhook_method' | 'transcription' | 'disclosure'> {
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
