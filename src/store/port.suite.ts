/** What must hold for every store: run by each implementation's tests with its own way of opening an empty store. */

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type {
  CommitResult,
  DeliveryQuery,
  DeliveryRow,
  KeyValue,
  Row,
  Store,
  TableName,
  TranscriptQuery,
} from './port.ts'
import { TABLES, UNIQUE } from './port.ts'
import { sampleDelivery, sampleEvent, sampleId, sampleRow } from './samples.ts'

const A = 'customer-1'
const B = 'customer-2'
const TABLE_NAMES = Object.keys(TABLES) as TableName[]

export interface StoreUnderTest {
  /** A new empty store; the suite closes it. */
  open(): Promise<Store>
  /** Keys that come back hashed. */
  readonly hashed?: readonly string[]
  /** Empties a store that is slow to open; then one store serves all tests. */
  empty?(store: Store): void
}

export function storeSuite(name: string, under: StoreUnderTest): void {
  let shared: Store | null = null
  const take = async (): Promise<Store> => {
    if (!under.empty) return under.open()
    shared ??= await under.open()
    under.empty(shared)
    return shared
  }
  const holds = (what: string, check: (store: Store) => Promise<void>): void => {
    test(what, async () => {
      const store = await take()
      try {
        await check(store)
      } finally {
        if (store !== shared) await store.close()
      }
    })
  }
  after(() => shared?.close())

  describe(`${name}: rows`, () => {
    holds('a row of every table comes back as it was saved', async (store) => {
      for (const table of TABLE_NAMES) {
        const row = sampleRow(
          { tm_create_us: 1_768_469_400_123_456, doc: { text: '안녕 😀 "\\\n', none: null, list: [1, { a: 0.5 }] } },
          allKeys(table),
        )
        await ok(store.commit({ rows: [{ table, row: { ...row, hidden: { password: 'x' } } }] }))
        const found = await store.get(table, A, row.id)
        const hashes = Object.entries(found?.keys ?? {}).filter(([key]) => under.hashed?.includes(key))
        const keys = { ...row.keys, ...Object.fromEntries(hashes) }
        assert.deepEqual(found, { ...row, keys, hidden: { password: 'x' } })
      }
    })

    holds('saving again replaces the row and its keys', async (store) => {
      const row = sampleRow({}, { ...noKeys('calls'), status: 'ringing', groupcall_id: 'g' })
      await put(store, 'calls', row)
      const later = {
        ...row,
        keys: { ...row.keys, status: 'hangup', groupcall_id: null },
        doc: { id: row.id, status: 'hangup' },
      }
      await put(store, 'calls', later)
      assert.deepEqual(await store.get('calls', A, row.id), later)
      assert.deepEqual(await store.find('calls', { status: 'ringing' }), [])
    })

    holds('a key that is not given is null', async (store) => {
      const row = await put(store, 'calls', sampleRow({}, { status: 'ringing' }))
      assert.equal((await store.get('calls', A, row.id))?.keys['node_id'], null)
      assert.deepEqual(ids(await store.find('calls', { node_id: null, status: 'ringing' })), [row.id])
    })

    holds('a row is seen by its own customer only, but for the look-ups that say so', async (store) => {
      const row = await put(store, 'flows', sampleRow())
      assert.equal(await store.get('flows', B, row.id), null)
      assert.equal((await store.getAnyCustomer('flows', row.id))?.id, row.id)
      assert.deepEqual(await store.list({ table: 'flows', customer_id: B, limit: 10 }), [])
    })

    holds('a deleted row is left out of every read', async (store) => {
      const row = await put(store, 'numbers', sampleRow({ tm_delete_us: 2_000 }, { number: '+1' }))
      assert.equal(await store.get('numbers', A, row.id), null)
      assert.equal(await store.getAnyCustomer('numbers', row.id), null)
      assert.deepEqual(await store.find('numbers', { number: '+1' }), [])
      assert.deepEqual(await store.list({ table: 'numbers', customer_id: A, limit: 10 }), [])
    })

    holds('a removal takes the row away for good', async (store) => {
      const row = await put(store, 'contacts', sampleRow({}, { extension_id: 'e' }))
      await ok(store.commit({ removals: [{ table: 'contacts', id: row.id }] }))
      assert.deepEqual(await store.find('contacts', {}), [])
    })

    holds('find looks over all customers, newest first, up to a limit', async (store) => {
      const rows = [
        sampleRow({ tm_create_us: 1 }),
        sampleRow({ tm_create_us: 3, customer_id: B }),
        sampleRow({ tm_create_us: 2 }),
      ]
      for (const row of rows) await put(store, 'calls', { ...row, keys: { boot_id: 'b' } })
      assert.deepEqual(ids(await store.find('calls', { boot_id: 'b' })), [rows[1]!.id, rows[2]!.id, rows[0]!.id])
      assert.deepEqual(ids(await store.find('calls', { boot_id: 'b' }, 1)), [rows[1]!.id])
    })

    holds('a name that is no key is an error, in reads and in writes', async (store) => {
      await assert.rejects(store.find('calls', { doc: 'x' }), /no key doc/)
      await assert.rejects(store.list({ table: 'calls', customer_id: A, limit: 1, where: { '1=1 --': 'x' } }), /no key/)
      await assert.rejects(store.find('sqlite_master' as TableName, {}), /no table/)
      const answer = await store.commit({ rows: [{ table: 'flows', row: sampleRow({}, { status: 'x' }) }] })
      assert.equal(!answer.ok && answer.kind, 'failed')
    })

    holds('a number is no key: it would come back as text', async (store) => {
      const answer = await store.commit({ rows: [{ table: 'calls', row: sampleRow({}, { status: 5 }) }] })
      assert.equal(!answer.ok && answer.kind, 'failed')
    })
  })

  describe(`${name}: lists`, () => {
    holds('pages go newest first and miss and repeat nothing, also where times are equal', async (store) => {
      const rows = Array.from({ length: 25 }, (_, i) => sampleRow({ tm_create_us: 100 + Math.floor(i / 4) }))
      await ok(store.commit({ rows: rows.map((row) => ({ table: 'flows' as const, row })) }))
      const wanted = ids(rows.toSorted((a, b) => b.tm_create_us - a.tm_create_us || (a.id < b.id ? 1 : -1)))
      const seen: Row[] = []
      for (;;) {
        const last = seen.at(-1)
        const before = last && { before: { us: last.tm_create_us, id: last.id } }
        const page = await store.list({ table: 'flows', customer_id: A, limit: 4, ...before })
        if (page.length === 0) break
        seen.push(...page)
      }
      assert.deepEqual(ids(seen), wanted)
    })

    holds('a bare time means older than that time', async (store) => {
      for (const us of [1, 2, 3]) await put(store, 'flows', sampleRow({ tm_create_us: us }))
      const page = await store.list({ table: 'flows', customer_id: A, limit: 10, before: { us: 2, id: '' } })
      assert.deepEqual(
        page.map((row) => row.tm_create_us),
        [1],
      )
    })

    holds('a list is narrowed by keys', async (store) => {
      const mine = await put(store, 'transcripts', sampleRow({}, { transcribe_id: 't', direction: 'in' }))
      await put(store, 'transcripts', sampleRow({}, { transcribe_id: 't', direction: 'out' }))
      await put(store, 'transcripts', sampleRow({}, { transcribe_id: 'u', direction: 'in' }))
      const where = { transcribe_id: 't', direction: 'in' }
      assert.deepEqual(ids(await store.list({ table: 'transcripts', customer_id: A, limit: 10, where })), [mine.id])
    })
  })

  describe(`${name}: unique keys and guards`, () => {
    for (const [table, keys] of Object.entries(UNIQUE) as [TableName, { key: string; over: 'customer' | 'all' }[]][]) {
      for (const { key, over } of keys) {
        holds(`${table}.${key} is taken once over ${over}, until its row is deleted`, async (store) => {
          const first = await put(store, table, sampleRow({}, { [key]: 'same' }))
          const second = sampleRow({}, { [key]: 'same' })
          assert.deepEqual(await store.commit({ rows: [{ table, row: second }] }), {
            ok: false,
            kind: 'refused',
            reason: `TAKEN:${table}.${key}`,
          })
          const elsewhere = await store.commit({
            rows: [{ table, row: sampleRow({ customer_id: B }, { [key]: 'same' }) }],
          })
          assert.equal(elsewhere.ok, over === 'customer')
          await put(store, table, first)
          await put(store, table, { ...first, tm_delete_us: 5 })
          await put(store, table, second)
        })

        holds(`${table}.${key} may be null many times`, async (store) => {
          await put(store, table, sampleRow())
          await put(store, table, sampleRow())
        })
      }
    }

    holds('a batch is all or nothing', async (store) => {
      await put(store, 'numbers', sampleRow({}, { number: '+1' }))
      const row = sampleRow()
      const event = sampleEvent({ call_id: 'c', seq: 1 })
      const answer = await store.commit({
        rows: [
          { table: 'flows', row },
          { table: 'numbers', row: sampleRow({}, { number: '+1' }) },
        ],
        events: [event],
        deliveries: [sampleDelivery(event)],
      })
      assert.equal(answer.ok, false)
      assert.equal(await store.get('flows', A, row.id), null)
      assert.deepEqual(await store.eventsOfCall(A, 'c'), [])
      assert.deepEqual(await store.deliveriesOf(A, event.id), [])
    })

    holds('a guard lets a batch pass only while the live row has its values', async (store) => {
      const call = await put(store, 'calls', sampleRow({}, { status: 'progressing', groupcall_id: null }))
      const guard = {
        table: 'calls',
        id: call.id,
        customer_id: A,
        expect: { status: 'progressing', groupcall_id: null },
        reason: 'GONE',
      } as const
      const refused: CommitResult = { ok: false, kind: 'refused', reason: 'GONE' }
      await ok(store.commit({ guards: [guard], rows: [{ table: 'flows', row: sampleRow() }] }))
      assert.deepEqual(await store.commit({ guards: [{ ...guard, customer_id: B }] }), refused)
      assert.deepEqual(await store.commit({ guards: [{ ...guard, id: sampleId() }] }), refused)
      await put(store, 'calls', { ...call, keys: { status: 'hangup' } })
      const row = sampleRow()
      assert.deepEqual(await store.commit({ guards: [guard], rows: [{ table: 'flows', row }] }), refused)
      assert.equal(await store.get('flows', A, row.id), null)
      await put(store, 'calls', { ...call, tm_delete_us: 9 })
      assert.deepEqual(await store.commit({ guards: [guard] }), refused)
    })
  })

  describe(`${name}: events and deliveries`, () => {
    holds('events of a call come back in order, with the cursor of their customer', async (store) => {
      const events = [1, 2, 3].map((seq) => sampleEvent({ call_id: 'c', seq, offset_ms: seq * 12.5, data: { seq } }))
      const other = sampleEvent({ customer_id: B, call_id: 'd', seq: 1 })
      assert.deepEqual(await store.commit({ events: [events[0]!, other, events[1]!] }), {
        ok: true,
        cursors: [1, 1, 2],
      })
      assert.deepEqual(await store.commit({ events: [events[2]!] }), { ok: true, cursors: [3] })
      assert.deepEqual(
        await store.eventsOfCall(A, 'c'),
        events.map((event, i) => ({ ...event, cursor: i + 1 })),
      )
      assert.deepEqual(await store.eventsOfCall(B, 'c'), [])
    })

    holds('a number within a call, and the id of an event, are used once', async (store) => {
      const event = sampleEvent({ call_id: 'c', seq: 1 })
      await ok(store.commit({ events: [event] }))
      assert.deepEqual(await store.commit({ events: [sampleEvent({ call_id: 'c', seq: 1 })] }), taken('events.seq'))
      assert.deepEqual(await store.commit({ events: [sampleEvent({ id: event.id })] }), taken('events.id'))
      assert.deepEqual(await store.commit({ events: [sampleEvent()] }), { ok: true, cursors: [2] })
    })

    holds('due deliveries come with their events, the oldest event first', async (store) => {
      const events = [3, 1, 2].map((wall) => sampleEvent({ wall_us: wall * 1_000 }))
      const deliveries = events.map((event) => sampleDelivery(event, { due_us: 50 }))
      const late = sampleDelivery(events[0]!, { due_us: 51, destination: 'webhook:POST:http://x/' })
      const done = sampleDelivery(events[0]!, { state: 'delivered', destination: 'webhook:POST:http://y/' })
      await ok(store.commit({ events, deliveries: [...deliveries, late, done] }))
      const due = await store.dueDeliveries(50, 10)
      assert.deepEqual(
        due,
        [1, 2, 0].map((i) => ({ delivery: deliveries[i]!, event: { ...events[i]!, cursor: i + 1 } })),
      )
      assert.equal((await store.dueDeliveries(50, 2)).length, 2)
      assert.equal((await store.dueDeliveries(51, 10)).length, 4)
    })

    holds('a delivery changes its state, and there is one per event and destination', async (store) => {
      const event = sampleEvent()
      const delivery = sampleDelivery(event)
      await ok(store.commit({ events: [event], deliveries: [delivery] }))
      const dead = { ...delivery, state: 'dead' as const, attempts: 3, last: { status: 500 } }
      await ok(store.commit({ deliveries: [dead] }))
      assert.deepEqual(await store.deliveriesOf(A, event.id), [dead])
      assert.deepEqual(await store.deliveriesOf(B, event.id), [])
      assert.deepEqual(await store.dueDeliveries(Number.MAX_SAFE_INTEGER, 10), [])
      assert.deepEqual(await store.commit({ deliveries: [sampleDelivery(event)] }), taken('deliveries.destination'))
    })

    holds('the input log of a call comes back line by line', async (store) => {
      const log = (call_id: string, lines: string[]) => ({ inputLogs: [{ call_id, customer_id: A, lines }] })
      await ok(store.commit(log('c', ['{"a":1}', '{"b":"x\\ny"}'])))
      await ok(store.commit(log('empty', [])))
      assert.deepEqual(await store.inputLog(A, 'c'), ['{"a":1}', '{"b":"x\\ny"}'])
      assert.deepEqual(await store.inputLog(A, 'empty'), [])
      assert.equal(await store.inputLog(B, 'c'), null)
      assert.equal(await store.inputLog(A, 'none'), null)
    })
  })

  describe(`${name}: lists of deliveries`, () => {
    holds('a delivery is as old as its event; pages go newest first and miss and repeat nothing', async (store) => {
      const events = Array.from({ length: 12 }, (_, i) => sampleEvent({ wall_us: 100 + Math.floor(i / 3) }))
      const deliveries = events.map((event) => sampleDelivery(event, { due_us: 9_999 }))
      await ok(store.commit({ events, deliveries }))
      const ages = new Map(events.map((event) => [event.id, event.wall_us]))
      const age = (delivery: DeliveryRow): number => ages.get(delivery.event_id)!
      const wanted = deliveries.toSorted((a, b) => age(b) - age(a) || (a.id < b.id ? 1 : -1)).map(({ id }) => id)
      const seen: DeliveryRow[] = []
      for (;;) {
        const last = seen.at(-1)
        const before = last && { before: { us: age(last), id: last.id } }
        const page = await store.listDeliveries({ customer_id: A, limit: 5, ...before })
        if (page.length === 0) break
        for (const { delivery, event } of page) assert.equal(event.id, delivery.event_id)
        seen.push(...page.map(({ delivery }) => delivery))
      }
      assert.deepEqual(
        seen.map(({ id }) => id),
        wanted,
      )
    })

    holds(
      'a list of deliveries is narrowed by state, type, call and destination, alone and together',
      async (store) => {
        const event = sampleEvent({ call_id: 'c', seq: 1, type: 'call_created' })
        const other = sampleEvent({ call_id: 'd', seq: 1, type: 'call_hangup' })
        const dead = sampleDelivery(event, { state: 'dead' })
        const elsewhere = sampleDelivery(event, { destination: 'webhook:POST:http://x/', state: 'delivered' })
        const pending = sampleDelivery(other)
        await ok(store.commit({ events: [event, other], deliveries: [dead, elsewhere, pending] }))
        const found = async (filter: Partial<DeliveryQuery>): Promise<string[]> =>
          (await store.listDeliveries({ customer_id: A, limit: 10, ...filter }))
            .map(({ delivery }) => delivery.id)
            .sort()
        assert.deepEqual(await found({ state: 'dead' }), [dead.id])
        assert.deepEqual(await found({ state: 'pending' }), [pending.id])
        assert.deepEqual(await found({ event_type: 'call_created' }), [dead.id, elsewhere.id])
        assert.deepEqual(await found({ call_id: 'd' }), [pending.id])
        assert.deepEqual(await found({ destination: elsewhere.destination }), [elsewhere.id])
        const all = { state: 'dead', call_id: 'c', event_type: 'call_created', destination: dead.destination } as const
        assert.deepEqual(await found(all), [dead.id])
        assert.deepEqual(await found({ ...all, state: 'delivered' }), [])
        assert.deepEqual(await store.listDeliveries({ customer_id: B, limit: 10 }), [])
      },
    )

    holds('a delivery that was tried again keeps its age', async (store) => {
      const event = sampleEvent({ wall_us: 77 })
      const delivery = sampleDelivery(event)
      await ok(store.commit({ events: [event], deliveries: [delivery] }))
      await ok(store.commit({ deliveries: [{ ...delivery, state: 'dead', attempts: 9 }] }))
      const page = await store.listDeliveries({ customer_id: A, limit: 1, before: { us: 78, id: '' }, state: 'dead' })
      assert.equal(page[0]?.delivery.attempts, 9)
      assert.deepEqual(await store.listDeliveries({ customer_id: A, limit: 1, before: { us: 77, id: '' } }), [])
    })

    holds('one delivery comes with its event, to its customer only', async (store) => {
      const event = sampleEvent()
      const delivery = sampleDelivery(event)
      await ok(store.commit({ events: [event], deliveries: [delivery] }))
      assert.deepEqual(await store.getDelivery(A, delivery.id), { delivery, event: { ...event, cursor: 1 } })
      assert.equal(await store.getDelivery(B, delivery.id), null)
      assert.equal(await store.getDelivery(A, sampleId()), null)
    })
  })

  describe(`${name}: search in transcripts`, () => {
    const said = (message: string, change: Partial<Row> = {}, keys: Record<string, string> = {}): Row => {
      const id = change.id ?? sampleId()
      return sampleRow({ ...change, id, doc: { id, message } }, { transcribe_id: 't', direction: 'in', ...keys })
    }
    const save = async (store: Store, ...rows: Row[]): Promise<void> => {
      await ok(store.commit({ rows: rows.map((row) => ({ table: 'transcripts' as const, row })) }))
    }
    const search = async (store: Store, words: string, more: Partial<TranscriptQuery> = {}): Promise<string[]> =>
      ids((await store.searchTranscripts({ customer_id: A, words, limit: 10, ...more })).rows)

    holds('finds transcripts that hold all words, in any order and case, newest first', async (store) => {
      const a = said('My order number is forty two.', { tm_create_us: 1 })
      const b = said('FORTY two orders', { tm_create_us: 2 })
      const c = said('the number 42, in order', { tm_create_us: 3 })
      await save(store, a, b, c)
      assert.deepEqual(await search(store, 'order'), [c.id, a.id])
      assert.deepEqual(await search(store, 'two Forty'), [b.id, a.id])
      assert.deepEqual(await search(store, 'number order'), [c.id, a.id])
      assert.deepEqual(await search(store, 'ｎｕｍｂｅｒ'), [c.id, a.id])
      assert.deepEqual(await search(store, 'numb'), [])
      assert.deepEqual(await search(store, '  ?! '), [])
    })

    holds('finds parts of runs in scripts without spaces', async (store) => {
      const korean = said('내일 예약을 취소해 주세요', { tm_create_us: 2 })
      const chinese = said('我想取消明天的预约abc', { tm_create_us: 1 })
      await save(store, korean, chinese)
      assert.deepEqual(await search(store, '예약 취소'), [korean.id])
      assert.deepEqual(await search(store, '明天的预'), [chinese.id])
      assert.deepEqual(await search(store, '取消 ABC'), [chinese.id])
      assert.deepEqual(await search(store, '예취'), [])
    })

    holds('only words of its own customer, and none of a deleted transcript, are found', async (store) => {
      const row = said('secret word')
      await save(store, row)
      assert.deepEqual(await search(store, 'secret', { customer_id: B }), [])
      await save(store, { ...row, tm_delete_us: 5 })
      assert.deepEqual(await search(store, 'secret'), [])
      const other = said('secret again')
      await save(store, other)
      assert.deepEqual(await search(store, 'secret'), [other.id])
      await ok(store.commit({ removals: [{ table: 'transcripts', id: other.id }] }))
      assert.deepEqual(await search(store, 'secret'), [])
    })

    holds('is narrowed by keys and by time', async (store) => {
      const rows = [
        said('hello you', { tm_create_us: 10 }, { reference_id: 'call-1', direction: 'in' }),
        said('hello me', { tm_create_us: 20 }, { reference_id: 'call-1', direction: 'out' }),
        said('hello them', { tm_create_us: 30 }, { reference_id: 'call-2', direction: 'in', transcribe_id: 'u' }),
      ]
      await save(store, ...rows)
      const [one, two, three] = ids(rows) as [string, string, string]
      assert.deepEqual(await search(store, 'hello', { where: { direction: 'in' } }), [three, one])
      assert.deepEqual(await search(store, 'hello', { where: { reference_id: 'call-1' } }), [two, one])
      assert.deepEqual(await search(store, 'hello', { where: { reference_id: 'call-1', direction: 'out' } }), [two])
      assert.deepEqual(await search(store, 'hello them', { where: { transcribe_id: 'u' } }), [three])
      assert.deepEqual(await search(store, 'hello', { from_us: 20 }), [three, two])
      assert.deepEqual(await search(store, 'hello', { to_us: 20 }), [one])
      assert.deepEqual(await search(store, 'hello', { from_us: 11, to_us: 30 }), [two])
      assert.deepEqual(await search(store, 'hello', { where: { reference_id: 'call-1' }, from_us: 20 }), [two])
    })

    for (const where of [{}, { transcribe_id: 't' }]) {
      const over = Object.keys(where).length > 0 ? 'of one transcribe ' : ''
      holds(`pages of hits ${over}miss and repeat nothing, and the last says that it is`, async (store) => {
        const rows = Array.from({ length: 25 }, (_, i) => said('same words', { tm_create_us: 100 + Math.floor(i / 4) }))
        await save(store, ...rows, said('other words', { tm_create_us: 101 }))
        const wanted = ids(rows.toSorted((a, b) => b.tm_create_us - a.tm_create_us || (a.id < b.id ? 1 : -1)))
        const seen: string[] = []
        let before: TranscriptQuery['before']
        do {
          const query = { customer_id: A, words: 'same words', limit: 5, where, ...(before && { before }) }
          const hits = await store.searchTranscripts(query)
          seen.push(...ids(hits.rows))
          before = hits.next ?? undefined
        } while (before)
        assert.deepEqual(seen, wanted)
      })
    }

    holds('a page looks at a bounded number of transcripts and says where to go on', async (store) => {
      const rows = Array.from({ length: 12_000 }, (_, i) =>
        said(i % 2 === 0 ? 'even' : 'odd', { tm_create_us: 1_000 + i }),
      )
      await save(store, ...rows, said('even and odd', { tm_create_us: 1 }))
      const query = { customer_id: A, words: 'even odd', limit: 10 }
      const first = await store.searchTranscripts({ ...query, where: { transcribe_id: 't' } })
      assert.equal(first.rows.length, 0)
      assert.notEqual(first.next, null)
      let before = first.next
      let found = 0
      while (before) {
        const hits = await store.searchTranscripts({ ...query, before, where: { transcribe_id: 't' } })
        found += hits.rows.length
        before = hits.next
      }
      assert.equal(found, 1)
      assert.equal((await search(store, 'even odd')).length, 1)
    })
  })

  describe(`${name}: what is taken away`, () => {
    holds('old events go with their deliveries, oldest first, and their cursors never come again', async (store) => {
      const events = [1, 2, 3].map((wall) => sampleEvent({ wall_us: wall, call_id: 'c', seq: wall }))
      await ok(store.commit({ events, deliveries: events.map((event) => sampleDelivery(event)) }))
      assert.equal(await store.purge({ kind: 'events', customer_id: A, before_us: 3, limit: 1 }), 1)
      assert.deepEqual(
        (await store.eventsOfCall(A, 'c')).map(({ seq }) => seq),
        [2, 3],
      )
      assert.deepEqual(await store.deliveriesOf(A, events[0]!.id), [])
      assert.equal(await store.purge({ kind: 'events', customer_id: B, before_us: 99, limit: 10 }), 0)
      assert.equal(await store.purge({ kind: 'events', customer_id: A, before_us: 99, limit: 10 }), 2)
      assert.equal(await store.purge({ kind: 'events', customer_id: A, before_us: 99, limit: 10 }), 0)
      assert.deepEqual(await store.commit({ events: [sampleEvent()] }), { ok: true, cursors: [4] })
    })

    holds('events of one call go, those of others stay', async (store) => {
      const mine = sampleEvent({ call_id: 'c', seq: 1 })
      const other = sampleEvent({ call_id: 'd', seq: 1 })
      await ok(store.commit({ events: [mine, other] }))
      assert.equal(await store.purge({ kind: 'eventsOfCall', customer_id: B, call_id: 'c', limit: 10 }), 0)
      assert.equal(await store.purge({ kind: 'eventsOfCall', customer_id: A, call_id: 'c', limit: 10 }), 1)
      assert.equal((await store.eventsOfCall(A, 'd')).length, 1)
      assert.equal((await store.eventsAfter(A, 0, 10)).length, 1)
    })

    holds('input logs go by the age of their call, or one by one', async (store) => {
      const call = await put(store, 'calls', sampleRow({ tm_create_us: 50 }))
      const log = (call_id: string) => ({ call_id, customer_id: A, lines: ['{}'] })
      await ok(store.commit({ inputLogs: [log(call.id), log('unknown')] }))
      assert.equal(await store.purge({ kind: 'inputLogs', customer_id: A, before_us: 50, limit: 10 }), 0)
      assert.equal(await store.purge({ kind: 'inputLogs', customer_id: A, before_us: 51, limit: 10 }), 1)
      assert.equal(await store.inputLog(A, call.id), null)
      assert.equal(await store.purge({ kind: 'inputLog', customer_id: B, call_id: 'unknown' }), 0)
      assert.equal(await store.purge({ kind: 'inputLog', customer_id: A, call_id: 'unknown' }), 1)
    })

    holds('deleted rows go after a time; a transcript takes the events that carry it along', async (store) => {
      const row = sampleRow({ tm_delete_us: 100 }, { transcribe_id: 't' })
      const live = sampleRow({}, { transcribe_id: 't' })
      const carrying = (of: Row, type: string) => sampleEvent({ type, call_id: 'c', data: { id: of.id } })
      await ok(
        store.commit({
          rows: [row, live].map((one) => ({ table: 'transcripts' as const, row: one })),
          events: [
            carrying(row, 'transcript_created'),
            carrying(row, 'transcript_deleted'),
            carrying(live, 'transcript_created'),
          ],
        }),
      )
      assert.equal(await store.purge({ kind: 'deleted', table: 'transcripts', before_us: 100, limit: 10 }), 0)
      assert.equal(await store.purge({ kind: 'deleted', table: 'transcripts', before_us: 101, limit: 10 }), 1)
      assert.deepEqual(
        (await store.eventsAfter(A, 0, 10)).map(({ data }) => data['id']),
        [live.id],
      )
      assert.equal(await store.purge({ kind: 'deleted', table: 'transcripts', before_us: 101, limit: 10 }), 0)
    })

    holds('the oldest rows come first, from before a time', async (store) => {
      const rows = [3, 1, 2].map((us) => sampleRow({ tm_create_us: us }))
      for (const row of rows) await put(store, 'calls', row)
      assert.deepEqual(ids(await store.oldest('calls', A, 3, 10)), [rows[1]!.id, rows[2]!.id])
      assert.deepEqual(ids(await store.oldest('calls', A, 3, 1)), [rows[1]!.id])
      assert.deepEqual(await store.oldest('calls', B, 3, 10), [])
    })

    holds('a store that was made today needs no tending', async (store) => {
      await put(store, 'flows', sampleRow())
      assert.equal(await store.tend(10), 0)
    })
  })

  describe(`${name}: order and end`, () => {
    holds('batches are applied in the order they were asked, and a later read sees them', async (store) => {
      const row = sampleRow()
      const answers = Array.from({ length: 50 }, (_, i) =>
        store.commit({ rows: [{ table: 'flows', row: { ...row, doc: { i } } }], events: [sampleEvent()] }),
      )
      const cursors = (await Promise.all(answers)).map((answer) => (answer.ok ? answer.cursors[0] : null))
      assert.deepEqual(
        cursors,
        Array.from({ length: 50 }, (_, i) => i + 1),
      )
      assert.deepEqual((await store.get('flows', A, row.id))?.doc, { i: 49 })
    })

    test('a closed store fails commits, rejects reads, and may be closed twice', async () => {
      const store = await under.open()
      await store.close()
      await store.close()
      const answer = await store.commit({ rows: [] })
      assert.equal(!answer.ok && answer.kind, 'failed')
      await assert.rejects(store.get('flows', A, 'x'))
    })
  })
}

async function ok(answer: Promise<CommitResult>): Promise<void> {
  assert.equal((await answer).ok, true)
}

async function put(store: Store, table: TableName, row: Row): Promise<Row> {
  await ok(store.commit({ rows: [{ table, row }] }))
  return row
}

function allKeys(table: TableName): Record<string, KeyValue> {
  return Object.fromEntries(TABLES[table].map((key) => [key, `+${key} of ${table}`]))
}

function noKeys(table: TableName): Record<string, KeyValue> {
  return Object.fromEntries(TABLES[table].map((key) => [key, null]))
}

function ids(rows: readonly Row[]): string[] {
  return rows.map((row) => row.id)
}

function taken(what: string): CommitResult {
  return { ok: false, kind: 'refused', reason: `TAKEN:${what}` }
}
