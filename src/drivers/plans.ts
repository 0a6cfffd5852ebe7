/** What a call or a run executes: from a stored flow, or from actions that came with a request. */

import type { ActionDoc, Address } from '../calls/commands.ts'
import type { FlowPlan, FlowTranscription } from '../calls/part.ts'
import { isUnset, NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Store } from '../store/port.ts'

type Variables = Readonly<Record<string, string>>

export interface PlanWish {
  readonly customerId: string
  readonly flowId: string
  readonly actions: readonly ActionDoc[]
  readonly variables: Variables
}

/** @returns null when nothing is to run; 'unknown flow' for an id that is no flow of this customer */
export async function planFor(store: Store, wish: PlanWish): Promise<FlowPlan | null | 'unknown flow'> {
  const { customerId, flowId, actions, variables } = wish
  if (!isUnset(flowId)) return (await storedPlan(store, customerId, flowId, variables)) ?? 'unknown flow'
  return actions.length === 0 ? null : { flowId: NIL_UUID, actions, variables }
}

/** @param disclosure of the number that was called: goes before the flow's own */
export async function storedPlan(
  store: Store,
  customerId: string,
  flowId: string,
  variables: Variables = {},
  disclosure = '',
): Promise<FlowPlan | null> {
  if (isUnset(flowId)) return null
  const row = await store.get('flows', customerId, flowId)
  return row
    ? { ...planOfFlow(flowId, row.doc), variables, ...said(disclosure || textOf(row.doc, 'disclosure')) }
    : null
}

function planOfFlow(flowId: string, doc: JsonObject): Omit<FlowPlan, 'variables'> {
  const onComplete = textOf(doc, 'on_complete_flow_id')
  const webhookUrl = textOf(doc, 'webhook_url')
  const transcription = doc['transcription'] as unknown as FlowTranscription | undefined
  return {
    flowId,
    actions: (doc['actions'] ?? []) as unknown as readonly ActionDoc[],
    ...(isUnset(onComplete) ? {} : { onCompleteFlowId: onComplete }),
    ...(transcription ? { transcription: { ...transcription, language: transcription.language || 'en-US' } } : {}),
    ...(webhookUrl ? { flatWebhookUrl: webhookUrl, flatWebhookMethod: textOf(doc, 'webhook_method') || 'POST' } : {}),
  }
}

function said(disclosure: string): { disclosure?: string } {
  return disclosure ? { disclosure } : {}
}

function textOf(doc: JsonObject, name: string): string {
  const value = doc[name]
  return typeof value === 'string' ? value : ''
}

/** One phone of a customer calls another: dialled as it is, and what becomes of it is passed back (contract §6). */
export function throughPlan(actionId: string, destination: Address): FlowPlan {
  const option = { destinations: [{ ...destination }], early_media: true, relay_reason: true }
  return { flowId: NIL_UUID, actions: [{ id: actionId, next_id: NIL_UUID, type: 'connect', option }], variables: {} }
}
