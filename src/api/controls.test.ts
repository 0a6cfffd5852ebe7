import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
let call: string
before(async () => {
  world = new World()
  owner = await world.customer('controls')
})
after(() => world.close())
beforeEach(async () => {
  const made = await owner.post('/calls', { destinations: [{ target: '+15559876543' }] })
  call = made.body.calls[0].id
  await world.calls.answer(call)
})

const lastAct = () => {
  const command = world.calls.commands.at(-1)
  return command?.kind === 'act' ? command.action : command
}
const act = (body: unknown) => owner.post(`/calls/${call}/actions`, body)

test('an action is queued, with its options beside its name or apart', async () => {
  const flat = await act({ action: 'talk', text: 'Hello', voice: 'en-US-Neural2-F' })
  assert.deepEqual([flat.status, flat.body], [200, { call_id: call, action: 'talk', status: 'queued' }])
  const wish = { voiceId: '', language: 'en-US', gender: '', voice: 'en-US-Neural2-F' }
  assert.deepEqual(lastAct(), { kind: 'talk', text: 'Hello', wish, interrupt: false })
  const apart = await act({ type: 'talk', option: { text: 'Bye', voice_id: 'rms', gender: 'male', interrupt: true } })
  assert.deepEqual(apart.body, { call_id: call, action: 'talk', status: 'queued' })
  const other = { voiceId: 'rms', language: '', gender: 'male', voice: '' }
  assert.deepEqual(lastAct(), { kind: 'talk', text: 'Bye', wish: other, interrupt: true })
})

test('every action of the table is taken', async () => {
  const address = { type: 'tel', target: '+15559876543', target_name: '', name: '', detail: '' }
  const destinations = [address]
  const flow = (await owner.post('/flows', { name: 'after' })).body.id
  const taken: [unknown, unknown][] = [
    [
      { action: 'play', url: 'https://a.example/x.wav' },
      { kind: 'play', urls: ['https://a.example/x.wav'] },
    ],
    [
      { action: 'play', stream_urls: ['https://a.example/y.wav'] },
      { kind: 'play', urls: ['https://a.example/y.wav'] },
    ],
    [{ action: 'flush' }, { kind: 'flush' }],
    [
      { action: 'hangup', reason: 'busy' },
      { kind: 'hangup', reason: 'busy' },
    ],
    [
      { action: 'digits_send', digits: '12a#', duration: 300, interval: 0 },
      { kind: 'digitsSend', digits: '12A#', durationMs: 300, gapMs: 0 },
    ],
    [
      { action: 'connect', destinations },
      { kind: 'connect', source: null, destinations, anonymous: false },
    ],
    [
      { action: 'message_send', destinations, text: 'Hi' },
      { kind: 'errand', errand: { kind: 'message', source: null, destinations, text: 'Hi' } },
    ],
    [
      { action: 'webhook_send', uri: 'https://a.example/hook', data: { a: 1 } },
      {
        kind: 'errand',
        errand: {
          kind: 'send',
          uri: 'https://a.example/hook',
          method: 'POST',
          contentType: 'application/json',
          body: '{"a":1}',
        },
      },
    ],
    [
      { action: 'transcribe_start', language: 'en', on_end_flow_id: flow, direction: 'in' },
      {
        kind: 'transcribeStart',
        language: 'en-US',
        direction: 'in',
        provider: '',
        onEndFlowId: flow,
        phrases: ['yes please', 'no thank you'],
      },
    ],
    [{ action: 'transcribe_stop' }, { kind: 'transcribeStop' }],
    [{ action: 'hold' }, { kind: 'hold', on: true }],
    [{ action: 'unhold' }, { kind: 'hold', on: false }],
    [{ action: 'mute' }, { kind: 'mute', direction: 'both' }],
    [
      { action: 'mute', direction: 'in' },
      { kind: 'mute', direction: 'in' },
    ],
    [{ action: 'unmute' }, { kind: 'mute', direction: '' }],
  ]
  for (const [body, expected] of taken) {
    const { status } = await act(body)
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(lastAct(), expected)
  }
})

test('a wrong or unknown action is 400 and does nothing; recordings are not in this release', async () => {
  const before_ = world.calls.commands.length
  const wrong = [
    {},
    { action: 'dance' },
    { type: 'dance', option: {} },
    { action: 'talk' },
    { action: 'talk', text: ' ' },
    { action: 'talk', text: 'x'.repeat(5001) },
    { action: 'play' },
    { action: 'play', url: 'nowhere' },
    { action: 'digits_send', digits: '12x' },
    { action: 'digits_send', digits: '1'.repeat(101) },
    { action: 'digits_send', digits: '1', duration: 99 },
    { action: 'connect', destinations: [] },
    { action: 'connect', destinations: [{ type: 'email', target: 'a@b.example' }] },
    { action: 'transcribe_start' },
    { action: 'transcribe_start', language: 'ja-JP' },
    { action: 'talk', text: 'x', language: 'fr-FR' },
  ]
  for (const body of wrong) assert.equal((await act(body)).status, 400, JSON.stringify(body))
  assert.equal((await act({ action: 'recording_start' })).status, 501)
  assert.equal((await act({ action: 'transcribe_start', language: 'en-US', on_end_flow_id: call })).status, 404)
  assert.equal(world.calls.commands.length, before_)
})

test('an unknown call is 404 and an ended one 409, on every control', async () => {
  const controls: [string, unknown][] = [
    ['actions', { action: 'flush' }],
    ['talk', { text: 'x' }],
    ...['hold', 'mute', 'moh', 'silence'].map((name): [string, unknown] => [name, {}]),
  ]
  const unknown = NIL_UUID.replace(/0$/, '1')
  for (const [name, body] of controls) {
    assert.equal((await owner.post(`/calls/${unknown}/${name}`, body)).body.error.reason, 'CALL_NOT_FOUND', name)
  }
  await world.calls.end(call)
  for (const [name, body] of controls) {
    const { status, body: answer } = await owner.post(`/calls/${call}/${name}`, body)
    assert.deepEqual([status, answer.error.reason], [409, 'CALL_ALREADY_HANGUP'], name)
  }
  const recording = await owner.post(`/calls/${call}/recording_start`, {})
  assert.deepEqual([recording.status, recording.body.error.reason], [501, 'NOT_IMPLEMENTED'])
})

test('talk answers the call; a language no engine speaks is refused, one that only the voice names is not', async () => {
  const { body, status } = await owner.post(`/calls/${call}/talk`, { text: 'Hello', gender: 'female', provider: 'gcp' })
  assert.deepEqual([status, body.id], [200, call])
  const wish = { voiceId: '', language: '', gender: 'female', voice: '' }
  assert.deepEqual(lastAct(), { kind: 'talk', text: 'Hello', wish, interrupt: false })
  const japanese = await owner.post(`/calls/${call}/talk`, { text: 'Hello', language: 'ja-JP' })
  assert.equal(japanese.body.error.reason, 'LANGUAGE_NOT_AVAILABLE')
  assert.equal((await owner.post(`/calls/${call}/talk`, { text: 'Hello', voice: 'ja-JP-Neural2-B' })).status, 200)
})

test('hold, mute, music and silence take {} and no body at all, and are undone by DELETE', async () => {
  for (const kind of ['hold', 'moh', 'silence'] as const) {
    assert.equal((await owner.post(`/calls/${call}/${kind}`, {})).body.id, call)
    assert.deepEqual(lastAct(), { kind, on: true })
    assert.equal((await owner.post(`/calls/${call}/${kind}`)).status, 200)
    assert.equal((await owner.delete(`/calls/${call}/${kind}`)).status, 200)
    assert.deepEqual(lastAct(), { kind, on: false })
  }
  assert.equal((await owner.post(`/calls/${call}/mute`)).body.mute_direction, 'both')
  assert.equal((await owner.post(`/calls/${call}/mute`, { direction: 'in' })).body.mute_direction, 'in')
  assert.equal((await owner.post(`/calls/${call}/mute`, { direction: 'up' })).status, 400)
  assert.equal((await owner.delete(`/calls/${call}/mute`)).body.mute_direction, '')
})

test('a transfer names a live call of its own and somebody to reach', async () => {
  const transferee_addresses = [{ type: 'extension', target: '2001' }]
  const wish = { transfer_type: 'blind', transferer_call_id: call, transferee_addresses }
  const { body, status } = await owner.post('/transfers', wish)
  assert.deepEqual([status, body.type, body.transferer_call_id], [200, 'blind', call])
  assert.equal(body.transferee_addresses[0].target, '2001')
  for (const transferer_call_id of ['none', NIL_UUID, owner.id]) {
    const refused = await owner.post('/transfers', { ...wish, transferer_call_id })
    assert.deepEqual([refused.status, refused.body.error.reason], [400, 'INVALID_ARGUMENT'])
  }
  assert.equal((await owner.post('/transfers', { ...wish, transferee_addresses: [{}] })).status, 400)
  assert.equal((await owner.post('/transfers', { ...wish, transfer_type: 'kind' })).status, 400)
  await world.calls.end(call)
  assert.equal((await owner.post('/transfers', wish)).body.error.reason, 'CALL_STATE_INVALID')
})

test('a groupcall is made with its methods, and deleting a live one hangs up and answers with tm_delete', async () => {
  const destinations = [{ target: '+15559876543' }, { target: '+15559876544' }]
  const { body, status } = await owner.post('/groupcalls', { destinations, answer_method: 'hangup_others' })
  assert.deepEqual([status, body.ring_method, body.answer_method], [200, 'ring_all', 'hangup_others'])
  assert.equal(body.call_ids.length, 2)
  const gone = await owner.delete(`/groupcalls/${body.id}`)
  assert.notEqual(gone.body.tm_delete, null)
  assert.equal((await owner.get(`/groupcalls/${body.id}`)).status, 404)
  for (const id of body.call_ids) assert.equal((await owner.get(`/calls/${id}`)).body.status, 'hangup')
  assert.equal((await owner.post('/groupcalls', { destinations: [] })).status, 400)
  assert.equal((await owner.post('/groupcalls', { destinations, flow_id: call })).body.error.reason, 'FLOW_NOT_FOUND')
  const variables = { 'voipbin.x': '1' }
  assert.equal((await owner.post('/groupcalls', { destinations, variables })).body.error.reason, 'INVALID_VARIABLES')
})

test('a run without a call is started, stopped, stopped again, and deleted without a body', async () => {
  const id = '7c0cbe80-6f58-4b29-9d5d-25ca0d93a111'
  const actions = [{ type: 'sleep', id: '', option: { duration: 1000 } }]
  const made = await owner.post('/activeflows', { id, actions, webhook_uri: 'https://a.example/x', flow_id: '' })
  assert.deepEqual([made.status, made.body.id, made.body.status], [200, id, 'running'])
  assert.equal((await owner.post('/activeflows', { id })).body.error.reason, 'STATE_INVALID')
  const stranger = await world.customer('stranger')
  const theirs = await stranger.post('/activeflows', { id })
  assert.deepEqual([theirs.status, theirs.body.id === id], [200, false])
  for (let again = 0; again < 2; again++) {
    assert.equal((await owner.post(`/activeflows/${id}/stop`)).body.status, 'ended')
  }
  const gone = await owner.delete(`/activeflows/${id}`)
  assert.deepEqual([gone.status, gone.body], [204, ''])
  assert.equal((await owner.delete(`/activeflows/${id}`)).status, 404)
  assert.equal((await owner.post('/activeflows', { flow_id: call })).body.error.reason, 'FLOW_NOT_FOUND')
})

test('a run that waits at a block goes on, once; one that does not, and one that has ended, are refused', async () => {
  const id = '7c0cbe80-6f58-4b29-9d5d-25ca0d93a112'
  await owner.post('/activeflows', { id, actions: [{ type: 'block' }] })
  const stranger = await world.customer('another stranger')
  assert.equal((await stranger.post(`/activeflows/${id}/continue`)).status, 404)
  const on = await owner.post(`/activeflows/${id}/continue`)
  assert.deepEqual([on.status, on.body.id], [200, id])
  const refused = async () => {
    const { status, body } = await owner.post(`/activeflows/${id}/continue`)
    return [status, body.error.reason]
  }
  assert.deepEqual(await refused(), [409, 'STATE_INVALID'])
  await owner.post(`/activeflows/${id}/stop`)
  assert.deepEqual(await refused(), [409, 'STATE_INVALID'])
})
