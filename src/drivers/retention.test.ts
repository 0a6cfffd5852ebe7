import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Change, NewEvent } from '../calls/ports.ts'
import { retentionName } from '../contract/retention.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { SILENT } from '../kernel/log.ts'
import type { Row, TableName } from '../store/port.ts'
import { sampleEvent, sampleRow } from '../store/samples.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { Retention } from './retention.ts'

const CUSTOMER = 'customer-1'
const DAY_MS = 86_400_000

class World {
  readonly clock = new VirtualClock()
  readonly store = new InThreadStore(openSqlite({ path: ':memory:' }))
  readonly events: NewEvent[] = []
  readonly batches: number[] = []
  isFull = false
  readonly retention: Retention

  constructor(defaultDays: number | null = null) {
    const save = async ({ events, ...batch }: Change) => {
      if (this.isFull) return { ok: false, kind: 'failed', why: 'disk is full' } as const
      this.events.push(...events)
      this.batches.push((batch.rows ?? []).length)
      return this.store.commit(batch)
    }
    this.retention = new Retention({
      store: this.store,
      records: { save },
      clock: this.clock,
      log: SILENT,
      defaultDays,
    })
  }

  async put(table: TableName, row: Row): Promise<Row> {
    assert.equal((await this.store.commit({ rows: [{ table, row }] })).ok, true)
    return row
  }

  async keep(days: Record<string, number | null>): Promise<void> {
    await this.put('customers', sampleRow({ id: CUSTOMER }))
    await this.put('settings', sampleRow({ doc: days }, { name: retentionName(CUSTOMER) }))
  }

  /** Time goes on until the round is over. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.now() + ms
    while (this.clock.now() < until) {
      this.clock.advanceTo(Math.min(until, this.clock.nextAt() ?? until))
      for (let i = 0; i < 20; i++) await setImmediate()
    }
  }

  ago(days: number): number {
    return this.clock.wallMicros() - days * DAY_MS * 1000
  }

  said(days: number): Row {
    return sampleRow(
      { tm_create_us: this.ago(days), doc: { message: `said ${days} days ago` } },
      { transcribe_id: 't', direction: 'in' },
    )
  }
}

test('old transcripts are deleted with one event each, in small batches, and go for good a day later', async () => {
  const world = new World()
  await world.keep({ transcripts_days: 10 })
  const old = Array.from({ length: 120 }, () => world.said(11))
  for (const row of old) await world.put('transcripts', row)
  const young = await world.put('transcripts', world.said(5))
  const carrying = sampleEvent({ type: 'transcript_created', call_id: 'c', seq: 1, data: { id: old[0]!.id } })
  await world.store.commit({ events: [carrying] })
  world.retention.start()
  await world.pass(120_000)
  const deleted = world.events.filter(({ type }) => type === 'transcript_deleted')
  assert.equal(deleted.length, 120)
  assert.equal(Math.max(...world.batches) <= 10, true)
  const search = { customer_id: CUSTOMER, words: 'said ago', limit: 10 }
  assert.deepEqual(
    (await world.store.searchTranscripts(search)).rows.map(({ id }) => id),
    [young.id],
  )
  await world.pass(DAY_MS + 7_200_000)
  assert.equal(
    await world.store.purge({ kind: 'deleted', table: 'transcripts', before_us: Number.MAX_SAFE_INTEGER, limit: 10 }),
    0,
  )
  assert.deepEqual(await world.store.eventsOfCall(CUSTOMER, 'c'), [])
  assert.equal((await world.store.get('transcripts', CUSTOMER, young.id))?.id, young.id)
  await world.retention.close()
})

test('events, logs and ended calls go by their own days; what is live stays', async () => {
  const world = new World()
  await world.keep({ events_days: 1, logs_days: 2, calls_days: 3 })
  const call = (days: number, status: string) =>
    world.put('calls', sampleRow({ tm_create_us: world.ago(days) }, { status }))
  const calls = [await call(1.5, 'hangup'), await call(4, 'hangup'), await call(4, 'progressing')]
  await world.store.commit({
    events: calls.map(({ id }, i) => sampleEvent({ call_id: id, seq: 1, wall_us: world.ago(i === 0 ? 0.5 : 4) })),
    inputLogs: calls.map(({ id }) => ({ call_id: id, customer_id: CUSTOMER, lines: ['{}'] })),
  })
  world.retention.start()
  await world.pass(120_000)
  const left = async (has: (id: string) => Promise<unknown>): Promise<boolean[]> =>
    Promise.all(calls.map(async ({ id }) => Boolean(await has(id))))
  assert.deepEqual(await left((id) => world.store.get('calls', CUSTOMER, id)), [true, false, true])
  assert.deepEqual(await left(async (id) => (await world.store.eventsOfCall(CUSTOMER, id)).length), [
    true,
    false,
    false,
  ])
  assert.deepEqual(await left((id) => world.store.inputLog(CUSTOMER, id)), [true, false, false])
  await world.retention.close()
})

test('a customer that has not chosen has the default of the server; null keeps for good', async () => {
  for (const [defaultDays, found] of [
    [null, 1],
    [5, 0],
  ] as const) {
    const world = new World(defaultDays)
    await world.put('customers', sampleRow({ id: CUSTOMER }))
    await world.put('transcripts', world.said(6))
    world.retention.start()
    await world.pass(120_000)
    assert.equal((await world.store.list({ table: 'transcripts', customer_id: CUSTOMER, limit: 5 })).length, found)
    await world.retention.close()
  }
})

test('a store that is full is tried again an hour later, and a closed retention leaves no timer', async () => {
  const world = new World(5)
  await world.put('customers', sampleRow({ id: CUSTOMER }))
  await world.put('transcripts', world.said(6))
  world.isFull = true
  world.retention.start()
  await world.pass(120_000)
  assert.equal(world.events.length, 0)
  world.isFull = false
  await world.pass(3_700_000)
  assert.equal(world.events.length, 1)
  await world.retention.close()
  assert.equal(world.clock.pending(), 0)
})
