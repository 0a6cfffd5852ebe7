/** What one call's turns took (ours): where each moment fell, in ms of the call's own clock; null = it did not happen. */

import { z } from 'zod'

const moment = z.number().nullable()

/** One turn: from the caller's last sound to our first. Further moments may come. */
export const turnSchema = z.looseObject({
  utterance: z.number(),
  text: z.string(),
  last_voiced_ms: moment,
  detector_ms: moment,
  end_of_turn_ms: moment,
  final_ms: moment,
  committed_ms: moment,
  sent_ms: moment,
  say_ms: moment,
  first_pcm_ms: moment,
  first_voice_ms: moment,
})

/** One flush: when it was asked for, and when the last voiced packet had gone. */
export const flushSchema = z.looseObject({ asked_ms: moment, silent_ms: moment })

export const turnsSchema = z
  .object({ result: z.array(turnSchema), flushes: z.array(flushSchema) })
  .meta({ id: 'Turns' })

export type TurnsDoc = z.infer<typeof turnsSchema>
