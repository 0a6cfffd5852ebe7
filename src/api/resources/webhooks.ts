/** 000's webhooks (contract §17). They have no events of their own. */

import { AppError } from '../../contract/errors.ts'
import { changedRow, deletedRow, rowOf } from '../../contract/row.ts'
import {
  MAX_WEBHOOKS,
  USUAL_EVENTS,
  type WebhookDoc,
  webhookChange,
  webhookRequest,
  webhookSchema,
} from '../../contract/webhook.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Row } from '../../store/port.ts'
import { type App, type Desk, idParams, shown } from '../app.ts'
import { about, readingRoutes } from './reading.ts'
import { given } from './records.ts'

export function webhookRoutes(app: App, desk: Desk): void {
  const { ledger } = desk
  readingRoutes(app, desk, {
    table: 'webhooks',
    path: '/webhooks',
    doc: webhookSchema,
    notFound: 'WEBHOOK_NOT_FOUND',
  })

  app.post(
    '/webhooks',
    { schema: { ...about('/webhooks', 'Create'), body: webhookRequest, response: { 200: webhookSchema } } },
    async ({ body, identity: { customerId } }): Promise<WebhookDoc> => {
      const { url } = body
      const wish = { url, events: body.events ?? [...USUAL_EVENTS], method: body.method || 'POST' }
      return ledger.inTurn(`webhooks of ${customerId}`, async () => {
        const where = { url }
        const [same] = await ledger.list({ table: 'webhooks', customer_id: customerId, limit: 1, where })
        return same ? change(desk, same, wish) : create(desk, customerId, wish)
      })
    },
  )
  app.put(
    '/webhooks/:id',
    {
      schema: {
        ...about('/webhooks', 'Change'),
        params: idParams,
        body: webhookChange,
        response: { 200: webhookSchema },
      },
    },
    async ({ body, identity: { customerId }, params }): Promise<WebhookDoc> =>
      ledger.inTurn(`webhooks of ${customerId}`, async () => {
        const row = await ledger.row('webhooks', customerId, params.id, 'WEBHOOK_NOT_FOUND')
        return change(desk, row, given({ ...body, url: body.url || undefined, method: body.method || undefined }))
      }),
  )
  app.delete(
    '/webhooks/:id',
    { schema: { ...about('/webhooks', 'Delete'), params: idParams, response: { 200: webhookSchema } } },
    async ({ identity: { customerId }, params }): Promise<WebhookDoc> =>
      ledger.inTurn(`webhooks of ${customerId}`, async () => {
        const row = await ledger.row('webhooks', customerId, params.id, 'WEBHOOK_NOT_FOUND')
        const gone = deletedRow('webhooks', row, ledger.time())
        await ledger.save({ rows: [gone], events: [] })
        return shown(gone.row.doc)
      }),
  )
}

/** @throws AppError INVALID_ARGUMENT when there are too many */
async function create({ ledger }: Desk, customerId: string, wish: JsonObject): Promise<WebhookDoc> {
  const known = await ledger.list({ table: 'webhooks', customer_id: customerId, limit: MAX_WEBHOOKS })
  if (known.length >= MAX_WEBHOOKS) {
    throw new AppError('INVALID_ARGUMENT', { message: `A customer has ${MAX_WEBHOOKS} webhooks at most.` })
  }
  const now = ledger.time()
  const times = { tm_create: now, tm_update: now, tm_delete: null }
  const doc = { id: ledger.newId(), customer_id: customerId, ...wish, ...times }
  await ledger.save({ rows: [rowOf('webhooks', doc, {}, { url: String(wish['url']) })], events: [] })
  return shown(doc)
}

async function change({ ledger }: Desk, row: Row, changes: JsonObject): Promise<WebhookDoc> {
  const saved = changedRow('webhooks', row, changes, ledger.time()).row
  const keys = { ...row.keys, url: String(saved.doc['url']) }
  await ledger.save({ rows: [{ table: 'webhooks', row: { ...saved, keys } }], events: [] })
  return shown(saved.doc)
}
