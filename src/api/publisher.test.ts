import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { NewEvent } from '../calls/ports.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { isUuid } from '../kernel/ids.ts'
import { SILENT } from '../kernel/log.ts'
import type { Batch, CommitResult, EventRow, Row } from '../store/port.ts'
import { sampleRow } from '../store/samples.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { Destinations } from './destinations.ts'
import { Publisher, type PublisherWorld } from './publisher.ts'

const C = '11111111-1111-4111-8111-111111111111'
const URL_ONE = 'http://127.0.0.1:1/one'

function customer(webhook: Partial<Record<'webhook_uri' | 'webhook_method', string>>, change: Partial<Row> = {}) {
  const doc = { id: C, webhook_uri: '', webhook_method: '', webhook_secret: 's', ...webhook }
  return { table: 'customers' as const, row: sampleRow({ id: C, customer_id: C, doc, ...change }) }
}

function event(type: string, change: Partial<NewEvent> = {}): NewEvent {
  return { type, customerId: C, callId: null, seq: null, offsetMs: null, data: { id: 'x' }, ...change }
}

/** A publisher on a store in memory; what goes out is written down in order. */
function setUp(change: Partial<Pick<PublisherWorld, 'store'>> = {}) {
  const store = new InThreadStore(openSqlite({ path: ':memory:' }))
  const out: string[] = []
  const published: EventRow[] = []
  const publisher = new Publisher({
    store,
    clock: new VirtualClock(),
    log: SILENT,
    hub: {
      publish(row) {
        published.push(row)
        out.push(`hub ${row.type}`)
      },
    },
    webhook: {
      destinations: new Destinations(store),
      deliver: (row, delivery) => void out.push(`deliver ${row.type} ${delivery.destination}`),
      sendOnce: (row, destination) => void out.push(`once ${row.type} ${destination}`),
      release: (callId) => void out.push(`release ${callId}`),
    },
    ...change,
  })
  return { store, out, published, publisher }
}

describe('publishing', () => {
  test('rows, events and deliveries are stored before anybody hears of them', async () => {
    const { store, out, published, publisher } = setUp()
    await store.commit({ rows: [customer({ webhook_uri: URL_ONE })] })
    const row = sampleRow({ customer_id: C }, { status: 'ringing' })
    const answer = await publisher.save({
      rows: [{ table: 'calls', row }],
      events: [
        event('call_created', { callId: row.id, seq: 1, offsetMs: 0.5, data: { id: row.id } }),
        event('call_ringing', { callId: row.id, seq: 2 }),
      ],
    })
    assert.deepEqual(answer, { ok: true, cursors: [1, 2] })
    assert.deepEqual(out, [
      'hub call_created',
      `deliver call_created webhook:POST:${URL_ONE}`,
      'hub call_ringing',
      `deliver call_ringing webhook:POST:${URL_ONE}`,
    ])
    const stored = await store.eventsOfCall(C, row.id)
    assert.deepEqual(
      stored.map(({ cursor: _, ...each }) => each),
      published,
    )
    assert.ok(published.every((each) => isUuid(each.id)) && published[0]!.wall_us < published[1]!.wall_us)
    const [delivery] = await store.deliveriesOf(C, published[0]!.id)
    assert.deepEqual(
      { ...delivery, id: '' },
      {
        id: '',
        event_id: published[0]!.id,
        customer_id: C,
        call_id: row.id,
        destination: `webhook:POST:${URL_ONE}`,
        state: 'pending',
        attempts: 0,
        due_us: published[0]!.wall_us,
        last: {},
        event_type: 'call_created',
      },
    )
  })

  test('nothing is published of a change that is refused or fails', async () => {
    const { store, out, publisher } = setUp()
    const guard = { table: 'calls' as const, id: 'none', customer_id: C, expect: {}, reason: 'CALL_NOT_FOUND' }
    const refused = await publisher.save({
      guards: [guard],
      events: [event('call_hangup'), event('x_interim', { ephemeral: true })],
    })
    assert.deepEqual(refused, { ok: false, kind: 'refused', reason: 'CALL_NOT_FOUND' })
    await store.close()
    const failed = await publisher.save({ events: [event('call_hangup')] })
    assert.equal(!failed.ok && failed.kind, 'failed')
    assert.deepEqual(out, [])
  })

  test('an ephemeral event goes out once and is not stored', async () => {
    const { store, out, published, publisher } = setUp()
    await store.commit({ rows: [customer({ webhook_uri: URL_ONE, webhook_method: 'PUT' })] })
    const ephemeral = event('transcribe_speech_interim', { ephemeral: true, callId: 'c', seq: 1 })
    assert.deepEqual(await publisher.save({ events: [ephemeral] }), { ok: true, cursors: [] })
    assert.deepEqual(out, ['hub transcribe_speech_interim', `once transcribe_speech_interim webhook:PUT:${URL_ONE}`])
    assert.deepEqual(await store.eventsOfCall(C, 'c'), [])
    assert.deepEqual(await store.deliveriesOf(C, published[0]!.id), [])
  })

  test('the end of a call is held back in the flat dialect, and released after its last transcription', async () => {
    const { store, out, publisher } = setUp()
    const doc = { id: 'w', customer_id: C, url: URL_ONE, events: ['call.ended'], method: 'POST' }
    const row = sampleRow({ id: 'w', customer_id: C, doc }, { url: URL_ONE })
    await store.commit({ rows: [customer({}), { table: 'webhooks', row }] })
    const of = (type: string, seq: number, id = 'c') => event(type, { callId: 'c', seq, data: { id } })
    await publisher.save({ events: [of('call_created', 1), of('transcribe_created', 2, 't')] })
    await publisher.save({ events: [of('call_hangup', 3)] })
    await publisher.save({ events: [of('transcribe_done', 4, 't')] })
    assert.deepEqual(out.slice(2), [
      'hub call_hangup',
      `deliver call_hangup flat:POST:${URL_ONE}`,
      'hub transcribe_done',
      'release c',
    ])
    const [hangup] = (await store.eventsOfCall(C, 'c')).slice(-2)
    const [held] = await store.deliveriesOf(C, hangup!.id)
    assert.deepEqual([held?.event_type, held?.due_us], ['call.ended', hangup!.wall_us + 2_000_000])
  })

  test('a change without anything to store is answered at once', async () => {
    assert.deepEqual(await setUp().publisher.save({ events: [] }), { ok: true, cursors: [] })
  })

  test('new settings of a customer count from the next change on', async () => {
    const { out, publisher } = setUp()
    await publisher.save({ rows: [customer({})], events: [event('customer_created')] })
    await publisher.save({ rows: [customer({ webhook_uri: URL_ONE })], events: [event('customer_updated')] })
    await publisher.save({ events: [event('flow_created')] })
    await publisher.save({ rows: [customer({ webhook_uri: URL_ONE }, { tm_delete_us: 5 })], events: [] })
    await publisher.save({ events: [event('flow_deleted')] })
    assert.deepEqual(out, [
      'hub customer_created',
      'hub customer_updated',
      'hub flow_created',
      `deliver flow_created webhook:POST:${URL_ONE}`,
      'hub flow_deleted',
    ])
  })

  test('a customer whose settings cannot be read gets no half-way answer: the change fails', async () => {
    const { store, out, publisher } = setUp()
    await store.close()
    const answer = await publisher.save({ events: [event('call_created')] })
    assert.equal(!answer.ok && answer.kind, 'failed')
    assert.deepEqual(out, [])
  })

  test('a receiver that throws does not keep the others from hearing', async () => {
    const store = new InThreadStore(openSqlite({ path: ':memory:' }))
    const heard: string[] = []
    const publisher = new Publisher({
      store,
      clock: new VirtualClock(),
      log: SILENT,
      hub: {
        publish(row) {
          if (row.type === 'bad_created') throw new Error('bug')
          heard.push(row.type)
        },
      },
      webhook: { destinations: new Destinations(store), deliver() {}, sendOnce() {}, release() {} },
    })
    assert.equal((await publisher.save({ events: [event('bad_created'), event('good_created')] })).ok, true)
    assert.deepEqual(heard, ['good_created'])
  })
})

/** A store whose answers come when, and in the order that, the test says. */
class SlowStore {
  readonly batches: Batch[] = []
  readonly #answers: ((answer: CommitResult) => void)[] = []

  commit(batch: Batch): Promise<CommitResult> {
    this.batches.push(batch)
    return new Promise((resolve) => this.#answers.push(resolve))
  }

  answer(index: number, answer: CommitResult = { ok: true, cursors: [] }): void {
    this.#answers[index]!(answer)
  }
}

describe('the order of publishing', () => {
  test('is the order of saving, also when answers come together or turned round, and partial texts wait their turn', async () => {
    const store = new SlowStore()
    const { out, publisher, store: kept } = setUp({ store })
    await settle(publisher, store, kept)
    out.length = 0
    const answers: string[] = []
    const note = (name: string) => (): void => void answers.push(name)
    void publisher.save({ events: [event('a_created')] }).then(note('a'))
    void publisher.save({ events: [event('b_interim', { ephemeral: true })] }).then(note('b'))
    void publisher.save({ events: [event('c_created')] }).then(note('c'))
    await setImmediate()
    store.answer(2)
    await setImmediate()
    assert.deepEqual([out, answers], [[], []])
    store.answer(1)
    await setImmediate()
    assert.deepEqual(out, ['hub a_created', 'hub b_interim', 'hub c_created'])
    assert.deepEqual(answers, ['a', 'b', 'c'])
  })

  test('a change waits for one before it whose destinations are not known yet', async () => {
    const store = new SlowStore()
    const { publisher } = setUp({ store })
    void publisher.save({ events: [event('first_created')] })
    void publisher.save({ rows: [customer({})], events: [] })
    assert.equal(store.batches.length, 0)
    await setImmediate()
    assert.deepEqual(
      store.batches.map((batch) => [batch.events?.length, batch.rows?.length]),
      [
        [1, 0],
        [0, 1],
      ],
    )
  })

  test('once the destinations are known, a change is with the store before save returns', async () => {
    const store = new SlowStore()
    const { publisher, store: kept } = setUp({ store })
    await settle(publisher, store, kept)
    void publisher.save({ events: [event('a_created')] })
    assert.equal(store.batches.length, 2)
  })

  /** Lets the publisher learn the customer's settings. */
  async function settle(publisher: Publisher, store: SlowStore, kept: InThreadStore): Promise<void> {
    await kept.commit({ rows: [customer({})] })
    const saved = publisher.save({ events: [event('flow_created')] })
    await setImmediate()
    store.answer(0)
    await saved
  }
})
