/** The customer: an account and where its events go (contract §3). */

import { z } from 'zod'
import { NIL_UUID } from '../kernel/ids.ts'
import {
  clearableText,
  jsonObject,
  recordTimes,
  timeOrNull,
  uuid,
  WEBHOOK_METHODS,
  webhookMethod,
  webhookUri,
} from './fields.ts'

export const customerSchema = z
  .object({
    id: uuid,
    name: z.string(),
    detail: z.string(),
    email: z.string(),
    phone_number: z.string(),
    address: z.string(),
    webhook_method: z.enum(WEBHOOK_METHODS),
    webhook_uri: z.string(),
    /** Key of the signature of §16. Shown to the owner only, never in events. */
    webhook_secret: z.string(),
    status: z.enum(['initial', 'active', 'frozen', 'deleted', 'expired']),
    identity_verification_status: z.enum(['none', 'pending', 'verified', 'rejected']),
    email_verified: z.boolean(),
    billing_account_id: uuid,
    metadata: jsonObject,
    tm_deletion_scheduled: timeOrNull,
    ...recordTimes,
  })
  .meta({ id: 'Customer' })

export type CustomerDoc = z.infer<typeof customerSchema>

export const customerChange = z.object({
  name: clearableText,
  detail: clearableText,
  email: clearableText,
  phone_number: clearableText,
  address: clearableText,
  webhook_method: webhookMethod,
  webhook_uri: webhookUri,
})

export const metadataChange = z.object({
  rtp_debug: z.preprocess((value) => value ?? undefined, z.boolean().optional()),
})

export interface NewCustomer {
  readonly id: string
  readonly name?: string
  readonly detail?: string
  readonly email?: string
  readonly phoneNumber?: string
  readonly address?: string
  readonly webhookMethod?: CustomerDoc['webhook_method'] | undefined
  readonly webhookUri?: string | undefined
  readonly webhookSecret: string
  /** Timestamp of the wire. */
  readonly tmCreate: string
}

export function newCustomer(customer: NewCustomer): CustomerDoc {
  return {
    id: customer.id,
    name: customer.name ?? '',
    detail: customer.detail ?? '',
    email: customer.email ?? '',
    phone_number: customer.phoneNumber ?? '',
    address: customer.address ?? '',
    webhook_method: customer.webhookMethod ?? '',
    webhook_uri: customer.webhookUri ?? '',
    webhook_secret: customer.webhookSecret,
    status: 'active',
    identity_verification_status: 'verified',
    email_verified: true,
    billing_account_id: NIL_UUID,
    metadata: {},
    tm_deletion_scheduled: null,
    tm_create: customer.tmCreate,
    tm_update: customer.tmCreate,
    tm_delete: null,
  }
}
