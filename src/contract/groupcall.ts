/** Groupcalls (contract §8). */

import { z } from 'zod'
import { addressSchema } from './address.ts'
import { recordTimes, uuid } from './fields.ts'

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
