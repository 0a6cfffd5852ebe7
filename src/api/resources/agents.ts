/** Agents, who sign in, and the asker's own identity (contract §2.3). */

import { usernameKey } from '../../contract/account.ts'
import {
  type AgentDoc,
  agentAddressesChange,
  agentChange,
  agentPasswordChange,
  agentPermissionChange,
  agentRequest,
  agentSchema,
  agentStatusChange,
  agentTagsChange,
  mayChange,
  newAgent,
  PERMISSION,
} from '../../contract/agent.ts'
import { AppError } from '../../contract/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type App, type Desk, idParams, shown } from '../app.ts'
import type { Identity } from '../auth.ts'
import { hashPassword } from '../password.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, createRecord, deleteRecord, given, type RecordKind } from './records.ts'

const AGENT: RecordKind = {
  table: 'agents',
  notFound: 'AGENT_NOT_FOUND',
  created: 'agent_created',
  updated: 'agent_updated',
  deleted: 'agent_deleted',
  keysOf: (doc) => ({ username: usernameKey(String(doc['username'])) }),
}

export function agentRoutes(app: App, desk: Desk): void {
  readingRoutes(app, desk, { table: 'agents', path: '/agents', doc: agentSchema, notFound: 'AGENT_NOT_FOUND' })
  app.get(
    '/me',
    { schema: { ...about('/me', 'Who the credential is'), response: { 200: agentSchema } } },
    async (request) => request.identity.agent,
  )
  app.post(
    '/agents',
    { schema: { ...about('/agents', 'Create'), body: agentRequest, response: { 201: agentSchema } } },
    async ({ body, identity }, reply) => {
      const permission = body.permission ?? PERMISSION.customerAgent
      requireGrant(identity, permission)
      const { id, tmCreate } = { id: desk.ledger.newId(), tmCreate: desk.ledger.time() }
      const { ring_method: ringMethod, tag_ids: tagIds, ...rest } = body
      const doc = newAgent({ ...rest, id, tmCreate, permission, ringMethod, tagIds, customerId: identity.customerId })
      const hidden = { password_hash: await hashPassword(body.password, desk.deps.randomBytes) }
      return reply.code(201).send(shown<AgentDoc>(await createRecord(desk.ledger, AGENT, doc, hidden)))
    },
  )
  changeRoutes(app, desk)
  app.delete(
    '/agents/:id',
    { schema: { ...about('/agents', 'Delete'), params: idParams, response: { 200: agentSchema } } },
    async ({ identity, params }): Promise<AgentDoc> => {
      await requireRight(desk, identity, params.id, 'others')
      return shown(await deleteRecord(desk.ledger, AGENT, identity.customerId, params.id))
    },
  )
}

function changeRoutes(app: App, desk: Desk): void {
  const item = { params: idParams, response: { 200: agentSchema } }
  const change = async (identity: Identity, id: string, fields: JsonObject, hidden?: JsonObject): Promise<AgentDoc> =>
    shown(await changeRecord(desk.ledger, AGENT, identity.customerId, id, () => fields, hidden))

  app.put(
    '/agents/:id',
    { schema: { ...about('/agents', 'Change'), body: agentChange, ...item } },
    async ({ body, identity, params }) => {
      await requireRight(desk, identity, params.id, 'own')
      return change(identity, params.id, given(body))
    },
  )
  app.put(
    '/agents/:id/addresses',
    { schema: { ...about('/agents', 'Change where it is reached'), body: agentAddressesChange, ...item } },
    async ({ body, identity, params }) => {
      await requireRight(desk, identity, params.id, 'own')
      return change(identity, params.id, { addresses: body.addresses })
    },
  )
  app.put(
    '/agents/:id/tag_ids',
    { schema: { ...about('/agents', 'Change its tags'), body: agentTagsChange, ...item } },
    async ({ body, identity, params }) => {
      await requireRight(desk, identity, params.id, 'own')
      return change(identity, params.id, { tag_ids: body.tag_ids })
    },
  )
  app.put(
    '/agents/:id/status',
    { schema: { ...about('/agents', 'Change its status'), body: agentStatusChange, ...item } },
    async ({ body, identity, params }) => {
      await requireRight(desk, identity, params.id, 'own')
      return change(identity, params.id, { status: body.status })
    },
  )
  app.put(
    '/agents/:id/permission',
    { schema: { ...about('/agents', 'Change what it may do'), body: agentPermissionChange, ...item } },
    async ({ body, identity, params }) => {
      await requireRight(desk, identity, params.id, 'others')
      requireGrant(identity, body.permission)
      return change(identity, params.id, { permission: body.permission })
    },
  )
  app.put(
    '/agents/:id/password',
    { schema: { ...about('/agents', 'Change its password'), body: agentPasswordChange, ...item } },
    async ({ body, identity, params }) => {
      await requireRight(desk, identity, params.id, 'own')
      const hash = await hashPassword(body.password, desk.deps.randomBytes)
      return change(identity, params.id, {}, { password_hash: hash })
    },
  )
}

/**
 * @param right `own`: everybody may do it to themselves; `others`: only who may change others
 * @throws AppError AGENT_NOT_FOUND, PERMISSION_DENIED
 */
async function requireRight(desk: Desk, identity: Identity, id: string, right: 'own' | 'others'): Promise<void> {
  const { doc } = await desk.ledger.row('agents', identity.customerId, id, 'AGENT_NOT_FOUND')
  if (right === 'own' && identity.agentId === id) return
  if (mayChange(identity.agent.permission, Number(doc['permission']))) return
  throw new AppError('PERMISSION_DENIED')
}

/** Nobody gives what would let another do more than oneself. @throws AppError PERMISSION_DENIED */
function requireGrant(identity: Identity, permission: number): void {
  if (!mayChange(identity.agent.permission, permission)) throw new AppError('PERMISSION_DENIED')
}
