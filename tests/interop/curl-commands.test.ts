/** The curl commands of documents 003 and 004, run by curl as they are written but for host, token and sample ids. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { transcriptsOf } from './calls.ts'
import { curl, curlCommands } from './curl.ts'
import { HERE, lacking } from './tools.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

/** As the documents have them. */
const SOURCE = '+15551234567'
const DESTINATION = '+15559876543'
const CALL = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890'
const SPEAKING = 'b2c3d4e5-f6a7-8901-bcde-f12345678901'
const TRANSCRIBE = '8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce'
const GREETING = 'Hello, thank you for calling. How can I help you today?'
const NOTICE = 'This call is being transcribed for quality assurance'

const skip = lacking('bash', 'curl')
let world: World

before(async () => {
  if (skip) return
  world = await openWorld({ rtpPorts: '26700-26798' })
  await world.number(SOURCE, [{ type: 'answer' }])
  await world.number(DESTINATION, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(() => world?.close())

function run(command: string, ids: Readonly<Record<string, string>> = {}): ReturnType<typeof curl> {
  return curl(command, world.httpPort, { '<YOUR_AUTH_TOKEN>': world.token, ...ids })
}

async function ok(command: string, ids: Readonly<Record<string, string>> = {}, status = 200): Promise<Doc> {
  const answer = await run(command, ids)
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  return answer.body
}

test('the commands of 003: call, transcribe, speaking, say', { skip, timeout: 60_000 }, async () => {
  const [call, transcribe, speaking, say] = curlCommands('003') as [string, string, string, string]
  const { groupcalls } = (await ok(call)) as { groupcalls: readonly { call_ids: readonly string[] }[] }
  const callId = groupcalls[0]!.call_ids[0]!
  await world.event('call_progressing', ({ id }) => id === callId)
  assert.equal((await ok(transcribe, { [CALL]: callId }))['status'], 'progressing')
  const session = await ok(speaking, { [CALL]: callId }, 201)
  assert.equal(session['status'], 'initiating')
  assert.equal((await ok(say, { [SPEAKING]: String(session['id']) }))['status'], 'active')
  await until('the greeting as a transcript', () => transcriptsOf(world, callId)('out').includes(GREETING))
  await world.ask('POST', `/calls/${callId}/hangup`)
  await world.event('speaking_stopped', ({ id }) => id === session['id'])
})

test('the commands of 004: a transcribed call, its texts, the webhook', { skip, timeout: 60_000 }, async () => {
  const commands = curlCommands('004') as [string, string, string, string, string, string, string]
  const [call, transcribe, ofRoom, ofRecording, getOne, getTexts, putCustomer] = commands
  const { calls } = (await ok(call)) as { calls: readonly { id: string }[] }
  const callId = calls[0]!.id
  const { id } = await world.event('transcribe_created', ({ reference_id }) => reference_id === callId)
  const ids = { [CALL]: callId, [TRANSCRIBE]: String(id) }
  const again = await run(transcribe, ids)
  assert.deepEqual([again.status, again.body['id']], [409, id])
  // Nothing there to transcribe: rooms and recordings of these ids do not exist.
  for (const command of [ofRoom, ofRecording]) assert.equal((await run(command)).status, 400)
  await world.event('transcribe_done', (data) => data['id'] === id)
  assert.equal((await ok(getOne, ids))['status'], 'done')
  const { result } = (await ok(getTexts, ids)) as { result: readonly Doc[] }
  assert.deepEqual(
    result.map(({ direction, message }) => [direction, message]),
    [['out', NOTICE]],
  )
  assert.match(String(result[0]!['tm_transcript']), /^0001-01-01 00:\d\d:\d\d\.\d{6}$/)
  const url = `http://${HERE}:9/voipbin/webhook`
  const customer = await ok(putCustomer, { 'https://your-server.com/voipbin/webhook': url })
  assert.deepEqual([customer['webhook_uri'], customer['webhook_method']], [url, 'POST'])
})
