/** Activeflows: runs of a flow (contract §9.2). */

import { z } from 'zod'
import { optional, recordTimes, referenceIn, uuid, WEBHOOK_METHODS, webhookMethod, webhookUri } from './fields.ts'
import { actionSchema } from './flow.ts'

export const activeflowSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    flow_id: uuid,
    status: z.enum(['running', 'ended']),
    reference_type: z.enum(['', 'ai', 'api', 'call', 'campaign', 'conversation', 'transcribe', 'recording']),
    reference_id: uuid,
    reference_activeflow_id: uuid,
    on_complete_flow_id: uuid,
    webhook_uri: z.string(),
    webhook_method: z.enum(WEBHOOK_METHODS),
    current_action: actionSchema,
    forward_action_id: uuid,
    executed_actions: z.array(actionSchema),
    ...recordTimes,
  })
  .meta({ id: 'Activeflow' })

export type ActiveflowDoc = z.infer<typeof activeflowSchema>

/** `POST /activeflows`: a run without a call. */
export const activeflowRequest = z.object({
  id: referenceIn,
  flow_id: referenceIn,
  actions: optional(z.array(z.unknown())),
  variables: optional(z.record(z.string(), z.unknown())),
  webhook_uri: webhookUri,
  webhook_method: webhookMethod,
})
