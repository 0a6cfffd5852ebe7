/** Phone numbers (contract §5). */

import { z } from 'zod'
import { NIL_UUID } from '../kernel/ids.ts'
import { isE164 } from './address.ts'
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
} from './fields.ts'
import { pageSize, queryText } from './list.ts'

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
    tm_purchase: timeOrNull,
    tm_renew: timeOrNull,
    ...recordTimes,
  })
  .meta({ id: 'Number' })

export type NumberDoc = z.infer<typeof numberSchema>

export const numberRequest = z.object({
  number: z.string().refine(isE164, 'must be in E.164 form, such as +15551234567'),
  type: optional(z.enum(NUMBER_TYPES)),
  name: text,
  detail: text,
  call_flow_id: referenceIn,
  message_flow_id: referenceIn,
})

export const numberChange = z.object({
  name: clearableText,
  detail: clearableText,
  call_flow_id: referenceChange,
  message_flow_id: referenceChange,
})

export const numberFlowsChange = z.object({ call_flow_id: referenceChange, message_flow_id: referenceChange })

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
    tm_purchase: number.tmCreate,
    tm_renew: null,
    tm_create: number.tmCreate,
    tm_update: number.tmCreate,
    tm_delete: null,
  }
}
