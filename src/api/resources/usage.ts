/** What calls used (ours), call by call or summed by day. Newest first. */

import type { z } from 'zod'
import { AppError } from '../../contract/errors.ts'
import { MAX_PAGE_SIZE, type PagePlace, parsePageToken, printPageToken } from '../../contract/list.ts'
import {
  type CallUsageDoc,
  callUsageSchema,
  type DayUsageDoc,
  momentOf,
  rounded,
  usageAnswer,
  usageQuery,
} from '../../contract/usage.ts'
import type { Row } from '../../store/port.ts'
import { type App, type Desk, shown } from '../app.ts'
import { about } from './reading.ts'

const DAY_US = 24 * 3_600 * 1_000_000
const LONGEST_US = 366 * DAY_US
const USUAL_US = 31 * DAY_US
/** Calls summed for one answer; what is older comes with the next page. */
const MOST_CALLS = 100_000

type Answer = z.infer<typeof usageAnswer>

/** Rows from `from` on, older than `before`. */
interface Span {
  readonly customerId: string
  readonly fromUs: number
  readonly before: PagePlace
}

export function usageRoutes(app: App, desk: Desk): void {
  app.get(
    '/usage',
    { schema: { ...about('/usage', 'By day or by call'), querystring: usageQuery, response: { 200: usageAnswer } } },
    async ({ query, identity }): Promise<Answer> => {
      const span = spanOf(query, identity.customerId, desk.deps.clock.wallMicros())
      return query.group === 'call' ? byCall(desk, span, query.page_size) : byDay(desk, span, query.page_size)
    },
  )
}

function spanOf(query: z.infer<typeof usageQuery>, customerId: string, now: number): Span {
  const toUs = query.to === undefined ? now + 1 : momentOf(query.to)!
  const fromUs = query.from === undefined ? toUs - USUAL_US : momentOf(query.from)!
  if (toUs - fromUs > LONGEST_US) refuse('from: must be at most 366 days before "to"')
  const start = query.page_token === undefined ? { us: toUs, id: '' } : parsePageToken(query.page_token)
  if (!start) return refuse('page_token: is not one of ours')
  return { customerId, fromUs, before: start.us < toUs ? start : { us: toUs, id: '' } }
}

function refuse(message: string): never {
  throw new AppError('INVALID_REQUEST_PARAMETER', { message })
}

async function byCall(desk: Desk, span: Span, size: number): Promise<Answer> {
  const rows = await rowsOf(desk, span, span.before, size)
  const last = rows.at(-1)
  const place = last && rows.length === size ? { us: last.tm_create_us, id: last.id } : null
  const hasMore = place !== null && (await rowsOf(desk, span, place, 1)).length > 0
  return {
    result: rows.map((row) => shown<CallUsageDoc>(row.doc)),
    next_page_token: hasMore ? printPageToken(place) : '',
  }
}

/** A day of more than `MOST_CALLS` calls comes in parts, one a page. */
async function byDay(desk: Desk, span: Span, size: number): Promise<Answer> {
  const days: DayUsageDoc[] = []
  let before = span.before
  for (let read = 0; ; ) {
    const rows = await rowsOf(desk, span, before, MAX_PAGE_SIZE)
    for (const row of rows) {
      const usage = callUsageSchema.parse(row.doc)
      const isNew = days.at(-1)?.day !== usage.day
      if (isNew && (days.length === size || read >= MOST_CALLS))
        return { result: days, next_page_token: printPageToken(before) }
      if (isNew) days.push(emptyDay(usage.day))
      add(days.at(-1)!, usage)
      before = { us: row.tm_create_us, id: row.id }
      read++
    }
    if (rows.length < MAX_PAGE_SIZE) return { result: days, next_page_token: '' }
    if (read >= 2 * MOST_CALLS) return { result: days, next_page_token: printPageToken(before) }
  }
}

async function rowsOf(
  desk: Desk,
  { customerId, fromUs }: Span,
  before: PagePlace,
  limit: number,
): Promise<readonly Row[]> {
  const rows = await desk.ledger.list({ table: 'usages', customer_id: customerId, limit, before })
  return rows.filter((row) => row.tm_create_us >= fromUs)
}

function emptyDay(day: string): DayUsageDoc {
  return {
    day,
    calls: 0,
    call_seconds: 0,
    stt_seconds: 0,
    tts_characters: 0,
    tts_characters_cached: 0,
    engines: { stt_seconds: {}, tts_characters: {} },
  }
}

function add(day: DayUsageDoc, call: CallUsageDoc): void {
  day.calls++
  day.call_seconds = rounded(day.call_seconds + call.call_seconds)
  day.stt_seconds = rounded(day.stt_seconds + call.stt_seconds)
  day.tts_characters += call.tts_characters
  day.tts_characters_cached += call.tts_characters_cached
  for (const kind of ['stt_seconds', 'tts_characters'] as const) {
    for (const [engine, count] of Object.entries(call.engines[kind])) {
      day.engines[kind][engine] = rounded((day.engines[kind][engine] ?? 0) + count)
    }
  }
}
