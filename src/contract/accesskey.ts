/** Access keys (contract §2.3). Stored as a hash; the token is shown once, when it is made. */

import { z } from 'zod'
import { clearableText, recordTimes, text, timeOrNull, uuid } from './fields.ts'

/** Tells an access key from a JWT. */
export const TOKEN_MARK = 'vb_'
export const TOKEN_CHARS = 32
/** The first characters of a token, always shown. */
export const PREFIX_CHARS = 11

export const accesskeySchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    name: z.string(),
    detail: z.string(),
    token_prefix: z.string(),
    tm_expire: timeOrNull,
    ...recordTimes,
  })
  .meta({ id: 'Accesskey' })

export type AccesskeyDoc = z.infer<typeof accesskeySchema>

/** The answer that makes a key: the only one with the token. */
export const newAccesskeySchema = accesskeySchema.extend({ token: z.string() }).meta({ id: 'NewAccesskey' })

export type NewAccesskeyDoc = z.infer<typeof newAccesskeySchema>

export const accesskeyRequest = z.object({
  name: text,
  detail: text,
  expire: z.preprocess((value) => value ?? undefined, z.number().min(0).default(0)).describe('Seconds; 0 = never'),
})

export const accesskeyChange = z.object({ name: clearableText, detail: clearableText })

export interface NewAccesskey {
  readonly id: string
  readonly customerId: string
  readonly name?: string
  readonly detail?: string
  readonly tokenPrefix: string
  /** Timestamps of the wire; null = never. */
  readonly tmExpire: string | null
  readonly tmCreate: string
}

export function newAccesskey(key: NewAccesskey): AccesskeyDoc {
  return {
    id: key.id,
    customer_id: key.customerId,
    name: key.name ?? '',
    detail: key.detail ?? '',
    token_prefix: key.tokenPrefix,
    tm_expire: key.tmExpire,
    tm_create: key.tmCreate,
    tm_update: key.tmCreate,
    tm_delete: null,
  }
}
