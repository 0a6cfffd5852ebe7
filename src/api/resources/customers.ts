/** The asker's own customer (contract §3). */

import type { z } from 'zod'
import { isAdmin } from '../../contract/agent.ts'
import { type CustomerDoc, customerChange, customerSchema, metadataChange } from '../../contract/customer.ts'
import { AppError } from '../../contract/errors.ts'
import { listOf } from '../../contract/list.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type App, type Desk, idParams, requireAdmin, shown } from '../app.ts'
import type { Identity } from '../auth.ts'
import { about } from './reading.ts'
import { changeRecord, given, type RecordKind } from './records.ts'

export const CUSTOMER: RecordKind = {
  table: 'customers',
  notFound: 'CUSTOMER_NOT_FOUND',
  created: 'customer_updated',
  updated: 'customer_updated',
  deleted: 'customer_updated',
  keysOf: (doc) => ({ email: String(doc['email'] ?? '') }),
  inEvent: ({ webhook_secret: _, ...doc }) => doc,
}

export function customerRoutes(app: App, desk: Desk): void {
  // The key of the signature is for the owner only.
  const own = async ({ agent, customerId }: Identity): Promise<CustomerDoc> => {
    const { doc } = await desk.ledger.row('customers', customerId, customerId, 'CUSTOMER_NOT_FOUND')
    return shown(isAdmin(agent.permission) ? doc : { ...doc, webhook_secret: '' })
  }
  const change = async (identity: Identity, fields: JsonObject): Promise<CustomerDoc> => {
    requireAdmin(identity)
    const { customerId } = identity
    return shown(await changeRecord(desk.ledger, CUSTOMER, customerId, customerId, () => fields))
  }
  const answer = { response: { 200: customerSchema } }

  app.get('/customer', { schema: { ...about('/customer', 'Get your customer'), ...answer } }, (request) =>
    own(request.identity),
  )
  app.put(
    '/customer',
    { schema: { ...about('/customer', 'Change your customer'), body: customerChange, ...answer } },
    (request) => change(request.identity, given(request.body)),
  )
  app.put(
    '/customer/metadata',
    { schema: { ...about('/customer', 'Change its metadata'), body: metadataChange, ...answer } },
    (request) => change(request.identity, { metadata: given(request.body) }),
  )
  app.get(
    '/customers/:id',
    { schema: { ...about('/customer', 'Get your customer by its id'), params: idParams, ...answer } },
    async ({ identity, params }) => {
      if (params.id !== identity.customerId) throw new AppError('CUSTOMER_NOT_FOUND')
      return own(identity)
    },
  )
  app.get(
    '/customers',
    { schema: { ...about('/customer', 'List your customer'), response: { 200: listOf(customerSchema) } } },
    async (request): Promise<z.infer<ReturnType<typeof listOf<typeof customerSchema>>>> => ({
      result: [await own(request.identity)],
      next_page_token: '',
    }),
  )
}
