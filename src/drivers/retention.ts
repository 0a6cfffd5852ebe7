/**
 * Removes what has been kept long enough, a few records at a time with pauses between, so that no commit of a call waits
 * for it. What was deleted (by age or by a client) goes for good after a grace, with the events that carry it.
 */

import type { Records } from '../calls/ports.ts'
import { type Kept, retentionName, retentionOf } from '../contract/retention.ts'
import { deletedRow } from '../contract/row.ts'
import type { Clock, Micros, Scheduled } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { type Row, type Store, TABLES, type TableName } from '../store/port.ts'

/** Records in one commit: about as long as a few commits of calls. */
const BATCH_ROWS = 10
/** Between two batches. */
const PAUSE_MS = 20
const FIRST_ROUND_MS = 60_000
const ROUND_MS = 3_600_000
const DAY_US = 86_400_000_000
/** How long a deleted row can still be found in the store's file. What was said goes sooner. */
const GRACE_DAYS = 30
const TRANSCRIPT_GRACE_DAYS = 1
const ANY = 1_000_000
/** With a call go the records of what ran on it. */
const CALL_TABLES = ['calls', 'groupcalls', 'activeflows', 'transcribes', 'speakings'] as const
const OVER = new Set(['hangup', 'done', 'stopped', 'ended'])

export interface RetentionWorld {
  readonly store: Pick<Store, 'find' | 'oldest' | 'purge' | 'tend'>
  readonly records: Records
  readonly clock: Clock
  readonly log: Log
  /** Of customers that have not chosen; null keeps for good. */
  readonly defaultDays: number | null
}

/** Does a little; `removed` counts records. */
type Batch = () => Promise<number>

export class Retention {
  readonly #world: RetentionWorld
  #next: Scheduled | null = null
  #isClosed = false
  #running: Promise<void> = Promise.resolve()

  constructor(world: RetentionWorld) {
    this.#world = world
  }

  /** The first round begins a minute from now, then one every hour. */
  start(): void {
    this.#in(FIRST_ROUND_MS, () => this.#round())
  }

  /** No batch begins after this; resolves when the last one has ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#next?.cancel()
    await this.#running
  }

  #in(ms: number, task: () => Promise<void>): void {
    if (this.#isClosed) return
    const { clock } = this.#world
    this.#next = clock.schedule(clock.now() + ms, () => {
      this.#running = task()
    })
  }

  async #round(): Promise<void> {
    try {
      await this.#go((await this.#jobs()).values(), 0)
    } catch (cause) {
      this.#stumble(cause)
    }
  }

  /** Each job until it finds nothing more, then the next. */
  async #go(jobs: Iterator<Batch>, removed: number, job = jobs.next()): Promise<void> {
    if (job.done) {
      if (removed > 0) this.#world.log.info({ records: removed }, 'retention removed old records')
      this.#in(ROUND_MS, () => this.#round())
      return
    }
    try {
      const count = await job.value()
      if (count > 0) this.#in(PAUSE_MS, () => this.#go(jobs, removed + count, job))
      else await this.#go(jobs, removed)
    } catch (cause) {
      this.#stumble(cause)
    }
  }

  /** The store is away or full: another round will do it. */
  #stumble(cause: unknown): void {
    this.#world.log.warn({ why: cause instanceof Error ? cause.message : String(cause) }, 'retention has to wait')
    this.#in(ROUND_MS, () => this.#round())
  }

  async #jobs(): Promise<readonly Batch[]> {
    const { store, clock } = this.#world
    const now = clock.wallMicros()
    const customers = await store.find('customers', {}, ANY)
    const jobs = await Promise.all(customers.map((customer) => this.#jobsOf(customer.id, now)))
    return [
      ...jobs.flat(),
      ...(Object.keys(TABLES) as TableName[])
        .filter((table) => table !== 'customers')
        .map(
          (table): Batch =>
            () =>
              this.#purgeDeleted(table, now),
        ),
      () => store.tend(BATCH_ROWS),
    ]
  }

  async #jobsOf(customerId: string, now: Micros): Promise<readonly Batch[]> {
    const { store, defaultDays } = this.#world
    const [setting] = await store.find('settings', { name: retentionName(customerId) }, 1)
    const kept = retentionOf(customerId, setting?.doc ?? null, defaultDays)
    const job = (name: Kept, batch: (before: Micros) => Promise<number>): Batch[] => {
      const days = kept[name]
      return days === null ? [] : [() => batch(now - days * DAY_US)]
    }
    const old = { customer_id: customerId, limit: BATCH_ROWS }
    return [
      ...job('transcripts_days', (before) => this.#transcripts(customerId, before)),
      ...job('events_days', (before) => store.purge({ kind: 'events', ...old, before_us: before })),
      ...job('logs_days', (before) => store.purge({ kind: 'inputLogs', ...old, before_us: before })),
      ...CALL_TABLES.flatMap((table) => job('calls_days', (before) => this.#ended(table, customerId, before))),
    ]
  }

  /** Deleted as by a client; their grace begins now. */
  async #transcripts(customerId: string, before: Micros): Promise<number> {
    const rows = await this.#world.store.oldest('transcripts', customerId, before, BATCH_ROWS)
    const tmDelete = timestamp(this.#world.clock.wallMicros())
    await this.#save({
      rows: rows.map((row) => deletedRow('transcripts', row, tmDelete)),
      events: rows.map((row) => ({
        type: 'transcript_deleted',
        customerId,
        callId: null,
        seq: null,
        offsetMs: null,
        data: row.doc,
      })),
    })
    return rows.length
  }

  /** What is still live although so old is left alone. */
  async #ended(table: TableName, customerId: string, before: Micros): Promise<number> {
    const rows = await this.#world.store.oldest(table, customerId, before, BATCH_ROWS)
    const over = rows.filter((row: Row) => OVER.has(String(row.keys['status'])))
    await this.#save({ removals: over.map(({ id }) => ({ table, id })), events: [] })
    return over.length
  }

  #purgeDeleted(table: TableName, now: Micros): Promise<number> {
    const days = table === 'transcripts' ? TRANSCRIPT_GRACE_DAYS : GRACE_DAYS
    return this.#world.store.purge({ kind: 'deleted', table, before_us: now - days * DAY_US, limit: BATCH_ROWS })
  }

  async #save(change: Parameters<Records['save']>[0]): Promise<void> {
    const done = await this.#world.records.save(change)
    if (!done.ok) throw new Error(done.kind === 'failed' ? done.why : done.reason)
  }
}
