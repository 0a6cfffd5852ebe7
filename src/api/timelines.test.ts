import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { newUuid } from './secrets.ts'
import { type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
let flow: string
const calls: string[] = []
before(async () => {
  world = new World()
  owner = await world.customer('timelines')
  flow = (await owner.post('/flows', { name: 'f' })).body.id
  for (let count = 0; count < 3; count++) calls.push(await happened(count === 1 ? flow : NIL_UUID))
})
after(() => world.close())

/** A call with five stored events. */
async function happened(flow_id: string): Promise<string> {
  const { body } = await owner.post('/calls', { destinations: [{ target: '+15559876543' }], flow_id })
  const call = body.calls[0]
  const events = ['call_created', 'call_dialing', 'call_ringing', 'call_progressing', 'call_hangup'].map(
    (type, at) => ({
      id: newUuid(world.randomBytes),
      customer_id: owner.id,
      call_id: call.id,
      seq: at + 1,
      wall_us: world.clock.wallMicros(),
      offset_ms: at,
      type,
      data: call,
    }),
  )
  await world.store.commit({ events })
  return call.id
}

/** Walks all pages. */
async function walk(path: string, size: number) {
  const seen: { type: string; data: { id: string } }[] = []
  let token = ''
  for (let pages = 0; pages < 50; pages++) {
    const { body } = await owner.get(`${path}${path.includes('?') ? '&' : '?'}page_size=${size}&page_token=${token}`)
    assert.ok(body.result.length <= size)
    seen.push(...body.result)
    token = body.next_page_token
    if (token === '') return seen
  }
  throw new Error('the pages never end')
}

test('events of a call come newest first, in pages', async () => {
  for (const path of [`/timelines/calls/${calls[0]}/events`, `/aggregated-events?call_id=${calls[0]}`]) {
    for (const size of [1, 2, 5, 100]) {
      const types = (await walk(path, size)).map((event) => event.type)
      assert.deepEqual(types, ['call_hangup', 'call_progressing', 'call_ringing', 'call_dialing', 'call_created'], path)
    }
  }
})

test('events of all calls, and of the calls of one flow, come newest first, each once', async () => {
  for (const size of [1, 2, 4, 5, 100]) {
    const all = await walk('/aggregated-events', size)
    assert.deepEqual([...new Set(all.map((event) => event.data.id))], [...calls].reverse())
    assert.equal(all.length, 15)
    const ofFlow = await walk(`/timelines/flows/${flow}/events`, size)
    assert.deepEqual(
      ofFlow.map((event) => event.data.id),
      Array(5).fill(calls[1]),
    )
  }
})

test('what is unknown is not found, and a wrong token or id is refused', async () => {
  const id = newUuid(world.randomBytes)
  for (const kind of ['calls', 'activeflows', 'flows', 'conferences']) {
    assert.equal((await owner.get(`/timelines/${kind}/${id}/events`)).status, 404, kind)
  }
  for (const query of ['page_token=x', 'call_id=x', `page_token=0_${id}_x`]) {
    assert.equal((await owner.get(`/aggregated-events?${query}`)).body.error.reason, 'INVALID_REQUEST_PARAMETER', query)
  }
  assert.equal((await owner.get(`/aggregated-events?activeflow_id=${id}`)).status, 404)
})

test('events of a run without a call are an empty list so far', async () => {
  const run = await owner.post('/activeflows', { actions: [] })
  assert.deepEqual((await owner.get(`/timelines/activeflows/${run.body.id}/events`)).body.result, [])
})
