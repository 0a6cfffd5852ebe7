/** Transcribes: sessions of speech to text (contract §10.1). */

import { z } from 'zod'
import { clearableText, optional, recordTimes, referenceIn, uuid } from './fields.ts'
import { listQuery, queryText } from './list.ts'

export const transcribeSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    activeflow_id: uuid,
    on_end_flow_id: uuid,
    reference_type: z.enum(['call', 'confbridge', 'recording']),
    reference_id: uuid,
    status: z.enum(['progressing', 'done']),
    status_reason: z.enum(['', 'engine_failed', 'stopped', 'call_ended']),
    language: z.string(),
    direction: z.enum(['in', 'out', 'both']),
    provider: z.string(),
    ...recordTimes,
  })
  .meta({ id: 'Transcribe' })

export type TranscribeDoc = z.infer<typeof transcribeSchema>

export const TRANSCRIBE_REFERENCES = ['call', 'confbridge', 'conference', 'recording'] as const

/** Limits of a phrase list (ours): phrases, and characters of each. */
export const MAX_PHRASES = 500
export const MAX_PHRASE_CHARS = 200

/** What a recogniser of phrases should listen for; null = whatever it listens for by itself. */
export const phrases = optional(
  z.array(z.string().trim().min(1).max(MAX_PHRASE_CHARS)).min(1).max(MAX_PHRASES),
).describe('Sentences to listen for, where the engine knows only phrases')

/** in, out, both; anything else counts as both. */
export const transcribeDirection = z.preprocess(
  (value) => (value === 'in' || value === 'out' ? value : 'both'),
  z.enum(['in', 'out', 'both']).default('both'),
)

/** `reference_id` is any text here: no UUID, unknown and another customer's are refused alike (§1.4). */
export const transcribeRequest = z.object({
  reference_type: z.enum(TRANSCRIBE_REFERENCES),
  reference_id: z.string().min(1),
  language: z
    .string()
    .min(1)
    .meta({ examples: ['en-US'] }),
  direction: transcribeDirection,
  provider: clearableText,
  on_end_flow_id: referenceIn,
  phrases,
})

export const transcribeChange = z.object({ phrases })

export const transcribeQuery = listQuery.extend({ reference_type: queryText, reference_id: queryText })
