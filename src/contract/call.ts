/** Calls (contract §7). */

import { z } from 'zod'
import { addressIn, addressSchema, destinationsIn } from './address.ts'
import { jsonObject, optional, recordTimes, referenceIn, timeOrNull, uuid } from './fields.ts'
import { actionSchema } from './flow.ts'
import { groupcallSchema } from './groupcall.ts'

export const CALL_STATUSES = ['dialing', 'ringing', 'progressing', 'terminating', 'canceling', 'hangup'] as const
export type CallStatus = (typeof CALL_STATUSES)[number]

export const HANGUP_REASONS = ['normal', 'failed', 'busy', 'cancel', 'timeout', 'noanswer', 'dialout', 'amd'] as const
export type HangupReason = (typeof HANGUP_REASONS)[number]

export const callSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    owner_type: z.string(),
    owner_id: uuid,
    flow_id: uuid,
    activeflow_id: uuid,
    type: z.enum(['', 'flow', 'conference', 'sip-service']),
    master_call_id: uuid,
    chained_call_ids: z.array(uuid),
    recording_id: uuid,
    recording_ids: z.array(uuid),
    groupcall_id: uuid,
    source: addressSchema,
    destination: addressSchema,
    status: z.enum(CALL_STATUSES),
    action: actionSchema,
    direction: z.enum(['incoming', 'outgoing']),
    mute_direction: z.enum(['', 'both', 'in', 'out']),
    hangup_by: z.enum(['', 'remote', 'local']),
    hangup_reason: z.union([z.literal(''), z.enum(HANGUP_REASONS)]),
    metadata: jsonObject,
    tm_ringing: timeOrNull,
    tm_progressing: timeOrNull,
    tm_hangup: timeOrNull,
    ...recordTimes,
  })
  .meta({ id: 'Call' })

export type CallDoc = z.infer<typeof callSchema>

/** `POST /calls` (§7.5). `actions` are read apart (`readActions`), because they need ids. */
export const callRequest = z.object({
  source: optional(addressIn),
  destinations: destinationsIn,
  flow_id: referenceIn,
  actions: optional(z.array(z.unknown())),
  variables: optional(z.record(z.string(), z.unknown())),
  anonymous: optional(z.enum(['yes', 'no', 'auto'])),
})

/** Both are filled, always (§7.5). */
export const callsAnswer = z.object({ calls: z.array(callSchema), groupcalls: z.array(groupcallSchema) })
