/** Transcripts: what was said, final text only (contract §10.2). */

import { z } from 'zod'
import { time, uuid } from './fields.ts'
import { listQuery, queryText } from './list.ts'

export const transcriptSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    transcribe_id: uuid,
    /** in: who called or was called; out: what was played to them. */
    direction: z.enum(['in', 'out']),
    message: z.string(),
    /** Start of the utterance, from the start of the transcription, as a clock reading on day one of year one. */
    tm_transcript: z.string().regex(/^0001-01-\d{2} \d{2}:\d{2}:\d{2}\.\d{6}$/),
    tm_create: time,
  })
  .meta({ id: 'Transcript' })

export type TranscriptDoc = z.infer<typeof transcriptSchema>

/** Either those of one transcribe, or (ours) those that hold all the words of `q`. Times narrow a search only. */
export const transcriptQuery = listQuery.extend({
  transcribe_id: queryText,
  /** Words, in any order and case. Parts of words are found in scripts without spaces only. */
  q: queryText,
  /** With `q`: the call. */
  reference_id: queryText,
  /** With `q`: `in` or `out`. */
  direction: queryText,
  /** With `q`: from this time on. */
  from: queryText,
  /** With `q`: before this time. */
  to: queryText,
})

export type TranscriptListQuery = z.infer<typeof transcriptQuery>
