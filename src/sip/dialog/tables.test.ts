import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cell, step, type Table } from '../../kernel/machine.ts'
import { BRANCH } from './branch.ts'
import { EXCHANGE } from './exchange-table.ts'
import { INCOMING_LEG } from './incoming-leg.ts'
import { OUTGOING_LEG } from './outgoing-leg.ts'
import { REFERRAL } from './referral.ts'
import { RELIABLE } from './reliable.ts'
import { SESSION } from './session.ts'
import { SESSION_TIMER } from './session-timer.ts'

type AnyTable = Table<string, string, string>

const MACHINES: readonly {
  readonly name: string
  readonly table: AnyTable
  readonly start: string
  readonly ends: readonly string[]
  readonly cells: number
}[] = [
  { name: 'session', table: SESSION, start: 'unacked', ends: ['over'], cells: 49 },
  { name: 'exchange', table: EXCHANGE, start: 'idle', ends: ['closed'], cells: 72 },
  { name: 'branch', table: BRANCH, start: 'calling', ends: ['done'], cells: 35 },
  { name: 'incoming leg', table: INCOMING_LEG, start: 'alerting', ends: ['answered', 'over'], cells: 28 },
  { name: 'outgoing leg', table: OUTGOING_LEG, start: 'calling', ends: ['answered', 'failed'], cells: 25 },
  { name: 'reliable', table: RELIABLE, start: 'quiet', ends: ['over'], cells: 15 },
  { name: 'session timer', table: SESSION_TIMER, start: 'off', ends: ['over'], cells: 28 },
  { name: 'referral', table: REFERRAL, start: 'asked', ends: ['over'], cells: 21 },
]

for (const { name, table, start, ends, cells } of MACHINES) {
  test(`${name}: every cell answers, every state is reached from the start and can end`, () => {
    const moves = new Map<string, string[]>()
    let count = 0
    for (const [state, row] of Object.entries(table)) {
      const targets: string[] = []
      for (const [input, cell] of Object.entries(row) as [string, Cell<string, string>][]) {
        count += 1
        if (cell === 'bug') assert.throws(() => step(name, table, state, input), { name: 'ImpossibleInput' })
        else targets.push(step(name, table, state, input).to)
      }
      moves.set(state, targets)
    }
    assert.equal(count, cells)
    assert.deepEqual([...reached(moves, start)].toSorted(), Object.keys(table).toSorted())
    for (const state of moves.keys())
      assert.ok(
        ends.some((end) => reached(moves, state).has(end)),
        `${state} ends`,
      )
    for (const end of ends) assert.deepEqual([...reached(moves, end)], [end], `${end} is the end`)
  })
}

function reached(moves: ReadonlyMap<string, readonly string[]>, from: string): Set<string> {
  const seen = new Set([from])
  for (const state of seen) for (const next of moves.get(state) ?? []) seen.add(next)
  return seen
}
