/** Extensions: users that a softphone registers as (contract §6). */

import { z } from 'zod'
import { clearableText, optional, recordTimes, text, uuid } from './fields.ts'

export const contactSchema = z.object({
  uri: z.string(),
  transport: z.string(),
  /** Seconds until the registration ends. */
  expires: z.number(),
})

export const extensionSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    name: z.string(),
    detail: z.string(),
    extension: z.string(),
    domain_name: z.string(),
    username: z.string(),
    password: z.string(),
    direct_hash: z.string(),
    /** Ours: whether a phone is registered, and where. */
    registered: z.boolean(),
    contacts: z.array(contactSchema),
    ...recordTimes,
  })
  .meta({ id: 'Extension' })

export type ExtensionDoc = z.infer<typeof extensionSchema>

/** What the user part of a SIP URI may hold without escaping (RFC 3261 §25.1). */
const USER = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/]{1,64}$/

const password = z
  .string()
  .min(1)
  .max(256)
  .refine((value) => !/\p{Cc}/u.test(value), 'must not hold control characters')

export const extensionRequest = z.object({
  extension: z.string().regex(USER, "must be 1 to 64 letters, digits or -_.!~*'()&=+$,;?/"),
  password,
  name: text,
  detail: text,
})

export const extensionChange = z.object({ name: clearableText, detail: clearableText, password: optional(password) })

export interface NewExtension {
  readonly id: string
  readonly customerId: string
  readonly extension: string
  readonly password: string
  readonly name?: string
  readonly detail?: string
  /** Timestamp of the wire. */
  readonly tmCreate: string
}

export function newExtension(extension: NewExtension): ExtensionDoc {
  return {
    id: extension.id,
    customer_id: extension.customerId,
    name: extension.name ?? '',
    detail: extension.detail ?? '',
    extension: extension.extension,
    domain_name: extension.customerId,
    username: extension.extension,
    password: extension.password,
    direct_hash: '',
    registered: false,
    contacts: [],
    tm_create: extension.tmCreate,
    tm_update: extension.tmCreate,
    tm_delete: null,
  }
}
