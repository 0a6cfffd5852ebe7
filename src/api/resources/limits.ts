/** A customer's limits and do-not-call list (ours). What they do to calls: `drivers/gate.ts`. */

import { type DoNotCallDoc, doNotCallRequest, doNotCallSchema } from '../../contract/do-not-call.ts'
import { AppError } from '../../contract/errors.ts'
import { type LimitsDoc, limitsChange, limitsOf, limitsSchema } from '../../contract/limits.ts'
import { toE164 } from '../../contract/phone-number.ts'
import { rowOf } from '../../contract/row.ts'
import type { Row } from '../../store/port.ts'
import { type App, type Desk, idParams, requireAdmin, shown } from '../app.ts'
import { about, listRoute } from './reading.ts'
import { given } from './records.ts'

export function limitRoutes(app: App, desk: Desk): void {
  const answer = { response: { 200: limitsSchema } }
  app.get('/limits', { schema: { ...about('/limits', 'Get'), ...answer } }, async ({ identity }) =>
    limitsDoc(identity.customerId, await stored(desk, identity.customerId)),
  )
  app.put(
    '/limits',
    { schema: { ...about('/limits', 'Change'), body: limitsChange, ...answer } },
    ({ body, identity }) => {
      requireAdmin(identity)
      return change(desk, identity.customerId, body)
    },
  )
  doNotCallRoutes(app, desk)
}

function stored(desk: Desk, customerId: string): Promise<Row | null> {
  return desk.ledger.maybe('limits', customerId, customerId)
}

function limitsDoc(customerId: string, row: Row | null): LimitsDoc {
  return {
    customer_id: customerId,
    ...limitsOf(row?.doc ?? null),
    tm_update: (row?.doc['tm_update'] as string | undefined) ?? null,
  }
}

/** One row a customer, with the customer's id. */
function change(desk: Desk, customerId: string, body: Readonly<Record<string, unknown>>): Promise<LimitsDoc> {
  const { deps, ledger } = desk
  const ceiling = deps.settings.maxCalls
  if (ceiling !== undefined && Number(body['calls_at_once'] ?? 0) > ceiling) {
    throw new AppError('INVALID_ARGUMENT', {
      message: `calls_at_once: must be at most ${ceiling} on this server (QUIETLINE_MAX_CALLS)`,
    })
  }
  return ledger.inTurn(`limits ${customerId}`, async () => {
    const before = await stored(desk, customerId)
    const limits = limitsOf({ ...before?.doc, ...given(body) })
    const doc: LimitsDoc = { customer_id: customerId, ...limits, tm_update: ledger.time() }
    const row: Row = {
      id: customerId,
      customer_id: customerId,
      tm_create_us: before?.tm_create_us ?? deps.clock.wallMicros(),
      tm_delete_us: null,
      keys: {},
      doc,
      hidden: {},
    }
    await ledger.save({ rows: [{ table: 'limits', row }], events: [] })
    return doc
  })
}

function doNotCallRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  const path = '/do_not_call'
  listRoute(app, desk, { table: 'do_not_call', path, doc: doNotCallSchema, notFound: 'RESOURCE_NOT_FOUND' })
  app.post(
    path,
    { schema: { ...about(path, 'Add a number'), body: doNotCallRequest, response: { 200: doNotCallSchema } } },
    async ({ body, identity }): Promise<DoNotCallDoc> => {
      const number = toE164(body.number, deps.settings.defaultCountry ?? '')
      if (number === null) {
        throw new AppError('INVALID_ARGUMENT', { message: 'number: must be in E.164 form, such as +15551234567' })
      }
      const doc: DoNotCallDoc = {
        id: ledger.newId(),
        customer_id: identity.customerId,
        number,
        detail: body.detail,
        tm_create: ledger.time(),
      }
      await ledger.save({ rows: [rowOf('do_not_call', doc, {}, { number })], events: [] })
      return doc
    },
  )
  app.delete(
    `${path}/:id`,
    { schema: { ...about(path, 'Remove a number'), params: idParams, response: { 200: doNotCallSchema } } },
    async ({ identity, params }): Promise<DoNotCallDoc> => {
      const row = await ledger.row('do_not_call', identity.customerId, params.id, 'RESOURCE_NOT_FOUND')
      // For good: a number nobody is to call is no reason to keep it.
      await ledger.save({ removals: [{ table: 'do_not_call', id: row.id }], events: [] })
      return shown(row.doc)
    },
  )
}
