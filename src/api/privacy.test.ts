import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rowOf } from '../contract/row.ts'
import type { JsonObject } from '../kernel/json.ts'
import { sampleDelivery, sampleEvent } from '../store/samples.ts'
import { newUuid } from './secrets.ts'
import { type Asker, World } from './test-world.ts'

const CALLER = '+15550100'
let world: World
let owner: Asker
let other: Asker

before(async () => {
  world = new World()
  owner = await world.customer('owner@example.com')
  other = await world.customer('other@example.com')
})
after(() => world.close())

const address = (target: string) => ({ type: 'tel', target, target_name: 'Kim', name: '', detail: '' })

interface Told {
  readonly call: string
  readonly transcript: string
}

/** A call with a transcript, an event and a log, stored as a live call would. */
async function call(
  asker: Asker,
  source: string,
  status = 'hangup',
  words = 'my card is in the blue wallet',
): Promise<Told> {
  const id = newUuid(world.randomBytes)
  const transcribe = newUuid(world.randomBytes)
  const transcript = newUuid(world.randomBytes)
  const times = { tm_create: world.time(), tm_update: world.time(), tm_delete: null }
  const doc: JsonObject = {
    ...CALL_FIELDS,
    ...times,
    id,
    customer_id: asker.id,
    source: address(source),
    destination: address('+15550999'),
    status,
    metadata: { sip_call_id: `1@${source}`, caller_id: { name: `${source} Kim` } },
  }
  const said: JsonObject = {
    id: transcript,
    customer_id: asker.id,
    transcribe_id: transcribe,
    direction: 'in',
    message: words,
    tm_transcript: '0001-01-01 00:00:01.000000',
    tm_create: world.time(),
  }
  const event = sampleEvent({
    id: newUuid(world.randomBytes),
    customer_id: asker.id,
    call_id: id,
    seq: 1,
    type: 'transcript_created',
    data: said,
    wall_us: world.clock.wallMicros(),
  })
  const session = {
    ...times,
    id: transcribe,
    customer_id: asker.id,
    status: 'done',
    reference_type: 'call',
    reference_id: id,
  }
  await world.store.commit({
    rows: [
      rowOf('calls', doc, { note: source }, { status, source, destination: '+15550999' }),
      rowOf('transcribes', session, {}, { status: 'done', reference_type: 'call', reference_id: id }),
      rowOf('transcripts', said, {}, { transcribe_id: transcribe, direction: 'in', reference_id: id }),
    ],
    events: [event],
    deliveries: [sampleDelivery(event, { state: 'delivered' })],
    inputLogs: [{ call_id: id, customer_id: asker.id, lines: [JSON.stringify({ from: source, words })] }],
  })
  return { call: id, transcript }
}

const CALL_FIELDS: JsonObject = {
  activeflow_id: NIL(),
  flow_id: NIL(),
  type: 'flow',
  master_call_id: NIL(),
  chained_call_ids: [],
  recording_id: NIL(),
  recording_ids: [],
  groupcall_id: NIL(),
  owner_type: '',
  owner_id: NIL(),
  action: { id: NIL(), next_id: NIL(), type: '', option: {} },
  direction: 'incoming',
  mute_direction: '',
  hangup_by: '',
  hangup_reason: '',
  tm_ringing: null,
  tm_progressing: null,
  tm_hangup: null,
}

function NIL(): string {
  return '00000000-0000-0000-0000-000000000000'
}

test('transcripts are searched by words, over all calls, narrowed by call, direction and time', async () => {
  const asker = await world.customer('searcher@example.com')
  const first = await call(asker, '+15550200', 'hangup', 'please cancel my blue order')
  const second = await call(asker, '+15550201', 'hangup', 'a red order')
  const search = async (query: string): Promise<string[]> => {
    const { status, body } = await asker.get(`/transcripts?${query}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body.result.map((one: { id: string }) => one.id)
  }
  assert.deepEqual(await search('q=ORDER'), [second.transcript, first.transcript])
  assert.deepEqual(await search('q=order+cancel'), [first.transcript])
  assert.deepEqual(await search(`q=order&reference_id=${second.call}`), [second.transcript])
  assert.deepEqual(await search('q=order&direction=out'), [])
  assert.deepEqual(await search('q=order&from=2030-01-01T00:00:00Z'), [])
  assert.equal((await search('q=order&to=2030-01-01T00:00:00Z')).length, 2)
  const page = await asker.get('/transcripts?q=order&page_size=1')
  assert.notEqual(page.body.next_page_token, '')
  assert.deepEqual(await search(`q=order&page_size=1&page_token=${page.body.next_page_token}`), [first.transcript])
  assert.deepEqual((await other.get('/transcripts?q=order')).body.result, [])
})

test('a search that cannot be is a 400 that names the parameter', async () => {
  for (const [query, name] of [
    ['q=%3F%21', 'q'],
    [`q=${'x'.repeat(201)}`, 'q'],
    ['q=a&direction=up', 'direction'],
    ['q=a&reference_id=1', 'reference_id'],
    ['q=a&from=yesterday', 'from'],
    ['q=a&page_token=1', 'page_token'],
  ] as const) {
    const { status, body } = await owner.get(`/transcripts?${query}`)
    assert.equal(status, 400)
    assert.match(body.message, new RegExp(`^${name}:`))
  }
})

test('a deleted transcript is out of the search at once', async () => {
  const { transcript } = await call(owner, '+15550300', 'hangup', 'something unrepeatable')
  assert.equal((await owner.get('/transcripts?q=unrepeatable')).body.result.length, 1)
  await owner.delete(`/transcripts/${transcript}`)
  assert.equal((await owner.get('/transcripts?q=unrepeatable')).body.result.length, 0)
})

test('retention is chosen per customer, kind by kind', async () => {
  const empty = (await owner.get('/retention')).body
  assert.deepEqual(empty, {
    customer_id: owner.id,
    transcripts_days: null,
    recordings_days: null,
    events_days: null,
    logs_days: null,
    calls_days: null,
    tm_update: null,
  })
  const changed = await owner.put('/retention', { transcripts_days: 30, events_days: 7 })
  assert.equal(changed.status, 200)
  assert.equal((await owner.put('/retention', { events_days: null })).body.transcripts_days, 30)
  const { tm_update: _, ...kept } = (await owner.get('/retention')).body
  assert.equal(kept.transcripts_days, 30)
  assert.equal(kept.events_days, null)
  assert.equal((await other.get('/retention')).body.transcripts_days, null)
  for (const days of [0, -1, 1.5, 'x', 40_000]) {
    assert.equal((await owner.put('/retention', { logs_days: days })).status, 400)
  }
})

test('an export is one JSON document of all that is stored about a number, or about the customer', async () => {
  const asker = await world.customer('exporter@example.com')
  const mine = await call(asker, CALLER)
  const theirs = await call(asker, '+15550101')
  await call(other, CALLER)
  const { status, body, headers } = await asker.post('/privacy/export', { number: CALLER })
  assert.equal(status, 200)
  assert.match(String(headers['content-type']), /^application\/json/)
  const ids = (list: { id: string }[]): string[] => list.map(({ id }) => id)
  assert.deepEqual(ids(body.calls), [mine.call])
  assert.deepEqual(ids(body.transcripts), [mine.transcript])
  assert.equal(body.events[0].data.message, 'my card is in the blue wallet')
  const all = (await asker.post('/privacy/export')).body
  assert.deepEqual(ids(all.calls), [theirs.call, mine.call])
  assert.equal(all.transcripts.length, 2)
  assert.equal(all.events.length, 2)
  const none = (await asker.post('/privacy/export', { number: '+1999' })).body
  assert.deepEqual([none.calls, none.transcripts, none.events], [[], [], []])
})

test('a large export comes whole', async () => {
  const asker = await world.customer('large@example.com')
  for (let i = 0; i < 250; i++) await call(asker, CALLER)
  const { body } = await asker.post('/privacy/export', { number: CALLER })
  assert.deepEqual([body.calls.length, body.transcripts.length, body.events.length], [250, 250, 250])
})

test('a caller is erased: nothing tells the number or what was said, other callers and customers stay', async () => {
  const asker = await world.customer('eraser@example.com')
  const mine = await call(asker, CALLER)
  const theirs = await call(asker, '+15550101')
  const elsewhere = await call(other, CALLER)
  const deleted = await call(asker, CALLER)
  await asker.delete(`/calls/${deleted.call}`)
  const { status, body } = await asker.post('/privacy/erase', { number: CALLER })
  assert.equal(status, 200, JSON.stringify(body))
  assert.deepEqual(body, { calls: 2, transcripts: 2, events: 2, logs: 2, sessions: 2 })
  const shown = (await asker.get(`/calls/${mine.call}`)).body
  assert.equal(shown.source.target, '')
  assert.equal(shown.source.target_name, '')
  assert.equal(shown.destination.target, '+15550999')
  assert.doesNotMatch(JSON.stringify(shown), /15550100/)
  assert.deepEqual((await asker.get('/transcripts?q=wallet')).body.result.length, 1)
  assert.deepEqual(await world.store.eventsOfCall(asker.id, mine.call), [])
  assert.equal(await world.store.inputLog(asker.id, mine.call), null)
  assert.equal(await world.store.getAnyCustomer('calls', deleted.call), null)
  assert.equal((await world.store.eventsOfCall(asker.id, theirs.call)).length, 1)
  assert.equal((await world.store.eventsOfCall(other.id, elsewhere.call)).length, 1)
  const told = world.events.filter(({ type, customerId }) => type === 'transcript_deleted' && customerId === asker.id)
  assert.deepEqual(
    told.map(({ data }) => data['message']),
    ['', ''],
  )
  const again = await asker.post('/privacy/erase', { number: CALLER })
  assert.deepEqual(again.body, { calls: 0, transcripts: 0, events: 0, logs: 0, sessions: 0 })
})

test('a live call is left alone and named; the rest of the number is erased', async () => {
  const asker = await world.customer('live@example.com')
  const over = await call(asker, CALLER)
  const live = await call(asker, CALLER, 'progressing')
  const { status, body } = await asker.post('/privacy/erase', { number: CALLER })
  assert.equal(status, 409)
  assert.equal(body.error.reason, 'STATE_INVALID')
  assert.deepEqual(body.error.details, [{ call_id: live.call }])
  assert.equal(body.erased.calls, 1)
  assert.equal((await world.store.eventsOfCall(asker.id, over.call)).length, 0)
  assert.equal((await world.store.eventsOfCall(asker.id, live.call)).length, 1)
  assert.equal((await world.store.get('calls', asker.id, live.call))?.keys['source'], CALLER)
})

test('everything of a customer is erased with the phrase only', async () => {
  const asker = await world.customer('everything@example.com')
  await call(asker, CALLER)
  await call(asker, '+15550101')
  for (const body of [{}, { everything: true }, { everything: true, confirmation_phrase: 'yes' }, { number: '' }]) {
    assert.equal((await asker.post('/privacy/erase', body)).status, 400)
  }
  assert.equal(
    (await asker.post('/privacy/erase', { everything: true, number: '1', confirmation_phrase: 'ERASE' })).status,
    400,
  )
  const { status, body } = await asker.post('/privacy/erase', { everything: true, confirmation_phrase: 'ERASE' })
  assert.equal(status, 200)
  assert.equal(body.transcripts, 2)
  const after = (await asker.post('/privacy/export')).body
  assert.deepEqual([after.transcripts, after.events], [[], []])
  assert.doesNotMatch(JSON.stringify(after), /1555/)
  assert.equal((await asker.get('/customer')).status, 200)
})

test('only administrators may export, erase and choose how long things are kept', async () => {
  const key = (await owner.post('/accesskeys', { name: 'x' })).status
  assert.equal(key < 300, true)
  const agent = await owner.post('/agents', { username: 'plain@example.com', password: 'plain secret', permission: 16 })
  if (agent.status === 501) return
  const { body } = await world.ask('POST', '/auth/login', { username: 'plain@example.com', password: 'plain secret' })
  for (const [method, path] of [
    ['PUT', '/retention'],
    ['POST', '/privacy/export'],
    ['POST', '/privacy/erase'],
  ] as const) {
    const answer = await world.ask(method, `/v1.0${path}?token=${body.token}`, {})
    assert.equal(answer.status, 403, path)
  }
})
