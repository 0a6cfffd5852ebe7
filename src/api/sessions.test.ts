import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rowOf } from '../contract/row.ts'
import { NIL_UUID, transcriptOffset } from '../kernel/ids.ts'
import { newUuid } from './secrets.ts'
import { type Asker, World } from './test-world.ts'

let world: World
let owner: Asker
let other: Asker
before(async () => {
  world = new World()
  owner = await world.customer('sessions')
  other = await world.customer('other')
})
after(() => world.close())

/** An answered call of 003: nil flow, no actions. */
async function liveCall(asker = owner): Promise<string> {
  const { body } = await asker.post('/calls', {
    source: { type: 'tel', target: '+15551234567' },
    destinations: [{ type: 'tel', target: '+15559876543' }],
    flow_id: NIL_UUID,
  })
  await world.calls.answer(body.groupcalls[0].call_ids[0])
  return body.groupcalls[0].call_ids[0]
}

const speakingOn = (id: string, more = {}) =>
  owner.post('/speakings', {
    reference_type: 'call',
    reference_id: id,
    language: 'en-US',
    provider: 'elevenlabs',
    direction: 'both',
    ...more,
  })
const transcribeOn = (id: string, more = {}) =>
  owner.post('/transcribes', {
    reference_type: 'call',
    reference_id: id,
    language: 'en-US',
    direction: 'both',
    ...more,
  })

test('the call of 002: a phone by name, three actions, and both arrays filled', async () => {
  const { status, body } = await owner.post('/calls', {
    source: { type: 'tel', target: '<your-source-number>'.replace(/\W/g, '') },
    destinations: [{ type: 'extension', target_name: 'quickstart-phone' }],
    actions: [
      { type: 'transcribe_start', option: { language: 'en-US' } },
      { type: 'talk', option: { text: 'Hello.', gender: 'female', language: 'en-US' } },
      { type: 'sleep', option: { duration: 600000 } },
    ],
  })
  assert.equal(status, 200)
  assert.deepEqual([body.calls[0].status, body.calls[0].direction], ['dialing', 'outgoing'])
  assert.deepEqual(body.groupcalls[0].call_ids, [body.calls[0].id])
  const asked = world.calls.originated.at(-1)!
  assert.deepEqual(
    asked.actions.map((action) => action.type),
    ['transcribe_start', 'talk', 'sleep'],
  )
  assert.deepEqual(asked.destinations[0], {
    type: 'extension',
    target: '',
    target_name: 'quickstart-phone',
    name: '',
    detail: '',
  })
  assert.equal(asked.flowId, NIL_UUID)
})

test('a flow_id wins over actions and brings its own', async () => {
  const flow = (await owner.post('/flows', { name: 'f', actions: [{ type: 'answer' }] })).body
  await owner.post('/calls', {
    destinations: [{ target: '+15559876543' }],
    flow_id: flow.id,
    actions: [{ type: 'nonsense' }],
  })
  const asked = world.calls.originated.at(-1)!
  assert.deepEqual([asked.flowId, asked.actions], [flow.id, flow.actions])
})

test('address types are guessed as the contract says', async () => {
  const targets = ['+15559876543', '5559876543', 'alice@example.com', 'sip:bob', '100', 'alice']
  await owner.post('/calls', { destinations: targets.map((target) => ({ target })) })
  const types = world.calls.originated.at(-1)!.destinations.map((address) => address.type)
  assert.deepEqual(types, ['tel', 'tel', 'sip', 'sip', 'extension', 'extension'])
})

test('a call that cannot be is refused before it is made', async () => {
  const before_ = world.calls.originated.length
  const destinations = [{ type: 'tel', target: '+15559876543' }]
  const refusals: [unknown, number, string][] = [
    [{}, 400, 'INVALID_ARGUMENT'],
    [{ destinations: [] }, 400, 'INVALID_ARGUMENT'],
    [{ destinations: [{ type: 'pigeon', target: 'x' }] }, 400, 'INVALID_ARGUMENT'],
    [{ destinations: [{ type: 'email', target: 'a@b.c' }] }, 400, 'INVALID_ARGUMENT'],
    [{ destinations: [{ type: 'tel', target: '+0' }] }, 400, 'INVALID_ARGUMENT'],
    [{ destinations: [{ type: 'tel' }] }, 400, 'INVALID_ARGUMENT'],
    [{ destinations: [{ type: 'sip', target: 'sip:a@b\r\nX: y' }] }, 400, 'INVALID_ARGUMENT'],
    [{ destinations, flow_id: 'x' }, 400, 'INVALID_ARGUMENT'],
    [{ destinations, flow_id: owner.id }, 404, 'FLOW_NOT_FOUND'],
    [{ destinations, variables: { 'voipbin.call.id': 'x' } }, 400, 'INVALID_VARIABLES'],
    [{ destinations, variables: { a: 1 } }, 400, 'INVALID_VARIABLES'],
    [{ destinations, variables: { a: 'x'.repeat(32_769) } }, 400, 'INVALID_VARIABLES'],
    [{ destinations, actions: [{ type: 'nonsense' }] }, 400, 'INVALID_ARGUMENT'],
    [{ destinations, anonymous: 'perhaps' }, 400, 'INVALID_ARGUMENT'],
  ]
  for (const [request, status, reason] of refusals) {
    const { status: got, body } = await owner.post('/calls', request)
    assert.deepEqual([got, body.error?.reason], [status, reason], JSON.stringify(request).slice(0, 80))
  }
  assert.equal(world.calls.originated.length, before_)
})

test('hang-up ends a live call, and an ended one is 409; DELETE hangs up first, then it is gone', async () => {
  const call = await liveCall()
  assert.equal((await owner.post(`/calls/${call}/hangup`)).body.status, 'hangup')
  const again = await owner.post(`/calls/${call}/hangup`)
  assert.deepEqual([again.status, again.body.error.reason], [409, 'CALL_ALREADY_HANGUP'])
  assert.equal((await owner.get(`/calls/${call}`)).body.status, 'hangup')
  assert.notEqual((await owner.delete(`/calls/${call}`)).body.tm_delete, null)
  assert.equal((await owner.get(`/calls/${call}`)).status, 404)
  const live = await liveCall()
  assert.notEqual((await owner.delete(`/calls/${live}`)).body.tm_delete, null)
  assert.equal((await owner.post(`/calls/${live}/hangup`)).status, 404)
})

test('the turns of a call are asked while it lives and read from its record afterwards', async () => {
  const call = await liveCall()
  assert.deepEqual((await owner.get(`/calls/${call}/turns`)).body.flushes, [{ asked_ms: 5, silent_ms: 21.5 }])
  await world.calls.end(call)
  assert.deepEqual((await owner.get(`/calls/${call}/turns`)).body, { result: [], flushes: [] })
})

test('the session of 003: transcribe 200, speaking 201, say, flush, and stops after the call are 200', async () => {
  const call = await liveCall()
  const transcribe = await transcribeOn(call)
  assert.deepEqual([transcribe.status, transcribe.body.status], [200, 'progressing'])
  const speaking = await speakingOn(call)
  assert.deepEqual([speaking.status, speaking.body.status, speaking.body.provider], [201, 'initiating', 'elevenlabs'])
  assert.equal(speaking.body.pod_id, '')
  const say = await owner.post(`/speakings/${speaking.body.id}/say`, { text: 'Hello, how can I help you today?' })
  assert.deepEqual([say.status, say.body.status], [200, 'active'])
  assert.equal((await owner.post(`/speakings/${speaking.body.id}/flush`)).status, 200)
  await world.calls.end(call)
  for (const path of [`/transcribes/${transcribe.body.id}/stop`, `/speakings/${speaking.body.id}/stop`]) {
    assert.equal((await owner.post(path)).status, 200)
    assert.equal((await owner.post(path)).status, 200)
  }
  assert.equal((await owner.get(`/transcribes/${transcribe.body.id}`)).body.status, 'done')
  for (const [path, body] of [
    ['say', { text: 'x' }],
    ['flush', undefined],
  ] as const) {
    const late = await owner.post(`/speakings/${speaking.body.id}/${path}`, body)
    assert.deepEqual([late.status, late.body.error.reason], [400, 'SPEAKING_STATE_INVALID'])
  }
})

test('say takes 1 to 5000 characters, counted as people count them', async () => {
  const { id } = (await speakingOn(await liveCall())).body
  const say = async (text: unknown) => (await owner.post(`/speakings/${id}/say`, { text })).status
  assert.equal(await say('x'.repeat(5000)), 200)
  assert.equal(await say('x'.repeat(5001)), 400)
  assert.equal(await say('😀'.repeat(5000)), 200)
  assert.equal(await say('안'.repeat(5001)), 400)
  for (const bad of ['', ' \n', null, 7, undefined]) assert.equal(await say(bad), 400)
})

test('a session needs a progressing call; a wrong reference is one and the same 400', async () => {
  const ringing = (await owner.post('/calls', { destinations: [{ target: '+15559876543' }] })).body.calls[0].id
  const ended = await liveCall()
  await world.calls.end(ended)
  const foreign = await liveCall(other)
  for (const open of [speakingOn, transcribeOn]) {
    for (const id of [ringing, ended]) {
      const { status, body } = await open(id)
      assert.deepEqual([status, body.error.reason], [400, 'CALL_STATE_INVALID'])
    }
    const answers = []
    for (const id of [foreign, newUuid(world.randomBytes), 'r1s2t3u4']) answers.push(await open(id))
    for (const reference_type of ['confbridge', 'conference']) answers.push(await open(ringing, { reference_type }))
    for (const { status, body } of answers) {
      assert.deepEqual([status, body.error.reason, body.message], [400, 'INVALID_ARGUMENT', answers[0]?.body.message])
    }
    assert.equal((await open(ringing, { reference_type: 'letter' })).status, 400)
  }
})

test('a second transcription of the same language is 409 with the first one’s id where 003 reads it', async () => {
  const call = await liveCall()
  const first = (await transcribeOn(call)).body
  const { status, body } = await transcribeOn(call)
  assert.deepEqual([status, body.error.reason], [409, 'TRANSCRIBE_ALREADY_PROGRESSING'])
  assert.equal(body.id, first.id)
  assert.deepEqual(body.error.details, [{ id: first.id }])
})

test('languages of sessions: usual form, availability, and a tag that is none', async () => {
  const call = await liveCall()
  assert.equal((await transcribeOn(call, { language: 'en' })).body.language, 'en-US')
  assert.equal((await transcribeOn(call, { language: 'ja-JP' })).body.error.reason, 'LANGUAGE_NOT_AVAILABLE')
  assert.equal((await transcribeOn(call, { language: 'nonsense' })).body.error.reason, 'INVALID_ARGUMENT')
  assert.equal((await transcribeOn(call, { language: '' })).status, 400)
  const plain = await owner.post('/speakings', { reference_type: 'call', reference_id: call })
  assert.deepEqual([plain.body.language, plain.body.provider, plain.body.direction], ['en-US', 'flite', ''])
  assert.equal((await speakingOn(call, { direction: 'up' })).status, 400)
  assert.equal((await speakingOn(call, { language: 'fr-FR' })).body.error.reason, 'LANGUAGE_NOT_AVAILABLE')
})

test('phrases reach the call when given, and the server’s own when not', async () => {
  const call = await liveCall()
  const { id } = (await transcribeOn(call, { phrases: ['opening hours', ' help '] })).body
  const started = world.calls.commands.at(-1)!
  assert.deepEqual('phrases' in started && started.phrases, ['opening hours', 'help'])
  await owner.put(`/transcribes/${id}`, { phrases: ['goodbye'] })
  assert.deepEqual(world.calls.commands.at(-1), { kind: 'setPhrases', transcribeId: id, phrases: ['goodbye'] })
  await owner.put(`/transcribes/${id}`, { phrases: null })
  const reset = world.calls.commands.at(-1)!
  assert.deepEqual('phrases' in reset && reset.phrases, ['yes please', 'no thank you'])
  assert.equal((await owner.put(`/transcribes/${id}`, { phrases: ['', 'x'] })).status, 400)
})

test('transcribes are filtered by a whole reference or by none', async () => {
  const call = await liveCall()
  const { id } = (await transcribeOn(call)).body
  const filtered = await owner.get(`/transcribes?reference_type=call&reference_id=${call}`)
  assert.deepEqual(
    filtered.body.result.map((one: { id: string }) => one.id),
    [id],
  )
  for (const query of ['reference_type=call', `reference_id=${call}`]) {
    assert.equal((await owner.get(`/transcribes?${query}`)).body.error.reason, 'INVALID_REFERENCE_FILTER')
  }
})

test('transcripts are listed newest first, and go with their transcribe, one event each', async () => {
  const call = await liveCall()
  const { id } = (await transcribeOn(call)).body
  for (const [count, direction] of ['in', 'out', 'in'].entries()) {
    const doc = {
      id: newUuid(world.randomBytes),
      customer_id: owner.id,
      transcribe_id: id,
      direction,
      message: `words ${count}`,
      tm_transcript: transcriptOffset(8_991_840 + count),
      tm_create: world.time(),
    }
    await world.store.commit({ rows: [rowOf('transcripts', doc, {}, { transcribe_id: id, direction })] })
  }
  const { body } = await owner.get(`/transcripts?transcribe_id=${id}`)
  assert.deepEqual(
    body.result.map((one: { message: string }) => one.message),
    ['words 2', 'words 1', 'words 0'],
  )
  assert.equal(body.result[2].tm_transcript, '0001-01-01 00:00:08.991840')
  assert.equal((await owner.get('/transcripts')).body.error.reason, 'MISSING_REQUEST_PARAMETER')
  assert.equal((await other.get(`/transcripts?transcribe_id=${id}`)).status, 404)
  assert.equal((await owner.delete(`/transcripts/${body.result[0].id}`)).body.message, 'words 2')
  await world.calls.end(call)
  const removed = await owner.delete(`/transcribes/${id}`)
  assert.notEqual(removed.body.tm_delete, null)
  assert.equal(world.events.filter((event) => event.type === 'transcript_deleted').length, 3)
  assert.equal((await owner.get(`/transcribes/${id}`)).status, 404)
  assert.equal((await owner.get(`/transcripts?transcribe_id=${id}`)).status, 404)
  assert.equal((await owner.post(`/transcribes/${id}/stop`)).status, 404)
})

test('a deleted session is unknown, while its call lives and afterwards', async () => {
  const call = await liveCall()
  const { id } = (await speakingOn(call)).body
  assert.notEqual((await owner.delete(`/speakings/${id}`)).body.tm_delete, null)
  for (const [path, body] of [
    ['say', { text: 'x' }],
    ['flush', undefined],
    ['stop', undefined],
  ] as const) {
    assert.equal((await owner.post(`/speakings/${id}/${path}`, body)).status, 404, path)
  }
  await world.calls.end(call)
  const later = (await speakingOn(await liveCall())).body.id
  for (const callId of world.calls.live.keys()) await world.calls.end(callId)
  assert.notEqual((await owner.delete(`/speakings/${later}`)).body.tm_delete, null)
  assert.equal((await owner.delete(`/speakings/${later}`)).status, 404)
})

test('a groupcall hangs up all its calls, once, and may then be deleted', async () => {
  const { body } = await owner.post('/calls', {
    destinations: [{ target: '+15559876543' }, { target: '+15559876544' }],
  })
  const path = `/groupcalls/${body.groupcalls[0].id}`
  assert.equal((await owner.get(path)).body.call_count, 2)
  assert.equal((await owner.post(`${path}/hangup`)).body.status, 'hangup')
  for (const call of body.calls) assert.equal((await owner.get(`/calls/${call.id}`)).body.status, 'hangup')
  assert.equal((await owner.post(`${path}/hangup`)).status, 200)
  assert.notEqual((await owner.delete(path)).body.tm_delete, null)
  assert.equal((await owner.get(path)).status, 404)
})
