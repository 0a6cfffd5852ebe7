/** Calls (contract §7): live ones are asked, ended ones are read. */

import type { z } from 'zod'
import type { CallCommand, Originate } from '../../calls/commands.ts'
import { type CallDoc, callRequest, callSchema, callsAnswer } from '../../contract/call.ts'
import { AppError } from '../../contract/errors.ts'
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
    ({ identity, params }): Promise<CallDoc> => askLive(desk, identity.customerId, params.id, { kind: 'hangup' }),
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

/** @throws AppError CALL_NOT_FOUND, CALL_ALREADY_HANGUP for a call that has ended, whatever the call refuses */
export async function askLive(desk: Desk, customerId: string, callId: string, command: CallCommand): Promise<CallDoc> {
  const outcome = await desk.deps.calls.ask(customerId, callId, command)
  if (outcome.ok || outcome.code !== 'CALL_NOT_FOUND') return docOf(outcome)
  await desk.ledger.row('calls', customerId, callId, 'CALL_NOT_FOUND')
  throw new AppError('CALL_ALREADY_HANGUP')
}

async function originate(
  desk: Desk,
  identity: Identity,
  body: z.infer<typeof callRequest>,
): Promise<z.infer<typeof callsAnswer>> {
  return docOf(await desk.deps.calls.originate(await originateWish(desk, identity, body)))
}

/** What `POST /calls` and `POST /groupcalls` have in common. @throws AppError INVALID_VARIABLES, FLOW_NOT_FOUND, ... */
export async function originateWish(
  desk: Desk,
  identity: Identity,
  body: z.infer<typeof callRequest>,
): Promise<Originate> {
  const flow = await requireFlow(desk, identity.customerId, body.flow_id)
  return {
    customerId: identity.customerId,
    source: body.source ?? null,
    destinations: body.destinations,
    flowId: body.flow_id,
    actions: flow ? flow.actions : checkedActions(desk, body.actions),
    variables: checkedVariables(body.variables),
    anonymous: body.anonymous ?? 'auto',
  }
}

/** @throws AppError INVALID_VARIABLES */
export function checkedVariables(variables: Readonly<Record<string, unknown>> | undefined): Record<string, string> {
  const fault = variablesFault(variables ?? {})
  if (fault !== null) throw new AppError('INVALID_VARIABLES', { message: `variables: ${fault}` })
  return (variables ?? {}) as Record<string, string>
}
