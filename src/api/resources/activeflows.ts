/** Activeflows (contract §9.2), languages (§10.1), and what happened on a call (§19). */

import { z } from 'zod'
import { activeflowSchema } from '../../contract/activeflow.ts'
import { jsonObject } from '../../contract/fields.ts'
import { languageSchema } from '../../contract/language.ts'
import { listOf } from '../../contract/list.ts'
import { timestamp } from '../../kernel/ids.ts'
import { type App, type Desk, idParams } from '../app.ts'
import { about, readingRoutes } from './reading.ts'

export function activeflowRoutes(app: App, desk: Desk): void {
  readingRoutes(app, desk, {
    table: 'activeflows',
    path: '/activeflows',
    doc: activeflowSchema,
    notFound: 'ACTIVEFLOW_NOT_FOUND',
  })
}

export function languageRoutes(app: App, { deps }: Desk): void {
  app.get(
    '/languages',
    { schema: { ...about('/languages', 'What engines serve'), response: { 200: listOf(languageSchema) } } },
    async () => ({
      result: deps.speech.languages().map(({ language, stt, tts, voices }) => {
        return { language, stt: [...stt], tts: [...tts], voices: [...voices] }
      }),
      next_page_token: '',
    }),
  )
}

const storedEvent = z.object({ type: z.string(), timestamp: z.string(), data: jsonObject })

export function timelineRoutes(app: App, { ledger }: Desk): void {
  app.get(
    '/timelines/calls/:id/events',
    {
      schema: { ...about('/timelines', 'Events of a call'), params: idParams, response: { 200: listOf(storedEvent) } },
    },
    async ({ identity, params }) => {
      await ledger.row('calls', identity.customerId, params.id, 'CALL_NOT_FOUND')
      const events = await ledger.eventsOfCall(identity.customerId, params.id)
      return {
        result: events.map(({ type, wall_us, data }) => ({ type, timestamp: timestamp(wall_us), data })),
        next_page_token: '',
      }
    },
  )
}
