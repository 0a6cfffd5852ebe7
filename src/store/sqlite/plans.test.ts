import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { TABLES, type TableName } from '../port.ts'
import { DELIVERY_FILTERS, inOrderOfWorth, type RowsShape, Statements } from '../statements.ts'
import { sqliteCompiler } from './compiler.ts'
import { openSqlite } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'quietline-plans-'))
const statements = new Statements(sqliteCompiler())
const tables = Object.keys(TABLES) as TableName[]
let database: DatabaseSync

before(() => {
  const path = join(folder, 'store.db')
  openSqlite({ path }).close()
  database = new DatabaseSync(path)
})
after(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

function planOf(sql: string): string[] {
  const marks = [...sql.matchAll(/\?/g)].map(() => 1)
  const rows = database.prepare(`explain query plan ${sql}`).all(...marks)
  return rows.map((row) => String(row['detail']))
}

/** Every table is entered by an index, and nothing is sorted afterwards but what `sorts` says is small. */
function checkPlan(sql: string, { sorts = false } = {}): void {
  const plan = planOf(sql)
  const scans = plan.filter((step) => /^SCAN (?!w$|some$|first$|\(subquery)/.test(step))
  assert.deepEqual(scans, [], `${sql}\n${plan.join('\n')}`)
  if (!sorts) assert.doesNotMatch(plan.join('\n'), /TEMP B-TREE/, sql)
}

function shape(change: Partial<RowsShape>): RowsShape {
  return { table: 'calls', ofCustomer: true, keys: [], nullKeys: [], before: false, withDeleted: false, ...change }
}

describe('every statement is answered by an index', () => {
  for (const table of tables) {
    test(`${table}: pages, by each key of lists, single rows, oldest, deleted`, () => {
      for (const before of [false, true]) {
        checkPlan(statements.rows(shape({ table, before })))
        for (const key of TABLES[table]) checkPlan(statements.rows(shape({ table, before, keys: [key] })))
      }
      for (const over of ['customer', 'all'] as const) {
        checkPlan(statements.getRow(table, over))
        checkPlan(statements.deletedRows(table, over))
      }
      checkPlan(statements.oldest(table))
      checkPlan(statements.anyRow(table))
      checkPlan(statements.walk(table))
      checkPlan(statements.putRow(table))
      checkPlan(statements.remove(table))
    })
  }

  test('lists with several keys go by the one that few rows share', () => {
    const cases = [
      ['transcribes', ['reference_type', 'reference_id'], 'by_reference_id'],
      ['transcribes', ['status', 'reference_id'], 'by_reference_id'],
      ['speakings', ['reference_type', 'reference_id', 'status'], 'by_reference_id'],
      ['transcripts', ['direction', 'reference_id'], 'by_reference_id'],
      ['transcripts', ['direction', 'transcribe_id'], 'by_transcribe_id'],
      ['activeflows', ['status', 'reference_id'], 'by_reference_id'],
      ['calls', ['status', 'groupcall_id'], 'by_groupcall_id'],
    ] as const
    for (const [table, keys, index] of cases) {
      for (const before of [false, true]) {
        const sql = statements.rows(shape({ table, keys: inOrderOfWorth(keys), before }))
        checkPlan(sql)
        assert.match(planOf(sql).join(), new RegExp(`${table}_${index} `))
      }
    }
  })

  test('traces of a number are found in deleted rows too', () => {
    for (const [table, key] of [
      ['calls', 'source'],
      ['calls', 'destination'],
      ['transcripts', 'reference_id'],
    ] as const) {
      checkPlan(statements.rows(shape({ table, keys: [key], withDeleted: true, before: true })))
    }
  })

  test('look-ups of drivers over all customers, whose few rows may be sorted', () => {
    const lookups = [
      ['agents', ['username']],
      ['accesskeys', ['token_hash']],
      ['numbers', ['number']],
      ['settings', ['name']],
      ['customers', ['email']],
      ['extensions', ['extension']],
      ['calls', ['status', 'node_id']],
      ['groupcalls', ['status', 'node_id']],
      ['transcribes', ['status', 'node_id']],
      ['transcribes', ['reference_id']],
      ['speakings', ['reference_id']],
      ['activeflows', ['reference_id']],
      ['usages', ['day']],
    ] as const
    for (const [table, keys] of lookups) {
      checkPlan(statements.rows(shape({ table, keys: inOrderOfWorth(keys), ofCustomer: false })), { sorts: true })
    }
  })

  test('deliveries: pages by every filter and state', () => {
    const sets = [[], ...DELIVERY_FILTERS.map((filter) => [filter]), [...DELIVERY_FILTERS]]
    for (const filters of sets) {
      for (const state of [null, 'pending', 'dead', 'delivered'] as const) {
        const sorts = state === 'pending' || (filters as readonly string[]).includes('call_id')
        for (const before of [false, true]) checkPlan(statements.deliveries({ filters, state, before }), { sorts })
      }
    }
    checkPlan(statements.getDelivery())
    checkPlan(statements.deliveriesOf())
  })

  test('what is due is found without a look at what was delivered', () => {
    const sql = statements.dueDeliveries()
    checkPlan(sql, { sorts: true })
    assert.match(planOf(sql).join(), /deliveries_due/)
  })

  test('events, logs, words and what is taken away', () => {
    for (const sql of [
      statements.eventsAfter(),
      statements.lastCursor(),
      statements.floor(),
      statements.ageOfEvent(),
      statements.ageOfCall(),
      statements.eventIds('old events'),
      statements.eventIds('call events'),
      statements.eventIds('subject events'),
      statements.removeDeliveries(),
      statements.removeEvent(),
      statements.removeOldLogs(),
      statements.removeLog(),
      statements.inputLog(),
      statements.walk('events'),
      statements.walk('input_logs'),
      statements.changeEvent(),
      statements.changeLog(),
      statements.addWord(),
      statements.removeWord(),
      statements.countWord(),
      statements.lastHolder(),
    ]) {
      checkPlan(sql)
    }
    // Of one call, or of at most one step.
    checkPlan(statements.eventsOfCall(), { sorts: true })
    for (const others of [0, 1, 5]) checkPlan(statements.holders(others), { sorts: true })
  })
})
