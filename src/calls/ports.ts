/** What the calls need from the world, in their own words. Implemented by drivers and wired in `main.ts`. */

import type { JsonObject } from '../kernel/json.ts'
import type { Background, Lane } from '../media/protocol.ts'
import type { CommitResult, Guard, Row, TableName } from '../store/port.ts'
import type { Address } from './commands.ts'
import type { Errand, ErrandResult } from './errands.ts'

/** An event about to be stored and published. */
export interface NewEvent {
  readonly type: string
  readonly customerId: string
  /** The call it belongs to, or null. */
  readonly callId: string | null
  /** Number within the call, counted by the call. */
  readonly seq: number | null
  readonly offsetMs: number | null
  readonly data: JsonObject
  /** Interims: sent once to whoever listens, never stored, never retried. */
  readonly ephemeral?: boolean
}

/** Rows and events of one change: stored in one commit, then published. */
export interface Change {
  readonly guards?: readonly Guard[]
  readonly rows?: readonly { readonly table: TableName; readonly row: Row }[]
  readonly events: readonly NewEvent[]
  readonly removals?: readonly { readonly table: TableName; readonly id: string }[]
  readonly inputLogs?: readonly {
    readonly call_id: string
    readonly customer_id: string
    readonly lines: readonly string[]
  }[]
}

export interface Records {
  /** Stores, then publishes. Resolves after the commit, before any delivery has ended. Never rejects. */
  save(change: Change): Promise<CommitResult>
}

/** What a call would be, for the gate (`drivers/gate.ts`): asked before any record of it is made. */
export interface GateWish {
  readonly customerId: string
  readonly direction: 'incoming' | 'outgoing'
  /** The customer's number that is called, or that the call is made with; '' when none. */
  readonly number: string
  readonly source: Address | null
  /** Of one call. */
  readonly destination: Address
}

export type GateVerdict =
  /** `instead`: the call goes there and nowhere else (an emergency call that has a route). */
  | { readonly ok: true; readonly instead?: Address }
  /** `code` is one of `contract/errors.ts`; `sip` is what a caller is refused with. */
  | {
      readonly ok: false
      readonly code: string
      readonly details: readonly JsonObject[]
      readonly sip: { readonly code: number; readonly phrase: string }
    }

/** Limits, law and money (ours): who may make or take a call now. */
export interface Gate {
  /** Counts the attempt. A refusal is told by an event too. */
  admit(wish: GateWish): Promise<GateVerdict>
  /** A call that was admitted has begun, and is over. */
  began(callId: string, wish: GateWish): void
  over(callId: string): void
}

/** Carries out what a call or a run asks of the world outside. Never rejects; ends at its own time limit. */
export interface Errands {
  run(customerId: string, errand: Errand): Promise<ErrandResult>
}

/** Signalling for a call, by its id. News of the far end come back as `sip` inputs. */
export interface Signalling {
  /** 180; with `early` 183 and our sound, which starts. */
  ring(callId: string, early?: boolean): void
  /** A re-INVITE of our own: we send (`hold`: and do not want to be sent) sound. */
  hold(callId: string, on: boolean): void
  /** Answers with the media of `Sound`. */
  accept(callId: string): void
  reject(callId: string, code: number, phrase: string): void
  invite(
    callId: string,
    want: {
      readonly customerId: string
      readonly source: Address
      readonly destination: Address
      /** Caller's number withheld (RFC 3323). */
      readonly anonymous?: boolean
      /** Shown instead of the source's number (contract §5). */
      readonly callerId?: string
    },
  ): void
  /** @param elsewhere somebody else has answered */
  cancel(callId: string, elsewhere?: boolean): void
  /** How the transfer goes that the far end asked for (REFER): a SIP code, below 200 on the way. */
  referred(callId: string, code: number): void
  bye(callId: string, reason: string): void
  forget(callId: string): void
}

/** Sound of a call, by its id. News come back as `sound`, `listen` and `talk` inputs. */
export interface Sound {
  /** @param besideCallId a call it will probably be bridged to */
  open(callId: string, besideCallId?: string): void
  close(callId: string): void
  attachEar(callId: string, language: string, phrases: readonly string[] | null): void
  setPhrases(callId: string, phrases: readonly string[] | null): void
  detachEar(callId: string, finish: boolean): void
  utter(
    callId: string,
    say: {
      readonly lane: Lane
      readonly epoch: number
      readonly sayId: number
      readonly text: string
      readonly voice: string
    },
  ): void
  flush(callId: string, lane: Lane, epoch: number): void
  /** Told about like `utter`. */
  play(
    callId: string,
    play: {
      /** Whose files may be played. */
      readonly customerId: string
      readonly lane: Lane
      readonly epoch: number
      readonly sayId: number
      readonly sound: PlaySound
    },
  ): void
  /** Both hear each other; `oneWay`: only the first hears the second. Undone by `unbridge` and by closing either. */
  bridge(callId: string, peerCallId: string, oneWay?: boolean): void
  unbridge(callId: string): void
  /** Music for the far end, which hears nobody and is heard by nobody; bridge and background sound again afterwards. */
  hold(callId: string, on: boolean): void
  background(callId: string, sound: Background): void
  mute(callId: string, direction: '' | 'in' | 'out' | 'both'): void
  echo(callId: string, on: boolean): void
  /** Told by `digitsSent`. */
  sendDigits(callId: string, digits: string, durationMs: number, gapMs: number): void
}

/** A file to fetch (`http:`, `https:`, or `file:` below the media folder), or a tone. */
export type PlaySound =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'tone'; readonly hz: number; readonly ms: number }
