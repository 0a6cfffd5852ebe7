/**
 * Customers are walls (issue B, 5): generated from the OpenAPI document, so that a new route is walked without a line here.
 * Whatever names a resource of somebody else is answered as if it did not exist.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rowOf } from '../contract/row.ts'
import { transcriptOffset } from '../kernel/ids.ts'
import type { DeliveryRow, EventRow } from '../store/port.ts'
import { newUuid } from './secrets.ts'
import { type Answer, type Asker, World } from './test-world.ts'
import { formsOf, type Operation, operationsOf, type Shape, sampleOf } from './test-world-requests.ts'

/** Served without a credential. */
const OPEN = [
  'POST /auth/signup',
  'POST /auth/login',
  'POST /auth/boot',
  'POST /auth/password-forgot',
  'POST /auth/password-reset',
  'POST /auth/email-verify',
]
/** Not in the reference: the same routes again, and what is no part of the API. */
const HIDDEN = [
  ...OPEN.map((one) => one.replace('/auth', '/v1.0/auth')),
  'POST /v1.0/auth/unregister',
  'DELETE /v1.0/auth/unregister',
  ...['GET', 'POST', 'DELETE'].map((method) => `${method} /drain`),
  'POST /doctor',
  ...['/ping', '/healthz', '/readyz', '/metrics', '/docs', '/v1.0', '/openapi.json'].map((path) => `GET ${path}`),
]

let world: World
let victim: Asker
let other: Asker
let operations: readonly Operation[]
/** The victim's resources, by the part of the path before the id. */
const ids = new Map<string, string>()

before(async () => {
  world = new World()
  victim = await world.customer('victim')
  other = await world.customer('other')
  operations = operationsOf((await world.ask('GET', '/openapi.json')).body)
  await settle()
})
after(() => world.close())

/** One of each, made through the API where it makes them. */
async function settle(): Promise<void> {
  const made = await victim.post('/calls', { destinations: [{ target: '+15559876543' }] })
  const call: string = made.body.calls[0].id
  await world.calls.answer(call)
  ids.set('calls', call).set('groupcalls', made.body.groupcalls[0].id).set('customers', victim.id)
  const reference = { reference_type: 'call', reference_id: call, language: 'en-US' }
  ids.set('transcribes', (await victim.post('/transcribes', reference)).body.id)
  ids.set('speakings', (await victim.post('/speakings', reference)).body.id)
  ids.set('transcripts', await transcript())
  ids.set('webhook_deliveries', await delivery())
  ids.set('providers', (await victim.post('/providers', { hostname: 'carrier.test' })).body.id)
  ids.set('routes', (await victim.post('/routes', { provider_id: ids.get('providers') })).body.id)
  for (const { body, method, path, resource } of operations) {
    const name = path.replace('/v1.0/', '')
    if (method !== 'POST' || resource !== '' || ids.has(name)) continue
    const { status, body: doc } = await victim.ask('POST', `/${name}`, body ? sampleOf(body) : undefined)
    if (status < 300 && typeof doc.id === 'string') ids.set(name, doc.id)
  }
}

async function transcript(): Promise<string> {
  const doc = {
    id: newUuid(world.randomBytes),
    customer_id: victim.id,
    transcribe_id: ids.get('transcribes')!,
    direction: 'in',
    message: 'a secret',
    tm_transcript: transcriptOffset(1),
    tm_create: world.time(),
  }
  const keys = { transcribe_id: doc.transcribe_id, direction: 'in' }
  await world.store.commit({ rows: [rowOf('transcripts', doc, {}, keys)] })
  return doc.id
}

async function delivery(): Promise<string> {
  const event: EventRow = {
    id: newUuid(world.randomBytes),
    customer_id: victim.id,
    call_id: ids.get('calls')!,
    seq: 1,
    wall_us: world.clock.wallMicros(),
    offset_ms: 0,
    type: 'call_progressing',
    data: (await victim.get(`/calls/${ids.get('calls')}`)).body,
  }
  const row: DeliveryRow = {
    id: newUuid(world.randomBytes),
    event_id: event.id,
    customer_id: victim.id,
    call_id: event.call_id,
    destination: 'webhook:POST:http://victim.test/',
    state: 'dead',
    attempts: 3,
    due_us: event.wall_us,
    last: {},
    event_type: event.type,
  }
  const done = await world.store.commit({ events: [event], deliveries: [row] })
  assert.ok(done.ok)
  return row.id
}

/** What an asker sees of an answer: no more than this may depend on whether a thing is there. */
function seen({ body, status }: Answer, id: string): string {
  return JSON.stringify({ status, body })
    .replace(/"request_id":"[^"]*"/g, '')
    .replaceAll(id, '<id>')
    .replace(/"(id|tm_\w+)":"[^"]*"/g, '"$1":"<own>"')
}

const urlOf = (operation: Operation, id: string): string => operation.path.replace('/v1.0', '').replace(/\{\w+\}/, id)

test('one of each resource is there to be looked for', async () => {
  for (const { method, path, resource } of operations) {
    if (method !== 'GET' || path !== `/v1.0/${resource}/{id}`) continue
    const id = ids.get(resource)
    const { status } = await victim.get(`/${resource}/${id ?? newUuid(world.randomBytes)}`)
    assert.equal(
      status,
      id === undefined ? 404 : 200,
      `${resource}: ${id === undefined ? 'give one to this test' : id}`,
    )
    if (id !== undefined) continue
    const listed = await victim.get(`/${resource}`)
    assert.ok(listed.status === 404 || listed.body.result.length === 0, `${resource}: give one to this test`)
  }
  assert.ok(ids.size >= 14, [...ids.keys()].join(' '))
})

test('every route but the open ones asks for a credential before it looks at anything', async () => {
  const open = operations.filter((one) => one.isOpen).map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual(open.sort(), [...OPEN].sort())
  for (const operation of operations.filter((one) => !one.isOpen)) {
    const url = operation.path.replace(/\{\w+\}/, 'no-id')
    for (const token of ['', `?token=vb_${'x'.repeat(32)}`]) {
      const { status } = await world.ask(operation.method, `${url}${token}`, operation.body ? '{"' : undefined)
      // A body is read before the route of sign-off can ask who sends it.
      assert.ok(
        status === 401 || (url === '/auth/unregister' && status === 400),
        `${operation.method} ${url}: ${status}`,
      )
    }
  }
})

test('every route that is served is described, or is known not to be', () => {
  const described = new Set(operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`))
  const served = world.answers.routes.map(({ method, url }) => `${method} ${url}`)
  const hidden = served.filter((one) => !described.has(one.replace(/(.)\/$/, '$1')))
  assert.deepEqual(hidden.sort(), [...HIDDEN].sort())
})

test('an id of another customer in a path is 404 on every route, and nothing happens', async () => {
  const before_ = await everything()
  let walked = 0
  for (const operation of operations.filter((one) => one.path.includes('{'))) {
    const url = urlOf(operation, ids.get(operation.resource) ?? ids.get('calls')!)
    for (const form of operation.body ? formsOf(operation.body) : [null]) {
      const body = form ? richSample(form) : undefined
      const { status, body: answer } = await other.ask(operation.method, url, body)
      const isLater = answer.error?.reason === 'NOT_IMPLEMENTED'
      assert.ok(
        status === 404 || isLater,
        `${operation.method} ${url} ${JSON.stringify(body)}: ${status} ${answer.message}`,
      )
      walked++
    }
  }
  assert.ok(walked > 100, `walked ${walked}`)
  assert.equal(await everything(), before_)
})

/** What is needed, and one more field, so that a change has something to change. */
function richSample(form: Shape): unknown {
  const fields = Object.entries(form.properties ?? {})
  const more = fields.find(([name, field]) => !form.required?.includes(name) && field.examples) ?? fields[0]
  const body = sampleOf(form)
  return more && typeof body === 'object' ? { ...body, [more[0]]: sampleOf(more[1], more[0]) } : body
}

/** All that the victim can see of its own. */
async function everything(): Promise<string> {
  const pages: unknown[] = []
  for (const { method, path, query } of operations) {
    if (method !== 'GET' || path.includes('{') || query.some((one) => one.required)) continue
    pages.push((await victim.get(path.replace('/v1.0', ''))).body)
  }
  for (const [resource, id] of ids) pages.push((await victim.get(`/${resource}/${id}`)).body)
  return JSON.stringify(pages).replace(/"request_id":"[^"]*"/g, '')
}

test('no list and no answer about oneself holds anything of another customer', async () => {
  for (const { method, path } of operations) {
    if (method !== 'GET' || path.includes('{')) continue
    const { body } = await other.get(path.replace('/v1.0', ''))
    const text = JSON.stringify(body)
    for (const [resource, id] of ids) assert.ok(!text.includes(id), `${path} shows ${resource}`)
    assert.ok(!text.includes(victim.id), path)
  }
})

test('events of one customer never name another', () => {
  for (const event of world.events) {
    if (event.customerId === victim.id) continue
    const text = JSON.stringify(event)
    for (const [resource, id] of ids) assert.ok(!text.includes(id), `${event.type}: ${resource}`)
  }
})

// Last, because the other customer now writes the victim's ids into its own resources.
test('an id of another customer in a body or a query is answered like an unknown one', async () => {
  let compared = 0
  for (const operation of operations.filter((one) => !one.isOpen)) {
    const own = await ownUrl(operation)
    if (own === null) continue
    for (const form of operation.body ? formsOf(operation.body) : []) {
      for (const [name, field] of Object.entries(form.properties ?? {})) {
        const wrap = (id: string): unknown => (field.type === 'array' ? [id] : id)
        if (!/(^|_)ids?$/.test(name) || name === 'voice_id') continue
        const ask = (id: string) =>
          other.ask(operation.method, own, { ...(sampleOf(form) as object), [name]: wrap(id) })
        // The id of a new resource: only one of its kind can be in the way.
        const tried = name === 'id' ? [operation.path.replace('/v1.0/', '')] : [...ids.keys()]
        compared += await compare(`${operation.method} ${own} ${name}`, tried, ask)
      }
    }
    for (const { name } of operation.query.filter((one) => one.name.endsWith('_id'))) {
      const more = name === 'reference_id' ? '&reference_type=call' : ''
      compared += await compare(`${own}?${name}`, [...ids.keys()], (id) => other.get(`${own}?${name}=${id}${more}`))
    }
  }
  assert.ok(compared > 200, `compared ${compared}`)
})

/** With an id of the asker's own, made now; null where nothing can be made. */
async function ownUrl(operation: Operation): Promise<string | null> {
  if (!operation.path.includes('{')) return operation.path.replace('/v1.0', '')
  const create = operations.find((one) => one.method === 'POST' && one.path === `/v1.0/${operation.resource}`)
  const own = await other.get(`/${operation.resource}`)
  const first = own.body.result?.[0]?.id
  if (first) return urlOf(operation, first)
  if (!create?.body) return null
  const made = await other.ask('POST', `/${operation.resource}`, sampleOf(create.body))
  const id = made.body.id ?? made.body.calls?.[0]?.id
  return made.status < 300 && id ? urlOf(operation, id) : null
}

/** @returns how many ids were tried */
async function compare(
  what: string,
  resources: readonly string[],
  ask: (id: string) => Promise<Answer>,
): Promise<number> {
  const unknown = newUuid(world.randomBytes)
  const expected = seen(await ask(unknown), unknown)
  for (const resource of resources) {
    const id = ids.get(resource)
    if (id !== undefined) assert.equal(seen(await ask(id), id), expected, `${what}: ${resource}`)
  }
  return resources.length
}
