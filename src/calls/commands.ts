/**
 * What may be asked of a live call, groupcall or node, as JSON: the same from REST, from a flow and, later, from another node.
 * `ask` is answered after the change is committed; flush, hang-up and sound act before that.
 */

import type { JsonObject } from '../kernel/json.ts'

/** Names one mailbox. Parts reach each other only by `tell(ref, input)`. */
export interface Ref {
  readonly kind: 'call' | 'groupcall'
  readonly id: string
}

export interface Address {
  readonly type: string
  readonly target: string
  readonly target_name: string
  readonly name: string
  readonly detail: string
}

/** One step of a flow, as stored and shown (contract §9.3). */
export interface ActionDoc {
  readonly id: string
  readonly next_id: string
  readonly type: string
  readonly option: JsonObject
  readonly tm_execute?: string | null
}

export type CallCommand =
  | { readonly kind: 'hangup' }
  | { readonly kind: 'delete' }
  /** The turn record so far. */
  | { readonly kind: 'turns' }
  | {
      readonly kind: 'startTranscribe'
      readonly language: string
      readonly direction: 'in' | 'out' | 'both'
      readonly provider: string
      readonly onEndFlowId: string
      readonly phrases: readonly string[] | null
    }
  | { readonly kind: 'setPhrases'; readonly transcribeId: string; readonly phrases: readonly string[] | null }
  | { readonly kind: 'stopTranscribe'; readonly transcribeId: string }
  | { readonly kind: 'deleteTranscribe'; readonly transcribeId: string }
  | {
      readonly kind: 'createSpeaking'
      readonly language: string
      readonly provider: string
      readonly voiceId: string
      readonly direction: string
    }
  | { readonly kind: 'say'; readonly speakingId: string; readonly text: string }
  | { readonly kind: 'flush'; readonly speakingId: string }
  | { readonly kind: 'stopSpeaking'; readonly speakingId: string }
  | { readonly kind: 'deleteSpeaking'; readonly speakingId: string }

export interface Originate {
  readonly customerId: string
  readonly source: Address | null
  readonly destinations: readonly Address[]
  /** Nil UUID = none. */
  readonly flowId: string
  /** Already checked, ids filled in. */
  readonly actions: readonly ActionDoc[]
  readonly variables: Readonly<Record<string, string>>
  readonly anonymous: string
}

/** `code` is one of `contract/errors.ts`. */
export type Outcome =
  | { readonly ok: true; readonly doc: JsonObject }
  | { readonly ok: false; readonly code: string; readonly details?: readonly JsonObject[]; readonly extra?: JsonObject }

/** The door of the API (and of the managed agent) into the calls. */
export interface CallsDoor {
  /** The answer's doc is `{calls, groupcalls}` (contract §7.5). */
  originate(request: Originate): Promise<Outcome>
  /** Unknown or ended: `{ok: false, code: 'CALL_NOT_FOUND'}`; look into the store then. Never rejects. */
  ask(customerId: string, callId: string, command: CallCommand): Promise<Outcome>
  /** The live call that a transcribe or speaking belongs to, or null when it is over. */
  callOf(kind: 'transcribe' | 'speaking', id: string): string | null
  /** Ends all member calls. */
  hangupGroupcall(customerId: string, groupcallId: string): Promise<Outcome>
}
