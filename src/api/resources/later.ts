/**
 * Routes that must answer but do nothing yet, as one table (contract §19, and what of the contract this release lacks):
 * lists are empty, single ones are not found, everything else says that it is not there. The reference leaves them out.
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
  'routes',
  'providers',
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
  { path: '/trunks', notFound: 'TRUNK_NOT_FOUND' },
  { path: '/webhooks', notFound: 'WEBHOOK_NOT_FOUND' },
]

/** Single routes of resources that are there. */
const ROUTES: readonly (readonly [HTTPMethods, string])[] = [
  ['POST', '/calls/:id/talk'],
  ['POST', '/calls/:id/actions'],
  ['POST', '/calls/:id/hold'],
  ['DELETE', '/calls/:id/hold'],
  ['POST', '/calls/:id/mute'],
  ['DELETE', '/calls/:id/mute'],
  ['POST', '/calls/:id/moh'],
  ['DELETE', '/calls/:id/moh'],
  ['POST', '/calls/:id/silence'],
  ['DELETE', '/calls/:id/silence'],
  ['POST', '/calls/:id/recording_start'],
  ['POST', '/calls/:id/recording_stop'],
  ['GET', '/calls/:id/media_stream'],
  ['POST', '/transfers'],
  ['POST', '/groupcalls'],
  ['POST', '/activeflows'],
  ['POST', '/activeflows/:id/stop'],
  ['DELETE', '/activeflows/:id'],
  ['POST', '/agents'],
  ['PUT', '/agents/:id'],
  ['DELETE', '/agents/:id'],
  ['PUT', '/agents/:id/addresses'],
  ['PUT', '/agents/:id/tag_ids'],
  ['PUT', '/agents/:id/permission'],
  ['PUT', '/agents/:id/status'],
  ['PUT', '/agents/:id/password'],
  ['POST', '/extensions/:id/direct-hash-regenerate'],
  ['POST', '/conferences/:id/recording_start'],
  ['POST', '/conferences/:id/recording_stop'],
  ['POST', '/conferences/:id/transcribe_start'],
  ['POST', '/conferences/:id/transcribe_stop'],
  ['POST', '/aicalls/:id/terminate'],
]

/** `GET` lists without a resource of their own. */
const EMPTY_LISTS: readonly string[] = [
  '/timelines/activeflows/:id/events',
  '/timelines/conferences/:id/events',
  '/timelines/flows/:id/events',
  '/aggregated-events',
]

const emptyList = { result: [], next_page_token: '' }

export function laterRoutes(app: App): void {
  for (const resource of RESOURCES) laterResource(app, resource)
  for (const [method, url] of ROUTES) notImplemented(app, method, url)
  for (const url of EMPTY_LISTS) {
    app.get(url, { schema: { hide: true, response: { 200: listOf(jsonObject) } } }, async () => emptyList)
  }
  notFoundItem(app, '/recordingfiles', 'RECORDING_NOT_FOUND')
  app.get('/billing_account', { schema: { hide: true, response: { 200: jsonObject } } }, async ({ identity }) => ({
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

function laterResource(app: App, { path, notFound }: LaterResource): void {
  const schema = { hide: true, querystring: listQuery, response: { 200: listOf(jsonObject) } }
  app.get(path, { schema }, async () => emptyList)
  notFoundItem(app, path, notFound)
  notImplemented(app, 'POST', path)
  notImplemented(app, 'PUT', `${path}/:id`)
  notImplemented(app, 'DELETE', `${path}/:id`)
}

function notFoundItem(app: App, path: string, notFound: ErrorCode): void {
  const schema = { hide: true, params: idParams, response: { 200: z.object({}) } }
  app.get(`${path}/:id`, { schema }, async () => {
    throw new AppError(notFound)
  })
}

function notImplemented(app: App, method: HTTPMethods, url: string): void {
  const params = url.includes(':id') ? { params: idParams } : {}
  app.route({
    method,
    url,
    schema: { hide: true, ...params },
    handler: async () => {
      throw new AppError('NOT_IMPLEMENTED')
    },
  })
}
