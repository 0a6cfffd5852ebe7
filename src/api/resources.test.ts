import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
before(async () => {
  world = new World()
  owner = await world.customer('resources')
})
after(() => world.close())

const eventsOf = (type: string) => world.events.filter((event) => event.type === type)

test('a PUT of two webhook fields keeps the rest of the customer, and the event holds no secret', async () => {
  await owner.put('/customer', { name: 'Ann', email: 'ann@example.com' })
  const { status, body } = await owner.put('/customer', {
    webhook_uri: 'https://your-server.com/voipbin/webhook',
    webhook_method: 'POST',
  })
  assert.equal(status, 200)
  assert.deepEqual([body.name, body.email, body.webhook_method], ['Ann', 'ann@example.com', 'POST'])
  assert.ok(body.webhook_secret.length >= 32)
  assert.ok(!('webhook_secret' in eventsOf('customer_updated').at(-1)!.data))
  assert.equal((await owner.put('/customer', { webhook_uri: '' })).body.webhook_uri, '')
  assert.equal((await owner.put('/customer', { webhook_uri: 'http://127.0.0.1:9000/x' })).status, 200)
  assert.equal((await owner.put('/customer', { webhook_uri: 'ftp://x' })).status, 400)
  assert.equal((await owner.put('/customer', { name: null })).body.name, 'Ann')
})

test('a number is registered once, changed in part, given flows, and gone when deleted', async () => {
  const flow = (await owner.post('/flows', { name: 'in' })).body.id
  const made = await owner.post('/numbers', { number: '+15551230001', call_flow_id: '' })
  assert.deepEqual([made.status, made.body.type, made.body.call_flow_id], [200, 'normal', NIL_UUID])
  assert.equal(made.body.tm_update, made.body.tm_create)
  const again = await owner.post('/numbers', { number: '+15551230001' })
  assert.deepEqual([again.status, again.body.error.reason], [409, 'NUMBER_ALREADY_EXISTS'])
  const path = `/numbers/${made.body.id}`
  assert.equal((await owner.put(`${path}/flow_ids`, { call_flow_id: flow })).body.call_flow_id, flow)
  assert.equal((await owner.put(path, { name: 'desk', call_flow_id: '' })).body.call_flow_id, flow)
  assert.equal((await owner.put(path, { call_flow_id: NIL_UUID })).body.call_flow_id, NIL_UUID)
  assert.equal((await owner.put(path, { call_flow_id: made.body.id })).body.error.reason, 'FLOW_NOT_FOUND')
  const gone = await owner.delete(path)
  assert.deepEqual([gone.status, gone.body.status], [200, 'deleted'])
  assert.notEqual(gone.body.tm_delete, null)
  assert.equal((await owner.get(path)).status, 404)
  assert.equal((await owner.delete(path)).status, 404)
  assert.equal((await owner.post('/numbers', { number: '+15551230001' })).status, 200)
  for (const bad of ['15551230001', '+0155', 'phone', '']) {
    assert.equal((await owner.post('/numbers', { number: bad })).status, 400, bad)
  }
})

test('free virtual numbers are offered outside the reserved block', async () => {
  const { body } = await owner.get('/available_numbers?type=virtual&page_size=20')
  assert.equal(body.result.length, 20)
  for (const { number } of body.result) assert.match(number, /^\+899(?!000)\d{9}$/)
  assert.deepEqual((await owner.get('/available_numbers?country_code=US')).body, { result: [] })
})

test('an extension shows its password to its owner, not to events, and says whether a phone is there', async () => {
  const made = await owner.post('/extensions', { extension: 'q1', password: 'pw', name: 'quickstart-phone' })
  assert.deepEqual([made.status, made.body.username, made.body.domain_name], [200, 'q1', owner.id])
  assert.equal(
    (await owner.post('/extensions', { extension: 'q1', password: 'pw' })).body.error.reason,
    'EXTENSION_ALREADY_EXISTS',
  )
  assert.equal((await owner.post('/extensions', { extension: 'q2' })).status, 400)
  assert.equal((await owner.post('/extensions', { extension: 'a b', password: 'pw' })).status, 400)
  world.contacts.set(made.body.id, [{ uri: 'sip:q1@127.0.0.1:5070', transport: 'udp', expires: 3599 }])
  const shown = (await owner.get(`/extensions/${made.body.id}`)).body
  assert.deepEqual([shown.registered, shown.contacts.length, shown.password], [true, 1, 'pw'])
  assert.equal((await owner.get('/extensions')).body.result[0].registered, true)
  assert.ok(!('password' in eventsOf('extension_created').at(-1)!.data))
  await owner.delete(`/extensions/${made.body.id}`)
  assert.equal(world.contacts.size, 0)
})

test('the flow of the first seed is stored with the fields of its dialect', async () => {
  const { status, body } = await owner.post('/flows', {
    name: 'AI Transcription Agent',
    webhook_url: 'https://your-server.example.com/webhook',
    transcription: { enabled: true, language: 'en-US', interim_results: false },
  })
  assert.equal(status, 200)
  assert.deepEqual(body.actions, [])
  assert.deepEqual(body.transcription, { enabled: true, language: 'en-US', interim_results: false })
  assert.deepEqual((await owner.get(`/flows/${body.id}`)).body, body)
})

test('actions get ids, and a wrong, unknown or later one is refused by name', async () => {
  const actions = [
    { type: 'answer', id: '' },
    { type: 'sleep', option: { duration: 1000 } },
    { type: 'hangup', option: null },
  ]
  const { body } = await owner.post('/flows', { name: 'f', actions })
  assert.equal(new Set(body.actions.map((action: { id: string }) => action.id)).size, 3)
  assert.deepEqual(body.actions[0].option, {})
  const refusals: [unknown, RegExp][] = [
    [{ type: 'nonsense' }, /actions\.0\.type: "nonsense" is unknown/],
    [{ type: 'ai_talk', option: {} }, /actions\.0\.type: "ai_talk" is not available in this release/],
    [{ type: 'play', option: {} }, /actions\.0\.option\.stream_urls/],
    [{ type: 'talk', option: {} }, /actions\.0\.option\.text/],
    [{ type: 'sleep', option: { duration: 'long' } }, /actions\.0\.option\.duration/],
    [{ type: 'transcribe_start' }, /actions\.0\.option\.language/],
    [{ type: 'answer', next_id: owner.id }, /next_id: names no action/],
    ['answer', /actions\.0/],
  ]
  for (const [action, why] of refusals) {
    const refused = await owner.post('/flows', { name: 'f', actions: [action] })
    assert.deepEqual([refused.status, refused.body.error.reason], [400, 'INVALID_ARGUMENT'])
    assert.match(refused.body.message, why)
  }
})

test('a language that no engine serves is refused with what is served; a variable is taken on trust', async () => {
  const start = (language: string) =>
    owner.post('/flows', { name: 'l', actions: [{ type: 'transcribe_start', option: { language } }] })
  const japanese = await start('ja-JP')
  assert.deepEqual([japanese.status, japanese.body.error.reason], [400, 'LANGUAGE_NOT_AVAILABLE'])
  assert.deepEqual(japanese.body.error.details[0].available, ['en-US', 'fr-FR'])
  assert.match(japanese.body.error.details[1].message, /quietline add-language/)
  assert.equal((await start('klingonese')).body.error.reason, 'INVALID_ARGUMENT')
  assert.equal((await start(`$\{customer_language}`)).status, 200)
  assert.equal((await start('en')).body.actions[0].option.language, 'en-US')
  const talk = { type: 'talk', option: { text: 'Bonjour', language: 'fr-FR' } }
  assert.equal((await owner.post('/flows', { name: 'l', actions: [talk] })).body.error.reason, 'LANGUAGE_NOT_AVAILABLE')
})

test('lists are pages, newest first, and their tokens lead to the end', async () => {
  const lister = await world.customer('lister')
  const made: string[] = []
  for (let count = 0; count < 7; count++) made.unshift((await lister.post('/flows', { name: `f${count}` })).body.id)
  const seen: string[] = []
  let token = ''
  do {
    const { body } = await lister.get(`/flows?page_size=3&page_token=${token}`)
    seen.push(...body.result.map((flow: { id: string }) => flow.id))
    token = body.next_page_token
  } while (token !== '')
  assert.deepEqual(seen, made)
  assert.equal((await lister.get('/flows?page_size=7')).body.next_page_token, '')
  for (const size of ['0', '-1', '101', 'x'])
    assert.equal((await lister.get(`/flows?page_size=${size}`)).body.result.length, 7)
  const third = (await lister.get('/flows')).body.result[2]
  const older = await lister.get(`/flows?page_token=${encodeURIComponent(third.tm_create)}`)
  assert.deepEqual(
    older.body.result.map((flow: { id: string }) => flow.id),
    made.slice(3),
  )
  assert.equal((await lister.get('/flows?page_token=nonsense')).body.error.reason, 'INVALID_REQUEST_PARAMETER')
})

test('languages list what engines serve', async () => {
  const { body } = await owner.get('/languages')
  assert.deepEqual(body.result[0], { language: 'en-US', stt: ['phrases'], tts: ['flite'], voices: ['slt', 'rms'] })
})

test('routes of later answer sanely: empty lists, 404 for one, 501 for changes', async () => {
  assert.deepEqual((await owner.get('/campaigns')).body, { result: [], next_page_token: '' })
  assert.equal((await owner.get(`/conferences/${NIL_UUID}`)).body.error.reason, 'CONFERENCE_NOT_FOUND')
  const refused = await owner.post('/conferences', { type: 'conference' })
  assert.deepEqual(
    [refused.status, refused.body.error.status, refused.body.error.reason],
    [501, 'UNAVAILABLE', 'NOT_IMPLEMENTED'],
  )
  assert.equal((await owner.get('/customers')).body.result[0].id, owner.id)
  assert.equal((await owner.get('/billing_account')).status, 200)
})
