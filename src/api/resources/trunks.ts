/** Trunks (contract §6). */

import {
  newTrunk,
  REGISTRATION_OFF,
  type RegistrationState,
  type TrunkChange,
  type TrunkDoc,
  type TrunkSecrets,
  trunkAfter,
  trunkChange,
  trunkRequest,
  trunkSchema,
  trunkSecretsAfter,
} from '../../contract/trunk.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type App, type Desk, idParams, requireAdmin, shown } from '../app.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, createRecord, deleteRecord, type RecordKind } from './records.ts'

const TRUNK: RecordKind = {
  table: 'trunks',
  notFound: 'TRUNK_NOT_FOUND',
  created: 'trunk_created',
  updated: 'trunk_updated',
  deleted: 'trunk_deleted',
  // Several trunks may have no domain.
  keysOf: (doc) => ({ domain_name: String(doc['domain_name']) || null }),
}

/** The passwords live in what is never shown; the state of the registration is known only now. */
export function trunkRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  const answer = { response: { 200: trunkSchema } }
  const show = (doc: JsonObject): JsonObject => ({ ...doc, registration_state: { ...stateOf(desk, doc) } })
  const kind: RecordKind = { ...TRUNK, inEvent: show }
  readingRoutes(app, desk, { table: 'trunks', path: '/trunks', doc: trunkSchema, notFound: 'TRUNK_NOT_FOUND', show })

  app.post(
    '/trunks',
    { schema: { ...about('/trunks', 'Create'), body: trunkRequest, ...answer } },
    async ({ body, identity }): Promise<TrunkDoc> => {
      requireAdmin(identity)
      const doc = newTrunk(ledger.newId(), identity.customerId, ledger.time(), body)
      await createRecord(ledger, kind, doc, { ...trunkSecretsAfter({}, body) })
      deps.trunks?.changed()
      return shown(show(doc))
    },
  )
  app.put(
    '/trunks/:id',
    { schema: { ...about('/trunks', 'Change'), params: idParams, body: trunkChange, ...answer } },
    async ({ body, identity, params }): Promise<TrunkDoc> => {
      requireAdmin(identity)
      const doc = await changeTrunk(desk, kind, identity.customerId, params.id, body)
      deps.trunks?.changed()
      return shown(show(doc))
    },
  )
  app.delete(
    '/trunks/:id',
    { schema: { ...about('/trunks', 'Delete'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<TrunkDoc> => {
      requireAdmin(identity)
      const doc = await deleteRecord(ledger, kind, identity.customerId, params.id)
      deps.trunks?.changed()
      return shown(show(doc))
    },
  )
}

/** What has just been asked for is on its way. */
function stateOf({ deps }: Desk, doc: JsonObject): RegistrationState {
  const { id, registration, tm_delete } = shown<TrunkDoc>(doc)
  const state = (tm_delete === null && deps.trunks?.stateOf(id)) || REGISTRATION_OFF
  const isWanted = tm_delete === null && registration.registrar !== ''
  return isWanted && state.status === 'off' ? { ...state, status: 'registering' } : state
}

function changeTrunk(desk: Desk, kind: RecordKind, customerId: string, id: string, given: TrunkChange) {
  return changeRecord(
    desk.ledger,
    kind,
    customerId,
    id,
    ({ doc }) => trunkAfter(doc as unknown as TrunkDoc, given),
    ({ hidden }) => ({ ...trunkSecretsAfter(hidden as Partial<TrunkSecrets>, given) }),
  )
}
