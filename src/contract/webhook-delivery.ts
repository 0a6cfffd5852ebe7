/** Deliveries of events to webhooks (ours): what was sent where, and what became of it. */

import { z } from 'zod'
import { jsonObject, time, uuid } from './fields.ts'
import { listQuery, queryText } from './list.ts'

const STATES = ['pending', 'delivered', 'dead'] as const

export const webhookDeliverySchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    event_id: uuid,
    event_type: z.string().describe('As the receiver is told it: a name of the flat dialect where it speaks that'),
    call_id: uuid.describe('The nil UUID for an event that belongs to no call'),
    destination: z.object({ method: z.string(), url: z.string(), dialect: z.enum(['standard', 'flat']) }),
    state: z.enum(STATES).describe('dead: given up'),
    attempts: z.int().min(0),
    last: jsonObject.describe('How the last attempt ended: a status, or an error'),
    tm_create: time.describe('Of the event'),
    tm_due: time.describe('When the next attempt starts, or the last one was due'),
  })
  .meta({ id: 'WebhookDelivery' })

export type WebhookDeliveryDoc = z.infer<typeof webhookDeliverySchema>

export const webhookDeliveryWithBody = webhookDeliverySchema
  .extend({ body: z.string().describe('As it is sent') })
  .meta({ id: 'WebhookDeliveryWithBody' })

export type WebhookDeliveryWithBodyDoc = z.infer<typeof webhookDeliveryWithBody>

export const webhookDeliveryQuery = listQuery.extend({
  state: z.preprocess((value) => (Array.isArray(value) ? value[0] : value) || undefined, z.enum(STATES).optional()),
  event_type: queryText,
  call_id: queryText,
})
