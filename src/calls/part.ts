/**
 * What goes into and comes out of a call's mailbox. Inputs are plain data and are logged (`v`, `n`, `now`, `wall`, `part`,
 * `input`); feeding the same log gives the same outputs.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Lane, MediaEvent } from '../media/protocol.ts'
import type { EndCause } from '../sip/types.ts'
import type { ListenEvent, TalkEvent } from '../speech/protocol.ts'
import type { KeyValue, TableName } from '../store/port.ts'
import type { ActionDoc, Address, CallCommand, Outcome, Ref } from './commands.ts'

/** A flow as a call runs it. */
export interface FlowPlan {
  readonly flowId: string
  readonly actions: readonly ActionDoc[]
  readonly variables: Readonly<Record<string, string>>
}

/** First entry of every call's log: who calls whom, and the seed of all its randomness. */
export interface Birth {
  readonly kind: 'born'
  readonly seed: string
  readonly callId: string
  readonly customerId: string
  readonly direction: 'incoming' | 'outgoing'
  readonly source: Address
  readonly destination: Address
  /** Null: nothing to run; the call stays up after answer and is driven by the API. */
  readonly plan: FlowPlan | null
  readonly groupcallId: string
  readonly sipCallId: string
  readonly nodeId: string
  readonly bootId: string
  readonly maxDurationMs: number
}

export type SipNews =
  | { readonly kind: 'progress'; readonly code: number }
  | { readonly kind: 'answered' }
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'failed'; readonly code: number; readonly cause: EndCause; readonly why: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'ended'; readonly cause: EndCause }

/** Media events, without the leg: a call has one. */
export type SoundNews = MediaEvent
export type HeardNews = ListenEvent
export type SpokenNews = TalkEvent

export type CallInput =
  | Birth
  | { readonly kind: 'sip'; readonly news: SipNews }
  | { readonly kind: 'sound'; readonly news: SoundNews }
  | { readonly kind: 'listen'; readonly news: HeardNews }
  | { readonly kind: 'talk'; readonly news: SpokenNews }
  | { readonly kind: 'command'; readonly reply: number; readonly command: CallCommand }
  | { readonly kind: 'timer'; readonly name: string }
  /** A session whose record is stored and answered may now begin. */
  | { readonly kind: 'begin'; readonly speakingId: string }
  /** Rows and events of a batch with `mark` are stored (`at`) and handed to the receivers (`sentAt`). */
  | { readonly kind: 'stored'; readonly mark: number; readonly at: Millis; readonly sentAt: Millis }
  /** They could not be stored. `created` names what this batch would have made. */
  | { readonly kind: 'notStored'; readonly created: string | null; readonly why: string }
  /** A thread this call's sound depends on has died. */
  | { readonly kind: 'threadLost'; readonly thread: 'media' | 'listen' | 'talk' }

export type CallOutput =
  // ---- signalling
  | { readonly kind: 'ring' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject'; readonly code: number; readonly phrase: string }
  | { readonly kind: 'invite' }
  | { readonly kind: 'cancelInvite' }
  | { readonly kind: 'bye'; readonly reason: string }
  // ---- sound
  | { readonly kind: 'openLeg' }
  | { readonly kind: 'closeLeg' }
  | { readonly kind: 'attachEar'; readonly language: string; readonly phrases: readonly string[] | null }
  | { readonly kind: 'setPhrases'; readonly phrases: readonly string[] | null }
  | { readonly kind: 'detachEar'; readonly finish: boolean }
  | {
      readonly kind: 'utter'
      readonly lane: Lane
      readonly epoch: number
      readonly sayId: number
      readonly text: string
      readonly voice: string
    }
  | { readonly kind: 'flush'; readonly lane: Lane; readonly epoch: number }
  // ---- time
  | { readonly kind: 'timer'; readonly name: string; readonly at: Millis }
  | { readonly kind: 'clearTimer'; readonly name: string }
  // ---- records: all of one `handle` are one commit
  | { readonly kind: 'row'; readonly table: TableName; readonly row: RowOut }
  | { readonly kind: 'event'; readonly event: EventOut }
  | { readonly kind: 'mark'; readonly mark: number }
  /** Answer to a command; given out after the commit. `created` names a new resource, so that a failed commit undoes it. */
  | { readonly kind: 'reply'; readonly to: number; readonly outcome: Outcome; readonly created?: string }
  /** Comes back as an input when this batch is stored and its replies are given. */
  | { readonly kind: 'afterStored'; readonly input: CallInput }
  | { readonly kind: 'tell'; readonly ref: Ref; readonly input: JsonObject }
  /** Nothing more will come from this call: the mailbox closes. */
  | { readonly kind: 'over' }

export interface RowOut {
  readonly id: string
  readonly tmCreate: Micros
  readonly tmDelete: Micros | null
  readonly keys: Readonly<Record<string, KeyValue>>
  readonly doc: JsonObject
  readonly hidden: JsonObject
}

export interface EventOut {
  readonly type: string
  readonly seq: number
  readonly offsetMs: number
  readonly data: JsonObject
  readonly ephemeral: boolean
}
