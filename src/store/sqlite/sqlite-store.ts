/** Opening a store file, and the store in the caller's own thread (simulations, tools, tests). */

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Micros } from '../../kernel/clock.ts'
import { MIGRATIONS, type Migration } from '../migrations.ts'
import type { Batch, CommitResult, DeliveryRow, EventRow, KeyValue, ListQuery, Row, Store, TableName } from '../port.ts'
import { SqliteCore } from './core.ts'
import { checkVersion, migrate } from './migrate.ts'

/** How long a statement waits for another process (a backup, a shell) to let go of the file. */
const BUSY_MS = 5_000

export interface SqliteOptions {
  /** A file, made together with its folder if missing; or `:memory:`. */
  readonly path: string
  /** Neither makes nor migrates anything. */
  readonly readOnly?: boolean
  /** `normal`: what was acknowledged survives a crash of the process; `full`: also a loss of power, at one fsync a commit. */
  readonly synchronous?: 'normal' | 'full'
  /** For tests of upgrades. */
  readonly migrations?: readonly Migration[]
}

/** @throws StoreTooNew; an error of SQLite or of the file system when the file cannot be opened */
export function openSqlite(options: SqliteOptions): SqliteCore {
  const { path, readOnly = false, synchronous = 'normal', migrations = MIGRATIONS } = options
  if (!readOnly && path !== ':memory:') makeFile(path)
  const database = new DatabaseSync(path, { readOnly, timeout: BUSY_MS })
  try {
    database.exec(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}`)
    if (readOnly) checkVersion(database, path, migrations.length)
    else prepareFile(database, path, migrations)
    return new SqliteCore(database)
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareFile(database: DatabaseSync, path: string, migrations: readonly Migration[]): void {
  checkVersion(database, path, migrations.length)
  database.exec('PRAGMA journal_mode = WAL')
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

  async inputLog(customerId: string, callId: string): Promise<readonly string[] | null> {
    return this.#core.inputLog(customerId, callId)
  }

  async close(): Promise<void> {
    this.#core.close()
  }
}
