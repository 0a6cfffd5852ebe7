/** What the calls need from the world, in their own words. Implemented by drivers and wired in `main.ts`. */

import type { JsonObject } from '../kernel/json.ts'
import type { Lane } from '../media/protocol.ts'
import type { CommitResult, Guard, Row, TableName } from '../store/port.ts'
import type { Address } from './commands.ts'

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

/** Signalling for a call, by its id. News of the far end come back as `sip` inputs. */
export interface Signalling {
  ring(callId: string): void
  /** Answers with the media of `Sound`. */
  accept(callId: string): void
  reject(callId: string, code: number, phrase: string): void
  invite(
    callId: string,
    want: { readonly customerId: string; readonly source: Address; readonly destination: Address },
  ): void
  cancel(callId: string): void
  bye(callId: string, reason: string): void
  forget(callId: string): void
}

/** Sound of a call, by its id. News come back as `sound`, `listen` and `talk` inputs. */
export interface Sound {
  open(callId: string): void
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
}
