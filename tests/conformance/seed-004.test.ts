/** Acceptance checks of document 004: transcription by flow and by request, and its texts. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { pause, until } from '../e2e/until.ts'
import type { Client, Doc, EventSocket } from './client.ts'
import { commandsOf, send } from './curl.ts'
import { House, plain } from './house.ts'
import type { Line } from './phones.ts'
import type { Receiver } from './receiver.ts'
import { stepsOf } from './steps.ts'

const NUMBER = '+899300400'
const SOURCE = '+15551234567'
const DESTINATION = '+15559876543'
const CALL_SAMPLE = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890'
const TRANSCRIBE_SAMPLE = '8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce'
const TALK = 'This call is being transcribed for quality assurance'
const SENTENCE = 'hi good to see you how are you today'
/** Long enough for a second copy to arrive, had one been sent. */
const AFTERWARDS_MS = 1_000
const [CALL, TRANSCRIBE, OF_ROOM, OF_RECORDING, GET_ONE, GET_TEXTS, PUT_CUSTOMER] = commandsOf('004') as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]

let house: House
let client: Client
let receiver: Receiver
let events: EventSocket

before(async () => {
  house = await House.open({ rtpPorts: '30400-30478', lines: [SENTENCE] })
  client = await house.customer('transcriber')
  receiver = await house.receiver()
  await client.must('PUT', '/customer', { webhook_uri: receiver.url(), webhook_method: 'POST' })
  await client.number(SOURCE, [{ type: 'answer' }])
  await client.number(DESTINATION, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
  await client.number(NUMBER, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
  events = await house.events(client)
})

after(() => house?.close())

function run(command: string, ids: Readonly<Record<string, string>> = {}): ReturnType<typeof send> {
  return send(command, house.origin, { '<YOUR_AUTH_TOKEN>': client.token, ...ids })
}

async function phoneIn(user: string): Promise<{ line: Line; callId: string }> {
  const line = await (await house.phone({ user })).call(NUMBER)
  const { id } = await events.event('call_progressing', ({ source }) => source.target === user)
  return { line, callId: id }
}

test('S4 S1 check 7: the body of PUT /customer in 004 changes the two fields and nothing else', async () => {
  const before = await client.must('GET', '/customer')
  const { status } = await run(PUT_CUSTOMER, { 'https://your-server.com/voipbin/webhook': receiver.url() })
  assert.equal(status, 200)
  const { name, email, webhook_uri, webhook_method } = await client.must('GET', '/customer')
  assert.deepEqual([name, email], [before.name, before.email])
  assert.deepEqual([webhook_uri, webhook_method], [receiver.url(), 'POST'])
})

test('S4 check 26: a call that answers, transcribes and talks ends by itself after the talk', {
  timeout: 60_000,
}, async () => {
  const { status, body } = await run(CALL)
  assert.equal(status, 200, JSON.stringify(body))
  const callId = body.calls[0].id
  const ended = await events.event('call_hangup', ({ id }) => id === callId)
  assert.deepEqual([ended.hangup_by, ended.hangup_reason], ['local', 'normal'])
  const done = await events.event('transcribe_done', ({ reference_id }) => reference_id === callId)
  const spoken = await events.event('transcript_created', (data) => data.transcribe_id === done.id)
  assert.deepEqual([spoken.direction, spoken.message], ['out', TALK])
})

test('S4 check 26: the same to a phone, which hears the whole talk before the call ends', {
  timeout: 60_000,
}, async () => {
  const phone = await house.extension(client, 'listener', { autoAnswer: true })
  const actions = [
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: 'en-US' } },
    { type: 'talk', option: { text: TALK, language: 'en-US' } },
  ]
  await client.must('POST', '/calls', { destinations: [{ type: 'extension', target: 'listener' }], actions })
  const line = await phone.rings()
  await until('the call ends by itself', () => line.end !== null)
  assert.equal(line.end!.cause, 'remote')
  assert.ok(line.voicedMs() > 2_000, `${line.voicedMs()} ms heard`)
})

test('transcripts of one call', { timeout: 60_000 }, async (t) => {
  const step = stepsOf(t)
  const { customerId } = client
  const two = await house.events(client, 'transcript:', 'transcribe:')
  const { line, callId } = await phoneIn('speaker')
  let id = ''

  await step('S4 check 27: a transcribe of a call; of a room or a recording that is not there it is 400', async () => {
    const { status, body } = await run(TRANSCRIBE, { [CALL_SAMPLE]: callId })
    assert.deepEqual([status, body.status, body.reference_type, body.tm_delete], [200, 'progressing', 'call', null])
    assert.equal(body.tm_update, body.tm_create)
    id = body.id
    for (const command of [OF_ROOM, OF_RECORDING]) {
      const answer = await run(command)
      assert.deepEqual([answer.status, answer.body.error.reason], [400, 'INVALID_ARGUMENT'])
    }
    const again = await run(TRANSCRIBE, { [CALL_SAMPLE]: callId })
    assert.deepEqual([again.status, again.body.id], [409, id], 'whatever comes back has the id')
  })

  await step('S4 check 28: GET /transcripts is newest first, with tm_transcript as 004 prints it', async () => {
    await client.must('POST', `/calls/${callId}/talk`, { text: TALK, language: 'en-US' })
    await events.event(
      'transcript_created',
      ({ direction, transcribe_id }) => direction === 'out' && transcribe_id === id,
    )
    await line.quiet()
    await line.speak(house.line(SENTENCE))
    await events.event(
      'transcript_created',
      ({ direction, transcribe_id }) => direction === 'in' && transcribe_id === id,
    )
    const { status, body } = await run(GET_TEXTS, { [TRANSCRIBE_SAMPLE]: id })
    assert.equal(status, 200)
    assert.deepEqual(
      body.result.map(({ direction, message }: Doc) => [direction, plain(message)]),
      [
        ['in', SENTENCE],
        ['out', plain(TALK)],
      ],
    )
    const offsets = body.result.map(({ tm_transcript }: Doc) => tm_transcript)
    for (const offset of offsets) assert.match(offset, /^0001-01-01 00:\d\d:\d\d\.\d{6}$/)
    assert.ok(offsets[0] > offsets[1])
  })

  await step("S4 check 29: 004's two topics get each line once", async () => {
    await pause(AFTERWARDS_MS)
    assert.deepEqual(
      two.of('transcript_created').map(({ direction }) => direction),
      ['out', 'in'],
    )
    assert.equal(two.of('transcribe_created').length, 1)
    assert.ok(two.frames.every(({ topic }) => topic.startsWith(`customer_id:${customerId}:transcri`)))
  })

  await step('S4 check 30: after the hang-up the transcribe is done, and all texts can still be read', async () => {
    const texts = await run(GET_TEXTS, { [TRANSCRIBE_SAMPLE]: id })
    await line.hangup()
    await events.event('transcribe_done', (data) => data.id === id)
    const one = await run(GET_ONE, { [TRANSCRIBE_SAMPLE]: id })
    assert.deepEqual([one.status, one.body.status], [200, 'done'])
    assert.deepEqual((await run(GET_TEXTS, { [TRANSCRIBE_SAMPLE]: id })).body, texts.body)
    const order = two.frames.map(({ type }) => type)
    assert.ok(order.lastIndexOf('transcript_created') < order.indexOf('transcribe_done'))
  })

  await step('the six events of the table in 004 come by webhook, with the two-field envelope', async () => {
    await client.must('DELETE', `/transcribes/${id}`)
    for (const type of ['created', 'progressing', 'done', 'deleted'])
      await receiver.delivered(`transcribe_${type}`, ({ body }) => body.data.id === id)
    for (const type of ['transcript_created', 'transcript_deleted']) {
      await receiver.delivered(type, ({ body }) => body.data.transcribe_id === id)
      await until(`both ${type}`, () => receiver.of(type, ({ body }) => body.data.transcribe_id === id).length === 2)
    }
    const { reason } = await client.refused(404, 'GET', `/transcripts?transcribe_id=${id}`)
    assert.equal(reason, 'TRANSCRIBE_NOT_FOUND')
  })
})

test('S4 check 31: the flow of on_end_flow_id runs when the transcribe ends, and knows which', {
  timeout: 60_000,
}, async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a flow puts its variables in
  const data = '{"id":"${voipbin.transcribe.id}","language":"${voipbin.transcribe.language}"}'
  const uri = receiver.url('/free/ended')
  const flow = await client.must('POST', '/flows', {
    name: 'afterwards',
    actions: [
      { type: 'webhook_send', option: { sync: true, uri, method: 'POST', data_type: 'application/json', data } },
    ],
  })
  const told = (): string[] => receiver.deliveries.filter(({ path }) => path === '/free/ended').map(({ raw }) => raw)
  const { line, callId } = await phoneIn('ends')
  const byRequest = await client.transcribe(callId, { on_end_flow_id: flow.id })
  assert.equal(byRequest.on_end_flow_id, flow.id)
  await client.must('POST', `/transcribes/${byRequest.id}/stop`)
  await until('it runs after a stop', () => told().length === 1)
  const byHangup = await client.transcribe(callId, { on_end_flow_id: flow.id })
  await line.hangup()
  await until('it runs after a hang-up', () => told().length === 2)
  assert.deepEqual(
    told().map((raw) => JSON.parse(raw)),
    [byRequest, byHangup].map(({ id }) => ({ id, language: 'en-US' })),
  )
})

test('S4 check 32: ja-JP is served or refused as LANGUAGE_NOT_AVAILABLE, and what is no language is 400', async () => {
  const languages = await client.must('GET', '/languages')
  const list: Doc[] = Array.isArray(languages) ? languages : languages.result
  const served = list.some(({ language, stt }) => language === 'ja-JP' && stt.length > 0)
  const start = (language: string): object => ({ type: 'transcribe_start', option: { language } })
  const answer = await client.ask('POST', '/flows', { name: 'ja', actions: [start('ja-JP')] })
  if (served) assert.equal(answer.status, 200)
  else {
    assert.deepEqual([answer.status, answer.body.error.reason], [400, 'LANGUAGE_NOT_AVAILABLE'])
    assert.match(JSON.stringify(answer.body.error.details), /en-US/, 'says what there is')
  }
  for (const language of ['klingon', 'en_US!', '12'])
    assert.equal(
      (await client.ask('POST', '/flows', { name: 'none', actions: [start(language)] })).status,
      400,
      language,
    )
  assert.equal(
    (await client.ask('POST', '/flows', { name: 'none', actions: [{ type: 'transcribe_start' }] })).status,
    400,
  )
})

test('S4 check 36: transcribe_start takes its language from a variable', { timeout: 60_000 }, async () => {
  const phone = await house.extension(client, 'variable', { autoAnswer: true })
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a flow puts its variables in
  const language = '${customer_language}'
  const { calls } = await client.must('POST', '/calls', {
    destinations: [{ type: 'extension', target: 'variable' }],
    actions: [
      { type: 'transcribe_start', option: { language } },
      { type: 'sleep', option: { duration: 600_000 } },
    ],
    variables: { customer_language: 'en-GB' },
  })
  const line = await phone.rings()
  const transcribe = await events.event('transcribe_created', ({ reference_id }) => reference_id === calls[0].id)
  assert.equal(transcribe.language, 'en-GB')
  await line.speak(house.line(SENTENCE))
  const { message } = await events.event('transcript_created', ({ transcribe_id }) => transcribe_id === transcribe.id)
  assert.equal(plain(message), SENTENCE)
  await line.hangup()
})
