import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { NIL_UUID, timestamp } from '../kernel/ids.ts'
import type { DeliveryQuery, DeliveryRow, EventRow } from '../store/port.ts'
import { sampleDelivery, sampleEvent } from '../store/samples.ts'
import { type Asker, World } from './test-world.ts'

const URL_000 = 'https://your-server.example.com/webhook'
const THREE = ['call.initiated', 'transcript', 'call.ended']

let world: World
let alice: Asker
let bob: Asker

beforeEach(async () => {
  world = new World()
  alice = await world.customer('alice')
  bob = await world.customer('bob')
})
afterEach(() => world.close())

describe('/webhooks', () => {
  test("000's request, word for word", async () => {
    const { status, body } = await alice.ask('POST', '/webhooks', { url: URL_000, events: THREE })
    assert.equal(status, 200)
    const { id, tm_create, ...rest } = body
    assert.deepEqual(rest, {
      customer_id: alice.id,
      url: URL_000,
      events: THREE,
      method: 'POST',
      tm_update: tm_create,
      tm_delete: null,
    })
    assert.deepEqual(Object.keys(body), 'id customer_id url events method tm_create tm_update tm_delete'.split(' '))
    assert.deepEqual((await alice.ask('GET', `/webhooks/${id}`)).body, body)
    assert.deepEqual((await alice.ask('GET', '/webhooks')).body, { result: [body], next_page_token: '' })
    assert.deepEqual(world.events, [], 'webhooks have no events of their own')
  })

  test('no events, or none of them, are the three of 000', async () => {
    for (const events of [undefined, null, []]) {
      const { body } = await alice.ask('POST', '/webhooks', { url: URL_000, events })
      assert.deepEqual(body.events, THREE)
    }
  })

  test('the same URL again changes the webhook that is there; another customer has its own', async () => {
    const first = await alice.ask('POST', '/webhooks', { url: URL_000 })
    const again = await alice.ask('POST', '/webhooks', { url: URL_000, events: ['*'], method: 'put' })
    assert.deepEqual([again.body.id, again.body.events, again.body.method], [first.body.id, ['*'], 'PUT'])
    const other = await bob.ask('POST', '/webhooks', { url: URL_000 })
    assert.notEqual(other.body.id, first.body.id)
    assert.equal((await alice.ask('GET', '/webhooks')).body.result.length, 1)
  })

  test('PUT changes what is given', async () => {
    const { body } = await alice.ask('POST', '/webhooks', { url: URL_000, events: ['call_hangup'], method: 'PUT' })
    const moved = await alice.ask('PUT', `/webhooks/${body.id}`, { url: 'http://127.0.0.1:8000/webhook' })
    assert.deepEqual(
      [moved.body.url, moved.body.events, moved.body.method],
      ['http://127.0.0.1:8000/webhook', ['call_hangup'], 'PUT'],
    )
    const { body: more } = await alice.ask('PUT', `/webhooks/${body.id}`, { events: [], method: '' })
    assert.deepEqual([more.events, more.method], [THREE, 'PUT'])
    await alice.ask('POST', '/webhooks', { url: URL_000 })
    const taken = await alice.ask('PUT', `/webhooks/${body.id}`, { url: URL_000 })
    assert.deepEqual([taken.status, taken.body.error.reason], [409, 'WEBHOOK_ALREADY_EXISTS'])
  })

  test('a deleted one is gone, and its URL is free', async () => {
    const { body } = await alice.ask('POST', '/webhooks', { url: URL_000 })
    const gone = await alice.ask('DELETE', `/webhooks/${body.id}`)
    assert.notEqual(gone.body.tm_delete, null)
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      assert.equal((await alice.ask(method, `/webhooks/${body.id}`, method === 'PUT' ? {} : undefined)).status, 404)
    }
    assert.notEqual((await alice.ask('POST', '/webhooks', { url: URL_000 })).body.id, body.id)
  })

  test('what is wrong is refused', async () => {
    for (const wrong of [
      {},
      { url: '' },
      { url: 'ftp://x/' },
      { url: URL_000, events: ['call.initiated', 'call.unknown'] },
      { url: URL_000, events: 'transcript' },
      { url: URL_000, events: ['webhook_created'] },
      { url: URL_000, method: 'PATCH' },
      { url: 'http://169.254.169.254/latest/meta-data' },
      { url: 'http://2852039166/' },
      { url: 'http://[fe80::1]/' },
      { url: 'http://[::ffff:169.254.169.254]/' },
      { url: 'http://[fd00:ec2::254]/' },
    ]) {
      const { status, body } = await alice.ask('POST', '/webhooks', wrong)
      assert.deepEqual([status, body.error.reason], [400, 'INVALID_ARGUMENT'], JSON.stringify(wrong))
    }
    const customer = await alice.ask('PUT', '/customer', { webhook_uri: 'http://169.254.1.1/', webhook_method: 'POST' })
    assert.equal(customer.status, 400)
  })

  test('every name of the lists may be asked for; loopback and private hosts may be told', async () => {
    const events = [
      '*',
      'call.answered',
      'call.connect_failed',
      'transcript_created',
      'recording_finished',
      'aicall_status_terminated',
    ]
    assert.deepEqual((await alice.ask('POST', '/webhooks', { url: 'http://10.0.0.1/', events })).body.events, events)
  })

  test("another customer's is not there", async () => {
    const { body } = await alice.ask('POST', '/webhooks', { url: URL_000 })
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const answer = await bob.ask(method, `/webhooks/${body.id}`, method === 'PUT' ? { events: ['*'] } : undefined)
      assert.deepEqual([answer.status, answer.body.error.reason], [404, 'WEBHOOK_NOT_FOUND'])
    }
    assert.deepEqual((await bob.ask('GET', '/webhooks')).body.result, [])
  })

  test('a hundred at most', async () => {
    for (let i = 0; i < 100; i++) await alice.ask('POST', '/webhooks', { url: `http://a/${i}` })
    assert.equal((await alice.ask('POST', '/webhooks', { url: 'http://a/100' })).status, 400)
    assert.equal((await alice.ask('POST', '/webhooks', { url: 'http://a/99', events: ['*'] })).status, 200)
  })
})

describe('/webhook_deliveries', () => {
  const at = Date.UTC(2026, 0, 15, 9, 30) * 1000
  const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

  async function deliver(n: number, change: Partial<DeliveryRow> = {}): Promise<[EventRow, DeliveryRow]> {
    const call = change.call_id ? { call_id: change.call_id, seq: n } : {}
    const event = sampleEvent({ id: uuid(n), customer_id: alice.id, wall_us: at + n, data: { n }, ...call })
    const delivery = sampleDelivery(event, { id: uuid(100 + n), due_us: at + n, ...change })
    await world.store.commit({ events: [event], deliveries: [delivery] })
    return [event, delivery]
  }

  test('one, with the body as it is sent', async () => {
    await deliver(1, { destination: 'flat:PUT:http://a/b', state: 'dead', attempts: 3, last: { status: 500 } })
    const { status, body } = await alice.ask('GET', `/webhook_deliveries/${uuid(101)}`)
    assert.equal(status, 200)
    assert.deepEqual(body, {
      id: uuid(101),
      customer_id: alice.id,
      event_id: uuid(1),
      event_type: 'flow_created',
      call_id: NIL_UUID,
      destination: { method: 'PUT', url: 'http://a/b', dialect: 'flat' },
      state: 'dead',
      attempts: 3,
      last: { status: 500 },
      tm_create: timestamp(at + 1),
      tm_due: timestamp(at + 1),
      body: '{"type":"flow_created","data":{"n":1}}',
    })
  })

  test('a list, newest first, by pages', async () => {
    for (let n = 1; n <= 5; n++) await deliver(n)
    const seen: string[] = []
    let token = ''
    do {
      const { body } = await alice.ask('GET', `/webhook_deliveries?page_size=2&page_token=${token}`)
      seen.push(...body.result.map(({ id }: { id: string }) => id))
      token = body.next_page_token
    } while (token !== '')
    assert.deepEqual(
      seen,
      [5, 4, 3, 2, 1].map((n) => uuid(100 + n)),
    )
  })

  test('filters: state, event type, call', async () => {
    const asked: DeliveryQuery[] = []
    const { listDeliveries } = world.store
    world.store.listDeliveries = (query) => {
      asked.push(query)
      return listDeliveries.call(world.store, query)
    }
    await deliver(1, { state: 'dead', event_type: 'call.ended', call_id: uuid(9) })
    await deliver(2)
    const path = `/webhook_deliveries?state=dead&event_type=call.ended&call_id=${uuid(9)}`
    assert.deepEqual(
      (await alice.ask('GET', path)).body.result.map(({ id }: { id: string }) => id),
      [uuid(101)],
    )
    assert.deepEqual(asked[0], {
      customer_id: alice.id,
      limit: 100,
      state: 'dead',
      event_type: 'call.ended',
      call_id: uuid(9),
    })
    for (const wrong of ['state=lost', 'call_id=x', 'page_token=x'])
      assert.equal((await alice.ask('GET', `/webhook_deliveries?${wrong}`)).status, 400, wrong)
  })

  test('again', async () => {
    await deliver(1, { state: 'dead', attempts: 3 })
    const { status, body } = await alice.ask('POST', `/webhook_deliveries/${uuid(101)}/replay`)
    assert.deepEqual([status, body.state, body.attempts], [200, 'pending', 0])
    world.deps.webhooks.replay = async () => null
    assert.equal((await alice.ask('POST', `/webhook_deliveries/${uuid(101)}/replay`)).status, 503)
  })

  test("another customer's is not there", async () => {
    await deliver(1)
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/replay'],
    ] as const) {
      const answer = await bob.ask(method, `/webhook_deliveries/${uuid(101)}${path}`)
      assert.deepEqual([answer.status, answer.body.error.reason], [404, 'WEBHOOK_DELIVERY_NOT_FOUND'])
    }
    assert.deepEqual((await bob.ask('GET', '/webhook_deliveries')).body.result, [])
    assert.equal((await alice.ask('GET', '/webhook_deliveries/x')).status, 400)
  })
})
