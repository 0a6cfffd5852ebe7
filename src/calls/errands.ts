/**
 * What a call or a run of a flow asks of the world outside, as data, and what comes back. Carried out by
 * `drivers/errands.ts`; the answer returns as an input with the same number.
 */

import type { JsonObject } from '../kernel/json.ts'
import type { ActionDoc, Address } from './commands.ts'

export type Errand =
  /** `webhook_send`: the body as it is, signed like other webhooks. The reply is not read. */
  | {
      readonly kind: 'send'
      readonly uri: string
      readonly method: string
      readonly contentType: string
      readonly body: string
    }
  /** `fetch`: the reply is a JSON array of actions, checked like those of a request. */
  | { readonly kind: 'fetchActions'; readonly url: string; readonly method: string; readonly body: JsonObject }
  /** `fetch_flow`, `on_complete_flow_id`: a stored flow of the same customer. */
  | { readonly kind: 'readFlow'; readonly flowId: string }
  /** `message_send`: through the operator's SMS gateway; none is configured in this release. */
  | {
      readonly kind: 'message'
      readonly source: Address | null
      readonly destinations: readonly Address[]
      readonly text: string
    }

export type ErrandResult =
  | { readonly ok: true; readonly status?: number; readonly actions?: readonly ActionDoc[]; readonly flow?: JsonObject }
  /** `why` is for logs and events: never what a person said. */
  | { readonly ok: false; readonly why: string }
