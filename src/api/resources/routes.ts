/** Routes (contract §6). */

import { AppError } from '../../contract/errors.ts'
import { newRoute, type RouteDoc, routeAfter, routeChange, routeRequest, routeSchema } from '../../contract/route.ts'
import { NIL_UUID } from '../../kernel/ids.ts'
import { type App, type Desk, idParams, requireAdmin, shown } from '../app.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, createRecord, deleteRecord, type RecordKind } from './records.ts'

const ROUTE: RecordKind = {
  table: 'routes',
  notFound: 'ROUTE_NOT_FOUND',
  created: 'route_created',
  updated: 'route_updated',
  deleted: 'route_deleted',
}

export function routeRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  const answer = { response: { 200: routeSchema } }
  readingRoutes(app, desk, { table: 'routes', path: '/routes', doc: routeSchema, notFound: 'ROUTE_NOT_FOUND' })

  app.post(
    '/routes',
    { schema: { ...about('/routes', 'Create'), body: routeRequest, ...answer } },
    async ({ body, identity }): Promise<RouteDoc> => {
      requireAdmin(identity)
      const doc = newRoute(ledger.newId(), identity.customerId, ledger.time(), body)
      await requireGateway(desk, doc)
      await createRecord(ledger, ROUTE, doc)
      deps.trunks?.changed()
      return doc
    },
  )
  app.put(
    '/routes/:id',
    { schema: { ...about('/routes', 'Change'), params: idParams, body: routeChange, ...answer } },
    async ({ body, identity, params }): Promise<RouteDoc> => {
      requireAdmin(identity)
      const { customerId } = identity
      const isLed = body.provider_id !== undefined || body.trunk_id !== undefined
      const doc = await changeRecord(ledger, ROUTE, customerId, params.id, async (row) => {
        const after = routeAfter(shown<RouteDoc>(row.doc), body)
        // What it led to before may be gone by now; that is no reason to refuse another name.
        if (isLed) await requireGateway(desk, { ...after, customer_id: customerId })
        return after
      })
      deps.trunks?.changed()
      return shown(doc)
    },
  )
  app.delete(
    '/routes/:id',
    { schema: { ...about('/routes', 'Delete'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<RouteDoc> => {
      requireAdmin(identity)
      const doc = await deleteRecord(ledger, ROUTE, identity.customerId, params.id)
      deps.trunks?.changed()
      return shown(doc)
    },
  )
}

type Leads = Pick<RouteDoc, 'customer_id' | 'provider_id' | 'trunk_id'>

/** A route leads to one thing, which the customer has. @throws AppError INVALID_ARGUMENT, the same for unknown and others' ids */
async function requireGateway({ ledger }: Desk, { customer_id, provider_id, trunk_id }: Leads): Promise<void> {
  const isProvider = provider_id !== NIL_UUID
  if (isProvider === (trunk_id !== NIL_UUID)) {
    throw new AppError('INVALID_ARGUMENT', { message: 'give provider_id or trunk_id, not both' })
  }
  const [table, id, field] = isProvider
    ? (['providers', provider_id, 'provider_id'] as const)
    : (['trunks', trunk_id, 'trunk_id'] as const)
  if (await ledger.maybe(table, customer_id, id)) return
  throw new AppError('INVALID_ARGUMENT', { details: [{ field, description: 'is not one of yours' }] })
}
