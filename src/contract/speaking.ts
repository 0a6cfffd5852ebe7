/** Speakings: sessions of text to speech on a call (contract §11). */

import { z } from 'zod'
import { clearableText, codePoints, optional, recordTimes, uuid } from './fields.ts'

export const speakingSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    reference_type: z.enum(['call', 'confbridge']),
    reference_id: uuid,
    language: z.string(),
    provider: z.string(),
    voice_id: z.string(),
    direction: z.enum(['', 'in', 'out', 'both']),
    status: z.enum(['initiating', 'active', 'stopped']),
    pod_id: z.string(),
    ...recordTimes,
  })
  .meta({ id: 'Speaking' })

export type SpeakingDoc = z.infer<typeof speakingSchema>

export const SPEAKING_REFERENCES = ['call', 'confbridge', 'conference'] as const

/** `reference_id` is any text here: no UUID, unknown and another customer's are refused alike (§1.4). */
export const speakingRequest = z.object({
  reference_type: z.enum(SPEAKING_REFERENCES),
  reference_id: z.string().min(1),
  language: optional(z.string()),
  provider: clearableText,
  voice_id: clearableText,
  direction: optional(z.enum(['in', 'out', 'both'])),
})

/** Longest text of one say, in Unicode code points. */
export const MAX_SAY_CHARS = 5000

export const sayRequest = z.object({
  text: z
    .string()
    .transform((said) => said.toWellFormed())
    .refine((said) => said.trim() !== '', 'must not be empty')
    .refine((said) => codePoints(said) <= MAX_SAY_CHARS, `must not be longer than ${MAX_SAY_CHARS} characters`),
})
