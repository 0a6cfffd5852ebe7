/** Phone numbers (contract §5). */

import { z } from 'zod'
import { metadataChange } from '../../contract/customer.ts'
import {
  type AvailableNumberDoc,
  availableNumberSchema,
  availableNumbersQuery,
  type NumberDoc,
  newNumber,
  numberChange,
  numberFlowsChange,
  numberRequest,
  numberSchema,
  RESERVED_PREFIX,
  VIRTUAL_PREFIX,
} from '../../contract/number.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type App, type Desk, idParams, shown } from '../app.ts'
import { randomText } from '../secrets.ts'
import { requireFlow } from './flows.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, createRecord, deleteRecord, given, type RecordKind } from './records.ts'

const NUMBER: RecordKind = {
  table: 'numbers',
  notFound: 'NUMBER_NOT_FOUND',
  created: 'number_created',
  updated: 'number_updated',
  deleted: 'number_deleted',
  keysOf: (doc) => ({ number: String(doc['number']) }),
}

type FlowIds = { readonly call_flow_id?: string | undefined; readonly message_flow_id?: string | undefined }

export function numberRoutes(app: App, desk: Desk): void {
  const { ledger } = desk
  const answer = { response: { 200: numberSchema } }
  readingRoutes(app, desk, { table: 'numbers', path: '/numbers', doc: numberSchema, notFound: 'NUMBER_NOT_FOUND' })

  const change = async (
    customerId: string,
    id: string,
    fields: FlowIds & Record<string, unknown>,
  ): Promise<NumberDoc> => {
    await requireFlows(desk, customerId, fields)
    return shown(await changeRecord(ledger, NUMBER, customerId, id, () => given(fields)))
  }

  app.post(
    '/numbers',
    { schema: { ...about('/numbers', 'Register'), body: numberRequest, ...answer } },
    async ({ body, identity }): Promise<NumberDoc> => {
      await requireFlows(desk, identity.customerId, body)
      const doc = newNumber({
        id: ledger.newId(),
        customerId: identity.customerId,
        number: body.number,
        type: body.type,
        name: body.name,
        detail: body.detail,
        callFlowId: body.call_flow_id,
        messageFlowId: body.message_flow_id,
        tmCreate: ledger.time(),
      })
      return shown(await createRecord(ledger, NUMBER, doc))
    },
  )
  app.put(
    '/numbers/:id',
    { schema: { ...about('/numbers', 'Change'), params: idParams, body: numberChange, ...answer } },
    ({ body, identity, params }) => change(identity.customerId, params.id, body),
  )
  app.put(
    '/numbers/:id/flow_ids',
    { schema: { ...about('/numbers', 'Change its flows'), params: idParams, body: numberFlowsChange, ...answer } },
    ({ body, identity, params }) => change(identity.customerId, params.id, body),
  )
  app.put(
    '/numbers/:id/metadata',
    { schema: { ...about('/numbers', 'Change its metadata'), params: idParams, body: metadataChange, ...answer } },
    ({ body, identity, params }) => change(identity.customerId, params.id, { metadata: given(body) }),
  )
  app.delete(
    '/numbers/:id',
    { schema: { ...about('/numbers', 'Delete'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<NumberDoc> =>
      shown(await deleteRecord(ledger, NUMBER, identity.customerId, params.id, { status: 'deleted' })),
  )
  renewRoutes(app, desk)
  app.get(
    '/available_numbers',
    {
      schema: {
        ...about('/numbers', 'Numbers that are free'),
        querystring: availableNumbersQuery,
        response: { 200: z.object({ result: z.array(availableNumberSchema) }) },
      },
    },
    async ({ query }) => ({ result: query.type === 'virtual' ? await freeNumbers(desk, query.page_size) : [] }),
  )
}

/** Nothing is bought here, so there is nothing to renew: the time asked for is noted. */
function renewRoutes(app: App, desk: Desk): void {
  app.post(
    '/numbers/renew',
    {
      schema: {
        ...about('/numbers', 'Renew all'),
        response: { 200: z.object({ result: z.array(numberSchema), next_page_token: z.string() }) },
      },
    },
    async ({ identity }) =>
      shown((await desk.ledger.page('numbers', identity.customerId, { page_size: 100 })) as unknown as JsonObject),
  )
  app.post(
    '/numbers/:id/renew',
    { schema: { ...about('/numbers', 'Renew'), params: idParams, response: { 200: numberSchema } } },
    async ({ identity, params }): Promise<NumberDoc> =>
      shown((await desk.ledger.row('numbers', identity.customerId, params.id, 'NUMBER_NOT_FOUND')).doc),
  )
}

async function requireFlows(desk: Desk, customerId: string, fields: FlowIds): Promise<void> {
  if (fields.call_flow_id) await requireFlow(desk, customerId, fields.call_flow_id)
  if (fields.message_flow_id) await requireFlow(desk, customerId, fields.message_flow_id)
}

const SUBSCRIBER_DIGITS = 9

/** Virtual numbers that nobody has registered. */
async function freeNumbers(desk: Desk, count: number): Promise<AvailableNumberDoc[]> {
  const wanted = new Set<string>()
  while (wanted.size < count) {
    const number = VIRTUAL_PREFIX + randomText(desk.deps.randomBytes, '0123456789', SUBSCRIBER_DIGITS)
    if (!number.startsWith(RESERVED_PREFIX)) wanted.add(number)
  }
  const taken = await Promise.all([...wanted].map((number) => desk.ledger.find('numbers', { number }, 1)))
  return [...wanted]
    .filter((_, at) => taken[at]?.length === 0)
    .map((number) => ({ number, country: '', region: '', postal_code: '', features: ['voice'] }))
}
