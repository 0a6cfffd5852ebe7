/** Sign-up and sign-in (contract §2.2). */

import { z } from 'zod'
import { newAccesskeySchema } from './accesskey.ts'
import { customerSchema } from './customer.ts'
import { optional, webhookMethod, webhookUri } from './fields.ts'

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

/** How two spellings of a username are compared. */
export function usernameKey(username: string): string {
  return username.normalize('NFKC').trim().toLowerCase()
}
