/**
 * Routes that must answer but do nothing yet, as one table (contract §19, and what of the contract this release lacks):
 * lists are empty, single ones are not found, everything else says that it is not there.
 */

import type { HTTPMethods } from 'fastify'
import { z } from 'zod'
import { AppError, type ErrorCode } from '../../contract/errors.ts'
import { jsonObject } from '../../contract/fields.ts'
import { listOf, listQuery } from '../../contract/list.ts'
import { NIL_UUID } from '../../kernel/ids.ts'
import { type App, idParams } from '../app.ts'

interface LaterResource {
  readonly path: string
  readonly notFound: ErrorCode
}

const UNNAMED: readonly string[] = [
  'contacts',
  'campaigns',
  'queues',
  'queuecalls',
  'billings',
  'billing_accounts',
  'messages',
  'emails',
  'conversations',
  'tags',
  'teams',
  'rags',
  'outdials',
  'outplans',
  'storage_files',
  'aiaudits',
]

const RESOURCES: readonly LaterResource[] = [
  ...UNNAMED.map((name) => ({ path: `/${name}`, notFound: 'RESOURCE_NOT_FOUND' as const })),
  { path: '/conferences', notFound: 'CONFERENCE_NOT_FOUND' },
  { path: '/conferencecalls', notFound: 'CONFERENCECALL_NOT_FOUND' },
  { path: '/recordings', notFound: 'RECORDING_NOT_FOUND' },
  { path: '/ais', notFound: 'AI_NOT_FOUND' },
  { path: '/aicalls', notFound: 'AICALL_NOT_FOUND' },
  { path: '/aimessages', notFound: 'AIMESSAGE_NOT_FOUND' },
  { path: '/aisummaries', notFound: 'SUMMARY_NOT_FOUND' },
]

/** Single routes of those. */
const ROUTES: readonly (readonly [HTTPMethods, string])[] = [
  ['POST', '/conferences/:id/recording_start'],
  ['POST', '/conferences/:id/recording_stop'],
  ['POST', '/conferences/:id/transcribe_start'],
  ['POST', '/conferences/:id/transcribe_stop'],
  ['POST', '/aicalls/:id/terminate'],
]

const about = (summary: string) => ({ tags: ['later'], summary })
const emptyList = { result: [], next_page_token: '' }
const later = ' (not in this release)'
const anyBody = z.looseObject({})

export function laterRoutes(app: App): void {
  for (const resource of RESOURCES) laterResource(app, resource)
  for (const [method, url] of ROUTES) notImplemented(app, method, url)
  for (const [method, url] of OTHERS_CUSTOMERS) notImplemented(app, method, url)
  notFoundItem(app, '/recordingfiles', 'RECORDING_NOT_FOUND')
  const schema = { ...about('What is billed: nothing'), response: { 200: jsonObject } }
  app.get('/billing_account', { schema }, async ({ identity }) => ({
    id: NIL_UUID,
    customer_id: identity.customerId,
    name: 'none',
    detail: 'Nothing is billed here.',
    type: 'unlimited',
    balance: 0,
    payment_type: '',
    payment_method: '',
  }))
}

/** Customers are made by sign-up and changed by themselves (`/customer`). */
const OTHERS_CUSTOMERS: readonly (readonly [HTTPMethods, string])[] = [
  ['POST', '/customers'],
  ['PUT', '/customers/:id'],
  ['DELETE', '/customers/:id'],
]

function laterResource(app: App, { path, notFound }: LaterResource): void {
  const schema = { ...about(`List${later}`), querystring: listQuery, response: { 200: listOf(jsonObject) } }
  app.get(path, { schema }, async () => emptyList)
  notFoundItem(app, path, notFound)
  notImplemented(app, 'POST', path)
  notImplemented(app, 'PUT', `${path}/:id`)
  notImplemented(app, 'DELETE', `${path}/:id`)
}

function notFoundItem(app: App, path: string, notFound: ErrorCode): void {
  const schema = { ...about(`Get${later}`), params: idParams, response: { 200: jsonObject } }
  app.get(`${path}/:id`, { schema }, async () => {
    throw new AppError(notFound)
  })
}

function notImplemented(app: App, method: HTTPMethods, url: string): void {
  const params = url.includes(':id') ? { params: idParams } : {}
  const body = method === 'DELETE' ? {} : { body: anyBody }
  const words = `${url.split('/').at(-1)?.startsWith(':') ? method : url.split('/').at(-1)}${later}`
  app.route({
    method,
    url,
    schema: { ...about(words), ...params, ...body, response: { 200: jsonObject } },
    handler: async () => {
      throw new AppError('NOT_IMPLEMENTED')
    },
  })
}
