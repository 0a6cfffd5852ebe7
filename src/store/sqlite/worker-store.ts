/**
 * The store of a running server: one thread writes the file, another reads it, and the caller's thread never waits for a disk.
 * A read asked after a commit was answered sees that commit.
 */

import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock, Micros } from '../../kernel/clock.ts'
import { type Log, SILENT } from '../../kernel/log.ts'
import type {
  Batch,
  CommitResult,
  DeliveryQuery,
  KeyValue,
  ListQuery,
  Purge,
  Store,
  TableName,
  TranscriptQuery,
} from '../port.ts'
import { CommitQueue } from './commit-queue.ts'
import type { SyncStore } from './core.ts'
import { lockStore, type StoreLock } from './lock.ts'
import type { CallName, CoreCall, ReadName, WriteName } from './messages.ts'
import { StoreThread } from './thread.ts'

export interface WorkerStoreOptions {
  /** A file. `:memory:` is refused: its two threads could not share it. */
  readonly path: string
  readonly clock: Clock
  readonly synchronous?: 'normal' | 'full'
  readonly log?: Log
  /** See `SqliteOptions.dataKeys`. */
  readonly dataKeys?: readonly string[]
  /** Bounds the size of the file; for quotas and tests. */
  readonly maxPages?: number
  /** The program of the threads. */
  readonly entry?: URL
}

const ENTRY = new URL('../../workers/store.ts', import.meta.url)

export class WorkerStore implements Store {
  readonly #writer: StoreThread
  readonly #reader: StoreThread
  readonly #commits: CommitQueue
  readonly #lock: StoreLock

  private constructor(writer: StoreThread, reader: StoreThread, lock: StoreLock) {
    this.#lock = lock
    this.#writer = writer
    this.#reader = reader
    this.#commits = new CommitQueue(writer)
  }

  /** Rejects when the file cannot be opened; the error's name is `StoreTooNew` when a newer release wrote it, `StoreSealed` without its
   * key, `StoreInUse` when another server has it. */
  static async open(options: WorkerStoreOptions): Promise<WorkerStore> {
    const { path, clock, synchronous = 'normal', log = SILENT, maxPages = null, dataKeys = [], entry = ENTRY } = options
    if (path === ':memory:') throw new Error('A store in memory cannot be shared between threads: use InThreadStore.')
    const world = { entry, clock, log }
    const writer = new StoreThread({ role: 'writer', path, synchronous, maxPages, dataKeys }, world)
    const reader = new StoreThread({ role: 'reader', path, synchronous, maxPages: null, dataKeys }, world)
    mkdirSync(dirname(path), { recursive: true })
    const lock = lockStore(path)
    try {
      await writer.open()
      await reader.open()
    } catch (error) {
      await writer.close()
      lock.release()
      throw error
    }
    return new WorkerStore(writer, reader, lock)
  }

  /** A writer that dies between the commit and its answer answers `failed` although the batch may be there. */
  commit(batch: Batch): Promise<CommitResult> {
    return this.#commits.add(batch)
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

  listDeliveries(query: DeliveryQuery) {
    return this.#read('listDeliveries', [query])
  }

  getDelivery(customerId: string, id: string) {
    return this.#read('getDelivery', [customerId, id])
  }

  searchTranscripts(query: TranscriptQuery) {
    return this.#read('searchTranscripts', [query])
  }

  oldest(table: TableName, customerId: string, beforeUs: Micros, limit: number) {
    return this.#read('oldest', [table, customerId, beforeUs, limit])
  }

  eventsAfter(customerId: string, cursor: number, limit: number) {
    return this.#read('eventsAfter', [customerId, cursor, limit])
  }

  purge(purge: Purge) {
    return this.#change('purge', [purge])
  }

  tend(limit: number) {
    return this.#change('tend', [limit])
  }

  inputLog(customerId: string, callId: string) {
    return this.#read('inputLog', [customerId, callId])
  }

  /** Ends both threads after they have done what they were asked. May be called twice. */
  async close(): Promise<void> {
    this.#commits.close()
    await this.#reader.close()
    await this.#writer.close()
    this.#lock.release()
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

  #read<N extends ReadName>(name: N, args: Parameters<SyncStore[N]>) {
    return call(this.#reader, name, args)
  }

  #change<N extends WriteName>(name: N, args: Parameters<SyncStore[N]>) {
    return call(this.#writer, name, args)
  }
}

async function call<N extends CallName>(
  thread: StoreThread,
  name: N,
  args: Parameters<SyncStore[N]>,
): Promise<ReturnType<SyncStore[N]>> {
  const asked = { name, args } as unknown as CoreCall
  return (await thread.ask((id) => ({ kind: 'call', id, call: asked }))) as ReturnType<SyncStore[N]>
}
