/** One mailbox of the runner: its part, what waits for it, and whom it was dealing with when it breaks. */

import type { ActiveflowInput } from '../calls/activeflow.ts'
import type { Ref } from '../calls/commands.ts'
import type { GroupcallInput } from '../calls/groupcall.ts'
import type { Birth, CallInput, CallOutput } from '../calls/part.ts'
import type { LogEntry } from '../calls/replay.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Ledger } from './ledger.ts'
import type { Timers } from './timers.ts'

export type AnyInput = CallInput | GroupcallInput | ActiveflowInput

export interface Mailbox {
  readonly ref: Ref
  readonly customerId: string
  readonly part: { handle(input: AnyInput, now: number, wall: number): CallOutput[] }
  readonly birth: Birth | null
  readonly timers: Timers
  readonly ledger: Ledger
  readonly waiting: AnyInput[]
  readonly log: LogEntry[]
  /** Keys in `#owners` of what this call has made. */
  readonly made: string[]
  /** Resolved with the first record stored: what a request that made this part is answered with. */
  readonly firstDoc: Promise<JsonObject | null>
  readonly gaveFirstDoc: (doc: JsonObject | null) => void
  inputs: number
  isBusy: boolean
}

/** Whom a part that crashed was dealing with, and what they have to know, by its last record. */
export function othersOf({ ref, birth, ledger }: Mailbox): { readonly ref: Ref; readonly input: AnyInput }[] {
  const call = (id: unknown): Ref => ({ kind: 'call', id: String(id) })
  const doc = ledger.lastDoc(ref.kind === 'call' ? 'calls' : 'groupcalls', ref.id)
  if (ref.kind === 'call' && birth) {
    const left = { kind: 'peer', news: { kind: 'left', callId: ref.id, reason: 'failed' } } as const
    const chained = (doc?.['chained_call_ids'] ?? []) as readonly string[]
    const peers = [...chained, ...(birth.masterCallId ? [birth.masterCallId] : [])]
    const over = { kind: 'callOver', callId: ref.id, reason: 'failed' } as const
    return [
      { ref: { kind: 'groupcall', id: birth.groupcallId }, input: over },
      ...peers.map((id) => ({ ref: call(id), input: left })),
    ]
  }
  if (ref.kind !== 'groupcall' || !doc) return []
  const hangup = { kind: 'command', reply: 0, command: { kind: 'hangup' } } as const
  const members = (doc['call_ids'] ?? []) as readonly string[]
  const nobody = { kind: 'peer', news: { kind: 'nobody', reason: 'failed' } } as const
  return [
    ...members.filter((id) => id !== doc['answer_call_id']).map((id) => ({ ref: call(id), input: hangup })),
    { ref: call(doc['master_call_id']), input: nobody },
  ]
}
