/**
 * What goes into and comes out of a call's mailbox. Inputs are plain data and are logged (`v`, `n`, `now`, `wall`, `part`,
 * `input`); feeding the same log gives the same outputs.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Background, Lane, MediaEvent } from '../media/protocol.ts'
import type { EndCause } from '../sip/types.ts'
import type { ListenEvent, TalkEvent } from '../speech/protocol.ts'
import type { KeyValue, TableName } from '../store/port.ts'
import type { ActionDoc, Address, CallCommand, Outcome, Ref } from './commands.ts'
import type { Errand, ErrandResult } from './errands.ts'
import type { PlaySound } from './ports.ts'

/** A flow as a call runs it. */
export interface FlowPlan {
  readonly flowId: string
  readonly actions: readonly ActionDoc[]
  readonly variables: Readonly<Record<string, string>>
  readonly onCompleteFlowId?: string
  /** 000's own fields of a flow (contract §9.1). */
  readonly transcription?: FlowTranscription
  /** Said first, cannot be cut; an event says that it was heard. */
  readonly disclosure?: string
  /** Deliveries of this run: an activeflow's own webhook (§9.2). */
  readonly webhookUri?: string
  readonly webhookMethod?: string
  /** 000's flat dialect (§17). */
  readonly flatWebhookUrl?: string
  readonly flatWebhookMethod?: string
}

export interface FlowTranscription {
  readonly enabled: boolean
  readonly language: string
  readonly interim_results: boolean
}

/** A run of a flow without media: `POST /activeflows`, `on_complete_flow_id`, `on_end_flow_id`. */
export interface RunBirth {
  readonly kind: 'born'
  readonly seed: string
  readonly activeflowId: string
  readonly customerId: string
  readonly plan: FlowPlan
  readonly referenceType: '' | 'ai' | 'api' | 'call' | 'campaign' | 'conversation' | 'transcribe' | 'recording'
  readonly referenceId: string
  readonly referenceActiveflowId: string
  /** Length of the chain of `on_complete_flow_id` so far. */
  readonly chain: number
  readonly nodeId: string
  readonly bootId: string
}

/** What calls that are bridged, or being connected, tell each other (`tell` outputs). */
export type PeerNews =
  /** To the master: a leg it dials has early media, was answered (and won), or nobody was reached. */
  | { readonly kind: 'early'; readonly callId: string }
  | { readonly kind: 'connected'; readonly callId: string }
  | { readonly kind: 'nobody'; readonly reason: string }
  /** To ourselves: the flow wants to connect a call that is connected already, from outside. */
  | { readonly kind: 'connectRefused' }
  /** The other side of the bridge is gone, or has been taken away from it. */
  | { readonly kind: 'left'; readonly callId: string; readonly reason: string }
  /** From now on the other side of the bridge is this call. `lead`: it is for us to join the sound. */
  | { readonly kind: 'joined'; readonly callId: string; readonly lead?: boolean }
  /** The other side consults somebody (attended transfer): music until `joined`, `dialOn` or `left`. */
  | { readonly kind: 'parked'; readonly callId: string }
  /** The other side gives us to these (blind transfer): dial them as your own. */
  | {
      readonly kind: 'handOver'
      readonly callId: string
      /** It waits for `handedOver`, and takes us back when nobody is reached (asked for by its phone, RFC 3515). */
      readonly waits?: boolean
      readonly groupcallId: string
      readonly callIds: readonly string[]
      readonly destinations: readonly Address[]
    }
  /** To who waits for that: whom it gave away is with somebody else now, or could not be. `back`: and is its peer again. */
  | { readonly kind: 'handedOver'; readonly callId: string; readonly code: number; readonly back: boolean }
  /** The same phone's other call: your peer and the call `callId` belong together now (attended transfer by a phone). */
  | { readonly kind: 'adopt'; readonly callId: string; readonly from: string }
  | { readonly kind: 'notAdopted'; readonly callId: string }
  /** This call takes your place (RFC 3891). */
  | { readonly kind: 'takenOver'; readonly callId: string }
  | { readonly kind: 'notTakenOver' }
  /** The other side has hung up while it consulted: what it was dialling is now ours. */
  | { readonly kind: 'dialOn'; readonly groupcallId: string; readonly callIds: readonly string[] }
  /** What is spoken for the other side's far end is to sound here; how far it came is told by `uttered`. */
  | {
      readonly kind: 'utter'
      readonly callId: string
      readonly sayId: number
      readonly text: string
      readonly voice: string
    }
  | { readonly kind: 'uttered'; readonly sayId: number; readonly end: UtteredThere }
  | { readonly kind: 'flushUttered' }
  /** What the other side said, for transcriptions of direction `out`. */
  | { readonly kind: 'heard'; readonly text: string; readonly at: number; readonly language: string }
  /** The other side wants to know what is said here, or no longer. */
  | {
      readonly kind: 'listen'
      readonly callId: string
      readonly language: string | null
      readonly phrases: readonly string[] | null
    }

/** How far a say came that sounded at the other side of a bridge only. */
export interface UtteredThere {
  readonly complete: boolean
  readonly heardChars: number
  readonly cutWord: string
  readonly positionMs: number
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
  /** Set on legs made by `connect` and by transfers. */
  readonly masterCallId?: string
  /** A call of the same customer whose place this one takes as soon as it is answered (RFC 3891). */
  readonly takesOver?: string
  readonly anonymous?: boolean
  /** Number that is shown to the called party when it is not `source` (contract §5). */
  readonly callerId?: string
  /** Shown in `metadata` besides our own (privacy, P-Asserted-Identity). */
  readonly metadata?: JsonObject
  readonly sipCallId: string
  readonly nodeId: string
  readonly bootId: string
  readonly maxDurationMs: number
}

export type SipNews =
  /** `early`: with sound, which has started. */
  | { readonly kind: 'progress'; readonly code: number; readonly early?: boolean }
  /** Outcome of our own re-INVITE. */
  | { readonly kind: 'held'; readonly on: boolean; readonly ok: boolean }
  | { readonly kind: 'answered' }
  | { readonly kind: 'confirmed' }
  /** `reason` here and below: the far end's Reason header (RFC 3326), when there was one. */
  | {
      readonly kind: 'failed'
      readonly code: number
      readonly cause: EndCause
      readonly why: string
      readonly reason?: string
    }
  | { readonly kind: 'cancelled'; readonly reason?: string }
  | { readonly kind: 'ended'; readonly cause: EndCause; readonly reason?: string }
  /** A key by INFO. */
  | { readonly kind: 'key'; readonly digit: string; readonly durationMs: number }

/** Media events, without the leg: a call has one. */
export type SoundNews = Exclude<MediaEvent, { kind: 'captured' }>
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
  | { readonly kind: 'errandDone'; readonly errand: number; readonly result: ErrandResult }
  | { readonly kind: 'peer'; readonly news: PeerNews }
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
  | { readonly kind: 'ring'; readonly early?: boolean }
  | { readonly kind: 'accept' }
  | { readonly kind: 'hold'; readonly on: boolean }
  | { readonly kind: 'reject'; readonly code: number; readonly phrase: string }
  | { readonly kind: 'invite' }
  /** `elsewhere`: another one has answered, and the phone shows no missed call (RFC 3326). */
  | { readonly kind: 'cancelInvite'; readonly elsewhere?: boolean }
  /** How the transfer goes that the far end asked for (REFER): 1xx on the way, anything else ends it. */
  | { readonly kind: 'referProgress'; readonly code: number }
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
  | {
      readonly kind: 'play'
      readonly lane: Lane
      readonly epoch: number
      readonly sayId: number
      readonly sound: PlaySound
    }
  | { readonly kind: 'bridge'; readonly peerCallId: string; readonly oneWay?: boolean }
  | { readonly kind: 'unbridge' }
  | { readonly kind: 'holdSound'; readonly on: boolean }
  | { readonly kind: 'background'; readonly sound: Background }
  | { readonly kind: 'mute'; readonly direction: '' | 'in' | 'out' | 'both' }
  | { readonly kind: 'echo'; readonly on: boolean }
  | {
      readonly kind: 'sendDigits'
      readonly digits: string
      readonly durationMs: number
      readonly gapMs: number
    }
  // ---- others
  /** Comes back as `errandDone`. */
  | { readonly kind: 'errand'; readonly errand: number; readonly what: Errand }
  /** Makes the legs of a `connect`; they tell this call (`peer`) what becomes of them. */
  | { readonly kind: 'dial'; readonly dial: Dial }
  /** Starts a run of a flow without media. */
  | { readonly kind: 'startRun'; readonly run: RunWish }
  /** Of a groupcall that dials one after another: the member's turn. */
  | { readonly kind: 'dialMember'; readonly index: number }
  /** For the operator's log: an action of a flow was left out. Never what a person said. */
  | { readonly kind: 'skipped'; readonly action: string; readonly actionId: string; readonly why: string }
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

/** Legs of a `connect` or transfer, or (`isChild` false) an independent call of the `call` action. */
export interface Dial {
  readonly groupcallId: string
  /** Ids of the calls to be made, one a destination. Absent: new ones. */
  readonly callIds?: readonly string[]
  /** Null: who calls the call that dials. */
  readonly source: Address | null
  readonly destinations: readonly Address[]
  readonly anonymous: boolean
  /** True: legs have this call as master, the first answer wins. */
  readonly isChild: boolean
  readonly flowId: string
  readonly actions: readonly ActionDoc[]
  readonly variables: Readonly<Record<string, string>>
}

export interface RunWish {
  readonly flowId: string
  readonly referenceType: RunBirth['referenceType']
  readonly referenceId: string
  readonly referenceActiveflowId: string
  readonly variables: Readonly<Record<string, string>>
  readonly chain: number
}

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
