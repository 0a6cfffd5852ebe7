/** Transfers (contract §7.4): a call gives its other side to somebody else. */

import { z } from 'zod'
import { addressSchema, destinationsIn } from './address.ts'
import { time, timeOrNull, uuid } from './fields.ts'

export const TRANSFER_TYPES = ['attended', 'blind'] as const

export const transferSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    type: z.enum(TRANSFER_TYPES),
    transferer_call_id: uuid,
    transferee_addresses: z.array(addressSchema),
    transferee_call_id: uuid,
    groupcall_id: uuid,
    confbridge_id: uuid,
    tm_create: time,
    tm_update: time,
    tm_delete: timeOrNull,
  })
  .meta({ id: 'Transfer' })

export type TransferDoc = z.infer<typeof transferSchema>

/** `transferer_call_id` is any text here: no UUID, unknown and another customer's are refused alike (§1.4). */
export const transferRequest = z.object({
  transfer_type: z.enum(TRANSFER_TYPES),
  transferer_call_id: z.string().min(1),
  transferee_addresses: destinationsIn,
})
