/** `call`: an independent outgoing call, with a flow or actions of its own. Does not wait for it. */

import { NIL_UUID } from '../../kernel/ids.ts'
import type { ActionDoc } from '../commands.ts'
import { type ActionKind, address, addresses, atOnce, text } from './action.ts'

export const call: ActionKind = (option, host, flow) =>
  atOnce((fx) =>
    host.dial(fx, {
      source: address(option, 'source'),
      destinations: addresses(option, 'destinations'),
      anonymous: option['anonymous'] === 'yes',
      flowId: text(option, 'flow_id') || NIL_UUID,
      actions: (option['actions'] as readonly ActionDoc[] | undefined) ?? [],
      variables: flow.ownVariables(),
    }),
  )
