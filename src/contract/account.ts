/** Sign-up and sign-in (contract §2.2). */

import { z } from 'zod'
import { newAccesskeySchema } from './accesskey.ts'
import { customerSchema } from './customer.ts'
import { optional, time, uuid, webhookMethod, webhookUri } from './fields.ts'

const short = optional(z.string().max(255))
/** Longer ones cost time to hash and protect nobody better. */
const password = optional(z.string().max(1024))

export const signupRequest = z.object({
  email: short,
  username: short,
  password,
  name: short,
  detail: optional(z.string().max(4096)),
  phone_number: short,
  address: optional(z.string().max(4096)),
  webhook_method: webhookMethod,
  webhook_uri: webhookUri,
  accepted_tos: z.unknown().optional(),
})

/** `{}` when the account exists already: no hint about others' accounts. */
export const signupAnswer = z.object({ customer: customerSchema.optional(), accesskey: newAccesskeySchema.optional() })

export const loginRequest = z.object({ username: short, password })

export const loginAnswer = z.object({ username: z.string(), token: z.string() })

export const bootRequest = z.object({ direct_hash: z.string().min(1).max(64) })

/** `token` reads the one resource, until `expire`. */
export const bootAnswer = z.object({
  token: z.string(),
  type: z.literal('direct'),
  resource_type: z.enum(['extension', 'flow']),
  resource_id: uuid,
  customer_id: uuid,
  expire: time,
})

/** What somebody must say to end their account. */
export const CONFIRMATION = 'DELETE'

export const unregisterRequest = z.object({
  password,
  confirmation_phrase: optional(z.string().max(64)).describe(`"${CONFIRMATION}", where no password is given`),
  immediate: z.preprocess((value) => value ?? undefined, z.boolean().default(false)),
})

/** Any form of them: nothing is sent. */
export const emailRequest = z.looseObject({})

/** How two spellings of a username are compared. */
export function usernameKey(username: string): string {
  return username.normalize('NFKC').trim().toLowerCase()
}
