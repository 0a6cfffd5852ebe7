import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { VirtualClock } from '../kernel/clock.ts'
import { SILENT } from '../kernel/log.ts'
import type { DeliveryRow, EventRow } from '../store/port.ts'
import { sampleDelivery, sampleEvent, sampleRow } from '../store/samples.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { WebhookOutbox } from './webhook.ts'
import type { LaneLimits } from './webhook-lane.ts'
import type { WebhookRequest, WebhookTransport } from './webhook-transport.ts'

const C = '11111111-1111-4111-8111-111111111111'
const TO = 'webhook:POST:http://127.0.0.1:1/hook'

/** A receiver that answers when the test says so. */
class Receiver implements WebhookTransport {
  readonly requests: WebhookRequest[] = []
  readonly #answers: PromiseWithResolvers<{ readonly status: number }>[] = []
  /** Answers every request at once with this, if set. */
  status: number | null = null
  isClosed = false

  post(request: WebhookRequest): Promise<{ readonly status: number }> {
    this.requests.push(request)
    if (this.status !== null) return Promise.resolve({ status: this.status })
    const answer = Promise.withResolvers<{ readonly status: number }>()
    this.#answers.push(answer)
    return answer.promise
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  answer(index: number, status: number): void {
    this.#answers[index]!.resolve({ status })
  }

  breakOff(index: number, error: Error): void {
    this.#answers[index]!.reject(error)
  }

  /** What was sent, as `<event id> <attempt>`. */
  seen(): string[] {
    return this.requests.map(({ eventId, attempt }) => `${eventId} ${attempt}`)
  }
}

interface World {
  readonly clock: VirtualClock
  readonly store: InThreadStore
  readonly receiver: Receiver
  readonly outbox: WebhookOutbox
  readonly counts: string[]
}

async function setUp(
  change: { readonly limits?: LaneLimits; readonly store?: InThreadStore; readonly clock?: VirtualClock } = {},
): Promise<World> {
  const { clock = new VirtualClock(), store = new InThreadStore(openSqlite({ path: ':memory:' })), limits } = change
  const doc = { webhook_uri: 'http://127.0.0.1:1/hook', webhook_secret: 'key' }
  await store.commit({ rows: [{ table: 'customers', row: sampleRow({ id: C, customer_id: C, doc }) }] })
  const receiver = new Receiver()
  const counts: string[] = []
  const counted = (what: string): void => void counts.push(what)
  const outbox = new WebhookOutbox({
    store,
    clock,
    log: SILENT,
    transport: receiver,
    counted,
    ...(limits && { limits }),
  })
  await outbox.start()
  return { clock, store, receiver, outbox, counts }
}

/** A stored event and its delivery, as the publisher leaves them. */
async function stored(
  world: Pick<World, 'clock' | 'store'>,
  id: string,
  type = 'call_created',
): Promise<[EventRow, DeliveryRow]> {
  const event = sampleEvent({ id, customer_id: C, type, wall_us: world.clock.wallMicros(), data: { id } })
  const delivery = sampleDelivery(event, { destination: TO, due_us: event.wall_us })
  await world.store.commit({ events: [event], deliveries: [delivery] })
  return [event, delivery]
}

async function state(world: World, id: string): Promise<DeliveryRow> {
  await setImmediate()
  return (await world.store.deliveriesOf(C, id))[0]!
}

async function later(world: Pick<World, 'clock'>, ms: number): Promise<void> {
  await setImmediate()
  world.clock.advanceTo(world.clock.now() + ms)
  await setImmediate()
}

describe('a delivery', () => {
  test('is done at a status of 2xx', async () => {
    const world = await setUp()
    world.outbox.deliver(...(await stored(world, 'a')))
    await setImmediate()
    const [request] = world.receiver.requests
    assert.deepEqual(
      [request?.method, request?.url, request?.body],
      ['POST', 'http://127.0.0.1:1/hook', '{"type":"call_created","data":{"id":"a"}}'],
    )
    assert.equal((await state(world, 'a')).state, 'pending')
    world.receiver.answer(0, 204)
    const { state: now, attempts, last } = await state(world, 'a')
    assert.deepEqual({ now, attempts, last }, { now: 'delivered', attempts: 1, last: { status: 204 } })
    assert.equal(world.clock.pending(), 0)
    assert.deepEqual(world.counts, ['delivered'])
  })

  test('is tried three times, after 1 s and 2 s, and is then dead', async () => {
    const world = await setUp()
    world.receiver.status = 500
    world.outbox.deliver(...(await stored(world, 'a')))
    await later(world, 999)
    assert.deepEqual(world.receiver.seen(), ['a 1'])
    const waiting = await state(world, 'a')
    assert.deepEqual([waiting.state, waiting.attempts], ['pending', 1])
    await later(world, 1)
    assert.deepEqual(world.receiver.seen(), ['a 1', 'a 2'])
    await later(world, 1_999)
    assert.equal(world.receiver.requests.length, 2)
    await later(world, 1)
    assert.deepEqual(world.receiver.seen(), ['a 1', 'a 2', 'a 3'])
    const { state: now, attempts, last } = await state(world, 'a')
    assert.deepEqual({ now, attempts, last }, { now: 'dead', attempts: 3, last: { status: 500 } })
    await later(world, 3_600_000)
    assert.equal(world.receiver.requests.length, 3)
    assert.deepEqual(world.counts, ['failed', 'failed', 'failed', 'dead'])
  })

  for (const type of ['call_hangup', 'call.ended', 'transcribe_done', 'transcript_created', 'recording_finished']) {
    test(`of ${type} is tried for ten minutes`, async () => {
      const world = await setUp()
      world.receiver.status = 503
      const start = world.clock.now()
      const times: number[] = []
      const post = world.receiver.post.bind(world.receiver)
      world.receiver.post = (request) => {
        times.push(Math.round((world.clock.now() - start) / 1000))
        return post(request)
      }
      world.outbox.deliver(...(await stored(world, 'a', type)))
      await setImmediate()
      while (world.clock.step()) await setImmediate()
      assert.deepEqual(times.slice(0, 9), [0, 1, 3, 8, 18, 38, 68, 98, 128])
      assert.equal(times.at(-1), 578)
      assert.equal((await state(world, 'a')).state, 'dead')
    })
  }

  test('that is not answered in 5 s has failed, whatever comes later', async () => {
    const world = await setUp()
    world.outbox.deliver(...(await stored(world, 'a')))
    await later(world, 4_999)
    assert.equal(world.receiver.requests[0]!.signal.aborted, false)
    await later(world, 1)
    assert.equal(world.receiver.requests[0]!.signal.aborted, true)
    world.receiver.answer(0, 200)
    assert.deepEqual((await state(world, 'a')).last, { error: 'timeout' })
    await later(world, 1_000)
    world.receiver.answer(1, 200)
    assert.deepEqual([(await state(world, 'a')).state, (await state(world, 'a')).attempts], ['delivered', 2])
  })

  test('that meets no connection is tried again; the reason is kept as a code', async () => {
    const world = await setUp()
    world.outbox.deliver(...(await stored(world, 'a')))
    await setImmediate()
    world.receiver.breakOff(0, Object.assign(new Error('connect 10.0.0.1:80'), { code: 'ECONNREFUSED' }))
    assert.deepEqual((await state(world, 'a')).last, { error: 'ECONNREFUSED' })
    await later(world, 1_000)
    assert.equal(world.receiver.requests.length, 2)
  })

  test('of a customer that is gone is dead', async () => {
    const world = await setUp()
    const event = sampleEvent({ customer_id: 'nobody' })
    const delivery = sampleDelivery(event, { destination: TO })
    await world.store.commit({ events: [event], deliveries: [delivery] })
    world.outbox.deliver(event, delivery)
    await setImmediate()
    assert.equal((await world.store.deliveriesOf('nobody', event.id))[0]?.state, 'dead')
    assert.equal(world.receiver.requests.length, 0)
  })

  test('an event that is not stored is sent once', async () => {
    const world = await setUp()
    world.receiver.status = 500
    world.outbox.sendOnce(sampleEvent({ id: 'i', customer_id: C, type: 'transcribe_speech_interim' }), TO)
    await later(world, 3_600_000)
    assert.deepEqual(world.receiver.seen(), ['i 1'])
  })
})

describe('a delivery in the flat dialect', () => {
  const FLAT = 'flat:POST:http://127.0.0.1:1/hook'
  const call = { id: 'call', direction: 'incoming', hangup_reason: 'normal' }

  /** @param heldMs how long it waits for its release at most */
  async function flat(
    world: World,
    id: string,
    type: string,
    name: string,
    heldMs = 0,
  ): Promise<[EventRow, DeliveryRow]> {
    const wall_us = world.clock.wallMicros()
    const event = sampleEvent({ id, customer_id: C, call_id: 'call', seq: Number(id), type, wall_us, data: call })
    const due_us = wall_us + heldMs * 1000
    const delivery = sampleDelivery(event, { destination: FLAT, due_us, event_type: name })
    await world.store.commit({ events: [event], deliveries: [delivery] })
    return [event, delivery]
  }

  test('has the flat body, and an id of its own for a receiver of both dialects', async () => {
    const world = await setUp()
    world.outbox.deliver(...(await flat(world, '1', 'call_created', 'call.initiated')))
    await setImmediate()
    const [request] = world.receiver.requests
    assert.deepEqual([JSON.parse(request!.body).type, request!.eventId], ['call.initiated', '1-flat'])
  })

  test('of a text tells the language of its transcription, also after a restart', async () => {
    const world = await setUp()
    const doc = { language: 'en-US' }
    await world.store.commit({ rows: [{ table: 'transcribes', row: sampleRow({ id: 't', customer_id: C, doc }) }] })
    const [event, delivery] = await flat(world, '1', 'transcript_created', 'transcript')
    world.outbox.deliver({ ...event, data: { id: 'x', transcribe_id: 't', message: 'hello' } }, delivery)
    await setImmediate()
    assert.equal(JSON.parse(world.receiver.requests[0]!.body).language, 'en-US')
  })

  test('may take 30 s, and is not told twice when it takes longer', async () => {
    const world = await setUp()
    world.outbox.deliver(...(await flat(world, '1', 'call_created', 'call.initiated')))
    await later(world, 29_999)
    assert.equal(world.receiver.requests[0]!.signal.aborted, false)
    await later(world, 1)
    assert.deepEqual([(await state(world, '1')).state, (await state(world, '1')).last], ['dead', { error: 'timeout' }])
    await later(world, 3_600_000)
    assert.equal(world.receiver.requests.length, 1)
  })

  for (const status of [302, 400, 404, 429]) {
    test(`that is answered with ${status} is not tried again`, async () => {
      const world = await setUp()
      world.receiver.status = status
      world.outbox.deliver(...(await flat(world, '1', 'call_hangup', 'call.ended')))
      await later(world, 3_600_000)
      assert.equal(world.receiver.requests.length, 1)
      assert.deepEqual([(await state(world, '1')).state, (await state(world, '1')).last], ['dead', { status }])
    })
  }

  test('is tried again after 5xx and without a connection', async () => {
    const world = await setUp()
    world.outbox.deliver(...(await flat(world, '1', 'call_created', 'call.initiated')))
    await setImmediate()
    world.receiver.answer(0, 502)
    await later(world, 1_000)
    world.receiver.breakOff(1, Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))
    await later(world, 2_000)
    world.receiver.answer(2, 200)
    assert.deepEqual([(await state(world, '1')).state, (await state(world, '1')).attempts], ['delivered', 3])
  })

  test('that is held goes at its release, after what came before it, and only once', async () => {
    const world = await setUp()
    world.receiver.status = 200
    world.outbox.deliver(...(await flat(world, '1', 'call_hangup', 'call.ended', 2_000)))
    world.outbox.deliver(...(await flat(world, '2', 'transcript_created', 'transcript')))
    await later(world, 500)
    assert.deepEqual(world.receiver.seen(), ['2-flat 1'])
    world.outbox.release('call')
    world.outbox.release('call')
    await later(world, 3_600_000)
    assert.deepEqual(world.receiver.seen(), ['2-flat 1', '1-flat 1'])
    assert.equal((await state(world, '1')).state, 'delivered')
  })

  test('that is held goes after 2 s without a release, also when the server was started again meanwhile', async () => {
    const first = await setUp()
    first.outbox.deliver(...(await flat(first, '1', 'call_hangup', 'call.ended', 2_000)))
    first.clock.advanceTo(first.clock.now() + 1_500)
    await first.outbox.close()
    const world = await setUp({ clock: first.clock, store: first.store })
    world.receiver.status = 200
    await later(world, 499)
    assert.deepEqual(world.receiver.seen(), [])
    await later(world, 1)
    assert.deepEqual(world.receiver.seen(), ['1-flat 1'])
  })
})

describe('a delivery that is asked for again', () => {
  test('gets a new series of attempts, dead or delivered, however old its event is', async () => {
    const world = await setUp()
    world.receiver.status = 500
    const [event, delivery] = await stored(world, 'a', 'call_hangup')
    world.outbox.deliver(event, delivery)
    await later(world, 3_600_000)
    while (world.clock.step()) await setImmediate()
    const dead = await state(world, 'a')
    assert.equal(dead.state, 'dead')
    const before = world.receiver.requests.length
    const again = await world.outbox.replay(event, dead)
    assert.deepEqual([again?.state, again?.attempts], ['pending', 0])
    await later(world, 0)
    for (const ms of [1_000, 2_000, 5_000]) await later(world, ms)
    assert.deepEqual(world.receiver.seen().slice(before), ['a 1', 'a 2', 'a 3', 'a 4'])
    world.receiver.status = 200
    await later(world, 10_000)
    const delivered = await state(world, 'a')
    assert.equal(delivered.state, 'delivered')
    await world.outbox.replay(event, delivered)
    await later(world, 0)
    assert.equal(world.receiver.seen().at(-1), 'a 1')
    assert.equal((await state(world, 'a')).state, 'delivered')
  })

  test('is left alone while it is on its way, and goes at once when it waits for its next attempt', async () => {
    const world = await setUp()
    const [event, delivery] = await stored(world, 'a')
    world.outbox.deliver(event, delivery)
    await setImmediate()
    assert.equal(await world.outbox.replay(event, delivery), delivery)
    world.receiver.answer(0, 500)
    await setImmediate()
    assert.equal((await world.outbox.replay(event, await state(world, 'a')))?.attempts, 0)
    await setImmediate()
    assert.deepEqual(world.receiver.seen(), ['a 1', 'a 1'])
    world.receiver.answer(1, 200)
    await later(world, 3_600_000)
    assert.equal(world.receiver.requests.length, 2)
    assert.equal((await state(world, 'a')).state, 'delivered')
  })

  test('is told as it is sent', async () => {
    const world = await setUp()
    const [event, delivery] = await stored(world, 'a')
    assert.equal(await world.outbox.bodyOf(event, delivery), '{"type":"call_created","data":{"id":"a"}}')
  })
})

describe('the order', () => {
  test('requests start in the order of events and wait for no answer', async () => {
    const world = await setUp()
    const ids = Array.from({ length: 20 }, (_, i) => `e${i}`)
    for (const id of ids) world.outbox.deliver(...(await stored(world, id)))
    await setImmediate()
    assert.deepEqual(
      world.receiver.seen(),
      ids.map((id) => `${id} 1`),
    )
  })

  test('at most 32 are in flight to one destination, and another one does not wait for them', async () => {
    const world = await setUp()
    for (let i = 0; i < 40; i++) world.outbox.deliver(...(await stored(world, `e${i}`)))
    const elsewhere = sampleEvent({ id: 'x', customer_id: C })
    world.outbox.deliver(elsewhere, sampleDelivery(elsewhere, { destination: 'webhook:PUT:http://127.0.0.1:2/' }))
    await setImmediate()
    assert.equal(world.receiver.requests.length, 33)
    world.receiver.answer(5, 200)
    await setImmediate()
    assert.equal(world.receiver.seen().at(-1), 'e32 1')
  })

  test('a customer does not wait for what another one sends to the same place', async () => {
    const world = await setUp()
    const doc = { webhook_secret: 'other' }
    await world.store.commit({ rows: [{ table: 'customers', row: sampleRow({ id: 'D', customer_id: 'D', doc }) }] })
    for (let i = 0; i < 40; i++) world.outbox.deliver(...(await stored(world, `e${i}`)))
    const other = sampleEvent({ id: 'x', customer_id: 'D' })
    world.outbox.deliver(other, sampleDelivery(other, { destination: TO }))
    await setImmediate()
    assert.equal(world.receiver.seen().at(-1), 'x 1')
    assert.equal(world.receiver.requests.length, 33)
  })

  test('a full queue lets go partial texts and updates first, then the oldest of the rest, then what must arrive', async () => {
    const world = await setUp({ limits: { inFlight: 1, queued: 4, waiting: 10 } })
    world.outbox.deliver(...(await stored(world, 'flying')))
    await setImmediate()
    for (const [id, type] of [
      ['hangup', 'call_hangup'],
      ['update', 'call_updated'],
      ['created', 'call_created'],
      ['answered', 'call_progressing'],
      ['text', 'transcript_created'],
      ['done', 'transcribe_done'],
    ] as const) {
      world.outbox.deliver(...(await stored(world, id, type)))
    }
    assert.deepEqual(
      [(await state(world, 'update')).state, (await state(world, 'update')).last],
      ['dead', { error: 'queue full' }],
    )
    assert.equal((await state(world, 'created')).state, 'dead')
    world.receiver.status = 200
    world.receiver.answer(0, 200)
    await setImmediate()
    assert.deepEqual(world.receiver.seen(), ['flying 1', 'hangup 1', 'answered 1', 'text 1', 'done 1'])
  })

  test('those that wait for another attempt are bounded too', async () => {
    const world = await setUp({ limits: { inFlight: 32, queued: 100, waiting: 2 } })
    world.receiver.status = 500
    for (const [id, type] of [
      ['a', 'call_hangup'],
      ['b', 'call_created'],
      ['c', 'call_hangup'],
    ] as const) {
      world.outbox.deliver(...(await stored(world, id, type)))
    }
    assert.equal((await state(world, 'b')).state, 'dead')
    assert.equal(world.clock.pending(), 2)
  })
})

describe('after a restart', () => {
  test('what was left goes out first, in the order of events, and what is too old does not', async () => {
    const clock = new VirtualClock()
    const store = new InThreadStore(openSqlite({ path: ':memory:' }))
    await stored({ clock, store }, 'old')
    clock.advanceTo(clock.now() + 300_000)
    const [event, delivery] = await stored({ clock, store }, 'retry', 'call_hangup')
    await store.commit({ deliveries: [{ ...delivery, attempts: 4, due_us: event.wall_us + 310_000_000 }] })
    await stored({ clock, store }, 'first')
    await stored({ clock, store }, 'second')
    await stored({ clock, store }, 'done').then(([, each]) =>
      store.commit({ deliveries: [{ ...each, state: 'delivered' }] }),
    )
    clock.advanceTo(clock.now() + 301_000)
    const world = await setUp({ clock, store })
    world.receiver.status = 200
    world.outbox.deliver(...(await stored(world, 'new')))
    await setImmediate()
    assert.deepEqual(world.receiver.seen(), ['first 1', 'second 1', 'new 1'])
    assert.deepEqual(
      [(await state(world, 'old')).state, (await state(world, 'old')).last],
      ['dead', { error: 'too old' }],
    )
    await later(world, 10_000)
    assert.equal(world.receiver.seen().at(-1), 'retry 5')
    assert.deepEqual(await store.dueDeliveries(Number.MAX_SAFE_INTEGER, 10), [])
  })

  test('what is given before the start comes after what was left, once', async () => {
    const clock = new VirtualClock()
    const store = new InThreadStore(openSqlite({ path: ':memory:' }))
    const doc = { webhook_secret: 'key' }
    await store.commit({ rows: [{ table: 'customers', row: sampleRow({ id: C, customer_id: C, doc }) }] })
    const receiver = new Receiver()
    receiver.status = 200
    const outbox = new WebhookOutbox({ store, clock, log: SILENT, transport: receiver })
    await stored({ clock, store }, 'left')
    outbox.deliver(...(await stored({ clock, store }, 'early')))
    await setImmediate()
    assert.equal(receiver.requests.length, 0)
    await outbox.start()
    await setImmediate()
    assert.deepEqual(receiver.seen(), ['left 1', 'early 1'])
  })
})

describe('closing', () => {
  test('waits for what is in flight, starts nothing more, and leaves the rest to the next run', async () => {
    const world = await setUp({ limits: { inFlight: 1, queued: 10, waiting: 10 } })
    for (const id of ['a', 'b']) world.outbox.deliver(...(await stored(world, id)))
    await setImmediate()
    const closed = world.outbox.close()
    world.receiver.answer(0, 200)
    await closed
    await world.outbox.close()
    assert.deepEqual(world.receiver.seen(), ['a 1'])
    assert.equal(world.receiver.isClosed, true)
    assert.deepEqual([(await state(world, 'a')).state, (await state(world, 'b')).state], ['delivered', 'pending'])
    assert.equal(world.clock.pending(), 0)
    world.outbox.deliver(...(await stored(world, 'c')))
    await setImmediate()
    assert.equal(world.receiver.requests.length, 1)
  })

  test('waits a second at most, and cancels every other attempt', async () => {
    const world = await setUp()
    world.outbox.deliver(...(await stored(world, 'hanging')))
    world.outbox.deliver(...(await stored(world, 'waiting')))
    await setImmediate()
    world.receiver.answer(1, 500)
    await setImmediate()
    let isClosed = false
    const closed = world.outbox.close().then(() => {
      isClosed = true
    })
    await later(world, 999)
    assert.equal(isClosed, false)
    await later(world, 1)
    await closed
    assert.equal(world.receiver.requests[0]!.signal.aborted, true)
    assert.equal(world.clock.pending(), 0)
    assert.deepEqual([(await state(world, 'hanging')).attempts, (await state(world, 'hanging')).state], [0, 'pending'])
  })
})
