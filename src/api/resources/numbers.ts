/** Phone numbers (contract §5). */

import { z } from 'zod'
import { metadataChange } from '../../contract/customer.ts'
import { listOf, MAX_PAGE_SIZE } from '../../contract/list.ts'
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
  renewRequest,
  VIRTUAL_PREFIX,
} from '../../contract/number.ts'
import { parseTimestamp, timestamp } from '../../kernel/ids.ts'
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
        limits: body.limits,
        disclosure: body.disclosure,
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

/** Nothing is bought here, so nothing runs out: the time asked for is noted. */
function renewRoutes(app: App, desk: Desk): void {
  app.post(
    '/numbers/renew',
    { schema: { ...about('/numbers', 'Renew all'), body: renewRequest, response: { 200: listOf(numberSchema) } } },
    async ({ identity }) =>
      shown<{ result: NumberDoc[]; next_page_token: string }>({
        ...(await desk.ledger.page('numbers', identity.customerId, { page_size: MAX_PAGE_SIZE })),
      }),
  )
  app.post(
    '/numbers/:id/renew',
    {
      schema: { ...about('/numbers', 'Renew'), params: idParams, body: renewRequest, response: { 200: numberSchema } },
    },
    async ({ body, identity, params }): Promise<NumberDoc> => {
      const micros = body.tm_renew === undefined ? null : parseTimestamp(body.tm_renew)
      const renewed = micros === null ? {} : { tm_renew: timestamp(micros) }
      return shown(await changeRecord(desk.ledger, NUMBER, identity.customerId, params.id, () => renewed))
    },
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
