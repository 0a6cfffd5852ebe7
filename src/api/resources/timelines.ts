/** What happened (contract §19): stored events of a call, of a run, of a flow's calls, of everything. Newest first. */

import { z } from 'zod'
import { AppError } from '../../contract/errors.ts'
import { jsonObject } from '../../contract/fields.ts'
import { listOf, listQuery, queryText } from '../../contract/list.ts'
import { isUuid, timestamp } from '../../kernel/ids.ts'
import type { EventRow, Row } from '../../store/port.ts'
import { type App, type Desk, idParams } from '../app.ts'
import type { Ledger } from '../ledger.ts'
import { about } from './reading.ts'

const storedEvent = z.object({ type: z.string(), timestamp: z.string(), data: jsonObject }).meta({ id: 'StoredEvent' })
const eventsQuery = listQuery
const aggregatedQuery = listQuery.extend({ call_id: queryText, activeflow_id: queryText })

interface EventPage {
  readonly result: z.infer<typeof storedEvent>[]
  readonly next_page_token: string
}

export function timelineRoutes(app: App, desk: Desk): void {
  const { ledger } = desk
  const answer = { response: { 200: listOf(storedEvent) } }
  const item = { params: idParams, querystring: eventsQuery, ...answer }
  app.get(
    '/timelines/calls/:id/events',
    { schema: { ...about('/timelines', 'Events of a call'), ...item } },
    async ({ identity, params, query }) => ofCall(ledger, identity.customerId, params.id, query),
  )
  app.get(
    '/timelines/activeflows/:id/events',
    { schema: { ...about('/timelines', 'Events of a run of a flow'), ...item } },
    async ({ identity, params, query }) => ofRun(ledger, identity.customerId, params.id, query),
  )
  app.get(
    '/timelines/flows/:id/events',
    { schema: { ...about('/timelines', "Events of a flow's calls"), ...item } },
    async ({ identity, params, query }) => {
      await ledger.row('flows', identity.customerId, params.id, 'FLOW_NOT_FOUND')
      return ofCalls(ledger, identity.customerId, query, (call) => call.doc['flow_id'] === params.id)
    },
  )
  app.get(
    '/timelines/conferences/:id/events',
    { schema: { ...about('/timelines', 'Events of a conference'), ...item } },
    async (): Promise<EventPage> => {
      throw new AppError('CONFERENCE_NOT_FOUND')
    },
  )
  app.get(
    '/aggregated-events',
    { schema: { ...about('/aggregated-events', 'Events of all calls'), querystring: aggregatedQuery, ...answer } },
    async ({ identity, query }) => {
      const { customerId } = identity
      if (query.call_id !== undefined) return ofCall(ledger, customerId, idOf(query.call_id, 'call_id'), query)
      if (query.activeflow_id === undefined) return ofCalls(ledger, customerId, query, () => true)
      return ofRun(ledger, customerId, idOf(query.activeflow_id, 'activeflow_id'), query)
    },
  )
}

function idOf(text: string, field: string): string {
  if (isUuid(text)) return text.toLowerCase()
  throw new AppError('INVALID_REQUEST_PARAMETER', { message: `${field}: must be a UUID` })
}

type Query = z.infer<typeof listQuery>

async function ofCall(ledger: Ledger, customerId: string, callId: string, query: Query): Promise<EventPage> {
  await ledger.row('calls', customerId, callId, 'CALL_NOT_FOUND')
  return pageOf(await ledger.eventsOfCall(customerId, callId), query)
}

/** Of a run with a call: what names the run. Events of runs without a call are kept, but cannot be looked up by it yet. */
async function ofRun(ledger: Ledger, customerId: string, id: string, query: Query): Promise<EventPage> {
  const run = await ledger.row('activeflows', customerId, id, 'ACTIVEFLOW_NOT_FOUND')
  const events = await ledger.eventsOfCall(customerId, String(run.doc['reference_id']))
  const own = events.filter(({ data }) => data['activeflow_id'] === id || data['id'] === id)
  return pageOf(own, query)
}

/** Tokens here are the number of events that were shown. */
function pageOf(events: readonly EventRow[], query: Query): EventPage {
  const start = offsetOf(query.page_token ?? '0')
  const newest = [...events].reverse().slice(start, start + query.page_size)
  const end = start + newest.length
  return { result: newest.map(show), next_page_token: end < events.length ? String(end) : '' }
}

function show({ type, wall_us, data }: EventRow): EventPage['result'][number] {
  return { type, timestamp: timestamp(wall_us), data }
}

function offsetOf(token: string): number {
  if (/^\d{1,9}$/.test(token)) return Number(token)
  throw new AppError('INVALID_REQUEST_PARAMETER', { message: 'page_token: is not one of ours' })
}

/** Calls looked at for one page; a page may hold less than was asked for and still lead on. */
const CALLS_A_PAGE = 200

/** Goes through the calls, newest first, each with its events newest first. The token names a call and what of it was shown. */
async function ofCalls(
  ledger: Ledger,
  customerId: string,
  query: Query,
  wanted: (call: Row) => boolean,
): Promise<EventPage> {
  const result: EventPage['result'] = []
  let place = placeOf(query.page_token)
  for (let looked = 0; looked < CALLS_A_PAGE; looked++) {
    const before = { us: place.us, id: place.id }
    const [call] = await ledger.list({ table: 'calls', customer_id: customerId, limit: 1, before })
    if (!call) return { result, next_page_token: '' }
    const events = wanted(call) ? [...(await ledger.eventsOfCall(customerId, call.id))].reverse() : []
    const some = events.slice(place.shown, place.shown + query.page_size - result.length)
    result.push(...some.map(show))
    const shown = place.shown + some.length
    place = shown < events.length ? { ...place, shown } : { us: call.tm_create_us, id: call.id, shown: 0 }
    if (result.length === query.page_size) break
  }
  return { result, next_page_token: `${place.us.toString(36)}_${place.id}_${place.shown}` }
}

interface Place {
  /** The next call is the newest that is older than this. */
  readonly us: number
  readonly id: string
  /** Events of that call that were shown. */
  readonly shown: number
}

const START: Place = { us: Number.MAX_SAFE_INTEGER, id: '', shown: 0 }

function placeOf(token: string | undefined): Place {
  if (token === undefined) return START
  const [, us = '', id = '', shown = ''] = /^([0-9a-z]{1,11})_([0-9a-f-]{36}|)_(\d{1,9})$/.exec(token) ?? []
  const micros = Number.parseInt(us, 36)
  if (Number.isSafeInteger(micros)) return { us: micros, id, shown: Number(shown) }
  throw new AppError('INVALID_REQUEST_PARAMETER', { message: 'page_token: is not one of ours' })
}
