/** Acceptance checks of document 003: an outgoing call driven by its sessions alone. Its program runs in tests/interop. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { pause, until } from '../e2e/until.ts'
import type { Client, Doc } from './client.ts'
import { commandsOf, send } from './curl.ts'
import { House, plain } from './house.ts'

const SENTENCE = 'i need help with my account balance'
/** As the document has them. */
const SOURCE = '+15551234567'
const DESTINATION = '+15559876543'
const CALL_SAMPLE = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890'
const SPEAKING_SAMPLE = 'b2c3d4e5-f6a7-8901-bcde-f12345678901'
const NIL_UUID = '00000000-0000-0000-0000-000000000000'
/** A call with nothing to do would be hung up at once. */
const STAYS_MS = 1_500
const [CALL, TRANSCRIBE, SPEAKING, SAY] = commandsOf('003') as [string, string, string, string]

let house: House
let client: Client

before(async () => {
  house = await House.open({ rtpPorts: '30300-30378', lines: [SENTENCE] })
  client = await house.customer('tutorial')
  await client.number(SOURCE, [{ type: 'answer' }])
  await client.number(DESTINATION, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(() => house?.close())

function run(command: string, ids: Readonly<Record<string, string>> = {}): ReturnType<typeof send> {
  return send(command, house.origin, { '<YOUR_AUTH_TOKEN>': client.token, ...ids })
}

async function statusBecomes(path: string, status: string): Promise<Doc> {
  let doc: Doc
  await until(`${path} is ${status}`, async () => {
    doc = await client.must('GET', path)
    return doc.status === status
  })
  return doc
}

test('S3 check 23: a call to a tel number without a flow: groupcalls[0].call_ids[0] is its id, and it stays up', {
  timeout: 60_000,
}, async () => {
  const { status, body } = await run(CALL)
  assert.equal(status, 200, JSON.stringify(body))
  const [groupcall] = body.groupcalls
  const callId = groupcall.call_ids[0]
  assert.deepEqual([groupcall.status, groupcall.destinations.length], ['progressing', 1])
  assert.deepEqual(
    body.calls.map(({ id, groupcall_id }: Doc) => [id, groupcall_id]),
    [[callId, groupcall.id]],
  )
  assert.equal(body.calls[0].flow_id, NIL_UUID)
  await statusBecomes(`/calls/${callId}`, 'progressing')
  await pause(STAYS_MS)
  await statusBecomes(`/calls/${callId}`, 'progressing')

  const transcribe = await run(TRANSCRIBE, { [CALL_SAMPLE]: callId })
  assert.deepEqual([transcribe.status, transcribe.body.status], [200, 'progressing'])
  const speaking = await run(SPEAKING, { [CALL_SAMPLE]: callId })
  assert.deepEqual([speaking.status, speaking.body.status], [201, 'initiating'])
  assert.equal(speaking.body.voice_id, '21m00Tcm4TlvDq8ikWAM')
  const said = await run(SAY, { [SPEAKING_SAMPLE]: speaking.body.id })
  assert.deepEqual([said.status, said.body.status], [200, 'active'])
  await until('the greeting is an out transcript', async () => {
    const { result } = await client.must('GET', `/transcripts?transcribe_id=${transcribe.body.id}`)
    return result[0]?.message === 'Hello, thank you for calling. How can I help you today?'
  })
  await client.must('POST', `/calls/${callId}/hangup`)
  const ended = await statusBecomes(`/calls/${callId}`, 'hangup')
  assert.deepEqual([ended.hangup_by, ended.hangup_reason], ['local', 'normal'])
  await statusBecomes(`/groupcalls/${groupcall.id}`, 'hangup')
})

test('S3 check 25: a transcribe before the answer is 400', { timeout: 30_000 }, async () => {
  const phone = await house.extension(client, 'early')
  const { calls } = await client.must('POST', '/calls', { destinations: [{ type: 'extension', target: 'early' }] })
  const line = await phone.rings()
  const { body, status } = await run(TRANSCRIBE, { [CALL_SAMPLE]: calls[0].id })
  assert.deepEqual([status, body.error.reason], [400, 'CALL_STATE_INVALID'])
  line.call.answer()
  await statusBecomes(`/calls/${calls[0].id}`, 'progressing')
  assert.equal((await run(TRANSCRIBE, { [CALL_SAMPLE]: calls[0].id })).status, 200)
  await line.hangup()
})

test('S3 check 35: the whole conversation by polling alone, without any webhook or socket', {
  timeout: 60_000,
}, async () => {
  const phone = await house.extension(client, 'polled', { autoAnswer: true })
  const { groupcalls } = await client.must('POST', '/calls', {
    source: { type: 'tel', target: SOURCE },
    destinations: [{ type: 'extension', target: 'polled' }],
    flow_id: NIL_UUID,
  })
  const callId = groupcalls[0].call_ids[0]
  await statusBecomes(`/calls/${callId}`, 'progressing')
  const line = await phone.rings()
  const transcribe = await client.transcribe(callId, { direction: 'both' })
  const { id } = await client.speaking(callId, { provider: 'elevenlabs', direction: 'both' })
  await statusBecomes(`/speakings/${id}`, 'active')
  await client.say(id, 'Hello, how can I help you today?')
  await line.hears(1_000)

  await line.speak(house.line(SENTENCE))
  const heard = async (direction: string): Promise<string[]> => {
    const { result } = await client.must('GET', `/transcripts?transcribe_id=${transcribe.id}`)
    return result.filter((one: Doc) => one.direction === direction).map(({ message }: Doc) => message)
  }
  await until('what was said', async () => (await heard('in')).length > 0)
  const [sentence] = await heard('in')
  assert.equal(plain(sentence!), SENTENCE)
  await client.must('POST', `/speakings/${id}/flush`)
  const before = line.voicedMs()
  await client.say(id, `I understand you said: ${sentence}. Let me help you with that.`)
  await until('the reply is heard', () => line.voicedMs() > before + 1_000)

  await line.hangup()
  await statusBecomes(`/calls/${callId}`, 'hangup')
  assert.equal((await client.must('POST', `/transcribes/${transcribe.id}/stop`)).status, 'done')
  assert.equal((await client.must('POST', `/speakings/${id}/stop`)).status, 'stopped')
  const out = await heard('out')
  assert.ok(out.includes('Hello, how can I help you today?'), out.join('|'))
  assert.ok(out[0]!.startsWith('I understand'), 'newest first; what was cut holds what was heard')
})
