/** Providers (contract §6). */

import {
  newProvider,
  type ProviderDoc,
  providerAfter,
  providerChange,
  providerRequest,
  providerSchema,
} from '../../contract/provider.ts'
import { type App, type Desk, idParams, requireAdmin, shown } from '../app.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, createRecord, deleteRecord, type RecordKind } from './records.ts'

const PROVIDER: RecordKind = {
  table: 'providers',
  notFound: 'PROVIDER_NOT_FOUND',
  created: 'provider_created',
  updated: 'provider_updated',
  deleted: 'provider_deleted',
}

/** The password lives in what is never shown. */
export function providerRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  const answer = { response: { 200: providerSchema } }
  const { table, notFound } = PROVIDER
  readingRoutes(app, desk, { table, path: '/providers', doc: providerSchema, notFound })

  app.post(
    '/providers',
    { schema: { ...about('/providers', 'Create'), body: providerRequest, ...answer } },
    async ({ body, identity }): Promise<ProviderDoc> => {
      requireAdmin(identity)
      const doc = newProvider(ledger.newId(), identity.customerId, ledger.time(), body)
      await createRecord(ledger, PROVIDER, doc, { password: body.password ?? '' })
      deps.trunks?.changed()
      return doc
    },
  )
  app.put(
    '/providers/:id',
    { schema: { ...about('/providers', 'Change'), params: idParams, body: providerChange, ...answer } },
    async ({ body, identity, params }): Promise<ProviderDoc> => {
      requireAdmin(identity)
      const hidden = body.password === undefined ? {} : { password: body.password }
      const after = ({ doc }: { doc: object }) => providerAfter(doc as ProviderDoc, body)
      const doc = await changeRecord(ledger, PROVIDER, identity.customerId, params.id, after, hidden)
      deps.trunks?.changed()
      return shown(doc)
    },
  )
  app.delete(
    '/providers/:id',
    { schema: { ...about('/providers', 'Delete'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<ProviderDoc> => {
      requireAdmin(identity)
      const doc = await deleteRecord(ledger, PROVIDER, identity.customerId, params.id)
      deps.trunks?.changed()
      return shown(doc)
    },
  )
}
