/**
 * Erases what the store knows of a caller, call by call, or of a whole customer. A live call is left alone: its records are
 * still being written. What was erased is overwritten in the store's files.
 */

import { type ErasedDoc, withoutNumber } from '../contract/privacy.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Purge, Row, TableName } from '../store/port.ts'
import { TABLES } from '../store/port.ts'
import type { Desk } from './app.ts'
import { recordEvent } from './ledger.ts'
import { callsOf, PAGE_ROWS, rowsOf, type Whose } from './personal-data.ts'

/** Later than anything stored. */
const ANY_TIME = Number.MAX_SAFE_INTEGER
const SESSIONS = ['transcribes', 'speakings', 'activeflows'] as const
/** Who somebody is and how the store is kept is not about callers. */
const KEPT_TABLES: readonly TableName[] = ['customers', 'settings']

export interface Erased {
  readonly counts: ErasedDoc
  /** Ids of calls that are live, which were left alone. */
  readonly live: readonly string[]
}

/** May be repeated: what is gone is not counted again. @throws AppError SERVICE_UNAVAILABLE; the rest can be erased later */
export async function erase(desk: Desk, whose: Whose): Promise<Erased> {
  const erasure = new Erasure(desk, whose)
  const live: string[] = []
  for await (const call of callsOf(desk, whose)) {
    if (call.tm_delete_us === null && call.keys['status'] !== 'hangup') live.push(call.id)
    else await erasure.call(call)
  }
  if (whose.number === null && live.length === 0) await erasure.rest()
  await erasure.deletedRows()
  await erasure.purge({ kind: 'traces' })
  return { counts: erasure.counts, live }
}

class Erasure {
  readonly #desk: Desk
  readonly #whose: Whose
  readonly #beganUs: number
  readonly counts = { calls: 0, transcripts: 0, events: 0, logs: 0, sessions: 0 }

  constructor(desk: Desk, whose: Whose) {
    this.#desk = desk
    this.#whose = whose
    this.#beganUs = desk.deps.clock.wallMicros()
  }

  /** The number goes last: what fails half-way is found again by it. */
  async call(call: Row): Promise<void> {
    const { customerId } = this.#whose
    const ofCall = { reference_id: call.id }
    const events = { kind: 'eventsOfCall', customer_id: customerId, call_id: call.id, limit: PAGE_ROWS } as const
    this.counts.events += await this.#drain(events)
    await this.#transcripts(rowsOf(this.#desk, 'transcripts', customerId, ofCall, true))
    for (const table of SESSIONS) await this.#remove(table, rowsOf(this.#desk, table, customerId, ofCall))
    this.counts.logs += await this.purge({ kind: 'inputLog', customer_id: customerId, call_id: call.id })
    await this.#blankGroupcall(call)
    if (await this.#blank('calls', call)) this.counts.calls += 1
  }

  /** What belongs to no call that is still there. The events of the erasure itself carry no text, and stay. */
  async rest(): Promise<void> {
    const { customerId } = this.#whose
    const old = { customer_id: customerId, before_us: this.#beganUs, limit: PAGE_ROWS }
    this.counts.events += await this.#drain({ kind: 'events', ...old })
    await this.#transcripts(rowsOf(this.#desk, 'transcripts', customerId))
    for (const table of SESSIONS) await this.#remove(table, rowsOf(this.#desk, table, customerId))
    for await (const row of rowsOf(this.#desk, 'groupcalls', customerId)) await this.#blank('groupcalls', row)
    this.counts.logs += await this.#drain({ kind: 'inputLogs', ...old })
  }

  /** What the customer had deleted before goes now, not after its grace. */
  async deletedRows(): Promise<void> {
    const old = { customer_id: this.#whose.customerId, before_us: ANY_TIME, limit: PAGE_ROWS }
    for (const table of Object.keys(TABLES) as TableName[]) {
      if (!KEPT_TABLES.includes(table)) await this.#drain({ kind: 'deleted', table, ...old })
    }
  }

  purge(purge: Purge): Promise<number> {
    return this.#desk.deps.store.purge(purge)
  }

  async #drain(purge: Purge & { readonly limit: number }): Promise<number> {
    let total = 0
    for (;;) {
      const count = await this.purge(purge)
      total += count
      if (count < purge.limit) return total
    }
  }

  /** One `transcript_deleted` each, without what was said. */
  async #transcripts(rows: AsyncIterable<Row>): Promise<void> {
    for await (const page of inPages(rows)) {
      await this.#desk.ledger.save({
        removals: page.map(({ id }) => ({ table: 'transcripts', id })),
        events: page
          .filter((row) => row.tm_delete_us === null)
          .map((row) => recordEvent('transcript_deleted', row.customer_id, { ...row.doc, message: '' })),
      })
      this.counts.transcripts += page.length
    }
  }

  async #remove(table: TableName, rows: AsyncIterable<Row>): Promise<void> {
    for await (const page of inPages(rows)) {
      await this.#desk.ledger.save({ removals: page.map(({ id }) => ({ table, id })), events: [] })
      this.counts.sessions += page.length
    }
  }

  async #blankGroupcall(call: Row): Promise<void> {
    const id = call.keys['groupcall_id']
    const row = typeof id === 'string' ? await this.#desk.ledger.maybe('groupcalls', call.customer_id, id) : null
    if (row) await this.#blank('groupcalls', row)
  }

  /** Once the number is gone from a call, it is not found by it any more. @returns whether anything changed */
  async #blank(table: 'calls' | 'groupcalls', row: Row): Promise<boolean> {
    const blank = withoutNumber(row.doc, this.#whose.number)
    const doc: JsonObject =
      table === 'calls' ? { ...blank, ...NOTHING_SAID, action: plainAction(blank['action']) } : blank
    if (JSON.stringify(doc) === JSON.stringify(row.doc)) return false
    const targets =
      table === 'calls' ? { source: targetOf(doc['source']), destination: targetOf(doc['destination']) } : {}
    const changed = { ...row, doc, hidden: {}, keys: { ...row.keys, ...targets } }
    await this.#desk.ledger.save({ rows: [{ table, row: changed }], events: [] })
    return true
  }
}

/** What a device said of itself, and what a flow was about to say. */
const NOTHING_SAID = { metadata: {} }

function plainAction(action: unknown): JsonObject {
  return { ...(action as JsonObject), option: {} }
}

function targetOf(address: unknown): string {
  const { target } = (address ?? {}) as { readonly target?: unknown }
  return typeof target === 'string' ? target : ''
}

async function* inPages(rows: AsyncIterable<Row>): AsyncGenerator<readonly Row[]> {
  let page: Row[] = []
  for await (const row of rows) {
    page.push(row)
    if (page.length < PAGE_ROWS) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
