/** Access keys (contract §2.3). A key may do what an administrator may, so only administrators make and change them. */

import {
  type AccesskeyDoc,
  accesskeyChange,
  accesskeyRequest,
  accesskeySchema,
  newAccesskeySchema,
} from '../../contract/accesskey.ts'
import { createAccessKey } from '../accounts.ts'
import { type App, type Desk, idParams, requireAdmin, shown } from '../app.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, deleteRecord, given, type RecordKind } from './records.ts'

/** The searchable key is the token's hash, which is not in the resource: it stays as the row has it. */
const ACCESSKEY: RecordKind = {
  table: 'accesskeys',
  notFound: 'ACCESSKEY_NOT_FOUND',
  created: 'accesskey_created',
  updated: 'accesskey_updated',
  deleted: 'accesskey_deleted',
}

export function accesskeyRoutes(app: App, desk: Desk): void {
  const { ledger } = desk
  const answer = { response: { 200: accesskeySchema } }
  readingRoutes(app, desk, {
    table: 'accesskeys',
    path: '/accesskeys',
    doc: accesskeySchema,
    notFound: 'ACCESSKEY_NOT_FOUND',
  })

  app.post(
    '/accesskeys',
    { schema: { ...about('/accesskeys', 'Create'), body: accesskeyRequest, response: { 200: newAccesskeySchema } } },
    async ({ body, identity }) => {
      requireAdmin(identity)
      return createAccessKey(desk.deps, {
        customerId: identity.customerId,
        name: body.name,
        detail: body.detail,
        expireSeconds: body.expire,
      })
    },
  )
  app.put(
    '/accesskeys/:id',
    { schema: { ...about('/accesskeys', 'Change'), params: idParams, body: accesskeyChange, ...answer } },
    async ({ body, identity, params }): Promise<AccesskeyDoc> => {
      requireAdmin(identity)
      return shown(await changeRecord(ledger, ACCESSKEY, identity.customerId, params.id, () => given(body)))
    },
  )
  app.delete(
    '/accesskeys/:id',
    { schema: { ...about('/accesskeys', 'Delete'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<AccesskeyDoc> => {
      requireAdmin(identity)
      return shown(await deleteRecord(ledger, ACCESSKEY, identity.customerId, params.id))
    },
  )
}
