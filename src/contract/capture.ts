/** What passed on the wires of a call (ours, not of the seeds). */

import { z } from 'zod'

const MOST_SECONDS = 300

export const captureRequest = z
  .object({
    seconds: z.number().int().min(1).max(MOST_SECONDS).default(60).describe('How long sound is captured.'),
  })
  .prefault({})

export const captureSchema = z
  .object({
    call_id: z.string(),
    status: z
      .enum(['capturing', 'done', 'none'])
      .describe('Of the sound. Signalling is kept without being asked for, while there is room.'),
    sip_messages: z.number().int(),
    media_packets: z.number().int(),
    left_out: z.number().int().describe('Messages and packets there was no room for.'),
    ladder: z.array(z.string()).describe('One line a message: when, from whom, what; sound is summed up by stream.'),
  })
  .meta({ id: 'Capture' })

export type CaptureDoc = z.infer<typeof captureSchema>
