/**
 * One server writes a store at a time. The lock is SQLite's own, on a file beside the store: the system takes it back when
 * the process ends, however it ends.
 */

import { closeSync, existsSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** SQLite: another connection has the file. */
const BUSY = 5

/** Another process has the store. The message is a sentence for the operator. */
export class StoreInUse extends Error {
  constructor(path: string) {
    super(
      `The store ${path} is in use by another server: stop that one, or give this one a QUIETLINE_DATA_DIR of its own.`,
    )
    this.name = 'StoreInUse'
  }
}

export interface StoreLock {
  /** May be called twice. */
  release(): void
}

/** @throws StoreInUse; an error of SQLite or of the file system when the file cannot be made */
export function lockStore(path: string): StoreLock {
  const file = `${path}.lock`
  // Only when it is missing: closing any handle of a file gives back the locks this process has on it.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw (error as { readonly errcode?: unknown }).errcode === BUSY ? new StoreInUse(path) : error
  }
  return { release: () => database.isOpen && database.close() }
}
