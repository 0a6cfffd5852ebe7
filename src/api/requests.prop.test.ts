/**
 * Requests of every kind, generated from the OpenAPI document and spoilt: none is a server error, every answer keeps the
 * contract (`World.ask` holds each against its route), and nobody else's things are touched. QUIETLINE_SEED plays one again;
 * QUIETLINE_PROOF=1 sends ten thousand.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { NIL_UUID } from '../kernel/ids.ts'
import { type Answer, type Asker, World } from './test-world.ts'
import { formsOf, type Operation, operationsOf, type Shape, sampleOf } from './test-world-requests.ts'

const COUNT = process.env['QUIETLINE_PROOF'] === '1' ? 10_000 : 1_500
const seed = Number(process.env['QUIETLINE_SEED'] ?? 20_260_821)
const ROUNDS = 100

let world: World
let actor: Asker
let bystander: Asker
let operations: readonly Operation[]
/** What the actor has made and not deleted, by resource. */
let made = new Map<string, Set<string>>()
/** What the bystander has, by resource. */
const others = new Map<string, string>()
let names = 0

before(async () => {
  world = new World()
  bystander = await world.customer('bystander')
  operations = operationsOf((await world.ask('GET', '/openapi.json')).body)
  for (const resource of ['flows', 'numbers', 'extensions', 'agents', 'activeflows', 'webhooks', 'do_not_call']) {
    const create = operations.find((one) => one.method === 'POST' && one.path === `/v1.0/${resource}`)
    if (!create?.body) continue
    const { body } = await bystander.post(`/${resource}`, sampleOf(create.body))
    others.set(resource, body.id)
  }
  const { body } = await bystander.post('/calls', { destinations: [{ target: '+15559876543' }] })
  others.set('calls', body.calls[0].id).set('groupcalls', body.groupcalls[0].id)
  await enter()
})
after(() => world.close())

/** A new actor, when the last one has deleted its own key. */
async function enter(): Promise<void> {
  actor = await world.customer(`actor ${++names}`)
  made = new Map()
  const { body } = await actor.post('/calls', { destinations: [{ target: '+15559876543' }] })
  await world.calls.answer(body.calls[0].id)
  add('calls', body.calls[0].id)
  add('groupcalls', body.groupcalls[0].id)
  const reference = { reference_type: 'call', reference_id: body.calls[0].id, language: 'en-US' }
  for (const resource of ['flows', 'extensions', 'activeflows', 'transcribes', 'speakings', 'webhooks']) {
    const create = operations.find((one) => one.method === 'POST' && one.path === `/v1.0/${resource}`)
    const sample = create?.body ? sampleOf(create.body) : {}
    const answer = await actor.post(`/${resource}`, { ...(sample as object), ...reference })
    if (answer.status < 300) add(resource, answer.body.id)
  }
}

// ---------------------------------------------------------------- values

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e\u0628',
  '👩‍👩‍👧‍👦',
  `$\{voipbin.call.id}`,
  "'; drop table calls; --",
  '../../etc/passwd',
  '%00%ff',
  'x'.repeat(100_000),
  '한국어'.repeat(2_000),
  NIL_UUID,
  NIL_UUID.replace(/0/g, 'F'),
  'constructor',
  '__proto__',
  '9999-12-31T23:59:59.999999Z',
  '-0',
]

const oddValue = fc.oneof(
  fc.constantFrom<unknown>(...ODD_TEXTS, null, true, false, 0, -1, 0.5, 1e308, -1e308, 2 ** 53, [], {}, [[]], [null]),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constant(deep(200)),
  fc.jsonValue({ maxDepth: 3 }),
)

function deep(levels: number): unknown {
  let value: unknown = 'deep'
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value }
  return value
}

/** A value of the schema, with optional fields given or not. */
function fitting(shape: Shape, name = ''): fc.Arbitrary<unknown> {
  const sample = sampleOf(shape, name)
  if (shape.oneOf ?? shape.anyOf) return fc.oneof(...formsOf(shape).map((form) => fitting(form, name)))
  if (shape.enum) return fc.constantFrom(...shape.enum)
  if (name === 'destinations' || name === 'actions' || /_id$/.test(name)) return idOr(sample)
  switch (shape.type) {
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(shape.properties ?? {}).map(([key, field]) => [key, fitting(field, key)])),
        { requiredKeys: [...(shape.required ?? [])] },
      )
    case 'array':
      return fc.array(fitting(shape.items ?? {}), { maxLength: 3 })
    case 'integer':
      return fc.integer({ min: shape.minimum ?? 0, max: Math.min(shape.maximum ?? 1_000, 100_000) })
    case 'number':
      return fc.integer({ min: shape.minimum ?? 0, max: Math.min(shape.maximum ?? 10_000, 100_000) })
    case 'boolean':
      return fc.boolean()
    case 'string':
      return shape.pattern || shape.examples ? fc.constant(sample) : fc.oneof(fc.constant(sample), textOf(shape))
    default:
      return fc.constant(sample)
  }
}

function textOf({ maxLength = 20, minLength = 0 }: Shape): fc.Arbitrary<string> {
  return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, Math.max(minLength, 20)) })
}

const anyUuid = fc.uuid({ version: 4 })
const idOr = (sample: unknown) => fc.oneof(fc.constant(sample), fc.constant('<own>'), fc.constant('<other>'), anyUuid)

/** Changes one place of a body: another value, or nothing. */
function spoilt(value: unknown, where: number, odd: unknown): unknown {
  if (typeof value !== 'object' || value === null) return odd
  const keys = Object.keys(value)
  if (keys.length === 0) return odd
  const key = keys[where % keys.length]!
  const below = (value as Record<string, unknown>)[key]
  const next = where % 3 === 0 ? odd : spoilt(below, Math.floor(where / 3), odd)
  return Array.isArray(value) ? value.map((one, at) => (String(at) === key ? next : one)) : { ...value, [key]: next }
}

interface Wish {
  readonly operation: Operation
  readonly id: unknown
  readonly pick: number
  readonly body: unknown
  readonly query: Readonly<Record<string, unknown>>
  readonly credential: 'own' | 'none' | 'bad'
}

/** Those that are there mostly. */
function anyOperation(): fc.Arbitrary<Operation> {
  const [later, there] = [operations.filter((one) => one.isLater), operations.filter((one) => !one.isLater)]
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...there) },
    { weight: 1, arbitrary: fc.constantFrom(...later) },
  )
}

function wishOf(operation: Operation): fc.Arbitrary<Wish> {
  const fit = operation.body ? fitting(operation.body) : fc.constant(undefined)
  const broken = fc.tuple(fit, fc.nat(), oddValue).map(([body, where, odd]) => spoilt(body, where, odd))
  return fc.record({
    operation: fc.constant(operation),
    id: fc.oneof(
      { weight: 6, arbitrary: fc.constant('<own>') },
      { weight: 2, arbitrary: fc.constant('<other>') },
      { weight: 1, arbitrary: fc.oneof(anyUuid, fc.constantFrom(...ODD_TEXTS), fc.string()) },
    ),
    pick: fc.nat(),
    body: fc.oneof({ weight: 4, arbitrary: fit }, { weight: 5, arbitrary: broken }, { weight: 1, arbitrary: oddValue }),
    query: fc.dictionary(
      fc.constantFrom('page_size', 'page_token', ...operation.query.map((one) => one.name), 'q', 'unknown'),
      fc.oneof(fc.constant('<own>'), fc.constant('<other>'), fc.constantFrom(...ODD_TEXTS.slice(0, 10)), fc.nat(200)),
      { maxKeys: 3 },
    ),
    credential: fc.oneof({ weight: 18, arbitrary: fc.constant('own') }, fc.constantFrom('none', 'bad')) as fc.Arbitrary<
      Wish['credential']
    >,
  })
}

// ---------------------------------------------------------------- sending

/** `<own>` and `<other>` become ids that are there. */
function filled(text: string, resource: string, pick: number): string {
  const own = [...(made.get(resource) ?? [...made.values()].flatMap((ids) => [...ids]))]
  const other = others.get(resource) ?? others.get('flows')!
  return text.replaceAll('<own>', own[pick % own.length] ?? NIL_UUID).replaceAll('<other>', other)
}

async function send(wish: Wish): Promise<Answer> {
  const { operation, pick } = wish
  const id = encodeURIComponent(filled(String(wish.id).toWellFormed(), operation.resource, pick)) || 'none'
  const url = operation.path.replace(/\{\w+\}/, id.slice(0, 2_000))
  const query = new URLSearchParams(
    Object.entries(wish.query).map(([key, value]) => [key, String(value).slice(0, 300)]),
  )
  for (const key of query.keys()) query.set(key, filled(query.get(key)!, '', pick))
  if (wish.credential !== 'none') query.set('token', wish.credential === 'own' ? actor.token : `vb_${'0'.repeat(32)}`)
  const raw = wish.body === undefined || operation.method === 'GET' ? undefined : JSON.stringify(wish.body)
  const answer = await world.ask(operation.method, `${url}?${query}`, raw && filled(raw, 'flows', pick))
  note(operation, answer, decodeURIComponent(id))
  return answer
}

/** Keeps the books: what the actor has now. */
function note({ method, path, resource }: Operation, { body, status }: Answer, id: string): void {
  if (status >= 300) return
  const name = path.replace('/v1.0/', '')
  if (method === 'POST' && resource === '' && typeof body.id === 'string') add(name, body.id)
  if (name === 'calls' && method === 'POST') for (const call of body.calls) add('calls', call.id)
  if (name === 'calls' && method === 'POST') add('groupcalls', body.groupcalls[0].id)
  if (method === 'DELETE' && path === `/v1.0/${resource}/{id}`) made.get(resource)?.delete(id.toLowerCase())
}

function add(resource: string, id: string): void {
  made.set(resource, (made.get(resource) ?? new Set()).add(id))
}

/** All that a customer can see of its own. */
async function seenBy(asker: Asker): Promise<string> {
  const pages: unknown[] = []
  for (const { method, path } of operations) {
    if (method !== 'GET' || path.includes('{') || path === '/v1.0/available_numbers') continue
    const { body } = await asker.get(path.replace('/v1.0', ''))
    pages.push(body.error?.reason ?? body)
  }
  for (const [resource, id] of others) pages.push((await asker.get(`/${resource}/${id}`)).body.id)
  return JSON.stringify(pages)
}

/** Resources whose list holds exactly what was made and not deleted. */
const COUNTED = ['flows', 'numbers', 'extensions', 'activeflows']

async function idsOf(resource: string): Promise<string[]> {
  const ids: string[] = []
  let token = ''
  do {
    const { body, status } = await actor.get(`/${resource}?page_size=37&page_token=${token}`)
    assert.equal(status, 200, resource)
    ids.push(...body.result.map((one: { id: string }) => one.id))
    token = body.next_page_token
  } while (token !== '')
  return ids.sort()
}

test(`${COUNT} random requests: no server error, every answer keeps the contract, others' things stay`, async (t) => {
  t.diagnostic(`seed ${seed}`)
  const bystanderBefore = await seenBy(bystander)
  const statuses = new Map<number, number>()
  const walked = new Set<string>()
  // Deeper first uses of a resource come later: a round each, with the books checked in between.
  for (let round = 0; round < COUNT / ROUNDS; round++) {
    const wishes = fc.sample(anyOperation().chain(wishOf), { numRuns: ROUNDS, seed: seed + round })
    for (const wish of wishes) {
      const answer = await send(wish)
      const { status } = answer
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status < 300) walked.add(`${wish.operation.method} ${wish.operation.path}`)
      const isLater = status === 501 && answer.body.error.reason === 'NOT_IMPLEMENTED'
      if (status >= 500 && !isLater) assert.fail(describe(wish, answer, round))
    }
    if ((await actor.get('/me')).status !== 200) await enter()
  }
  for (const resource of COUNTED)
    assert.deepEqual(await idsOf(resource), [...(made.get(resource) ?? [])].sort(), resource)
  await seenBy(actor)
  assert.ok((await seenBy(bystander)) === bystanderBefore, 'the bystander sees a change')
  t.diagnostic(
    `answers ${JSON.stringify(Object.fromEntries([...statuses].sort()))}, ${walked.size} operations succeeded`,
  )
  assert.ok(walked.size > 70, `${walked.size} operations succeeded`)
})

function describe({ body, id, operation, query }: Wish, answer: Answer, round: number): string {
  const log = world.logged.filter(([, message]) => message === 'request failed').at(-1)
  const sent = JSON.stringify({ id, query, body })?.slice(0, 600)
  return `round ${round}: ${operation.method} ${operation.path} ${sent} -> ${answer.status} ${JSON.stringify(log)}`
}
