/** Flows (contract §9.1). */

import { AppError } from '../../contract/errors.ts'
import {
  type ActionDoc,
  type FlowDoc,
  flatDialect,
  flowChange,
  flowRequest,
  flowSchema,
  newFlow,
  readActions,
} from '../../contract/flow.ts'
import { chooseLanguage, DEFAULT_LANGUAGE } from '../../contract/language.ts'
import { NIL_UUID } from '../../kernel/ids.ts'
import { type App, type Desk, idParams, shown } from '../app.ts'
import { type DirectKind, regenerateHash } from '../direct.ts'
import { about, readingRoutes } from './reading.ts'
import { changeRecord, createRecord, deleteRecord, given, type RecordKind } from './records.ts'

const FLOW: RecordKind = {
  table: 'flows',
  notFound: 'FLOW_NOT_FOUND',
  created: 'flow_created',
  updated: 'flow_updated',
  deleted: 'flow_deleted',
  keysOf: () => ({}),
}

const DIRECT: DirectKind = {
  resourceType: 'flow',
  table: 'flows',
  notFound: 'FLOW_NOT_FOUND',
  updated: 'flow_updated',
  inEvent: (doc) => doc,
}

export function flowRoutes(app: App, desk: Desk): void {
  const { ledger } = desk
  readingRoutes(app, desk, { table: 'flows', path: '/flows', doc: flowSchema, notFound: 'FLOW_NOT_FOUND' })

  app.post(
    '/flows',
    { schema: { ...about('/flows', 'Create'), body: flowRequest, response: { 200: flowSchema } } },
    async ({ body, identity }): Promise<FlowDoc> => {
      await requireFlow(desk, identity.customerId, body.on_complete_flow_id)
      const doc = newFlow({
        id: ledger.newId(),
        customerId: identity.customerId,
        name: body.name,
        detail: body.detail,
        actions: checkedActions(desk, body.actions),
        onCompleteFlowId: body.on_complete_flow_id,
        ...flatDialect({ ...body, transcription: checkedTranscription(desk, body.transcription) }),
        tmCreate: ledger.time(),
      })
      return shown(await createRecord(ledger, FLOW, doc))
    },
  )
  app.put(
    '/flows/:id',
    { schema: { ...about('/flows', 'Change'), params: idParams, body: flowChange, response: { 200: flowSchema } } },
    async ({ body, identity, params }): Promise<FlowDoc> => {
      if (body.on_complete_flow_id) await requireFlow(desk, identity.customerId, body.on_complete_flow_id)
      const changes = given({
        ...body,
        ...(body.actions ? { actions: checkedActions(desk, body.actions) } : {}),
        ...(body.transcription ? { transcription: checkedTranscription(desk, body.transcription) } : {}),
      })
      return shown(await changeRecord(ledger, FLOW, identity.customerId, params.id, () => changes))
    },
  )
  app.post(
    '/flows/:id/direct-hash-regenerate',
    { schema: { ...about('/flows', 'Give it a new direct hash'), params: idParams, response: { 200: flowSchema } } },
    async ({ identity, params }): Promise<FlowDoc> =>
      shown(await regenerateHash(ledger, desk.deps.randomBytes, DIRECT, identity.customerId, params.id)),
  )
  app.delete(
    '/flows/:id',
    { schema: { ...about('/flows', 'Delete'), params: idParams, response: { 200: flowSchema } } },
    async ({ identity, params }): Promise<FlowDoc> =>
      shown(await deleteRecord(ledger, FLOW, identity.customerId, params.id)),
  )
}

/**
 * Actions as a request sent them, checked for their form and for their languages.
 * @throws AppError INVALID_ARGUMENT, LANGUAGE_NOT_AVAILABLE
 */
export function checkedActions(desk: Desk, list: readonly unknown[] | undefined): ActionDoc[] {
  const actions = readActions(list ?? [], () => desk.ledger.newId())
  return actions.map((action) => withLanguage(desk, action))
}

/** The actions of a `call` too. */
function withLanguage(desk: Desk, action: ActionDoc): ActionDoc {
  const { actions } = action.option
  const inner = action.type === 'call' && Array.isArray(actions) ? (actions as unknown as ActionDoc[]) : null
  const option = { ...action.option, ...spokenLanguage(desk, action) }
  if (inner === null) return { ...action, option }
  return { ...action, option: { ...option, actions: inner.map((one) => withLanguage(desk, one)) } }
}

/** The language of an action in its usual form. One that holds a variable is known only when it runs. */
function spokenLanguage(desk: Desk, action: ActionDoc): { language?: string } {
  const kind = action.type === 'transcribe_start' ? 'stt' : action.type === 'talk' ? 'tts' : null
  const language = action.option['language']
  if (kind === null || typeof language !== 'string' || language === '' || language.includes('${')) return {}
  const { speech } = desk.deps
  return { language: chooseLanguage(language, kind, speech.languages(), speech.howToAdd).language }
}

function checkedTranscription(desk: Desk, wish: FlowDoc['transcription'] | undefined): FlowDoc['transcription'] {
  if (!wish) return undefined
  const { speech } = desk.deps
  const tag = wish.language || DEFAULT_LANGUAGE
  return { ...wish, language: chooseLanguage(tag, 'stt', speech.languages(), speech.howToAdd).language }
}

/** @returns the flow, or null for the nil UUID. @throws AppError FLOW_NOT_FOUND */
export async function requireFlow(desk: Desk, customerId: string, flowId: string): Promise<FlowDoc | null> {
  if (flowId === NIL_UUID) return null
  const row = await desk.ledger.maybe('flows', customerId, flowId)
  if (!row) throw new AppError('FLOW_NOT_FOUND')
  return shown(row.doc)
}
