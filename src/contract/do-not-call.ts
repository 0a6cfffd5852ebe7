/** Numbers that must not be called (ours): whoever asked to be left alone. */

import { z } from 'zod'
import { text, time, uuid } from './fields.ts'

export const doNotCallSchema = z
  .object({ id: uuid, customer_id: uuid, number: z.string(), detail: z.string(), tm_create: time })
  .meta({ id: 'DoNotCall' })

export type DoNotCallDoc = z.infer<typeof doNotCallSchema>

/** `number` in E.164, or in any form that the server's default country can read. */
export const doNotCallRequest = z.object({ number: z.string().max(64), detail: text })
