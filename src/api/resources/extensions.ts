/** Extensions (contract §6). */

import {
  type ExtensionDoc,
  extensionChange,
  extensionRequest,
  extensionSchema,
  newExtension,
} from '../../contract/extension.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type App, type Desk, idParams, shown } from '../app.ts'
import { type DirectKind, regenerateHash } from '../direct.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, createRecord, deleteRecord, given, type RecordKind } from './records.ts'

const EXTENSION: RecordKind = {
  table: 'extensions',
  notFound: 'EXTENSION_NOT_FOUND',
  created: 'extension_created',
  updated: 'extension_updated',
  deleted: 'extension_deleted',
  keysOf: (doc) => ({ extension: String(doc['extension']), name: String(doc['name']) }),
  inEvent: (doc) => withoutPassword(doc),
}

const withoutPassword = ({ password: _, ...doc }: JsonObject): JsonObject => doc

const DIRECT: DirectKind = {
  resourceType: 'extension',
  table: 'extensions',
  notFound: 'EXTENSION_NOT_FOUND',
  updated: 'extension_updated',
  inEvent: withoutPassword,
}

export function extensionRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  const answer = { response: { 200: extensionSchema } }
  const withContacts = (doc: JsonObject): JsonObject => {
    const contacts = deps.registrations.contactsOf(String(doc['id']))
    return { ...doc, registered: contacts.length > 0, contacts: contacts.map((contact) => ({ ...contact })) }
  }
  readingRoutes(app, desk, {
    table: 'extensions',
    path: '/extensions',
    doc: extensionSchema,
    notFound: 'EXTENSION_NOT_FOUND',
    // Whoever has no more than the direct hash must not register as the extension.
    show: (doc, { direct }) => withContacts(direct ? { ...doc, password: '' } : doc),
  })

  app.post(
    '/extensions',
    { schema: { ...about('/extensions', 'Create'), body: extensionRequest, ...answer } },
    async ({ body, identity }): Promise<ExtensionDoc> => {
      const doc = newExtension({
        id: ledger.newId(),
        customerId: identity.customerId,
        ...body,
        tmCreate: ledger.time(),
      })
      return shown(await createRecord(ledger, EXTENSION, doc))
    },
  )
  app.put(
    '/extensions/:id',
    { schema: { ...about('/extensions', 'Change'), params: idParams, body: extensionChange, ...answer } },
    async ({ body, identity, params }): Promise<ExtensionDoc> => {
      const doc = await changeRecord(ledger, EXTENSION, identity.customerId, params.id, () => given(body))
      return shown(withContacts(doc))
    },
  )
  app.post(
    '/extensions/:id/direct-hash-regenerate',
    { schema: { ...about('/extensions', 'Give it a new direct hash'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<ExtensionDoc> => {
      const doc = await regenerateHash(ledger, deps.randomBytes, DIRECT, identity.customerId, params.id)
      return shown(withContacts(doc))
    },
  )
  app.delete(
    '/extensions/:id',
    { schema: { ...about('/extensions', 'Delete'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<ExtensionDoc> => {
      const doc = await deleteRecord(ledger, EXTENSION, identity.customerId, params.id)
      deps.registrations.drop(params.id)
      return shown(doc)
    },
  )
}
