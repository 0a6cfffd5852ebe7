/** How long things are kept, and what a person may ask for: export and erase (ours). For administrators of the customer. */

import { Readable } from 'node:stream'
import { AppError } from '../../contract/errors.ts'
import {
  ERASE_PHRASE,
  type ErasedDoc,
  erasedSchema,
  eraseRequest,
  exportRequest,
  exportSchema,
} from '../../contract/privacy.ts'
import {
  type RetentionDoc,
  retentionChange,
  retentionName,
  retentionOf,
  retentionSchema,
} from '../../contract/retention.ts'
import { rowOf } from '../../contract/row.ts'
import type { Row } from '../../store/port.ts'
import { type App, type Desk, requireAdmin } from '../app.ts'
import { erase } from '../erasure.ts'
import { exportOf } from '../personal-data.ts'
import { about } from './reading.ts'
import { given } from './records.ts'

export function retentionRoutes(app: App, desk: Desk): void {
  const defaultDays = desk.deps.settings.retentionDays ?? null
  const answer = { response: { 200: retentionSchema } }
  const setting = async (customerId: string): Promise<Row | null> =>
    (await desk.ledger.find('settings', { name: retentionName(customerId) }, 1))[0] ?? null

  app.get(
    '/retention',
    { schema: { ...about('/privacy', 'How many days each kind is kept; null = for good'), ...answer } },
    async ({ identity: { customerId } }) =>
      retentionOf(customerId, (await setting(customerId))?.doc ?? null, defaultDays),
  )
  app.put(
    '/retention',
    { schema: { ...about('/privacy', 'Change how long things are kept'), body: retentionChange, ...answer } },
    ({ identity, body }): Promise<RetentionDoc> => {
      requireAdmin(identity)
      const { customerId } = identity
      return desk.ledger.inTurn(retentionName(customerId), async () => {
        const row = await setting(customerId)
        const now = desk.ledger.time()
        const doc = { ...retentionOf(customerId, row?.doc ?? null, defaultDays), ...given(body), tm_update: now }
        const kept = { ...doc, id: row?.id ?? desk.ledger.newId(), tm_create: now }
        await desk.ledger.save({
          rows: [rowOf('settings', kept, {}, { name: retentionName(customerId) })],
          events: [],
        })
        return doc
      })
    },
  )
}

const EXPORT = 'Everything stored about a number, or (without one) about your customer, as one JSON document'
const ERASE =
  'Erase what is stored about a number, or everything: transcripts, events with deliveries, input logs and sessions are ' +
  'removed, numbers in calls blanked. A live call is left alone and makes the answer a 409; ask again when it is over'

export function privacyRoutes(app: App, desk: Desk): void {
  app.post(
    '/privacy/export',
    { schema: { ...about('/privacy', EXPORT), body: exportRequest, response: { 200: exportSchema } } },
    async ({ identity, body }, reply) => {
      requireAdmin(identity)
      const pieces = exportOf(desk, { customerId: identity.customerId, number: body.number ?? null })
      reply.type('application/json; charset=utf-8')
      return reply.send(Readable.from(pieces) as never)
    },
  )
  app.post(
    '/privacy/erase',
    { schema: { ...about('/privacy', ERASE), body: eraseRequest, response: { 200: erasedSchema } } },
    async ({ identity, body }): Promise<ErasedDoc> => {
      requireAdmin(identity)
      const number = body.everything ? null : (body.number ?? '')
      if (number === '') throw wrong('number: is needed, or everything with a confirmation_phrase')
      if (body.everything && body.number !== undefined) throw wrong('number: cannot be given together with everything')
      if (body.everything && body.confirmation_phrase !== ERASE_PHRASE) {
        throw wrong(`confirmation_phrase: must be "${ERASE_PHRASE}"`)
      }
      const { counts, live } = await erase(desk, { customerId: identity.customerId, number })
      if (live.length === 0) return counts
      throw new AppError('STATE_INVALID', {
        message: 'Calls that are live were left alone; the rest is erased. Ask again when they are over.',
        details: live.map((id) => ({ call_id: id })),
        extra: { erased: counts },
      })
    },
  )
}

function wrong(message: string): AppError {
  return new AppError('INVALID_ARGUMENT', { message })
}
