import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../kernel/json.ts'
import type { EventRow, ListQuery, Row, TableName } from '../store/port.ts'
import { sampleEvent, sampleRow } from '../store/samples.ts'
import { Destinations, type Route } from './destinations.ts'
import { parseDestination, printDestination } from './webhook-target.ts'

const C = 'customer-1'
const FLOW = '22222222-2222-4222-8222-222222222222'
const CALL = '33333333-3333-4333-8333-333333333333'
const HOOK = 'http://agent/hook'
const USUAL = ['call.initiated', 'transcript', 'call.ended']

function customerRow(uri: string, change: Partial<Row> = {}): Row {
  const doc = { id: C, webhook_uri: uri, webhook_method: '', webhook_secret: 'key' }
  return sampleRow({ id: C, customer_id: C, doc, ...change })
}

function webhookRow(id: string, url: string, events: readonly string[], change: Partial<Row> = {}): Row {
  return sampleRow({ id, customer_id: C, doc: { id, url, events: [...events], method: 'POST' }, ...change }, { url })
}

function flowRow(doc: JsonObject): Row {
  return sampleRow({ id: FLOW, customer_id: C, doc: { id: FLOW, ...doc } })
}

/** A store of fixed rows; it counts what it is asked. */
function storeOf(rows: { customer?: Row | null; webhooks?: readonly Row[]; flow?: Row | null } = {}) {
  const { customer = customerRow(''), webhooks = [], flow = null } = rows
  const asked: string[] = []
  return {
    asked,
    async get(table: TableName): Promise<Row | null> {
      asked.push(table)
      return table === 'customers' ? customer : flow
    },
    async list({ table }: ListQuery): Promise<readonly Row[]> {
      asked.push(table)
      return webhooks.toReversed()
    },
  }
}

function callEvent(type: string, change: JsonObject = {}, row: Partial<EventRow> = {}): EventRow {
  const data = { id: CALL, flow_id: FLOW, activeflow_id: '', master_call_id: '', metadata: {}, ...change }
  return sampleEvent({ type, call_id: CALL, customer_id: C, data, ...row })
}

const said = (direction = 'in'): EventRow =>
  callEvent('transcript_created', { id: 'text', direction, message: 'hello' })

async function told(route: Route | Promise<Route>): Promise<string[]> {
  return (await route).to.map(({ destination }) => destination)
}

describe('the destinations of an event', () => {
  test('are read once, however many ask together, and then known without a wait', async () => {
    const store = storeOf({ customer: customerRow(HOOK) })
    const destinations = new Destinations(store)
    const event = sampleEvent()
    const asked = await Promise.all([destinations.of(C, event), destinations.of(C, event), destinations.secretOf(C)])
    assert.deepEqual(
      [await told(asked[0]), await told(asked[1]), asked[2]],
      [[`webhook:POST:${HOOK}`], [`webhook:POST:${HOOK}`], 'key'],
    )
    assert.ok(!(destinations.of(C, event) instanceof Promise))
    assert.deepEqual(store.asked, ['customers', 'webhooks'])
  })

  test('what was noted during a read is newer than what was read', async () => {
    const read = Promise.withResolvers<Row | null>()
    const destinations = new Destinations({ get: () => read.promise, list: async () => [] })
    const early = destinations.of(C, sampleEvent())
    destinations.note([
      { table: 'customers', row: customerRow('http://new/') },
      { table: 'webhooks', row: webhookRow('w', 'http://other/', ['flow_created']) },
    ])
    read.resolve(customerRow('http://old/'))
    assert.deepEqual(await told(early), ['webhook:POST:http://new/', 'webhook:POST:http://other/'])
    assert.deepEqual(await told(destinations.of(C, sampleEvent())), [
      'webhook:POST:http://new/',
      'webhook:POST:http://other/',
    ])
  })

  test('a read that failed, and a customer that is not there, are asked again', async () => {
    const answers = [() => Promise.reject(new Error('down')), async () => null, async () => customerRow('http://a/')]
    const destinations = new Destinations({ get: () => answers.shift()!(), list: async () => [] })
    await assert.rejects(Promise.resolve(destinations.of(C, sampleEvent())), /down/)
    assert.deepEqual(await told(destinations.of(C, sampleEvent())), [])
    assert.deepEqual(await told(destinations.of(C, sampleEvent())), ['webhook:POST:http://a/'])
  })

  test('entries of /webhooks: a name, every name, a changed and a deleted entry', async () => {
    const webhooks = [webhookRow('one', 'http://one/', ['flow_created']), webhookRow('all', 'http://all/', ['*'])]
    const destinations = new Destinations(storeOf({ webhooks }))
    assert.deepEqual(await told(destinations.of(C, sampleEvent())), [
      'webhook:POST:http://one/',
      'webhook:POST:http://all/',
    ])
    assert.deepEqual(await told(destinations.of(C, sampleEvent({ type: 'flow_deleted' }))), [
      'webhook:POST:http://all/',
    ])
    destinations.note([{ table: 'webhooks', row: webhookRow('one', 'http://moved/', ['flow_deleted']) }])
    destinations.note([{ table: 'webhooks', row: webhookRow('all', 'http://all/', ['*'], { tm_delete_us: 1 }) }])
    assert.deepEqual(await told(destinations.of(C, sampleEvent())), [])
    assert.deepEqual(await told(destinations.of(C, sampleEvent({ type: 'flow_deleted' }))), [
      'webhook:POST:http://moved/',
    ])
  })

  test('a run with a webhook of its own gets its own events and those that name it', async () => {
    const destinations = new Destinations(storeOf({ customer: customerRow(HOOK) }))
    const run = sampleEvent({
      type: 'activeflow_created',
      data: { id: 'run', webhook_uri: 'http://run/', webhook_method: 'PUT' },
    })
    assert.deepEqual(await told(destinations.of(C, run)), [`webhook:POST:${HOOK}`, 'webhook:PUT:http://run/'])
    const own = callEvent('call_updated', { activeflow_id: 'run' })
    assert.deepEqual(await told(destinations.of(C, own)), [`webhook:POST:${HOOK}`, 'webhook:PUT:http://run/'])
    const other = callEvent('call_updated', { activeflow_id: 'other' })
    assert.deepEqual(await told(destinations.of(C, other)), [`webhook:POST:${HOOK}`])
  })

  test('one event goes to one URL once, whoever named the URL', async () => {
    const webhooks = [webhookRow('a', HOOK, ['*', 'call_updated']), webhookRow('b', 'http://b/', ['*'])]
    const destinations = new Destinations(storeOf({ customer: customerRow(HOOK), webhooks }))
    await destinations.of(C, sampleEvent({ type: 'activeflow_created', data: { id: 'run', webhook_uri: HOOK } }))
    const own = callEvent('call_updated', { activeflow_id: 'run' })
    assert.deepEqual(await told(destinations.of(C, own)), [`webhook:POST:${HOOK}`, 'webhook:POST:http://b/'])
  })
})

describe('the flat dialect', () => {
  /** 000: the same URL in `/webhooks` and in the flow. */
  const seed000 = () =>
    new Destinations(
      storeOf({
        webhooks: [webhookRow('w', HOOK, USUAL)],
        flow: flowRow({ webhook_url: HOOK, transcription: { interim_results: false } }),
      }),
    )

  async function story(destinations: Destinations, events: readonly EventRow[]): Promise<string[]> {
    const heard: string[] = []
    for (const event of events) {
      const { to } = await destinations.of(C, event)
      for (const { name, destination } of to) heard.push(`${name} ${destination}`)
    }
    return heard
  }

  test("000's receiver hears of one call once: one call.initiated, one transcript, one call.ended", async () => {
    const heard = await story(seed000(), [
      callEvent('call_created'),
      callEvent('call_progressing'),
      said('out'),
      said('in'),
      callEvent('call_hangup'),
      callEvent('call_deleted'),
    ])
    assert.deepEqual(heard, [
      `call.initiated flat:POST:${HOOK}`,
      `transcript flat:POST:${HOOK}`,
      `call.ended flat:POST:${HOOK}`,
    ])
  })

  test('a URL that asked for both dialects is told in both: their events are different ones', async () => {
    const destinations = new Destinations(
      storeOf({ customer: customerRow(HOOK), webhooks: [webhookRow('w', HOOK, ['*', 'call.initiated'])] }),
    )
    assert.deepEqual(await told(destinations.of(C, callEvent('call_created', { flow_id: '' }))), [
      `webhook:POST:${HOOK}`,
      `flat:POST:${HOOK}`,
    ])
  })

  test('call.answered and call.connect_failed go only to those who ask for them by name', async () => {
    const flow = flowRow({ webhook_url: 'http://flow/' })
    const webhooks = [webhookRow('w', HOOK, ['call.answered', 'call.connect_failed'])]
    const heard = await story(new Destinations(storeOf({ webhooks, flow })), [
      callEvent('call_created'),
      callEvent('call_progressing'),
      sampleEvent({ type: 'call_connect_failed', call_id: CALL, customer_id: C, data: { id: 'e', reason: 'busy' } }),
    ])
    assert.deepEqual(heard, [
      'call.initiated flat:POST:http://flow/',
      `call.answered flat:POST:${HOOK}`,
      `call.connect_failed flat:POST:${HOOK}`,
    ])
  })

  test('partial texts are told where the flow wants them', async () => {
    const interim = callEvent('transcribe_speech_interim', { id: 'e', direction: 'in', message: 'hel' })
    const wanted = flowRow({ webhook_url: HOOK, transcription: { interim_results: true } })
    assert.deepEqual(await story(seed000(), [callEvent('call_created'), interim]), [`call.initiated flat:POST:${HOOK}`])
    const heard = await story(new Destinations(storeOf({ flow: wanted })), [callEvent('call_created'), interim])
    assert.deepEqual(heard, [`call.initiated flat:POST:${HOOK}`, `transcript flat:POST:${HOOK}`])
  })

  test('call.ended waits while the call is transcribed, 2 s at most, and the last transcription releases it', async () => {
    const destinations = seed000()
    await destinations.of(C, callEvent('call_created'))
    await destinations.of(C, callEvent('transcribe_created', { id: 't' }))
    const hangup = await destinations.of(C, callEvent('call_hangup', {}, { wall_us: 5_000_000 }))
    assert.deepEqual(
      hangup.to.map(({ heldUntil }) => heldUntil),
      [7_000_000],
    )
    const done = await destinations.of(C, callEvent('transcribe_done', { id: 't' }, { wall_us: 5_100_000 }))
    assert.deepEqual([done.to, done.releases], [[], true])
  })

  test('a flow that is deleted still reports the calls that run it; a changed one where it says now', async () => {
    const destinations = seed000()
    await destinations.of(C, callEvent('call_created'))
    const moved = flowRow({ webhook_url: 'http://moved/' })
    destinations.note([{ table: 'flows', row: { ...moved, tm_delete_us: 1 } }])
    assert.deepEqual(await told(destinations.of(C, said())), [`flat:POST:${HOOK}`, 'flat:POST:http://moved/'])
  })
})

test('a destination is printed and read', () => {
  for (const dialect of ['standard', 'flat'] as const) {
    const target = { dialect, method: 'PUT', url: 'http://[::1]:80/a:b?c' }
    assert.deepEqual(parseDestination(printDestination(target)), target)
  }
  for (const wrong of ['', 'webhook:', 'webhook:POST:', 'mail:POST:x', 'webhook:post:http://x'])
    assert.equal(parseDestination(wrong), null)
})
