import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { VirtualClock } from '../../kernel/clock.ts'
import { MIGRATIONS } from '../migrations.ts'
import { storeSuite } from '../port.suite.ts'
import { TABLES } from '../port.ts'
import { sampleEvent, sampleRow } from '../samples.ts'
import { until } from './drills/until.ts'
import { openSqlite } from './sqlite-store.ts'
import { WorkerStore } from './worker-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'quietline-store-'))
let opened = 0
const OTHER_TABLES = ['events', 'deliveries', 'input_logs', 'transcript_words', 'event_floors']
const pathNow = (): string => join(folder, `${opened}.db`)

storeSuite('store in threads', {
  open() {
    opened += 1
    return WorkerStore.open({ path: pathNow(), clock: new VirtualClock() })
  },
  empty(store) {
    const database = new DatabaseSync(pathNow())
    for (const table of [...Object.keys(TABLES), ...OTHER_TABLES]) database.exec(`delete from ${table}`)
    database.close()
    // The writer counts cursors on, unless a batch was refused: then it looks again.
    const nothing = { table: 'flows', id: '', customer_id: '', expect: {}, reason: 'NOTHING' } as const
    void store.commit({ guards: [nothing] })
  },
})
after(() => rmSync(folder, { recursive: true, force: true }))

interface World {
  readonly store: WorkerStore
  readonly clock: VirtualClock
}

function withStore(check: (world: World) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quietline-store-'))
    const clock = new VirtualClock()
    const store = await WorkerStore.open({ path: join(folder, 'store.db'), clock })
    try {
      await check({ store, clock })
    } finally {
      await store.close()
      rmSync(folder, { recursive: true })
    }
    assert.equal(clock.pending(), 0, 'a closed store leaves no timer')
  }
}

const flow = () => ({ rows: [{ table: 'flows' as const, row: sampleRow() }] })

describe('a store in threads', () => {
  test(
    'a frozen writer holds up commits only: reads are answered meanwhile',
    withStore(async ({ store }) => {
      const row = sampleRow()
      await store.commit({ rows: [{ table: 'flows', row }] })
      store.freezeWriter(300)
      const order: string[] = []
      const commit = store.commit(flow()).then(() => order.push('commit'))
      const read = store.get('flows', row.customer_id, row.id).then(() => order.push('read'))
      await Promise.all([commit, read])
      assert.deepEqual(order, ['read', 'commit'])
    }),
  )

  test(
    'a dead writer fails what is pending and what comes, reads go on, and it is back after a second',
    withStore(async ({ store, clock }) => {
      const row = sampleRow()
      await store.commit({ rows: [{ table: 'flows', row }] })
      store.freezeWriter(60_000)
      const pending = [store.commit(flow()), store.commit(flow())]
      await store.crash('writer')
      for (const answer of await Promise.all(pending)) assert.equal(!answer.ok && answer.kind, 'failed')
      const later = await store.commit(flow())
      assert.equal(!later.ok && later.kind, 'failed')
      assert.deepEqual(await store.get('flows', row.customer_id, row.id), row)
      assert.equal(clock.nextAt(), clock.now() + 1_000)
      await until(clock, async () => (await store.commit({ events: [sampleEvent()] })).ok)
    }),
  )

  test(
    'a dead reader rejects reads, commits go on, and it is back after a second',
    withStore(async ({ store, clock }) => {
      await store.crash('reader')
      await assert.rejects(store.get('flows', 'a', 'b'), { name: 'StoreUnavailable' })
      assert.equal((await store.commit(flow())).ok, true)
      await until(clock, () =>
        store.get('flows', 'a', 'b').then(
          () => true,
          () => false,
        ),
      )
    }),
  )

  test(
    'a full disk fails commits until there is room',
    withStore(async ({ store }) => {
      store.limitPages(1)
      const big = { rows: [{ table: 'flows' as const, row: sampleRow({ doc: { text: 'x'.repeat(2_000_000) } }) }] }
      assert.deepEqual(await store.commit(big), { ok: false, kind: 'failed', why: 'database or disk is full' })
      store.limitPages(100_000)
      assert.equal((await store.commit(big)).ok, true)
    }),
  )

  test(
    'what cannot be sent to a thread fails its batch and nothing else',
    withStore(async ({ store }) => {
      const odd = { rows: [{ table: 'flows' as const, row: sampleRow({ doc: { n: 1n as never } }) }] }
      const answer = await store.commit(odd)
      assert.equal(!answer.ok && answer.kind, 'failed')
      assert.equal((await store.commit(flow())).ok, true)
    }),
  )

  test(
    'batches that come together are each all or nothing: a refused one leaves the others be',
    withStore(async ({ store }) => {
      const number = () => ({ rows: [{ table: 'numbers' as const, row: sampleRow({}, { number: '+1' }) }] })
      const event = () => sampleEvent({ call_id: null })
      const asked = [{ events: [event()] }, number(), { ...number(), events: [event()] }, { events: [event()] }, flow()]
      const answers = await Promise.all(asked.map((batch) => store.commit(batch)))
      assert.deepEqual(answers, [
        { ok: true, cursors: [1] },
        { ok: true, cursors: [] },
        { ok: false, kind: 'refused', reason: 'TAKEN:numbers.number' },
        { ok: true, cursors: [2] },
        { ok: true, cursors: [] },
      ])
      assert.equal((await store.eventsAfter('customer-1', 0, 10)).length, 2)
    }),
  )

  test(
    'a disk that is full for one of several batches fails that one only',
    withStore(async ({ store }) => {
      store.limitPages(200)
      const big = { rows: [{ table: 'flows' as const, row: sampleRow({ doc: { text: 'x'.repeat(2_000_000) } }) }] }
      const answers = await Promise.all([store.commit(flow()), store.commit(big), store.commit(flow())])
      assert.deepEqual(
        answers.map(({ ok }) => ok),
        [true, false, true],
      )
    }),
  )

  test(
    'closing answers what was asked before it',
    withStore(async ({ store }) => {
      const answers = Array.from({ length: 20 }, () => store.commit(flow()))
      await store.close()
      assert.equal(
        (await Promise.all(answers)).every((answer) => answer.ok),
        true,
      )
    }),
  )
})

describe('opening a store in threads', () => {
  test('a second server is refused with one sentence until the first has closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quietline-store-'))
    const options = { path: join(folder, 'store.db'), clock: new VirtualClock() }
    const first = await WorkerStore.open(options)
    await assert.rejects(WorkerStore.open(options), { name: 'StoreInUse', message: /in use by another server: stop/ })
    assert.equal((await first.commit(flow())).ok, true)
    await first.close()
    await (await WorkerStore.open(options)).close()
    rmSync(folder, { recursive: true })
  })

  test('a store of a newer release, a path that is no file, and memory are refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quietline-store-'))
    const path = join(folder, 'store.db')
    const clock = new VirtualClock()
    openSqlite({ path, migrations: [...MIGRATIONS, { name: 'nothing', up: () => [] }] }).close()
    await assert.rejects(WorkerStore.open({ path, clock }), { name: 'StoreTooNew', message: /start the newer release/ })
    await assert.rejects(WorkerStore.open({ path: folder, clock }), /EISDIR|unable to open/)
    await assert.rejects(WorkerStore.open({ path: ':memory:', clock }), /InThreadStore/)
    assert.equal(clock.pending(), 0)
    rmSync(folder, { recursive: true })
  })
})
