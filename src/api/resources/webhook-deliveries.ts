/** Deliveries of events to webhooks (ours): what became of them, and sending them again. */

import { AppError } from '../../contract/errors.ts'
import { listOf, parsePageToken, printPageToken } from '../../contract/list.ts'
import {
  type WebhookDeliveryDoc,
  type WebhookDeliveryWithBodyDoc,
  webhookDeliveryQuery,
  webhookDeliverySchema,
  webhookDeliveryWithBody,
} from '../../contract/webhook-delivery.ts'
import { isUuid, NIL_UUID, timestamp } from '../../kernel/ids.ts'
import type { DeliveryQuery, DeliveryRow, EventRow, Store } from '../../store/port.ts'
import { type App, type Desk, idParams } from '../app.ts'
import { parseDestination } from '../webhook-target.ts'
import { about } from './reading.ts'

const PATH = '/webhook_deliveries'

interface Found {
  readonly delivery: DeliveryRow
  readonly event: EventRow
}

export function webhookDeliveryRoutes(app: App, desk: Desk): void {
  const { store, webhooks } = desk.deps

  app.get(
    PATH,
    {
      schema: {
        ...about(PATH, 'List'),
        querystring: webhookDeliveryQuery,
        response: { 200: listOf(webhookDeliverySchema) },
      },
    },
    async ({ identity, query }) => page(store, { ...query, customerId: identity.customerId }),
  )
  app.get(
    `${PATH}/:id`,
    { schema: { ...about(PATH, 'Get'), params: idParams, response: { 200: webhookDeliveryWithBody } } },
    async ({ identity, params }): Promise<WebhookDeliveryWithBodyDoc> => {
      const { event, delivery } = await found(desk, identity.customerId, params.id)
      return { ...docOf(event, delivery), body: await reading(webhooks.bodyOf(event, delivery)) }
    },
  )
  app.post(
    `${PATH}/:id/replay`,
    { schema: { ...about(PATH, 'Send again'), params: idParams, response: { 200: webhookDeliverySchema } } },
    async ({ identity, params }): Promise<WebhookDeliveryDoc> =>
      desk.ledger.inTurn(params.id, async () => {
        const { event, delivery } = await found(desk, identity.customerId, params.id)
        const now = await webhooks.replay(event, delivery)
        if (!now) throw new AppError('SERVICE_UNAVAILABLE')
        return docOf(event, now)
      }),
  )
}

interface PageWish {
  readonly customerId: string
  readonly page_size: number
  readonly page_token?: string | undefined
  readonly state?: DeliveryRow['state'] | undefined
  readonly event_type?: string | undefined
  readonly call_id?: string | undefined
}

/** @throws AppError INVALID_REQUEST_PARAMETER for a token that we did not make or an id that is none */
async function page(store: Store, wish: PageWish) {
  const { customerId, page_size, page_token, state, event_type, call_id } = wish
  if (call_id !== undefined && !isUuid(call_id)) throw badParameter('call_id: must be a UUID')
  const before = page_token === undefined ? null : parsePageToken(page_token)
  if (page_token !== undefined && !before) throw badParameter('page_token: is not one of ours')
  const asked: DeliveryQuery = {
    customer_id: customerId,
    limit: page_size,
    ...(before ? { before } : {}),
    ...(state ? { state } : {}),
    ...(event_type ? { event_type } : {}),
    ...(call_id ? { call_id: call_id.toLowerCase() } : {}),
  }
  const rows = await reading(store.listDeliveries(asked))
  const last = rows.length === page_size ? rows.at(-1) : undefined
  const next = last ? { us: last.event.wall_us, id: last.delivery.id } : null
  const hasMore =
    next !== null && (await reading(store.listDeliveries({ ...asked, limit: 1, before: next }))).length > 0
  return {
    result: rows.map(({ event, delivery }) => docOf(event, delivery)),
    next_page_token: hasMore ? printPageToken(next) : '',
  }
}

/** @throws AppError WEBHOOK_DELIVERY_NOT_FOUND */
async function found({ deps }: Desk, customerId: string, id: string): Promise<Found> {
  const known = await reading(deps.store.getDelivery(customerId, id))
  if (!known) throw new AppError('WEBHOOK_DELIVERY_NOT_FOUND')
  return known
}

function docOf(event: EventRow, delivery: DeliveryRow): WebhookDeliveryDoc {
  const { id, customer_id, event_id, event_type, call_id, state, attempts, last, due_us } = delivery
  const { method = '', url = '', dialect = 'standard' } = parseDestination(delivery.destination) ?? {}
  return {
    id,
    customer_id,
    event_id,
    event_type,
    call_id: call_id ?? NIL_UUID,
    destination: { method, url, dialect },
    state,
    attempts,
    last,
    tm_create: timestamp(event.wall_us),
    tm_due: timestamp(due_us),
  }
}

function badParameter(message: string): AppError {
  return new AppError('INVALID_REQUEST_PARAMETER', { message })
}

async function reading<T>(read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (cause) {
    throw new AppError('SERVICE_UNAVAILABLE', { cause })
  }
}
