/** Captures of a call (ours): what was signalled, and what sound passed, as text and as a file for Wireshark. */

import { z } from 'zod'
import { type CaptureDoc, captureRequest, captureSchema } from '../../contract/capture.ts'
import { AppError } from '../../contract/errors.ts'
import { type App, type Desk, idParams, requireAdmin } from '../app.ts'
import type { Identity } from '../auth.ts'
import { about } from './reading.ts'

const START = 'Capture the sound of a live call; its signalling is captured anyway'
const PCAP = 'The capture as a file (pcap, raw IP) for Wireshark. Encrypted sound stays encrypted'

export function captureRoutes(app: App, desk: Desk): void {
  const captures = desk.deps.captures
  if (!captures) return
  const path = '/calls/:id/capture'
  const item = { params: idParams, response: { 200: captureSchema } }
  const shown = (callId: string): CaptureDoc => {
    const state = captures.state(callId)
    return { call_id: callId, ...state, ladder: [...state.ladder] }
  }
  const check = async (identity: Identity, callId: string): Promise<void> => {
    requireAdmin(identity)
    await desk.ledger.row('calls', identity.customerId, callId, 'CALL_NOT_FOUND')
  }
  app.post(
    path,
    { schema: { ...about('/calls', START), body: captureRequest, ...item } },
    async ({ body, identity, params }): Promise<CaptureDoc> => {
      await check(identity, params.id)
      if (!captures.start(params.id, 1000 * body.seconds)) throw new AppError('CALL_STATE_INVALID')
      return shown(params.id)
    },
  )
  app.get(
    path,
    { schema: { ...about('/calls', 'What was captured, as lines of text'), ...item } },
    async ({ identity, params }): Promise<CaptureDoc> => {
      await check(identity, params.id)
      return shown(params.id)
    },
  )
  app.delete(
    path,
    { schema: { ...about('/calls', 'Stop capturing; what was captured can still be read'), ...item } },
    async ({ identity, params }): Promise<CaptureDoc> => {
      await check(identity, params.id)
      captures.stop(params.id)
      return shown(params.id)
    },
  )
  app.get(
    '/calls/:id/capture.pcap',
    {
      schema: {
        ...about('/calls', PCAP),
        params: idParams,
        produces: ['application/vnd.tcpdump.pcap'],
        response: { 200: z.any().describe('A pcap file') },
      },
    },
    async ({ identity, params }, reply) => {
      await check(identity, params.id)
      reply.header('content-disposition', `attachment; filename="${params.id}.pcap"`)
      return reply.type('application/vnd.tcpdump.pcap').send(Buffer.from(captures.pcap(params.id)))
    },
  )
}
