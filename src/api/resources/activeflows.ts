/** Activeflows (contract §9.2): runs of a flow, with a call or without. */

import { type ActiveflowDoc, activeflowRequest, activeflowSchema } from '../../contract/activeflow.ts'
import { AppError } from '../../contract/errors.ts'
import { NIL_UUID } from '../../kernel/ids.ts'
import { type App, type Desk, docOf, idParams, nothing, shown } from '../app.ts'
import { checkedVariables } from './calls.ts'
import { checkedActions, requireFlow } from './flows.ts'
import { about, readingRoutes } from './reading.ts'
import { deleteRecord, type RecordKind } from './records.ts'

const ACTIVEFLOW: RecordKind = {
  table: 'activeflows',
  notFound: 'ACTIVEFLOW_NOT_FOUND',
  created: 'activeflow_created',
  updated: 'activeflow_updated',
  deleted: 'activeflow_deleted',
}

export function activeflowRoutes(app: App, desk: Desk): void {
  const path = '/activeflows'
  const answer = { response: { 200: activeflowSchema } }
  readingRoutes(app, desk, { table: 'activeflows', path, doc: activeflowSchema, notFound: 'ACTIVEFLOW_NOT_FOUND' })

  app.post(
    path,
    { schema: { ...about(path, 'Run a flow without a call'), body: activeflowRequest, ...answer } },
    async ({ body, identity }): Promise<ActiveflowDoc> => {
      const flow = await requireFlow(desk, identity.customerId, body.flow_id)
      const outcome = await desk.deps.calls.startRun({
        customerId: identity.customerId,
        id: await freeId(desk, identity.customerId, body.id),
        flowId: body.flow_id,
        actions: flow ? flow.actions : checkedActions(desk, body.actions),
        variables: checkedVariables(body.variables),
        webhookUri: body.webhook_uri ?? '',
        webhookMethod: body.webhook_method ?? '',
      })
      return docOf(outcome)
    },
  )
  app.post(
    `${path}/:id/stop`,
    { schema: { ...about(path, 'Stop; its call is hung up'), params: idParams, ...answer } },
    ({ identity, params }) => stop(desk, identity.customerId, params.id, false),
  )
  app.post(
    `${path}/:id/continue`,
    { schema: { ...about(path, 'Go on after block'), params: idParams, ...answer } },
    async ({ identity, params }): Promise<ActiveflowDoc> => {
      const { customerId } = identity
      const outcome = await desk.deps.calls.continueRun(customerId, params.id)
      if (outcome.ok || !outcome.code.endsWith('_NOT_FOUND')) return docOf(outcome)
      await desk.ledger.row('activeflows', customerId, params.id, 'ACTIVEFLOW_NOT_FOUND')
      throw new AppError('STATE_INVALID')
    },
  )
  app.delete(
    `${path}/:id`,
    { schema: { ...about(path, 'Delete; stops first'), params: idParams, response: { 204: nothing } } },
    async ({ identity, params }, reply) => {
      const last = await stop(desk, identity.customerId, params.id, true)
      if (last.tm_delete === null) await deleteRecord(desk.ledger, ACTIVEFLOW, identity.customerId, params.id)
      return reply.code(204).send()
    },
  )
}

/**
 * The id that a request gives its run. One that another customer's run has is not taken, and not told of either.
 * @throws AppError STATE_INVALID for the id of a run of one's own
 */
async function freeId(desk: Desk, customerId: string, wanted: string): Promise<string> {
  if (wanted === NIL_UUID) return wanted
  const taken = await desk.ledger.anyCustomer('activeflows', wanted)
  if (taken?.customer_id === customerId) throw new AppError('STATE_INVALID')
  return taken ? desk.ledger.newId() : wanted
}

/** One that has ended is answered as it is. @throws AppError ACTIVEFLOW_NOT_FOUND */
async function stop(desk: Desk, customerId: string, id: string, thenDelete: boolean): Promise<ActiveflowDoc> {
  const row = await desk.ledger.row('activeflows', customerId, id, 'ACTIVEFLOW_NOT_FOUND')
  if (row.doc['status'] === 'ended') return shown(row.doc)
  const outcome = await desk.deps.calls.stopRun(customerId, id, thenDelete)
  if (outcome.ok || !outcome.code.endsWith('_NOT_FOUND')) return docOf(outcome)
  return shown((await desk.ledger.row('activeflows', customerId, id, 'ACTIVEFLOW_NOT_FOUND')).doc)
}
