/** The rows "Cause / Fix" of documents 001, 002 and 004: what their reader then sees, and that the fix is one. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { DatagramSocket, Network } from '../../src/net/port.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import { monotonicMs } from '../../src/workers/monotonic.ts'
import { pause, until } from '../e2e/until.ts'
import { askAnyone, type Client, type Doc, type EventSocket } from './client.ts'
import { House, plain } from './house.ts'
import type { Line } from './phones.ts'

const NUMBER = '+899300500'
const SENTENCE = 'i need help with my account balance'
/** The server's recogniser knows phrases, and this is none. */
const STRANGE = 'the purple giraffe sings beneath seven wooden bridges'
const UNKNOWN_ID = '3f1e5a9c-6d2b-4c8e-9a7f-0b1c2d3e4f50'
const LONG = 'We are open from nine to six on all days but Sunday.'
/** An initiating session is one of these two after this time (contract §11). */
const NEVER_INITIATING_LONGER_MS = 5_000
/** Long enough for what must not come. */
const AFTERWARDS_MS = 1_200

let house: House
let client: Client
let events: EventSocket
let callers = 0

before(async () => {
  house = await House.open({ rtpPorts: '30500-30578', lines: [SENTENCE, STRANGE], phrases: [SENTENCE] })
  client = await house.customer('reader')
  await client.number(NUMBER, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
  events = await house.events(client)
})

after(() => house?.close())

async function call(): Promise<{ line: Line; callId: string }> {
  const user = `caller${++callers}`
  const line = await (await house.phone({ user })).call(NUMBER)
  const { id } = await events.event('call_progressing', ({ source }) => source.target === user)
  return { line, callId: id }
}

/** A call to an extension that rings and is not answered yet. */
async function ringing(user: string): Promise<{ line: Line; callId: string }> {
  const phone = await house.extension(client, user)
  const { calls } = await client.must('POST', '/calls', { destinations: [{ type: 'extension', target: user }] })
  return { line: await phone.rings(), callId: calls[0].id }
}

const onCall = (callId: string): object => ({ reference_type: 'call', reference_id: callId, language: 'en-US' })

// ---------------------------------------------------------------- 001

test('S1 row 1, speaking stuck in initiating: a call that is not answered refuses it; after the answer it gets active', {
  timeout: 30_000,
}, async () => {
  const { line, callId } = await ringing('stuck')
  assert.equal((await client.refused(400, 'POST', '/speakings', onCall(callId))).reason, 'CALL_STATE_INVALID')
  assert.equal((await client.must('GET', `/calls/${callId}`)).status, 'ringing')
  line.call.answer()
  await until(
    'the call is answered',
    async () => (await client.must('GET', `/calls/${callId}`)).status === 'progressing',
  )
  const speaking = await client.speaking(callId)
  const began = monotonicMs()
  await until('it is active', async () => (await client.must('GET', `/speakings/${speaking.id}`)).status === 'active')
  assert.ok(monotonicMs() - began < NEVER_INITIATING_LONGER_MS)
  const { reason } = await client.refused(409, 'POST', '/speakings', onCall(callId))
  assert.equal(reason, 'SPEAKING_ALREADY_ACTIVE')
  await line.hangup()
})

test('S1 row 2, no transcript events: nothing started, or no webhook URL; both can be seen, and then they come', {
  timeout: 30_000,
}, async () => {
  const { line, callId } = await call()
  const query = `reference_type=call&reference_id=${callId}`
  assert.deepEqual((await client.must('GET', `/transcribes?${query}`)).result, [])
  assert.equal((await client.refused(404, 'GET', `/transcribes/${UNKNOWN_ID}`)).reason, 'TRANSCRIBE_NOT_FOUND')
  assert.equal((await client.must('GET', '/customer')).webhook_uri, '')
  const receiver = await house.receiver()
  await client.must('PUT', '/customer', { webhook_uri: receiver.url(), webhook_method: 'POST' })
  const transcribe = await client.transcribe(callId)
  assert.equal((await client.must('GET', `/transcribes/${transcribe.id}`)).status, 'progressing')
  await line.speak(house.line(SENTENCE))
  const { body } = await receiver.delivered('transcript_created')
  assert.equal(plain(body.data.message), SENTENCE)
  await line.hangup()
  await events.event('transcribe_done', ({ id }) => id === transcribe.id)
  await client.must('PUT', '/customer', { webhook_uri: '' })
})

test('S1 row 3, no sound after say: a stopped session refuses and shows it; a new one sounds', {
  timeout: 30_000,
}, async () => {
  const { line, callId } = await call()
  const old = await client.speaking(callId)
  // Still initiating, or active by now: taken and played either way.
  assert.equal((await client.say(old.id, 'Hello there.')).status, 'active')
  await line.hears(300)
  assert.equal((await client.must('POST', `/speakings/${old.id}/stop`)).status, 'stopped')
  const { reason, message } = await client.refused(400, 'POST', `/speakings/${old.id}/say`, { text: 'Hello?' })
  assert.equal(reason, 'SPEAKING_STATE_INVALID')
  assert.match(message, /stopped/)
  assert.equal((await client.must('GET', `/speakings/${old.id}`)).status, 'stopped')
  await line.quiet()
  const next = await client.speaking(callId)
  const began = monotonicMs()
  await client.say(next.id, 'Here I am again.')
  await line.hears(500, began)
  await line.hangup()
})

test('S1 row 4, old and new answers after an interruption: without flush both are heard, with flush the new one only', {
  timeout: 60_000,
}, async () => {
  const { line, callId } = await call()
  const { id } = await client.speaking(callId)
  const said = async (text: string): Promise<Doc> => {
    const over = (type: string): Doc | undefined =>
      events.of(type, (data) => data.speaking_id === id && data.text === text)[0]
    await until(`'${text}' is over`, () => !!(over('speaking_say_finished') ?? over('speaking_say_interrupted')))
    return over('speaking_say_finished') ?? over('speaking_say_interrupted')
  }
  await client.say(id, LONG)
  await line.hears(600)
  await client.say(id, 'Sure.')
  assert.equal((await said(LONG)).text_unheard, '')
  assert.equal((await said('Sure.')).text_unheard, '')

  const again = `${LONG} Really.`
  await client.say(id, again)
  await until('it sounds', () => line.silentMs() < 100)
  await pause(600)
  await client.must('POST', `/speakings/${id}/flush`)
  await client.say(id, 'Of course.')
  const cut = await said(again)
  assert.equal(cut.cut_by, 'flush')
  assert.notEqual(cut.text_unheard, '')
  assert.equal((await said('Of course.')).text_heard, 'Of course.')
  await line.quiet()
  await line.hangup()
})

test('S1 row 5, high latency: the socket has the transcript no later than a webhook, however slow its handler is', {
  timeout: 60_000,
}, async () => {
  const receiver = await house.receiver()
  receiver.behave = async ({ type }) => {
    if (type === 'transcribe_speech_started') await pause(3_000)
    return 200
  }
  await client.must('PUT', '/customer', { webhook_uri: receiver.url(), webhook_method: 'POST' })
  const { line, callId } = await call()
  const transcribe = await client.transcribe(callId)
  await line.speak(house.line(SENTENCE))
  await events.event('transcript_created', (data) => data.transcribe_id === transcribe.id)
  const bySocket = monotonicMs()
  const byWebhook = await receiver.delivered(
    'transcript_created',
    ({ body }) => body.data.transcribe_id === transcribe.id,
  )
  assert.ok(bySocket <= byWebhook.at + 100, `${bySocket - byWebhook.at} ms later than the webhook`)
  const slow = await receiver.delivered(
    'transcribe_speech_started',
    ({ body }) => body.data.transcribe_id === transcribe.id,
  )
  assert.ok(byWebhook.at - slow.at < 5_000, 'a slow handler does not hold the next event up')
  await line.hangup()
  await events.event('transcribe_done', ({ id }) => id === transcribe.id)
  await client.must('PUT', '/customer', { webhook_uri: '' })
})

// ---------------------------------------------------------------- 002

test('S2 row 1, the phone does not ring: it is not registered, or the name is written otherwise', {
  timeout: 60_000,
}, async () => {
  const extension = await client.must('POST', '/extensions', {
    extension: 'silent-phone',
    password: 'silent-secret',
    name: 'Office-Phone',
  })
  const { id } = extension
  const failed = async (name: string): Promise<void> => {
    const answer = await client.must('POST', '/calls', { destinations: [{ type: 'extension', target_name: name }] })
    assert.equal(answer.calls[0].status, 'dialing')
    const { hangup_reason } = await events.event('call_hangup', (data) => data.id === answer.calls[0].id)
    assert.equal(hangup_reason, 'failed', name)
  }
  assert.deepEqual([extension.registered, extension.contacts], [false, []])
  await failed('Office-Phone')
  const phone = await house.phone({ user: 'silent-phone', password: 'silent-secret', autoAnswer: true })
  assert.equal((await client.must('GET', `/extensions/${id}`)).registered, true)
  await failed('office-phone')
  assert.equal(phone.rung.length, 0, 'names are compared letter by letter')
  await client.must('POST', '/calls', {
    destinations: [{ type: 'extension', target_name: 'Office-Phone' }],
    actions: [{ type: 'hangup' }],
  })
  await phone.rings()
})

test('S2 row 2, no transcription events: no subscription, or the topic of somebody else', {
  timeout: 60_000,
}, async () => {
  const { line, callId } = await call()
  const deaf = await house.events(client, 'calls:')
  const other = await house.customer('somebody')
  const stranger = await other.listen()
  stranger.send({ type: 'subscribe', topics: [`customer_id:${client.customerId}:transcribe:`] })
  await until('who asks for the events of others is shown the door', () => stranger.closeCode === 1008)
  const transcribe = await client.transcribe(callId)
  await line.speak(house.line(SENTENCE))
  await events.event('transcript_created', (data) => data.transcribe_id === transcribe.id)
  assert.equal(deaf.frames.length, 0)
  await deaf.subscribe([`customer_id:${client.customerId}:call:*`, `customer_id:${client.customerId}:transcribe:*`])
  await line.speak(house.line(SENTENCE))
  await deaf.event('transcript_created')
  await line.hangup()
})

test('S2 row 3, POST /speakings is 400: the call is not up, or its id is wrong; GET /calls/{id} tells which', {
  timeout: 30_000,
}, async () => {
  const { line, callId } = await call()
  for (const id of [UNKNOWN_ID, 'not-an-id', ''])
    assert.equal((await client.ask('POST', '/speakings', onCall(id))).status, 400, id)
  assert.equal((await client.must('GET', `/calls/${callId}`)).status, 'progressing')
  await client.speaking(callId)
  await line.hangup()
  await events.event('call_hangup', ({ id }) => id === callId)
  assert.equal((await client.must('GET', `/calls/${callId}`)).status, 'hangup')
  assert.equal((await client.refused(400, 'POST', '/speakings', onCall(callId))).reason, 'CALL_STATE_INVALID')
})

test('S2 row 4, say is 400: empty or too long, with the field and the limit; or the session is over', {
  timeout: 30_000,
}, async () => {
  const { line, callId } = await call()
  const { id } = await client.speaking(callId)
  const path = `/speakings/${id}/say`
  for (const body of [{ text: '' }, { text: ' ' }, {}, { text: null }, { text: 'a'.repeat(5001) }]) {
    const { reason, details, message } = await client.refused(400, 'POST', path, body)
    assert.equal(reason, 'INVALID_ARGUMENT')
    assert.match(JSON.stringify([details, message]), /text/)
  }
  assert.match(JSON.stringify(await client.refused(400, 'POST', path, { text: 'a'.repeat(5001) })), /5000/)
  assert.notEqual((await client.must('GET', `/speakings/${id}`)).status, 'stopped')
  await line.hangup()
  await events.event('speaking_stopped', (data) => data.id === id)
  assert.equal((await client.must('GET', `/speakings/${id}`)).status, 'stopped')
  assert.equal((await client.refused(400, 'POST', path, { text: 'hello' })).reason, 'SPEAKING_STATE_INVALID')
})

test('S2 row 5, 401: malformed token, or no space after Bearer; a new token from /auth/login works both ways', async () => {
  const url = `${house.origin}/v1.0/calls`
  const sign = { username: 'reader', password: 'reader secret' }
  const { token } = (await askAnyone(`${house.origin}/auth/login`, 'POST', sign)).body
  const status = async (query: string, authorization?: string): Promise<number> => {
    const answer = await askAnyone(`${url}${query}`, 'GET', undefined, authorization ? { authorization } : {})
    if (answer.status === 401) assert.ok(answer.body.message && answer.body.error.status === 'UNAUTHENTICATED')
    return answer.status
  }
  assert.deepEqual(
    [
      await status(''),
      await status(`?token=${token.slice(0, 20)}`),
      await status('', `Bearer${token}`),
      await status('', `Bearer ${token}`),
      await status(`?token=${token}`),
    ],
    [401, 401, 401, 200, 200],
  )
})

test('S2 row 6, 404: a wrong id, or one that was deleted; the lists hold the right ones', {
  timeout: 30_000,
}, async () => {
  const { line, callId } = await call()
  const { id } = await client.speaking(callId)
  assert.equal((await client.refused(404, 'GET', `/calls/${UNKNOWN_ID}`)).reason, 'CALL_NOT_FOUND')
  assert.equal(
    (await client.refused(404, 'POST', `/speakings/${UNKNOWN_ID}/say`, { text: 'x' })).reason,
    'SPEAKING_NOT_FOUND',
  )
  const has = async (path: string, wanted: string): Promise<boolean> =>
    (await client.must('GET', path)).result.some((one: Doc) => one.id === wanted)
  assert.deepEqual([await has('/calls', callId), await has('/speakings', id)], [true, true])
  const gone = await client.must('DELETE', `/speakings/${id}`)
  assert.notEqual(gone.tm_delete, null)
  for (const verb of ['say', 'flush', 'stop'])
    await client.refused(404, 'POST', `/speakings/${id}/${verb}`, { text: 'x' })
  await client.refused(404, 'GET', `/speakings/${id}`)
  assert.equal(await has('/speakings', id), false)
  await client.must('DELETE', `/calls/${callId}`)
  await until('deleting a call hangs it up', () => line.end !== null)
  await client.refused(404, 'GET', `/calls/${callId}`)
  assert.equal(await has('/calls', callId), false)
})

/** Says in its SDP that it is somewhere else, as a phone behind a router does. */
class BehindRouter implements Network {
  readonly #real = new UdpNetwork()

  async bind(...args: Parameters<Network['bind']>): Promise<DatagramSocket> {
    const socket = await this.#real.bind(...args)
    const send = socket.send.bind(socket)
    socket.send = (bytes, to) => {
      const text = Buffer.from(bytes).toString('latin1')
      const isSdp = text.includes('\r\nc=IN IP4 ')
      send(isSdp ? Buffer.from(text.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 192.0.2.1'), 'latin1') : bytes, to)
    }
    return socket
  }
}

test('S2 row 7, one-way audio: a phone whose SDP names an address behind a router is heard and hears', {
  timeout: 60_000,
}, async () => {
  const phone = await house.phone({ user: 'routed', network: new BehindRouter() })
  const line = await phone.call(NUMBER)
  const { id } = await events.event('call_progressing', ({ source }) => source.target === 'routed')
  const transcribe = await client.transcribe(id)
  const speaking = await client.speaking(id)
  await client.say(speaking.id, 'Can you hear me?')
  await line.hears(500)
  await line.speak(house.line(SENTENCE))
  const { message } = await events.event(
    'transcript_created',
    (data) => data.transcribe_id === transcribe.id && data.direction === 'in',
  )
  assert.equal(plain(message), SENTENCE)
  await line.hangup()
})

// ---------------------------------------------------------------- 004

test('S4 row 1, no transcripts: no sound, the wrong language, or no start; each is told apart', {
  timeout: 60_000,
}, async () => {
  const { line, callId } = await call()
  const { details, reason } = await client.refused(400, 'POST', '/transcribes', {
    ...onCall(callId),
    language: 'ja-JP',
  })
  assert.equal(reason, 'LANGUAGE_NOT_AVAILABLE')
  assert.match(JSON.stringify(details), /en-US/)
  const transcribe = await client.transcribe(callId)
  const mine = (data: Doc): boolean => data.transcribe_id === transcribe.id
  await events.event('streaming_started', mine)
  await pause(AFTERWARDS_MS)
  assert.equal(events.of('transcribe_speech_started', mine).length, 0, 'silence is no speech')
  assert.equal((await client.must('GET', `/transcribes/${transcribe.id}`)).status, 'progressing')
  assert.deepEqual((await client.must('GET', `/transcripts?transcribe_id=${transcribe.id}`)).result, [])
  await line.speak(house.line(SENTENCE))
  await events.event('transcript_created', mine)
  await line.hangup()
})

test('S4 row 2, poor accuracy: what is not understood is told as such, never guessed; phrases make it understood', {
  timeout: 60_000,
}, async () => {
  const { line, callId } = await call()
  const transcribe = await client.transcribe(callId)
  const mine = (data: Doc): boolean => data.transcribe_id === transcribe.id
  await line.speak(house.line(STRANGE))
  const { recognised } = await events.event('transcribe_speech_ended', mine)
  assert.equal(recognised, false)
  assert.equal(events.of('transcript_created', mine).length, 0)
  await client.must('PUT', `/transcribes/${transcribe.id}`, { phrases: [SENTENCE, STRANGE] })
  await line.speak(house.line(STRANGE))
  const { message } = await events.event('transcript_created', mine)
  assert.equal(plain(message), STRANGE)
  await line.hangup()
})

test('S4 row 3, missing real-time events: the topic must match; a lost socket loses no text', {
  timeout: 60_000,
}, async () => {
  const { line, callId } = await call()
  const transcribe = await client.transcribe(callId)
  const wrong = await house.events(client, `transcript:${transcribe.id}`)
  const right = await house.events(client, `transcribe:${transcribe.id}`)
  await line.speak(house.line(SENTENCE))
  await right.event('transcript_created')
  assert.equal(wrong.of('transcript_created').length, 0)
  right.close()
  await line.speak(house.line(SENTENCE))
  await until('both are kept', async () => {
    const { result } = await client.must('GET', `/transcripts?transcribe_id=${transcribe.id}`)
    return result.length === 2
  })
  await line.hangup()
})

test('S4 row 4, delayed transcripts: two to five seconds are normal there; here it takes less than two', {
  timeout: 60_000,
}, async (t) => {
  const { line, callId } = await call()
  const transcribe = await client.transcribe(callId)
  await line.speak(house.line(SENTENCE))
  const spoken = monotonicMs()
  await events.event('transcript_created', (data) => data.transcribe_id === transcribe.id)
  const delayMs = monotonicMs() - spoken
  t.diagnostic(`end of speech to transcript: ${delayMs.toFixed(0)} ms (synthetic, and this machine may be busy)`)
  assert.ok(delayMs < 2_000, `${delayMs} ms`)
  await line.hangup()
})
