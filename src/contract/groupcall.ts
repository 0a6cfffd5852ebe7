/** Groupcalls (contract §8). */

import { z } from 'zod'
import { addressIn, addressSchema, destinationsIn } from './address.ts'
import { optional, recordTimes, referenceIn, uuid } from './fields.ts'

export const groupcallSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    owner_type: z.string(),
    owner_id: uuid,
    status: z.enum(['progressing', 'hangingup', 'hangup']),
    flow_id: uuid,
    source: addressSchema,
    destinations: z.array(addressSchema),
    master_call_id: uuid,
    master_groupcall_id: uuid,
    ring_method: z.enum(['', 'ring_all', 'linear']),
    answer_method: z.enum(['', 'hangup_others']),
    answer_call_id: uuid,
    call_ids: z.array(uuid),
    answer_groupcall_id: uuid,
    groupcall_ids: z.array(uuid),
    call_count: z.int(),
    groupcall_count: z.int(),
    dial_index: z.int(),
    ...recordTimes,
  })
  .meta({ id: 'Groupcall' })

export type GroupcallDoc = z.infer<typeof groupcallSchema>

/** `POST /groupcalls`. Without a `flow_id` the `actions` run on the call that is answered. */
export const groupcallRequest = z.object({
  source: optional(addressIn),
  destinations: destinationsIn,
  ring_method: optional(z.enum(['ring_all', 'linear'])),
  answer_method: optional(z.enum(['hangup_others'])),
  flow_id: referenceIn,
  actions: optional(z.array(z.unknown())),
  variables: optional(z.record(z.string(), z.unknown())),
  anonymous: optional(z.enum(['yes', 'no', 'auto'])),
})

export type GroupcallRequest = z.infer<typeof groupcallRequest>
