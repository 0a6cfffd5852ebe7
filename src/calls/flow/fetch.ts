/** `fetch`: asks a server for actions, `fetch_flow`: takes those of a stored flow. They run before the rest. */

import type { JsonObject } from '../../kernel/json.ts'
import type { ActionDoc } from '../commands.ts'
import { type ActionKind, awaitErrand, text } from './action.ts'

export const fetchActions: ActionKind = (option, host, flow) =>
  awaitErrand(
    host,
    {
      kind: 'fetchActions',
      url: text(option, 'event_url'),
      method: text(option, 'event_method') || 'POST',
      body: { activeflow_id: flow.activeflowId, reference_id: flow.referenceId },
    },
    (result) => {
      if (result.ok && result.actions) flow.insert(result.actions)
    },
  )

export const fetchFlow: ActionKind = (option, host, flow) =>
  awaitErrand(host, { kind: 'readFlow', flowId: text(option, 'flow_id') }, (result) => {
    if (result.ok && result.flow) flow.insert(actionsOf(result.flow))
  })

function actionsOf(flow: JsonObject): readonly ActionDoc[] {
  const actions = flow['actions']
  return Array.isArray(actions) ? (actions as unknown as ActionDoc[]) : []
}
