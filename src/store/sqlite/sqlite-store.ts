/** Opening a store file, and the store in the caller's own thread (simulations, tools, tests). */

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Micros } from '../../kernel/clock.ts'
import { MIGRATIONS, type Migration } from '../migrations.ts'
import type {
  Batch,
  CommitResult,
  DeliveryQuery,
  DeliveryRow,
  EventRow,
  KeyValue,
  ListQuery,
  Purge,
  Row,
  Store,
  TableName,
  TranscriptHits,
  TranscriptQuery,
} from '../port.ts'
import { SqliteCore } from './core.ts'
import { openCodec } from './keys.ts'
import { checkVersion, migrate } from './migrate.ts'

/** How long a statement waits for another process (a backup, a shell) to let go of the file. */
const BUSY_MS = 5_000
/** Pages kept by a connection: the upper levels of the indexes of a million rows. */
const CACHE_KIB = 65_536
/** 12 MB of log before it is worked into the file: pages that change often are written once, and the disk is waited for less. */
const CHECKPOINT_PAGES = 3_000
/** Readers see the file as memory: no call of the system for a page. The file never shrinks, so that no page goes away. */
const MAPPED_BYTES = 4 * 1024 ** 3

export interface SqliteOptions {
  /** A file, made together with its folder if missing; or `:memory:`. */
  readonly path: string
  /** Neither makes nor migrates anything. */
  readonly readOnly?: boolean
  /** `normal`: what was acknowledged survives a crash of the process; `full`: also a loss of power, at one fsync a commit. */
  readonly synchronous?: 'normal' | 'full'
  /** Hex of 32 bytes each: the first seals what is written, all open what is read. None: texts stay plain. */
  readonly dataKeys?: readonly string[]
  /** For tests of upgrades. */
  readonly migrations?: readonly Migration[]
}

/** @throws StoreTooNew; StoreSealed; an error of SQLite or of the file system when the file cannot be opened */
export function openSqlite(options: SqliteOptions): SqliteCore {
  const { path, readOnly = false, synchronous = 'normal', dataKeys = [], migrations = MIGRATIONS } = options
  if (!readOnly && path !== ':memory:') makeFile(path)
  const database = new DatabaseSync(path, { readOnly, timeout: BUSY_MS })
  try {
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
    database.exec(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}`)
    const found = checkVersion(database, path, migrations.length)
    if (readOnly) database.exec(`PRAGMA mmap_size = ${MAPPED_BYTES}`)
    else prepareFile(database, path, migrations)
    const mode = readOnly ? 'reads' : found === 0 ? 'made' : 'writes'
    return new SqliteCore(database, openCodec(database, path, dataKeys, mode))
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareFile(database: DatabaseSync, path: string, migrations: readonly Migration[]): void {
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  // What is erased is overwritten, not only unlinked.
  database.exec('PRAGMA secure_delete = ON')
  migrate(database, path, migrations)
}

/** The file holds secrets: only its owner may read it (SQLite gives its side files the same mode). */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  closeSync(openSync(path, 'a', 0o600))
}

/** A store on a core in this thread. Commits take effect before `commit` returns; answers come a microtask later. */
export class InThreadStore implements Store {
  readonly #core: SqliteCore

  constructor(core: SqliteCore) {
    this.#core = core
  }

  commit(batch: Batch): Promise<CommitResult> {
    return Promise.resolve(this.#core.commit(batch))
  }

  async get(table: TableName, customerId: string, id: string): Promise<Row | null> {
    return this.#core.get(table, customerId, id)
  }

  async list(query: ListQuery): Promise<readonly Row[]> {
    return this.#core.list(query)
  }

  async find(table: TableName, where: Readonly<Record<string, KeyValue>>, limit?: number): Promise<readonly Row[]> {
    return this.#core.find(table, where, limit)
  }

  async getAnyCustomer(table: TableName, id: string): Promise<Row | null> {
    return this.#core.getAnyCustomer(table, id)
  }

  async eventsOfCall(customerId: string, callId: string) {
    return this.#core.eventsOfCall(customerId, callId)
  }

  async dueDeliveries(us: Micros, limit: number): Promise<readonly { delivery: DeliveryRow; event: EventRow }[]> {
    return this.#core.dueDeliveries(us, limit)
  }

  async deliveriesOf(customerId: string, eventId: string): Promise<readonly DeliveryRow[]> {
    return this.#core.deliveriesOf(customerId, eventId)
  }

  async listDeliveries(query: DeliveryQuery) {
    return this.#core.listDeliveries(query)
  }

  async getDelivery(customerId: string, id: string) {
    return this.#core.getDelivery(customerId, id)
  }

  async searchTranscripts(query: TranscriptQuery): Promise<TranscriptHits> {
    return this.#core.searchTranscripts(query)
  }

  async oldest(table: TableName, customerId: string, beforeUs: Micros, limit: number): Promise<readonly Row[]> {
    return this.#core.oldest(table, customerId, beforeUs, limit)
  }

  async eventsAfter(customerId: string, cursor: number, limit: number) {
    return this.#core.eventsAfter(customerId, cursor, limit)
  }

  async purge(purge: Purge): Promise<number> {
    return this.#core.purge(purge)
  }

  async tend(limit: number): Promise<number> {
    return this.#core.tend(limit)
  }

  async inputLog(customerId: string, callId: string): Promise<readonly string[] | null> {
    return this.#core.inputLog(customerId, callId)
  }

  async close(): Promise<void> {
    this.#core.close()
  }
}
