/** Calls and groupcalls (contract §7, §8): live ones are asked, ended ones are read. */

import type { z } from 'zod'
import { type CallDoc, callRequest, callSchema, callsAnswer } from '../../contract/call.ts'
import { AppError } from '../../contract/errors.ts'
import { type GroupcallDoc, groupcallSchema } from '../../contract/groupcall.ts'
import { turnsSchema } from '../../contract/turns.ts'
import { variablesFault } from '../../contract/variables.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { type App, type Desk, docOf, idParams, shown } from '../app.ts'
import type { Identity } from '../auth.ts'
import { checkedActions, requireFlow } from './flows.ts'
import { about, readingRoutes } from './reading.ts'
import { deleteRecord, type RecordKind } from './records.ts'

const CALL: RecordKind = {
  table: 'calls',
  notFound: 'CALL_NOT_FOUND',
  created: 'call_created',
  updated: 'call_updated',
  deleted: 'call_deleted',
}

const GROUPCALL: RecordKind = {
  table: 'groupcalls',
  notFound: 'GROUPCALL_NOT_FOUND',
  created: 'groupcall_created',
  updated: 'groupcall_progressing',
  deleted: 'groupcall_deleted',
}

export function callRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  readingRoutes(app, desk, { table: 'calls', path: '/calls', doc: callSchema, notFound: 'CALL_NOT_FOUND' })

  app.post(
    '/calls',
    { schema: { ...about('/calls', 'Make calls'), body: callRequest, response: { 200: callsAnswer } } },
    ({ body, identity }) => originate(desk, identity, body),
  )
  app.post(
    '/calls/:id/hangup',
    { schema: { ...about('/calls', 'Hang up'), params: idParams, response: { 200: callSchema } } },
    async ({ identity, params }): Promise<CallDoc> => {
      const outcome = await deps.calls.ask(identity.customerId, params.id, { kind: 'hangup' })
      if (outcome.ok || outcome.code !== 'CALL_NOT_FOUND') return docOf(outcome)
      await ledger.row('calls', identity.customerId, params.id, 'CALL_NOT_FOUND')
      throw new AppError('CALL_ALREADY_HANGUP')
    },
  )
  app.delete(
    '/calls/:id',
    { schema: { ...about('/calls', 'Delete; hangs up first'), params: idParams, response: { 200: callSchema } } },
    async ({ identity, params }): Promise<CallDoc> => {
      const outcome = await deps.calls.ask(identity.customerId, params.id, { kind: 'delete' })
      if (outcome.ok || outcome.code !== 'CALL_NOT_FOUND') return docOf(outcome)
      return shown(await deleteRecord(ledger, CALL, identity.customerId, params.id))
    },
  )
  app.get(
    '/calls/:id/turns',
    { schema: { ...about('/calls', 'How fast each turn was'), params: idParams, response: { 200: turnsSchema } } },
    async ({ identity, params }): Promise<z.infer<typeof turnsSchema>> => {
      const outcome = await deps.calls.ask(identity.customerId, params.id, { kind: 'turns' })
      if (outcome.ok || outcome.code !== 'CALL_NOT_FOUND') return docOf(outcome)
      const row = await ledger.row('calls', identity.customerId, params.id, 'CALL_NOT_FOUND')
      return shown((row.hidden['turns'] as JsonObject | undefined) ?? { result: [], flushes: [] })
    },
  )
}

async function originate(
  desk: Desk,
  identity: Identity,
  body: z.infer<typeof callRequest>,
): Promise<z.infer<typeof callsAnswer>> {
  const fault = variablesFault(body.variables ?? {})
  if (fault !== null) throw new AppError('INVALID_VARIABLES', { message: `variables: ${fault}` })
  const flow = await requireFlow(desk, identity.customerId, body.flow_id)
  const outcome = await desk.deps.calls.originate({
    customerId: identity.customerId,
    source: body.source ?? null,
    destinations: body.destinations,
    flowId: body.flow_id,
    actions: flow ? flow.actions : checkedActions(desk, body.actions),
    variables: (body.variables ?? {}) as Record<string, string>,
    anonymous: body.anonymous ?? 'auto',
  })
  return docOf(outcome)
}

export function groupcallRoutes(app: App, desk: Desk): void {
  const { deps, ledger } = desk
  readingRoutes(app, desk, {
    table: 'groupcalls',
    path: '/groupcalls',
    doc: groupcallSchema,
    notFound: 'GROUPCALL_NOT_FOUND',
  })

  /** Ends all member calls; one that has ended is answered as it is. */
  const hangUp = async (customerId: string, id: string): Promise<GroupcallDoc> => {
    const outcome = await deps.calls.hangupGroupcall(customerId, id)
    if (outcome.ok || !outcome.code.endsWith('_NOT_FOUND')) return docOf(outcome)
    return shown((await ledger.row('groupcalls', customerId, id, 'GROUPCALL_NOT_FOUND')).doc)
  }

  app.post(
    '/groupcalls/:id/hangup',
    {
      schema: {
        ...about('/groupcalls', 'Hang up all its calls'),
        params: idParams,
        response: { 200: groupcallSchema },
      },
    },
    ({ identity, params }) => hangUp(identity.customerId, params.id),
  )
  app.delete(
    '/groupcalls/:id',
    {
      schema: {
        ...about('/groupcalls', 'Hang up, and delete when ended'),
        params: idParams,
        response: { 200: groupcallSchema },
      },
    },
    async ({ identity, params }): Promise<GroupcallDoc> => {
      const doc = await hangUp(identity.customerId, params.id)
      if (doc.status !== 'hangup') return doc
      return shown(await deleteRecord(ledger, GROUPCALL, identity.customerId, params.id))
    },
  )
}
