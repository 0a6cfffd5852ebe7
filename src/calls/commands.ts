/**
 * What may be asked of a live call, groupcall or node, as JSON: the same from REST, from a flow and, later, from another node.
 * `ask` is answered after the change is committed; flush, hang-up and sound act before that.
 */

import type { JsonObject } from '../kernel/json.ts'
import type { Errand } from './errands.ts'
import type { VoiceWish } from './facts.ts'

/** Names one mailbox. Parts reach each other only by `tell(ref, input)`. */
export interface Ref {
  readonly kind: 'call' | 'groupcall' | 'activeflow'
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
  /** `elsewhere`: somebody else has answered what it was ringing for. */
  | { readonly kind: 'hangup'; readonly elsewhere?: boolean }
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
  /** One action outside the flow (contract §17, `POST /calls/{id}/talk` and `/actions`); options are checked already. */
  | { readonly kind: 'act'; readonly action: ActAction }
  | { readonly kind: 'hold'; readonly on: boolean }
  /** '' unmutes. */
  | { readonly kind: 'mute'; readonly direction: '' | 'in' | 'out' | 'both' }
  | { readonly kind: 'moh'; readonly on: boolean }
  | { readonly kind: 'silence'; readonly on: boolean }
  /** The answer's doc is the transfer. */
  | {
      readonly kind: 'transfer'
      readonly transferType: 'attended' | 'blind'
      readonly destinations: readonly Address[]
      /** Asked for by the far end's REFER, which is told how it goes; only a peer can be transferred so. */
      readonly byPhone?: boolean
    }
  /** The far end's REFER with Replaces: our peer and that of the other call, of the same customer, belong together now. */
  | { readonly kind: 'joinPeers'; readonly callId: string }
  /** Ends the run of the flow; the call is then hung up. */
  | { readonly kind: 'stopFlow'; readonly thenDelete?: boolean }
  /** For a flow that waits at `block`. */
  | { readonly kind: 'continueFlow' }

/** What may be done to a call outside its flow. */
export type ActAction =
  | { readonly kind: 'talk'; readonly text: string; readonly wish: VoiceWish; readonly interrupt: boolean }
  | { readonly kind: 'play'; readonly urls: readonly string[] }
  | { readonly kind: 'flush' }
  | { readonly kind: 'hangup'; readonly reason: string }
  | { readonly kind: 'digitsSend'; readonly digits: string; readonly durationMs: number; readonly gapMs: number }
  | {
      readonly kind: 'connect'
      readonly source: Address | null
      readonly destinations: readonly Address[]
      readonly anonymous: boolean
    }
  | { readonly kind: 'errand'; readonly errand: Errand }
  | {
      readonly kind: 'transcribeStart'
      readonly language: string
      readonly direction: 'in' | 'out' | 'both'
      readonly provider: string
      readonly onEndFlowId: string
      readonly phrases: readonly string[] | null
    }
  | { readonly kind: 'transcribeStop' }
  | { readonly kind: 'hold'; readonly on: boolean }
  | { readonly kind: 'mute'; readonly direction: '' | 'in' | 'out' | 'both' }

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
  /** `POST /groupcalls`: the answer's doc is the groupcall. `linear` is refused until it is built. */
  groupcall(request: Originate & { readonly ringMethod: string; readonly answerMethod: string }): Promise<Outcome>
  /** `POST /activeflows`: a run without a call; the answer's doc is the activeflow. */
  startRun(request: StartRun): Promise<Outcome>
  /**
   * The run of a call is stopped with its call; one without a call by itself. The answer's doc is the activeflow.
   * `thenDelete`: deleted once it has ended, and the answer's doc carries `tm_delete`.
   */
  stopRun(customerId: string, activeflowId: string, thenDelete?: boolean): Promise<Outcome>
  /** A run that waits at `block` goes on; one that does not: `STATE_INVALID`. The answer's doc is the activeflow. */
  continueRun(customerId: string, activeflowId: string): Promise<Outcome>
  /** Ends all member calls. `thenDelete`: deleted once the last has ended, and the answer's doc carries `tm_delete`. */
  hangupGroupcall(customerId: string, groupcallId: string, thenDelete?: boolean): Promise<Outcome>
}

export interface StartRun {
  readonly customerId: string
  /** Nil UUID: a new one. */
  readonly id: string
  readonly flowId: string
  readonly actions: readonly ActionDoc[]
  readonly variables: Readonly<Record<string, string>>
  readonly webhookUri: string
  readonly webhookMethod: string
}
