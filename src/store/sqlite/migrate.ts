/** Brings a store file to the version this release knows: all steps or none, after a backup of what was there. */

import { closeSync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Migration } from '../migrations.ts'
import { sqliteCompiler } from './compiler.ts'

/** The store was written by a newer release; nothing was touched. The message is a sentence for the operator. */
export class StoreTooNew extends Error {
  constructor(path: string, found: number, known: number) {
    super(
      `The store ${path} has version ${found} and this release knows versions up to ${known}: ` +
        'start the newer release, or put back the backup that was made before the upgrade.',
    )
    this.name = 'StoreTooNew'
  }
}

/** The number of steps a store has gone through; 0 for a new file. */
export function versionOf(database: DatabaseSync): number {
  const table = database.prepare("select 1 from sqlite_master where type = 'table' and name = 'meta'").get()
  if (!table) return 0
  const row = database.prepare("select value from meta where name = 'version'").get()
  return Number(row?.['value'] ?? 0)
}

/** @throws StoreTooNew */
export function checkVersion(database: DatabaseSync, path: string, known: number): number {
  const found = versionOf(database)
  if (found > known) throw new StoreTooNew(path, found, known)
  return found
}

/**
 * @returns the path of the backup, or null when there was nothing to migrate or nothing to back up
 * @throws StoreTooNew; an error of SQLite, after which the file is as it was
 */
export function migrate(database: DatabaseSync, path: string, migrations: readonly Migration[]): string | null {
  const found = checkVersion(database, path, migrations.length)
  if (found === migrations.length) return null
  const saved = found > 0 && path !== ':memory:' ? backUp(database, path, found) : null
  database.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have done it between the look above and the lock.
    const from = checkVersion(database, path, migrations.length)
    for (const migration of migrations.slice(from)) carryOut(database, migration)
    database.exec('create table if not exists meta (name text not null primary key, value text not null)')
    const write = 'insert into meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value'
    database.prepare(write).run('version', String(migrations.length))
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
  return saved
}

function carryOut(database: DatabaseSync, migration: Migration): void {
  for (const statement of migration.up(sqliteCompiler())) database.exec(statement.compile().sql)
}

/** A whole copy beside the store, named with version and time. The empty file is made first, so that only we can read it. */
function backUp(database: DatabaseSync, path: string, version: number): string {
  const time = new Date().toISOString().replaceAll(/[-:]/g, '')
  const copy = `${path}.v${version}-${time}.backup`
  closeSync(openSync(copy, 'wx', 0o600))
  database.prepare('VACUUM INTO ?').run(copy)
  return copy
}
