/** Groupcalls (contract §8): the calls of one request, together. */

import { type GroupcallDoc, groupcallRequest, groupcallSchema } from '../../contract/groupcall.ts'
import { type App, type Desk, docOf, idParams, shown } from '../app.ts'
import { originateWish } from './calls.ts'
import { about, readingRoutes } from './reading.ts'
import { deleteRecord, type RecordKind } from './records.ts'

const GROUPCALL: RecordKind = {
  table: 'groupcalls',
  notFound: 'GROUPCALL_NOT_FOUND',
  created: 'groupcall_created',
  updated: 'groupcall_progressing',
  deleted: 'groupcall_deleted',
}

export function groupcallRoutes(app: App, desk: Desk): void {
  const { calls } = desk.deps
  const path = '/groupcalls'
  const item = { params: idParams, response: { 200: groupcallSchema } }
  readingRoutes(app, desk, { table: 'groupcalls', path, doc: groupcallSchema, notFound: 'GROUPCALL_NOT_FOUND' })

  app.post(
    path,
    {
      schema: { ...about(path, 'Call several at once'), body: groupcallRequest, response: { 200: groupcallSchema } },
    },
    async ({ body, identity }): Promise<GroupcallDoc> => {
      const wish = await originateWish(desk, identity, body)
      const [ringMethod, answerMethod] = [body.ring_method ?? 'ring_all', body.answer_method ?? '']
      return docOf(await calls.groupcall({ ...wish, ringMethod, answerMethod }))
    },
  )
  app.post(
    `${path}/:id/hangup`,
    { schema: { ...about(path, 'Hang up all its calls'), ...item } },
    async ({ identity, params }): Promise<GroupcallDoc> => {
      const outcome = await calls.hangupGroupcall(identity.customerId, params.id)
      if (outcome.ok || outcome.code !== 'GROUPCALL_NOT_FOUND') return docOf(outcome)
      return shown((await desk.ledger.row('groupcalls', identity.customerId, params.id, 'GROUPCALL_NOT_FOUND')).doc)
    },
  )
  app.delete(
    `${path}/:id`,
    { schema: { ...about(path, 'Delete; hangs up first'), ...item } },
    async ({ identity, params }): Promise<GroupcallDoc> => {
      const outcome = await calls.hangupGroupcall(identity.customerId, params.id, true)
      if (outcome.ok || outcome.code !== 'GROUPCALL_NOT_FOUND') return docOf(outcome)
      return shown(await deleteRecord(desk.ledger, GROUPCALL, identity.customerId, params.id))
    },
  )
}
