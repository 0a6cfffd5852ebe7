/**
 * The store of a running server: one thread writes the file, another reads it, and the caller's thread never waits for a disk.
 * A read asked after a commit was answered sees that commit.
 */

import type { Clock, Micros } from '../../kernel/clock.ts'
import { type Log, SILENT } from '../../kernel/log.ts'
import type { Batch, CommitResult, KeyValue, ListQuery, Store, TableName } from '../port.ts'
import type { SyncStore } from './core.ts'
import type { ReadCall, ReadName } from './messages.ts'
import { StoreThread } from './thread.ts'

export interface WorkerStoreOptions {
  /** A file. `:memory:` is refused: its two threads could not share it. */
  readonly path: string
  readonly clock: Clock
  readonly synchronous?: 'normal' | 'full'
  readonly log?: Log
  /** Bounds the size of the file; for quotas and tests. */
  readonly maxPages?: number
  /** The program of the threads. */
  readonly entry?: URL
}

const ENTRY = new URL('../../workers/store.ts', import.meta.url)

export class WorkerStore implements Store {
  readonly #writer: StoreThread
  readonly #reader: StoreThread

  private constructor(writer: StoreThread, reader: StoreThread) {
    this.#writer = writer
    this.#reader = reader
  }

  /** Rejects when the file cannot be opened; the error's name is `StoreTooNew` when a newer release wrote it. */
  static async open(options: WorkerStoreOptions): Promise<WorkerStore> {
    const { path, clock, synchronous = 'normal', log = SILENT, maxPages = null, entry = ENTRY } = options
    if (path === ':memory:') throw new Error('A store in memory cannot be shared between threads: use InThreadStore.')
    const world = { entry, clock, log }
    const writer = new StoreThread({ role: 'writer', path, synchronous, maxPages }, world)
    const reader = new StoreThread({ role: 'reader', path, synchronous, maxPages: null }, world)
    await writer.open()
    try {
      await reader.open()
    } catch (error) {
      await writer.close()
      throw error
    }
    return new WorkerStore(writer, reader)
  }

  /** A writer that dies between the commit and its answer answers `failed` although the batch may be there. */
  async commit(batch: Batch): Promise<CommitResult> {
    try {
      return (await this.#writer.ask((id) => ({ kind: 'commit', id, batch }))) as CommitResult
    } catch (error) {
      return { ok: false, kind: 'failed', why: error instanceof Error ? error.message : String(error) }
    }
  }

  get(table: TableName, customerId: string, id: string) {
    return this.#read('get', [table, customerId, id])
  }

  list(query: ListQuery) {
    return this.#read('list', [query])
  }

  find(table: TableName, where: Readonly<Record<string, KeyValue>>, limit?: number) {
    return this.#read('find', limit === undefined ? [table, where] : [table, where, limit])
  }

  getAnyCustomer(table: TableName, id: string) {
    return this.#read('getAnyCustomer', [table, id])
  }

  eventsOfCall(customerId: string, callId: string) {
    return this.#read('eventsOfCall', [customerId, callId])
  }

  dueDeliveries(us: Micros, limit: number) {
    return this.#read('dueDeliveries', [us, limit])
  }

  deliveriesOf(customerId: string, eventId: string) {
    return this.#read('deliveriesOf', [customerId, eventId])
  }

  inputLog(customerId: string, callId: string) {
    return this.#read('inputLog', [customerId, callId])
  }

  /** Ends both threads after they have done what they were asked. May be called twice. */
  async close(): Promise<void> {
    await this.#reader.close()
    await this.#writer.close()
  }

  /** A drill: the writer does nothing for `ms`, as on a disk that hangs. */
  freezeWriter(ms: number): void {
    this.#writer.tell({ kind: 'freeze', ms })
  }

  /** A drill: ends a thread as a crash would. */
  crash(role: 'writer' | 'reader'): Promise<void> {
    return role === 'writer' ? this.#writer.crash() : this.#reader.crash()
  }

  /** See `SqliteCore.limitPages`. */
  limitPages(pages: number): void {
    this.#writer.tell({ kind: 'limitPages', pages })
  }

  async #read<N extends ReadName>(name: N, args: Parameters<SyncStore[N]>): Promise<ReturnType<SyncStore[N]>> {
    const call = { name, args } as unknown as ReadCall
    return (await this.#reader.ask((id) => ({ kind: 'read', id, call }))) as ReturnType<SyncStore[N]>
  }
}
