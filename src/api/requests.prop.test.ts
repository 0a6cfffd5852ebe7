/**
 * Requests of every kind, generated from the OpenAPI document and spoilt: none is a server error, every answer keeps the
 * contract (`World.ask` holds each against its route), and nobody else's things are touched. QUIETLINE_SEED plays one again;
 * QUIETLINE_PROOF=1 sends ten thousand.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type Answer, type Asker, World } from './test-world.ts'
import { anyOperation, Belongings, type Wish, wishOf } from './test-world-random.ts'
import { type Operation, operationsOf, sampleOf } from './test-world-requests.ts'

const COUNT = process.env['QUIETLINE_PROOF'] === '1' ? 10_000 : 1_500
const seed = Number(process.env['QUIETLINE_SEED'] ?? 20_260_821)
const ROUNDS = 100

let world: World
let actor: Asker
let bystander: Asker
let operations: readonly Operation[]
/** Of the actor; the others' things are the bystander's. */
const books = new Belongings()
let names = 0

before(async () => {
  world = new World()
  bystander = await world.customer('bystander')
  operations = operationsOf((await world.ask('GET', '/openapi.json')).body)
  for (const resource of ['flows', 'numbers', 'extensions', 'agents', 'activeflows', 'webhooks', 'do_not_call']) {
    const create = operations.find((one) => one.method === 'POST' && one.path === `/v1.0/${resource}`)
    if (!create?.body) continue
    const { body } = await bystander.post(`/${resource}`, sampleOf(create.body))
    books.others.set(resource, body.id)
  }
  const { body } = await bystander.post('/calls', { destinations: [{ target: '+15559876543' }] })
  books.others.set('calls', body.calls[0].id).set('groupcalls', body.groupcalls[0].id)
  await enter()
})
after(() => world.close())

/** A new actor, when the last one has deleted its own key. */
async function enter(): Promise<void> {
  actor = await world.customer(`actor ${++names}`)
  books.made = new Map()
  const { body } = await actor.post('/calls', { destinations: [{ target: '+15559876543' }] })
  await world.calls.answer(body.calls[0].id)
  books.add('calls', body.calls[0].id)
  books.add('groupcalls', body.groupcalls[0].id)
  const reference = { reference_type: 'call', reference_id: body.calls[0].id, language: 'en-US' }
  for (const resource of ['flows', 'extensions', 'activeflows', 'transcribes', 'speakings', 'webhooks']) {
    const create = operations.find((one) => one.method === 'POST' && one.path === `/v1.0/${resource}`)
    const sample = create?.body ? sampleOf(create.body) : {}
    const answer = await actor.post(`/${resource}`, { ...(sample as object), ...reference })
    if (answer.status < 300) books.add(resource, answer.body.id)
  }
}

async function send(wish: Wish): Promise<Answer> {
  const { body, id, method, url } = books.fill(wish, actor.token)
  const answer = await world.ask(method, url, body)
  books.note(wish.operation, answer, id)
  return answer
}

/** All that a customer can see of its own. */
async function seenBy(asker: Asker): Promise<string> {
  const pages: unknown[] = []
  for (const { method, path } of operations) {
    if (method !== 'GET' || path.includes('{') || path === '/v1.0/available_numbers') continue
    const { body } = await asker.get(path.replace('/v1.0', ''))
    pages.push(body.error?.reason ?? body)
  }
  for (const [resource, id] of books.others) pages.push((await asker.get(`/${resource}/${id}`)).body.id)
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
    const wishes = fc.sample(anyOperation(operations).chain(wishOf), { numRuns: ROUNDS, seed: seed + round })
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
    assert.deepEqual(await idsOf(resource), [...(books.made.get(resource) ?? [])].sort(), resource)
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
