/** Transcribes and transcripts (contract §10). */

import { AppError } from '../../contract/errors.ts'
import { chooseLanguage } from '../../contract/language.ts'
import { listOf } from '../../contract/list.ts'
import { deletedRow } from '../../contract/row.ts'
import {
  type TranscribeDoc,
  transcribeChange,
  transcribeQuery,
  transcribeRequest,
  transcribeSchema,
} from '../../contract/transcribe.ts'
import {
  type TranscriptDoc,
  type TranscriptListQuery,
  transcriptQuery,
  transcriptSchema,
} from '../../contract/transcript.ts'
import { isUuid, parseTimestamp } from '../../kernel/ids.ts'
import type { KeyValue, Row } from '../../store/port.ts'
import { type App, type Desk, docOf, idParams, shown } from '../app.ts'
import { type Page, recordEvent } from '../ledger.ts'
import { requireFlow } from './flows.ts'
import { about, itemRoute } from './reading.ts'
import { deleteRecord, type RecordKind } from './records.ts'
import { askOwner, openSession } from './sessions.ts'

const TRANSCRIBE: RecordKind = {
  table: 'transcribes',
  notFound: 'TRANSCRIBE_NOT_FOUND',
  created: 'transcribe_created',
  updated: 'transcribe_progressing',
  deleted: 'transcribe_deleted',
}

const TRANSCRIPT: RecordKind = {
  table: 'transcripts',
  notFound: 'TRANSCRIPT_NOT_FOUND',
  created: 'transcript_created',
  updated: 'transcript_created',
  deleted: 'transcript_deleted',
}

const DELETE_TRANSCRIPT =
  'Delete: at once out of lists and search; its text, and the events that carry it, are removed within two days'
const MOST_WORDS_CHARS = 200

export function transcribeRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  const path = '/transcribes'
  const item = { params: idParams, response: { 200: transcribeSchema } }
  itemRoute(app, desk, { table: 'transcribes', path, doc: transcribeSchema, notFound: 'TRANSCRIBE_NOT_FOUND' })

  app.get(
    path,
    { schema: { ...about(path, 'List'), querystring: transcribeQuery, response: { 200: listOf(transcribeSchema) } } },
    async ({ query, identity }) => {
      const where = referenceFilter(query.reference_type, query.reference_id)
      return shown<{ result: TranscribeDoc[]; next_page_token: string }>({
        ...(await ledger.page('transcribes', identity.customerId, query, where)),
      })
    },
  )
  app.post(
    path,
    { schema: { ...about(path, 'Start'), body: transcribeRequest, response: { 200: transcribeSchema } } },
    async ({ body, identity }): Promise<TranscribeDoc> => {
      const { language } = chooseLanguage(body.language, 'stt', deps.speech.languages(), deps.speech.howToAdd)
      await requireFlow(desk, identity.customerId, body.on_end_flow_id)
      const reference = { type: body.reference_type, id: body.reference_id }
      const doc = await openSession(desk, identity.customerId, reference, {
        kind: 'startTranscribe',
        language,
        direction: body.direction,
        provider: body.provider ?? '',
        onEndFlowId: body.on_end_flow_id,
        phrases: body.phrases ?? deps.speech.defaultPhrases,
      })
      return shown(doc)
    },
  )
  app.put(
    `${path}/:id`,
    { schema: { ...about(path, 'Change what it listens for'), body: transcribeChange, ...item } },
    async ({ body, identity, params }): Promise<TranscribeDoc> => {
      const phrases = body.phrases ?? deps.speech.defaultPhrases
      const command = { kind: 'setPhrases', transcribeId: params.id, phrases } as const
      const outcome = await askOwner(desk, 'transcribe', identity.customerId, params.id, command)
      return outcome ? undeleted(docOf(outcome)) : stored(desk, identity.customerId, params.id)
    },
  )
  app.post(
    `${path}/:id/stop`,
    { schema: { ...about(path, 'Stop'), ...item } },
    async ({ identity, params }): Promise<TranscribeDoc> => {
      const command = { kind: 'stopTranscribe', transcribeId: params.id } as const
      const outcome = await askOwner(desk, 'transcribe', identity.customerId, params.id, command)
      return outcome ? undeleted(docOf(outcome)) : stored(desk, identity.customerId, params.id)
    },
  )
  app.delete(
    `${path}/:id`,
    { schema: { ...about(path, 'Delete, with its transcripts; stops first'), ...item } },
    ({ identity, params }) => remove(desk, identity.customerId, params.id),
  )
}

export function transcriptRoutes(app: App, desk: Desk): void {
  const { ledger } = desk
  app.get(
    '/transcripts',
    {
      schema: {
        ...about('/transcripts', 'List those of one transcribe, or search them by words (q)'),
        querystring: transcriptQuery,
        response: { 200: listOf(transcriptSchema) },
      },
    },
    async ({ query, identity }) => {
      if (query.q !== undefined) return shown({ ...(await search(desk, identity.customerId, query.q, query)) })
      const id = transcribeId(query.transcribe_id)
      await stored(desk, identity.customerId, id)
      return shown<{ result: TranscriptDoc[]; next_page_token: string }>({
        ...(await ledger.page('transcripts', identity.customerId, query, { transcribe_id: id })),
      })
    },
  )
  app.delete(
    '/transcripts/:id',
    { schema: { ...about('/transcripts', DELETE_TRANSCRIPT), params: idParams, response: { 200: transcriptSchema } } },
    async ({ identity, params }): Promise<TranscriptDoc> =>
      shown(await deleteRecord(ledger, TRANSCRIPT, identity.customerId, params.id)),
  )
}

/** Transcripts that hold all words of `q`. */
async function search(desk: Desk, customerId: string, words: string, query: TranscriptListQuery): Promise<Page> {
  const { transcribe_id, reference_id, direction } = query
  const where = Object.fromEntries(
    Object.entries({
      transcribe_id: transcribe_id && uuidOf('transcribe_id', transcribe_id),
      reference_id: reference_id && uuidOf('reference_id', reference_id),
      direction,
    }).filter(([, value]) => value !== undefined),
  ) as Readonly<Record<string, KeyValue>>
  if (direction !== undefined && direction !== 'in' && direction !== 'out') throw wrong('direction: must be in or out')
  if (words.length > MOST_WORDS_CHARS) throw wrong(`q: must be at most ${MOST_WORDS_CHARS} characters`)
  if (!/[\p{L}\p{N}]/u.test(words)) throw wrong('q: holds no word')
  const from = query.from === undefined ? {} : { from_us: timeOf('from', query.from) }
  const to = query.to === undefined ? {} : { to_us: timeOf('to', query.to) }
  return desk.ledger.searchPage({ customer_id: customerId, words, where, ...from, ...to }, query)
}

function timeOf(name: string, text: string): number {
  const us = parseTimestamp(text)
  if (us === null) throw wrong(`${name}: must be a time such as 2026-01-15T09:30:00Z`)
  return us
}

function uuidOf(name: string, text: string): string {
  if (!isUuid(text)) throw wrong(`${name}: must be a UUID`)
  return text.toLowerCase()
}

function wrong(message: string): AppError {
  return new AppError('INVALID_REQUEST_PARAMETER', { message })
}

/** Both or neither. A conference is stored as its bridge. */
function referenceFilter(type: string | undefined, id: string | undefined): Readonly<Record<string, KeyValue>> {
  if (type === undefined && id === undefined) return {}
  if (type === undefined || id === undefined) throw new AppError('INVALID_REFERENCE_FILTER')
  if (!isUuid(id)) {
    throw new AppError('INVALID_REQUEST_PARAMETER', { message: 'reference_id: must be a UUID' })
  }
  return { reference_type: type === 'conference' ? 'confbridge' : type, reference_id: id.toLowerCase() }
}

function transcribeId(given: string | undefined): string {
  if (given === undefined) {
    throw new AppError('MISSING_REQUEST_PARAMETER', { message: 'transcribe_id: is needed' })
  }
  return uuidOf('transcribe_id', given)
}

/** Ends it when it runs, then removes what it heard: one event per transcript. */
async function remove(desk: Desk, customerId: string, id: string): Promise<TranscribeDoc> {
  await stored(desk, customerId, id)
  const outcome = await askOwner(desk, 'transcribe', customerId, id, { kind: 'deleteTranscribe', transcribeId: id })
  if (outcome && !outcome.ok) return docOf(outcome)
  await removeTranscripts(desk, customerId, id)
  return shown(outcome ? outcome.doc : await deleteRecord(desk.ledger, TRANSCRIBE, customerId, id))
}

async function removeTranscripts({ ledger }: Desk, customerId: string, transcribeId: string): Promise<void> {
  const query = {
    table: 'transcripts',
    customer_id: customerId,
    where: { transcribe_id: transcribeId },
    limit: 100,
  } as const
  for (;;) {
    const rows: readonly Row[] = await ledger.list(query)
    if (rows.length === 0) return
    const tmDelete = ledger.time()
    await ledger.save({
      rows: rows.map((row) => deletedRow('transcripts', row, tmDelete)),
      events: rows.map((row) => recordEvent('transcript_deleted', customerId, row.doc)),
    })
  }
}

async function stored(desk: Desk, customerId: string, id: string): Promise<TranscribeDoc> {
  return shown((await desk.ledger.row('transcribes', customerId, id, 'TRANSCRIBE_NOT_FOUND')).doc)
}

/** A live call may still know a session that was deleted; nobody else does. */
function undeleted(doc: TranscribeDoc): TranscribeDoc {
  if (doc.tm_delete !== null) throw new AppError('TRANSCRIBE_NOT_FOUND')
  return doc
}
