// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
/** Flow actions on real calls: what the caller hears and presses, what servers are asked, what runs after (contract §9.4). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printWav } from '../../src/audio/wav.ts'
import type { ActionDoc, Outcome } from '../../src/calls/commands.ts'
import { readActions } from '../../src/contract/flow.ts'
import { NIL_UUID } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, callsOf, callTo, extension, listening, speak, told } from './parties.ts'
import { World } from './world.ts'

const OWN = '+15550111'
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

interface Step {
  readonly type: string
  readonly option?: object
  readonly id?: string
  readonly next_id?: string
}

/** As a client sends them. */
function actionsOf(world: World, steps: readonly Step[]): ActionDoc[] {
  return readActions(steps, () => world.random.uuid())
}

async function called(seed: string, steps: readonly Step[], more: Parameters<World['number']>[2] = {}) {
  const world = await World.open({ seed })
  await world.number(OWN, actionsOf(world, steps), more)
  const phone = await world.phone({ user: '+15550199' })
  const call = await phone.call(OWN)
  return { world, phone, call }
}

/** A flow without a number that is of interest. */
async function flow(world: World, number: string, flowId: string, steps: readonly Step[]): Promise<void> {
  await world.number(number, actionsOf(world, steps), { id: flowId })
}

const executed = (world: World): string[] =>
  told(world, 'activeflow_updated').map((data) => String((data['current_action'] as JsonObject)['type']))

test('a menu by keys: a key during the prompt chooses, and the flow hangs up', async () => {
  const { world, call } = await called('menu', [
    { type: 'answer' },
    {
      type: 'talk',
      option: { text: 'one two three four five six seven eight nine ten', digits_handle: 'next' },
      id: id(2),
    },
    { type: 'digits_receive', option: { duration: 2_000, length: 1 } },
    { type: 'branch', option: { target_ids: { 5: id(10) }, default_target_id: id(2) } },
    { type: 'talk', option: { text: 'yes please' }, id: id(10) },
  ])
  await world.until('answered', () => call.state === 'answered')
  const heard = listening(call)
  await world.run(600)
  call.press('5')
  await world.until('it is over', () => call.state === 'ended')
  assert.ok(heard.loud > 16 && heard.loud < 70, `${heard.loud} frames: the prompt was cut`)
  assert.deepEqual(executed(world), ['answer', 'talk', 'digits_receive', 'branch', 'talk'])
  assert.equal(told(world, 'dtmf_received')[0]!['digit'], '5')
  assert.equal((await callsOf(world))[0]!.doc['hangup_reason'], 'normal')
  await allIsOver(world)
})

test('digits are collected to the end key and end in a variable that a server is sent', async () => {
  const { world, call } = await called('digits', [
    { type: 'answer' },
    { type: 'digits_receive', option: { duration: 10_000, key: '#' } },
    { type: 'webhook_send', option: { uri: 'http://agent/pin', data: '${voipbin.call.digits}', sync: true } },
    { type: 'hangup', option: { reason: 'busy' } },
  ])
  await world.until('answered', () => call.state === 'answered')
  for (const digit of '42#') {
    call.press(digit)
    await world.run(400)
  }
  await world.until('it is over', () => call.state === 'ended')
  assert.deepEqual(
    world.asked.map(({ url, body, method }) => [url, body, method]),
    [['http://agent/pin', '42#', 'POST']],
  )
  assert.equal((await callsOf(world))[0]!.doc['hangup_reason'], 'busy')
  await allIsOver(world)
})

test('files, a beep and an echo are heard; a file that is not there is left out', async () => {
  const { world, call } = await called('sounds', [
    { type: 'answer' },
    { type: 'play', option: { stream_urls: ['http://h/gone.wav', 'http://h/tone.wav'] } },
    { type: 'beep' },
    { type: 'echo', option: { duration: 2_000 } },
  ])
  const samples = Int16Array.from({ length: 8_000 }, (_, i) => Math.round(8_000 * Math.sin(i / 3)))
  world.files.set('http://h/tone.wav', printWav({ rateHz: 8_000, channels: [samples] }))
  await world.until('answered', () => call.state === 'answered')
  const heard = listening(call)
  await world.until('echo', () => executed(world).at(-1) === 'echo')
  assert.ok(heard.loud >= 55 && heard.loud <= 72, `${heard.loud} frames for 1 s and 0.3 s`)
  const [back] = await speak(world, call, 'stop', [heard])
  assert.ok(back! > 5, `${back} frames came back`)
  await world.until('it is over', () => call.state === 'ended')
  assert.deepEqual(executed(world), ['answer', 'play', 'beep', 'echo'])
  await allIsOver(world)
})

test('keys are sent to the far end', async () => {
  const { world, call } = await called('sends keys', [
    { type: 'answer' },
    { type: 'sleep', option: { duration: 300 } },
    { type: 'digits_send', option: { digits: '19#', duration: 100, interval: 60 } },
    { type: 'sleep', option: { duration: 300 } },
  ])
  let keys = ''
  call.onDigit = (digit) => {
    keys += digit
  }
  await world.until('it is over', () => call.state === 'ended')
  assert.equal(keys, '19#')
  await allIsOver(world)
})

test('fetched actions run before the rest, those of a stored flow too', async () => {
  const { world, call } = await called('fetch', [
    { type: 'answer' },
    { type: 'fetch', option: { event_url: 'http://agent/next' } },
    { type: 'fetch_flow', option: { flow_id: id(77) } },
    { type: 'fetch', option: { event_url: 'http://agent/gone' } },
    { type: 'webhook_send', option: { uri: 'http://agent/told', data: '${a} ${b} ${who}', data_type: 'text/plain' } },
    { type: 'sleep', option: { duration: 200 } },
  ])
  const first = [{ type: 'variable_set', option: { key: 'a', value: 'fetched' } }]
  world.pages.set('http://agent/next', { status: 200, text: JSON.stringify(first) })
  await flow(world, '+15550122', id(77), [{ type: 'variable_set', option: { key: 'b', value: 'stored' } }])
  await world.until('it is over', () => call.state === 'ended')
  assert.deepEqual(executed(world), [
    'answer',
    'fetch',
    'variable_set',
    'fetch_flow',
    'variable_set',
    'fetch',
    'webhook_send',
    'sleep',
  ])
  const told = world.asked.at(-1)
  assert.deepEqual(
    [told?.url, told?.body, told?.headers['content-type']],
    ['http://agent/told', 'fetched stored ', 'text/plain'],
  )
  const [run] = await world.store.find('activeflows', {}, 10)
  assert.deepEqual(JSON.parse(world.asked[0]!.body), {
    activeflow_id: run!.id,
    reference_id: (await callsOf(world))[0]!.id,
  })
  assert.ok(
    world.complaints.every((line) => line.includes('status 404')),
    world.complaints.join('\n'),
  )
  await allIsOver(world)
})

test('the action call makes a call of its own, which runs its own actions', async () => {
  const world = await World.open({ seed: 'call action' })
  const bob = await world.deskPhone('1002', { autoAnswer: true })
  let rung: PhoneCall | null = null
  bob.onIncoming = (one) => {
    rung = one
  }
  const actions = [{ type: 'talk', option: { text: 'opening hours ${room}' } }]
  await world.number(
    OWN,
    actionsOf(world, [
      { type: 'answer' },
      { type: 'variable_set', option: { key: 'room', value: 'stop' } },
      { type: 'call', option: { destinations: [extension('1002')], actions } },
      { type: 'sleep', option: { duration: 500 } },
    ]),
  )
  const call = await (await world.phone({ user: '+15550199' })).call(OWN)
  await world.until('the first is over', () => call.state === 'ended')
  await world.until('bob was called and it is over', () => rung?.state === 'ended')
  const other = await callTo(world, '1002')
  assert.equal(other.doc['hangup_reason'], 'normal')
  assert.equal(other.doc['master_call_id'], NIL_UUID)
  const texts = told(world, 'activeflow_updated').map((data) => data['current_action'] as JsonObject)
  assert.ok(texts.some(({ type }) => type === 'talk'))
  await allIsOver(world)
})

test('a language may come from a variable', async () => {
  const { world, call } = await called('language', [
    { type: 'answer' },
    { type: 'variable_set', option: { key: 'customer_language', value: 'en-US' } },
    { type: 'transcribe_start', option: { language: '${customer_language}', direction: 'in', on_end_flow_id: id(31) } },
    { type: 'sleep', option: { duration: 5_000 } },
    { type: 'transcribe_stop' },
    { type: 'sleep', option: { duration: 1_000 } },
  ])
  await flow(world, '+15550131', id(31), [
    {
      type: 'webhook_send',
      option: {
        uri: 'http://agent/ended',
        data: '${voipbin.transcribe.id} ${voipbin.transcribe.language}',
        sync: true,
      },
    },
  ])
  await world.until('answered', () => call.state === 'answered')
  await world.run(500)
  await speak(world, call, 'opening hours', [])
  await world.until('it is over', () => call.state === 'ended')
  await world.run(500)
  const [transcribe] = told(world, 'transcribe_done')
  assert.deepEqual([transcribe!['language'], transcribe!['status_reason']], ['en-US', 'stopped'])
  assert.equal(told(world, 'transcript_created')[0]!['message'], 'opening hours')
  assert.deepEqual(
    world.asked.map(({ body }) => body),
    [`${transcribe!['id']} en-US`],
    'on_end_flow_id ran',
  )
  await allIsOver(world)
})

test('on_complete_flow_id runs when the flow is over, with its variables, and the chain has an end', async () => {
  const { world, call } = await called(
    'on complete',
    [{ type: 'answer' }, { type: 'variable_set', option: { key: 'n', value: 'x' } }],
    { onCompleteFlowId: id(40) },
  )
  await world.number(
    '+15550140',
    actionsOf(world, [
      { type: 'talk', option: { text: 'nobody is there' } },
      { type: 'variable_set', option: { key: 'n', value: '${n}x' } },
      {
        type: 'webhook_send',
        option: { uri: 'http://agent/after', data: '${n} ${voipbin.call.direction}', sync: true },
      },
    ]),
    { id: id(40), onCompleteFlowId: id(40) },
  )
  await world.until('it is over', () => call.state === 'ended')
  await world.run(3_000)
  assert.deepEqual(
    world.asked.map(({ body }) => body),
    ['xx incoming', 'xxx incoming', 'xxxx incoming', 'xxxxx incoming', 'xxxxxx incoming'],
  )
  const runs = [...(await world.store.find('activeflows', {}, 10))].sort((a, b) => a.tm_create_us - b.tm_create_us)
  assert.equal(runs.length, 6)
  assert.deepEqual(
    runs.slice(1).map(({ doc }) => doc['reference_activeflow_id']),
    runs.slice(0, 5).map((run) => run.id),
  )
  await allIsOver(world)
})

test('a run without a call is started, shown, stopped and told', async () => {
  const world = await World.open({ seed: 'runs' })
  const actions = actionsOf(world, [
    { type: 'talk', option: { text: 'skipped' } },
    { type: 'webhook_send', option: { uri: 'http://agent/a', data: 'hi ${name}', sync: true } },
    { type: 'sleep', option: { duration: 600_000 } },
  ])
  let started: Outcome | null = null
  const variables = { name: 'Ann' }
  const request = { customerId: world.customerId, id: id(50), flowId: NIL_UUID, actions, variables }
  void world.exchange.startRun({ ...request, webhookUri: '', webhookMethod: '' }).then((outcome) => {
    started = outcome
  })
  await world.until('it is answered', () => started !== null)
  const outcome = started! as Outcome
  assert.ok(outcome.ok)
  assert.deepEqual(
    [outcome.doc['id'], outcome.doc['status'], outcome.doc['reference_type']],
    [id(50), 'running', 'api'],
  )
  await world.until('it sleeps', () => executed(world).at(-1) === 'sleep')
  assert.equal(world.asked[0]!.body, 'hi Ann')
  let stopped: Outcome | null = null
  void world.exchange.stopRun(world.customerId, id(50)).then((answer) => {
    stopped = answer
  })
  await world.until('it is stopped', () => stopped !== null)
  const end = stopped! as Outcome
  assert.ok(end.ok && end.doc['status'] === 'ended')
  assert.equal(told(world, 'activeflow_deleted').length, 1)
  await world.close()
  assert.deepEqual(world.runner.census(), { mailboxes: 0, timers: 0, replies: 0 })
})

test('a flow with nothing but a transcription answers, writes down what is said, and stays until hang-up', async () => {
  const { world, call } = await called('no actions', [], {
    transcription: { enabled: true, language: 'en-US', interim_results: false },
  })
  await world.until('answered', () => call.state === 'answered')
  await world.run(500)
  await speak(world, call, 'book a table', [])
  await world.run(60_000)
  assert.equal(call.state, 'answered')
  assert.deepEqual(
    told(world, 'transcript_created').map(({ message }) => message),
    ['book a table'],
  )
  call.hangup()
  await allIsOver(world)
})

test('a flow with nothing at all hangs up', async () => {
  const { world, call } = await called('nothing', [])
  await world.until('it is over', () => call.state === 'ended')
  await allIsOver(world)
})
