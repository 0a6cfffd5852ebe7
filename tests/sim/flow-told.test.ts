// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
/**
 * What a flow leaves out is told; one that waits at `block` goes on when it is told to; and what runs after a transcription
 * knows whose it was (contract §9.4, §10.3).
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../src/calls/commands.ts'
import { readActions } from '../../src/contract/flow.ts'
import { NIL_UUID } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { allIsOver, callsOf, done, listening, told } from './parties.ts'
import { World } from './world.ts'

const OWN = '+15550111'
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

interface Step {
  readonly type: string
  readonly option?: object
}

async function called(seed: string, steps: readonly Step[], variables: JsonObject = {}) {
  const world = await World.open({ seed })
  const given = Object.entries(variables).map(([key, value]) => ({ type: 'variable_set', option: { key, value } }))
  await world.number(
    OWN,
    readActions([...given, ...steps], () => world.random.uuid()),
  )
  const call = await (await world.phone({ user: '+15550199' })).call(OWN)
  return { world, call }
}

async function answerOf(world: World, asked: Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome | null = null
  void asked.then((answer) => {
    outcome = answer
  })
  await world.until('it is answered', () => outcome !== null)
  return outcome!
}

async function started(world: World, runId: string, steps: readonly Step[]): Promise<JsonObject> {
  const actions = readActions(steps, () => world.random.uuid())
  const request = { customerId: world.customerId, id: runId, flowId: NIL_UUID, actions, variables: {} }
  const outcome = await answerOf(world, world.exchange.startRun({ ...request, webhookUri: '', webhookMethod: '' }))
  assert.ok(outcome.ok, JSON.stringify(outcome))
  return outcome.doc
}

const SKIPPED = 'activeflow_action_skipped'
const executed = (world: World): string[] =>
  told(world, 'activeflow_updated').map((data) => String((data['current_action'] as JsonObject)['type']))

test('a language that comes by a variable and that no engine serves: nothing starts, an event says why, the flow goes on', async () => {
  const steps = [
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: '${x}' } },
    { type: 'talk', option: { text: 'Moshi moshi', language: '${x}' } },
    { type: 'talk', option: { text: 'Hello', language: 'en-US' } },
    { type: 'sleep', option: { duration: 60_000 } },
  ]
  const { world, call } = await called('no engine', steps, { x: 'ja-JP' })
  await world.until('answered', () => call.state === 'answered')
  const heard = listening(call)
  await world.until('the last talk is over', () => executed(world).at(-1) === 'sleep')
  assert.ok(heard.loud > 5 && heard.loud < 40, `${heard.loud} frames: only Hello`)
  assert.deepEqual(
    told(world, SKIPPED).map(({ type, reason }) => [type, reason]),
    [
      ['transcribe_start', 'no engine recognises the language'],
      ['talk', 'no engine speaks the language'],
    ],
  )
  const [run] = await world.store.find('activeflows', {}, 10)
  assert.equal(told(world, SKIPPED)[0]!['activeflow_id'], run!.id)
  assert.deepEqual(told(world, 'transcribe_created'), [])
  call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test("a flow's own transcription in a language that nothing serves any more is told too", async () => {
  const world = await World.open({ seed: 'own transcription' })
  const transcription = { enabled: true, language: 'ja-JP', interim_results: false }
  await world.number(OWN, [], { transcription })
  const call = await (await world.phone({ user: '+15550199' })).call(OWN)
  await world.until('it is told', () => told(world, SKIPPED).length === 1)
  assert.deepEqual(told(world, 'transcribe_created'), [])
  call.hangup()
  await allIsOver(world)
})

test('no gateway for messages: each is skipped with an event, in a call, outside its flow, and without a call', async () => {
  const message = { type: 'message_send', option: { destinations: [{ target: '+15551234567' }], text: 'Hi' } }
  const { world, call } = await called('messages', [
    { type: 'answer' },
    message,
    { type: 'sleep', option: { duration: 9_000 } },
  ])
  await world.until('it is told', () => told(world, 'message_skipped').length === 1)
  const [master] = await callsOf(world)
  const errand = { kind: 'message', source: null, destinations: [], text: 'Hi' } as const
  await done(world, master!.id, { kind: 'act', action: { kind: 'errand', errand } })
  await world.until('that is told too', () => told(world, 'message_skipped', master!.id).length === 2)
  // The last action of a run: it waits for what becomes of it.
  await started(world, id(50), [message])
  await world.until('and the third', () => told(world, 'message_skipped').length === 3)
  const events = told(world, 'message_skipped')
  assert.deepEqual(
    events.map((data) => [data['call_id'], data['activeflow_id']]),
    [
      [master!.id, master!.doc['activeflow_id']],
      [master!.id, master!.doc['activeflow_id']],
      [undefined, id(50)],
    ],
  )
  assert.ok(events.every(({ reason }) => reason === 'no SMS gateway is configured'))
  call.hangup()
  await allIsOver(world)
  assert.ok(world.complaints.every((line) => line.startsWith('an action of a flow failed')))
})

test('block: the flow waits until it is told to go on, with a call and without one; elsewhere that is refused', async () => {
  const steps = [{ type: 'block' }, { type: 'sleep', option: { duration: 60_000 } }]
  const { world, call } = await called('block', [{ type: 'answer' }, ...steps])
  await world.until('it waits', () => executed(world).at(-1) === 'block')
  await started(world, id(50), steps)
  const [master] = await callsOf(world)
  for (const runId of [String(master!.doc['activeflow_id']), id(50)]) {
    await world.run(5_000)
    const goOn = (customerId = world.customerId) => answerOf(world, world.exchange.continueRun(customerId, runId))
    const stranger = await goOn(id(99))
    assert.ok(!stranger.ok && stranger.code === 'ACTIVEFLOW_NOT_FOUND')
    const outcome = await goOn()
    assert.ok(outcome.ok)
    assert.equal((outcome.doc['current_action'] as JsonObject)['type'], 'sleep')
    const again = await goOn()
    assert.ok(!again.ok && again.code === 'STATE_INVALID')
  }
  call.hangup()
  await answerOf(world, world.exchange.stopRun(world.customerId, id(50)))
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('a transcription that the API started runs its flow when it is done, with what the call and its flow knew', async () => {
  const { world, call } = await called(
    'on end',
    [{ type: 'answer' }, { type: 'sleep', option: { duration: 60_000 } }],
    { order: '4711' },
  )
  const send = (data: string): Step => ({
    type: 'webhook_send',
    option: { uri: 'http://agent/after', data, sync: true },
  })
  const names = ['transcribe.id', 'transcribe.language', 'call.id', 'call.source.target', 'activeflow.reference_type']
  await world.number(
    '+15550112',
    readActions([send(`${names.map((name) => `\${voipbin.${name}}`).join(' ')} \${order}`)], () => world.random.uuid()),
    { id: id(70) },
  )
  await world.until('answered', () => call.state === 'answered')
  await world.run(300)
  const [master] = await callsOf(world)
  const { id: transcribeId } = await done(world, master!.id, {
    kind: 'startTranscribe',
    language: 'en-US',
    direction: 'both',
    provider: '',
    onEndFlowId: id(70),
    phrases: null,
  })
  await world.run(500)
  assert.equal(world.asked.length, 0)
  await done(world, master!.id, { kind: 'stopTranscribe', transcribeId: String(transcribeId) })
  await world.until('the flow ran', () => world.asked.length === 1)
  assert.equal(world.asked[0]!.body, `${transcribeId} en-US ${master!.id} +15550199 transcribe 4711`)
  const order = world.events.map(({ type }) => type)
  assert.ok(order.indexOf('transcribe_done') < order.lastIndexOf('activeflow_created'))
  call.hangup()
  await allIsOver(world)
})

test('a run that has nothing to wait for is answered as it has ended', async () => {
  const world = await World.open({ seed: 'at once' })
  for (const [n, actions] of [[], [{ type: 'variable_set', option: { key: 'a', value: 'b' } }]].entries()) {
    const doc = await started(world, id(60 + n), actions)
    assert.deepEqual([doc['id'], doc['status']], [id(60 + n), 'ended'])
  }
  await allIsOver(world)
})
