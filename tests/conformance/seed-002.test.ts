/** Acceptance checks of document 002: a call to a softphone, transcribed, and spoken into. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signAgentToken } from '../../src/api/jwt.ts'
import { pause, until } from '../e2e/until.ts'
import { askAnyone, Client, type Doc, type EventSocket } from './client.ts'
import { commandsOf, send } from './curl.ts'
import { House, plain } from './house.ts'
import type { Line, TestPhone } from './phones.ts'
import { stepsOf } from './steps.ts'

const SENTENCE = 'hi this is a test of the transcription feature'
const SOURCE = '+899300200'
const UNKNOWN_ID = '3f1e5a9c-6d2b-4c8e-9a7f-0b1c2d3e4f50'
const DAY_US = 86_400_000_000
/** For what must go on although nothing happens. */
const STAYS_MS = 1_000
const [CALL, SPEAKING, SAY] = commandsOf('002') as [string, string, string]

let house: House
/** Signed in as 002's reader is: with a token, not a key. */
let client: Client
let phone: TestPhone
let events: EventSocket

before(async () => {
  house = await House.open({ rtpPorts: '30200-30278', lines: [SENTENCE] })
  const { customerId } = await house.customer('reader')
  const sign = { username: 'reader', password: 'reader secret' }
  const login = await askAnyone(`${house.origin}/auth/login`, 'POST', sign)
  client = new Client(house.origin, login.body.token, customerId)
  await client.number(SOURCE, [{ type: 'answer' }])
  phone = await house.extension(client, 'linphone', { name: 'quickstart-phone' })
  events = await house.events(client, 'call:*', 'transcribe:*')
})

after(() => house?.close())

function run(command: string, ids: Readonly<Record<string, string>> = {}): ReturnType<typeof send> {
  return send(command, house.origin, { '<your-token>': client.token, '<your-source-number>': SOURCE, ...ids })
}

test('the scenario of 002', { timeout: 90_000 }, async (t) => {
  const step = stepsOf(t)
  let callId = ''
  let line: Line
  const transcripts = (direction: string): string[] =>
    events.of('transcript_created', (data) => data.direction === direction).map(({ message }) => message)

  await step('S2 check 14: a call to an extension by target_name rings its phone; calls[0].id is dialing', async () => {
    const { status, body } = await run(CALL)
    assert.equal(status, 200, JSON.stringify(body))
    const [call] = body.calls
    assert.deepEqual([call.status, call.direction, call.source.target], ['dialing', 'outgoing', SOURCE])
    assert.deepEqual([call.destination.type, call.destination.target_name], ['extension', 'quickstart-phone'])
    callId = call.id
    line = await phone.rings()
    await events.event('call_ringing', ({ id }) => id === callId)
    assert.equal((await client.must('GET', `/calls/${callId}`)).status, 'ringing')
  })

  await step('S2 S3 check 19: a speaking on a call that rings is refused with 400', async () => {
    const { reason } = await client.refused(400, 'POST', '/speakings', {
      reference_type: 'call',
      reference_id: callId,
    })
    assert.equal(reason, 'CALL_STATE_INVALID')
  })

  await step('S2 check 15: the talk is heard, and its transcript says whose, what and when', async () => {
    line.call.answer()
    await events.event('call_progressing', ({ id }) => id === callId)
    await line.hears(2_000)
    await until('its transcript', () => transcripts('out').length > 0)
    const frame = events.frames.find(({ event_type }) => event_type === 'transcript_created')!
    assert.match(frame.data.message, /^Hello\. This is the/)
    assert.equal(frame.data.direction, 'out')
    assert.equal(
      frame.topic,
      `customer_id:${client.customerId}:transcribe:${frame.data.transcribe_id}`,
      'as 002 prints it',
    )
    assert.match(frame.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  })

  await step('S2 check 16: what is said into the phone is an in transcript', async () => {
    await until('the greeting ends', () => transcripts('out').join(' ').endsWith('to test the Speaking API.'))
    await line.speak(house.line(SENTENCE))
    await until('its transcript', () => transcripts('in').length > 0)
    assert.deepEqual(transcripts('in').map(plain), [SENTENCE])
  })

  await step('S2 check 17: a sleep of ten minutes keeps the call, and speaking works meanwhile', async () => {
    await pause(STAYS_MS)
    const call = await client.must('GET', `/calls/${callId}`)
    assert.deepEqual([call.status, call.action.type, call.action.option.duration], ['progressing', 'sleep', 600_000])
    const speaking = await client.speaking(callId, { direction: 'out' })
    await client.say(speaking.id, 'Still here.')
    await until('it is said', () => transcripts('out').at(-1) === 'Still here.')
    await client.must('DELETE', `/speakings/${speaking.id}`)
    assert.ok(line.isUp)
  })

  let speaking: Doc
  await step('S2 S3 check 18: POST /speakings is 201 and initiating, say is 200 and active', async () => {
    const created = await run(SPEAKING, { '<call-id>': callId })
    assert.equal(created.status, 201)
    speaking = created.body
    assert.deepEqual(
      [speaking.status, speaking.provider, speaking.voice_id, speaking.pod_id, speaking.direction],
      ['initiating', 'elevenlabs', '', '', 'out'],
    )
    await line.quiet()
    const began = line.voicedMs()
    const said = await run(SAY, { '<speaking-id>': speaking.id })
    assert.equal(said.status, 200)
    assert.deepEqual([said.body.id, said.body.status], [speaking.id, 'active'])
    await until('it is heard', () => line.voicedMs() > began + 2_000)
    await client.must('POST', `/speakings/${speaking.id}/flush`)
  })

  await step('S2 check 20: say with 0 and with 5001 characters is 400, with 5000 it is 200', async () => {
    const say = (text: string): ReturnType<Client['ask']> =>
      client.ask('POST', `/speakings/${speaking.id}/say`, { text })
    assert.equal((await say('')).status, 400)
    assert.equal((await say('a'.repeat(5001))).status, 400)
    assert.equal((await say('ab '.repeat(1666).padEnd(5000, 'c'))).status, 200)
    await client.must('POST', `/speakings/${speaking.id}/flush`)
    // Characters are code points, not the units of a programming language.
    assert.equal((await say('\u{1f642}'.repeat(5000))).status, 200)
    assert.equal((await say('\u{1f642}'.repeat(5001))).status, 400)
    await client.must('POST', `/speakings/${speaking.id}/flush`)
  })

  await step('S2 S3 check 19: a speaking on a call that has ended is refused with 400', async () => {
    await line.hangup()
    await events.event('call_hangup', ({ id }) => id === callId)
    const body = { reference_type: 'call', reference_id: callId }
    assert.equal((await client.refused(400, 'POST', '/speakings', body)).reason, 'CALL_STATE_INVALID')
    const late = await client.refused(400, 'POST', `/speakings/${speaking.id}/say`, { text: 'too late' })
    assert.equal(late.reason, 'SPEAKING_STATE_INVALID')
  })
})

test('S2 check 21: a token of eight days ago is 401, one of six days ago is good', async () => {
  const [row] = await house.node.parts.store.find('settings', { name: 'signing-key' }, 1)
  const key = Buffer.from(String(row!.hidden['hex']), 'hex')
  const agent = await client.must('GET', '/me')
  const aged = (days: number): Promise<string> => signAgentToken(agent, key, Date.now() * 1000 - days * DAY_US)
  const ask = async (token: string): Promise<number> =>
    (await askAnyone(`${house.origin}/v1.0/calls?token=${token}`, 'GET')).status
  assert.equal(await ask(await aged(6)), 200)
  assert.equal(await ask(await aged(8)), 401)
  assert.equal(await ask(`${client.token.slice(0, -2)}xx`), 401)
})

test('S2 check 22: an unknown id is 404 in the path and 400 in a body', async () => {
  for (const [method, path] of [
    ['GET', `/calls/${UNKNOWN_ID}`],
    ['POST', `/calls/${UNKNOWN_ID}/hangup`],
    ['GET', `/speakings/${UNKNOWN_ID}`],
    ['POST', `/speakings/${UNKNOWN_ID}/say`],
    ['POST', `/speakings/${UNKNOWN_ID}/flush`],
    ['POST', `/speakings/${UNKNOWN_ID}/stop`],
    ['DELETE', `/speakings/${UNKNOWN_ID}`],
  ] as const) {
    const { reason } = await client.refused(404, method, path, method === 'POST' ? { text: 'hello' } : undefined)
    assert.equal(reason, path.startsWith('/calls') ? 'CALL_NOT_FOUND' : 'SPEAKING_NOT_FOUND')
  }
  for (const id of [UNKNOWN_ID, 'no-uuid', '<call-id>']) {
    const body = { reference_type: 'call', reference_id: id, language: 'en-US' }
    for (const path of ['/speakings', '/transcribes'])
      assert.equal((await client.refused(400, 'POST', path, body)).reason, 'INVALID_ARGUMENT', `${path} ${id}`)
  }
})
