/** The asker's own customer (contract §3). */

import type { z } from 'zod'
import { type CustomerDoc, customerChange, customerSchema, metadataChange } from '../../contract/customer.ts'
import { listOf } from '../../contract/list.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type App, type Desk, shown } from '../app.ts'
import { about } from './reading.ts'
import { changeRecord, given, type RecordKind } from './records.ts'

const CUSTOMER: RecordKind = {
  table: 'customers',
  notFound: 'CUSTOMER_NOT_FOUND',
  created: 'customer_updated',
  updated: 'customer_updated',
  deleted: 'customer_updated',
  keysOf: (doc) => ({ email: String(doc['email'] ?? '') }),
  inEvent: ({ webhook_secret: _, ...doc }) => doc,
}

export function customerRoutes(app: App, desk: Desk): void {
  const own = async (customerId: string): Promise<CustomerDoc> =>
    shown((await desk.ledger.row('customers', customerId, customerId, 'CUSTOMER_NOT_FOUND')).doc)
  const change = async (customerId: string, fields: JsonObject): Promise<CustomerDoc> =>
    shown(await changeRecord(desk.ledger, CUSTOMER, customerId, customerId, () => fields))
  const answer = { response: { 200: customerSchema } }

  app.get('/customer', { schema: { ...about('/customer', 'Get your customer'), ...answer } }, (request) =>
    own(request.identity.customerId),
  )
  app.put(
    '/customer',
    { schema: { ...about('/customer', 'Change your customer'), body: customerChange, ...answer } },
    (request) => change(request.identity.customerId, given(request.body)),
  )
  app.put(
    '/customer/metadata',
    { schema: { ...about('/customer', 'Change its metadata'), body: metadataChange, ...answer } },
    (request) => change(request.identity.customerId, { metadata: given(request.body) }),
  )
  app.get(
    '/customers',
    { schema: { ...about('/customer', 'List your customer'), response: { 200: listOf(customerSchema) } } },
    async (request): Promise<z.infer<ReturnType<typeof listOf<typeof customerSchema>>>> => ({
      result: [await own(request.identity.customerId)],
      next_page_token: '',
    }),
  )
}
