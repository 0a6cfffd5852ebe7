import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { MIGRATIONS, type Migration } from '../migrations.ts'
import { storeSuite } from '../port.suite.ts'
import { TABLES, type TableName } from '../port.ts'
import { sampleEvent, sampleRow } from '../samples.ts'
import { InThreadStore, openSqlite } from './sqlite-store.ts'

storeSuite('store in memory', { open: async () => new InThreadStore(openSqlite({ path: ':memory:' })) })

function withFolder(check: (folder: string, path: string) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'quietline-store-'))
    try {
      check(folder, join(folder, 'store.db'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

const NEXT: Migration = {
  name: 'a column more',
  up: (db) => [db.schema.alterTable('flows').addColumn('colour', 'text')],
}
const BROKEN: Migration = {
  name: 'half a step',
  up: (db) => [db.schema.alterTable('flows').addColumn('shape', 'text'), db.schema.dropTable('no_such_table')],
}

describe('opening a store file', () => {
  test(
    'the migrations make exactly the columns that TABLES asks for',
    withFolder((_, path) => {
      openSqlite({ path }).close()
      const database = new DatabaseSync(path)
      for (const table of Object.keys(TABLES) as TableName[]) {
        const found = database.prepare('select name from pragma_table_info(?)').all(table)
        const wanted = ['id', 'customer_id', 'tm_create_us', 'tm_delete_us', 'doc', 'hidden', ...TABLES[table]]
        assert.deepEqual(found.map((column) => column['name']).sort(), wanted.sort(), table)
      }
      database.close()
    }),
  )

  test(
    'a second opening finds what the first one wrote, and makes no backup',
    withFolder((folder, path) => {
      const row = sampleRow()
      const first = openSqlite({ path })
      first.commit({ rows: [{ table: 'flows', row }] })
      first.close()
      const second = openSqlite({ path, synchronous: 'full' })
      assert.deepEqual(second.get('flows', row.customer_id, row.id), row)
      second.close()
      assert.deepEqual(readdirSync(folder), ['store.db'])
      assert.equal(statSync(path).mode & 0o077, 0)
    }),
  )

  test(
    'a migration keeps the rows, after a backup that opens as the old version',
    withFolder((folder, path) => {
      const row = sampleRow()
      const old = openSqlite({ path })
      old.commit({ rows: [{ table: 'flows', row }] })
      old.close()
      const migrated = openSqlite({ path, migrations: [...MIGRATIONS, NEXT] })
      assert.deepEqual(migrated.get('flows', row.customer_id, row.id), row)
      migrated.close()
      const backups = readdirSync(folder).filter((name) => name.endsWith('.backup'))
      assert.match(backups.join(), /^store\.db\.v\d-\d{8}T\d{6}\.\d{3}Z\.backup$/)
      assert.match(backups.join(), new RegExp(`\\.v${MIGRATIONS.length}-`))
      const backup = openSqlite({ path: join(folder, backups[0]!), readOnly: true })
      assert.deepEqual(backup.get('flows', row.customer_id, row.id), row)
      backup.close()
    }),
  )

  test(
    'a migration that fails half-way leaves the store as it was',
    withFolder((_, path) => {
      openSqlite({ path }).close()
      assert.throws(() => openSqlite({ path, migrations: [...MIGRATIONS, NEXT, BROKEN] }), /no_such_table/)
      const store = openSqlite({ path })
      assert.equal(store.commit({ rows: [{ table: 'flows', row: sampleRow() }] }).ok, true)
      store.close()
    }),
  )

  test(
    'a store of a newer release is refused with one sentence and not touched',
    withFolder((folder, path) => {
      openSqlite({ path, migrations: [...MIGRATIONS, NEXT] }).close()
      for (const readOnly of [false, true]) {
        assert.throws(() => openSqlite({ path, readOnly }), {
          name: 'StoreTooNew',
          message: new RegExp(`has version ${MIGRATIONS.length + 1} .* up to ${MIGRATIONS.length}: start the newer`),
        })
      }
      assert.equal(
        readdirSync(folder).some((name) => name.endsWith('.backup')),
        false,
      )
    }),
  )

  test(
    'a read-only core reads and fails to commit',
    withFolder((_, path) => {
      const row = sampleRow()
      const writer = openSqlite({ path })
      const reader = openSqlite({ path, readOnly: true })
      writer.commit({ rows: [{ table: 'flows', row }] })
      assert.deepEqual(reader.get('flows', row.customer_id, row.id), row)
      const answer = reader.commit({ rows: [{ table: 'flows', row }] })
      assert.equal(!answer.ok && answer.kind, 'failed')
      reader.close()
      writer.close()
    }),
  )
})

describe('a full disk', () => {
  test(
    'fails the batch whole, and the next batch passes when there is room',
    withFolder((_, path) => {
      const store = openSqlite({ path })
      const kept = sampleRow()
      store.commit({ rows: [{ table: 'flows', row: kept }] })
      store.limitPages(1)
      const big = { table: 'flows' as const, row: sampleRow({ doc: { text: 'x'.repeat(2_000_000) } }) }
      const small = sampleRow()
      const answer = store.commit({ rows: [{ table: 'flows', row: small }, big], events: [sampleEvent()] })
      assert.deepEqual(answer, { ok: false, kind: 'failed', why: 'database or disk is full' })
      assert.equal(store.get('flows', small.customer_id, small.id), null)
      assert.deepEqual(store.get('flows', kept.customer_id, kept.id), kept)
      store.limitPages(100_000)
      assert.deepEqual(store.commit({ rows: [big], events: [sampleEvent()] }), { ok: true, cursors: [1] })
      store.close()
    }),
  )
})
