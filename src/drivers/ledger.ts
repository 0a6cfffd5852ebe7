/**
 * The records of one mailbox on their way to the store. What the store cannot take now (disk full, store away) is kept
 * in order and written as soon as it can be: a live call goes on, and its events are not lost.
 */

import { bury, buryAlone } from '../calls/bury.ts'
import type { Ref } from '../calls/commands.ts'
import type { Change, Records } from '../calls/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { CommitResult, Row, TableName } from '../store/port.ts'

const RETRY_MS = 1_000
/** Events kept while the store is away; past this the oldest go, and that is logged. */
const MAX_OWED = 5_000

export class Ledger {
  readonly #records: Records
  readonly #clock: Clock
  readonly #log: Log
  readonly #latest = new Map<
    string,
    { readonly table: NonNullable<Change['rows']>[number]['table']; readonly row: Row }
  >()
  #owed: Change | null = null
  #lastSeq = 0
  #isRetrying = false

  constructor(records: Records, clock: Clock, log: Log) {
    this.#records = records
    this.#clock = clock
    this.#log = log
  }

  /**
   * @param isOwed kept and written later when the store fails; false for a change that makes something new, which then
   *   never was
   */
  save(change: Change, isOwed: boolean, done: (result: CommitResult) => void): void {
    for (const entry of change.rows ?? []) this.#latest.set(`${entry.table}:${entry.row.id}`, entry)
    for (const event of change.events) this.#lastSeq = Math.max(this.#lastSeq, event.seq ?? 0)
    const owed = this.#owed
    this.#owed = null
    const whole = owed ? merge(owed, change) : change
    void this.#records.save(whole).then((result) => {
      if (!result.ok) this.#keep(isOwed ? whole : owed)
      done(result)
    })
  }

  /** Ends everything this mailbox has written as failed. */
  bury(ref: Ref, customerId: string): void {
    if (ref.kind !== 'call') return this.#buryAlone(ref.kind === 'groupcall' ? 'groupcalls' : 'activeflows', ref.id)
    const rows = [...this.#latest.values()]
    const live = (table: string, status: readonly string[]): Row[] =>
      rows.filter((one) => one.table === table && status.includes(String(one.row.keys['status']))).map((one) => one.row)
    const call = rows.find((one) => one.table === 'calls')?.row
    if (!call) return
    const burial = bury(
      {
        call,
        transcribes: live('transcribes', ['progressing']),
        speakings: live('speakings', ['initiating', 'active']),
        activeflows: live('activeflows', ['running']),
        lastSeq: this.#lastSeq,
      },
      this.#clock.wallMicros(),
    )
    this.#log.warn({ call_id: ref.id, customer_id: customerId }, 'call buried')
    this.save(burial, true, () => {})
  }

  /** The resource of this mailbox as it was written last, or null. */
  lastDoc(table: TableName, id: string): JsonObject | null {
    return this.#latest.get(`${table}:${id}`)?.row.doc ?? null
  }

  #buryAlone(table: 'groupcalls' | 'activeflows', id: string): void {
    const row = this.#latest.get(`${table}:${id}`)?.row
    if (row) this.save(buryAlone(table, row, this.#clock.wallMicros()), true, () => {})
  }

  #keep(change: Change | null): void {
    if (!change) return
    const whole = this.#owed ? merge(change, this.#owed) : change
    const excess = whole.events.length - MAX_OWED
    if (excess > 0) this.#log.error({ events: excess }, 'events lost: the store is away too long')
    this.#owed = excess > 0 ? { ...whole, events: whole.events.slice(excess) } : whole
    if (this.#isRetrying) return
    this.#isRetrying = true
    this.#clock.schedule(this.#clock.now() + RETRY_MS, () => {
      this.#isRetrying = false
      if (this.#owed) this.save({ events: [] }, true, () => {})
    })
  }
}

function merge(first: Change, second: Change): Change {
  return {
    rows: [...(first.rows ?? []), ...(second.rows ?? [])],
    events: [...first.events, ...second.events],
    removals: [...(first.removals ?? []), ...(second.removals ?? [])],
    inputLogs: [...(first.inputLogs ?? []), ...(second.inputLogs ?? [])],
  }
}
