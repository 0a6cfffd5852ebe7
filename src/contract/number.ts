/** Phone numbers (contract §5). */

import { z } from 'zod'
import { NIL_UUID, parseTimestamp } from '../kernel/ids.ts'
import { isE164 } from './address.ts'
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
} from './fields.ts'
import { numberLimits } from './limits.ts'
import { pageSize, queryText } from './list.ts'
import { emergencyKindOf } from './phone-number.ts'

/** Virtual numbers start so; those under `RESERVED_PREFIX` are not offered. */
export const VIRTUAL_PREFIX = '+899'
export const RESERVED_PREFIX = '+899000'

export const NUMBER_TYPES = ['normal', 'virtual'] as const

export const numberSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    number: z.string(),
    type: z.enum(NUMBER_TYPES),
    call_flow_id: uuid,
    message_flow_id: uuid,
    name: z.string(),
    detail: z.string(),
    status: z.enum(['active', 'deleted']),
    t38_enabled: z.boolean(),
    emergency_enabled: z.boolean(),
    metadata: jsonObject,
    /** Ours; shown when set. */
    limits: numberLimits.optional(),
    /** Ours; shown when set: said first to every caller, and cannot be interrupted. */
    disclosure: z.string().optional(),
    tm_purchase: timeOrNull,
    tm_renew: timeOrNull,
    ...recordTimes,
  })
  .meta({ id: 'Number' })

export type NumberDoc = z.infer<typeof numberSchema>

/** Longest text a voice may say in one go. */
const MAX_DISCLOSURE_CHARS = 5_000
const disclosureText = z
  .string()
  .refine((value) => codePoints(value) <= MAX_DISCLOSURE_CHARS, `must have at most ${MAX_DISCLOSURE_CHARS} characters`)

export const numberRequest = z.object({
  number: z
    .string()
    .refine(isE164, 'must be in E.164 form, such as +15551234567')
    .refine((number) => emergencyKindOf(number, '') === null, 'must not be an emergency number')
    .meta({ examples: ['+15551234567'] }),
  type: optional(z.enum(NUMBER_TYPES)),
  name: text,
  detail: text,
  call_flow_id: referenceIn,
  message_flow_id: referenceIn,
  limits: optional(numberLimits),
  disclosure: optional(disclosureText),
})

export const numberChange = z.object({
  name: clearableText,
  detail: clearableText,
  call_flow_id: referenceChange,
  message_flow_id: referenceChange,
  limits: optional(numberLimits),
  /** "" takes it away. */
  disclosure: z.preprocess((value) => value ?? undefined, disclosureText.optional()),
})

export const numberFlowsChange = z.object({ call_flow_id: referenceChange, message_flow_id: referenceChange })

/** Nothing is bought here, so nothing ends: the time is noted. */
export const renewRequest = z.object({
  tm_renew: optional(
    z
      .string()
      .refine((value) => parseTimestamp(value) !== null, 'must be a timestamp')
      .meta({ examples: ['2027-01-15T09:30:00.000000Z'] }),
  ),
})

export const availableNumbersQuery = z.object({ country_code: queryText, type: queryText, page_size: pageSize })

export const availableNumberSchema = z.object({
  number: z.string(),
  country: z.string(),
  region: z.string(),
  postal_code: z.string(),
  features: z.array(z.string()),
})

export type AvailableNumberDoc = z.infer<typeof availableNumberSchema>

export interface NewNumber {
  readonly id: string
  readonly customerId: string
  /** E.164, with the `+`. */
  readonly number: string
  readonly type?: NumberDoc['type'] | undefined
  readonly name?: string
  readonly detail?: string
  readonly callFlowId?: string
  readonly messageFlowId?: string
  readonly limits?: NumberDoc['limits']
  readonly disclosure?: string | undefined
  /** Timestamp of the wire. */
  readonly tmCreate: string
}

export function newNumber(number: NewNumber): NumberDoc {
  return {
    id: number.id,
    customer_id: number.customerId,
    number: number.number,
    type: number.type ?? (number.number.startsWith(VIRTUAL_PREFIX) ? 'virtual' : 'normal'),
    call_flow_id: number.callFlowId ?? NIL_UUID,
    message_flow_id: number.messageFlowId ?? NIL_UUID,
    name: number.name ?? '',
    detail: number.detail ?? '',
    status: 'active',
    t38_enabled: false,
    emergency_enabled: false,
    metadata: {},
    ...(number.limits === undefined ? {} : { limits: number.limits }),
    ...(number.disclosure === undefined ? {} : { disclosure: number.disclosure }),
    tm_purchase: number.tmCreate,
    tm_renew: null,
    tm_create: number.tmCreate,
    tm_update: number.tmCreate,
    tm_delete: null,
  }
}
