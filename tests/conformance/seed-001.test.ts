/** Acceptance checks of document 001: a custom agent by events, speakings and transcribes. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { monotonicMs as now } from '../../src/workers/monotonic.ts'
import { FarPhone } from '../e2e/far-phone.ts'
import { pause, until } from '../e2e/until.ts'
import type { Doc, EventSocket } from './client.ts'
import { House } from './house.ts'
import { type Delivery, type Receiver, signature } from './receiver.ts'
import { stepsOf } from './steps.ts'

const NUMBER = '+899300100'
const SENTENCE = 'i need help with my account balance'
const LONG =
  'On Sunday we open at noon, and the last table is at eight in the evening. In August we are by the sea, and the kitchen is closed until the first of September, when everything starts again as it was before.'
const SHORT = 'Sure.'
/** The table of 001, in its order. */
const TEN = [
  'transcript_created',
  'transcribe_speech_started',
  'transcribe_speech_interim',
  'transcribe_speech_ended',
  'streaming_started',
  'streaming_stopped',
  'speaking_started',
  'speaking_stopped',
  'call_progressing',
  'call_hangup',
] as const
/** From the flush leaving here to the last packet with sound arriving here. */
const FLUSHED_WITHIN_MS = 60
/** What is sent at all has left when the call is over. */
const SOON_MS = 5_000

let house: House
let receiver: Receiver

before(async () => {
  house = await House.open({ rtpPorts: '30100-30178', lines: [SENTENCE] })
  receiver = await house.receiver()
  await house.client.must('PUT', '/customer', { webhook_uri: receiver.url(), webhook_method: 'POST' })
  await house.client.number(NUMBER, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(() => house?.close())

test('S1 S4 check 7: PUT /customer with the two webhook fields keeps name and e-mail', async () => {
  const client = await house.customer('kim')
  await client.must('PUT', '/customer', { name: 'Kim & Söhne', email: 'kim@example.com', detail: 'since 1923' })
  await client.must('PUT', '/customer', { webhook_uri: receiver.url('/free'), webhook_method: 'POST' })
  const { name, email, detail, webhook_uri, webhook_method } = await client.must('GET', '/customer')
  assert.deepEqual(
    { name, email, detail, webhook_uri, webhook_method },
    {
      name: 'Kim & Söhne',
      email: 'kim@example.com',
      detail: 'since 1923',
      webhook_uri: receiver.url('/free'),
      webhook_method: 'POST',
    },
  )
})

/** One whole call: sessions, a sentence of the caller, a say, hang-up. @returns its id */
async function wholeCall(events: EventSocket): Promise<{ callId: string; transcribe: Doc; speaking: Doc }> {
  const { client } = house
  const phone = await house.phone({ user: 'caller' })
  const line = await phone.call(NUMBER)
  const { id: callId } = await events.event('call_progressing', ({ direction }) => direction === 'incoming')
  const [transcribe, speaking] = await Promise.all([
    client.transcribe(callId, { direction: 'both' }),
    client.speaking(callId, { language: 'en-US', direction: 'both' }),
  ])
  await events.event('speaking_started', ({ id }) => id === speaking.id)
  await line.speak(house.line(SENTENCE))
  await events.event('transcript_created', ({ direction }) => direction === 'in')
  await client.say(speaking.id, 'Let me check.')
  await events.event('transcript_created', ({ direction }) => direction === 'out')
  await line.hangup()
  await events.event('transcribe_done', ({ id }) => id === transcribe.id)
  await phone.close()
  return { callId, transcribe, speaking }
}

test('ten event types, two ways', { timeout: 60_000 }, async (t) => {
  const step = stepsOf(t)
  const { client } = house
  const both = await house.events(client, 'transcription:*', 'call:*')
  const transcription = await house.events(client, 'transcription:*')
  const call = await house.events(client, 'call:*')
  const { callId, transcribe, speaking } = await wholeCall(both)
  const belongs = (data: Doc): boolean =>
    [callId, transcribe.id, speaking.id].some((id) => Object.values(data).includes(id))

  for (const type of TEN) {
    await step(`S1 check 8: ${type} by webhook and on a socket with exactly the two topics of 001`, async () => {
      const delivery = await receiver.delivered(type, ({ body }) => belongs(body.data), SOON_MS)
      assertSigned(delivery, (await client.must('GET', '/customer')).webhook_secret)
      await both.event(type, belongs, SOON_MS)
      const shown = both.frames.filter((frame) => frame.type === type)
      assert.deepEqual([...new Set(shown.map(({ event_type }) => event_type))], [type])
    })
  }

  await step('S1 check 8: one event once on a socket, and in the order of the call', () => {
    const of = both.frames.filter(({ data }) => belongs(data))
    const places = of.map(({ seq }) => seq)
    assert.deepEqual(
      places,
      places.toSorted((a, b) => Number(a) - Number(b)),
    )
    const stored = of.filter(({ type }) => type !== 'transcribe_speech_interim')
    assert.equal(new Set(stored.map(({ seq }) => seq)).size, stored.length, 'no event twice')
    const at = (type: string): number => of.findIndex((frame) => frame.type === type)
    assert.ok(at('call_progressing') < at('transcript_created'))
    for (const type of ['transcribe_done', 'speaking_stopped', 'streaming_stopped'])
      assert.ok(at('call_hangup') < at(type), `call_hangup comes before ${type}`)
    assert.ok(at('streaming_stopped') < at('transcribe_done'))
  })

  await step('S1 check 12: the topics transcription:* and call:* receive, each for itself', async () => {
    for (const type of TEN.slice(0, 6)) await transcription.event(type, belongs, SOON_MS)
    assert.equal(transcription.of('call_progressing').length, 0)
    for (const type of ['call_created', 'call_progressing', 'call_hangup', 'speaking_started', 'speaking_stopped'])
      await call.event(type, belongs, SOON_MS)
    const prefix = `customer_id:${client.customerId}:call:`
    assert.ok(call.frames.every(({ topic }) => topic.startsWith(prefix)))
  })
})

function assertSigned({ raw, headers }: Delivery, secret: string): void {
  assert.equal(headers['x-voipbin-signature'], signature(secret, raw))
  assert.match(String(headers['content-type']), /^application\/json/)
  assert.ok(headers['x-voipbin-event-id'])
  assert.ok(Number(headers['x-voipbin-attempt']) >= 1)
}

test('S1 check 9: a handler that is silent for 5 s is told again', { timeout: 30_000 }, async () => {
  const own = await house.receiver()
  const client = await house.customer('silent')
  await client.must('PUT', '/customer', { webhook_uri: own.url(), webhook_method: 'POST' })
  let isFirst = true
  own.behave = async ({ type }) => {
    if (type === 'flow_created' && isFirst) {
      isFirst = false
      await pause(8_000)
    }
    return 200
  }
  const flow = await client.must('POST', '/flows', { name: 'slow' })
  const mine = (): Delivery[] => own.of('flow_created', ({ body }) => body.data.id === flow.id)
  await until('it is told again', () => mine().length === 2)
  const [first, second] = mine() as [Delivery, Delivery]
  assert.ok(second.at - first.at > 5_000, `after ${second.at - first.at} ms`)
  assert.ok(second.at - first.at < 7_500, `after ${second.at - first.at} ms`)
  assert.equal(second.headers['x-voipbin-event-id'], first.headers['x-voipbin-event-id'])
  assert.deepEqual([first.headers['x-voipbin-attempt'], second.headers['x-voipbin-attempt']], ['1', '2'])
  assert.equal(second.raw, first.raw)
})

/** Phones of one name would make the same ids. */
let farPhones = 0

/** A call from a phone in a thread of its own, with a speaking that is active. */
async function farCall(t: { after(close: () => unknown): void }): Promise<{ phone: FarPhone; speaking: Doc }> {
  const events = await house.client.listen()
  t.after(() => events.close())
  const phone = await FarPhone.open(house.node.sipPort, `far${++farPhones}`)
  t.after(() => phone.close())
  await phone.call(NUMBER)
  const { id } = await events.event('call_progressing')
  const speaking = await house.client.speaking(id)
  await events.event('speaking_started', (data) => data.id === speaking.id)
  return { phone, speaking }
}

const voiced = (phone: FarPhone, since: number): number =>
  phone.frames.filter(({ at, isVoiced }) => isVoiced && at >= since).length * 20

test('S1 check 10: flush is silence within 60 ms, the next say starts at once, the old text never returns', {
  timeout: 60_000,
}, async (t) => {
  const { phone, speaking } = await farCall(t)
  const silences: number[] = []
  for (let round = 0; round < 3; round++) {
    const began = now()
    await house.client.say(speaking.id, LONG)
    await until('it sounds', () => voiced(phone, began) > 800)
    const asked = now()
    await house.client.must('POST', `/speakings/${speaking.id}/flush`)
    await pause(300)
    silences.push(Math.max(0, phone.lastVoicedAt() - asked))
    const again = now()
    await house.client.say(speaking.id, SHORT)
    await until('the next say sounds', () => voiced(phone, again) > 0)
    const first = phone.frames.find(({ at, isVoiced }) => isVoiced && at >= again)!.at
    assert.ok(first - again < 600, `the next say began after ${first - again} ms`)
    await pause(1_500)
    assert.ok(voiced(phone, again) < 1_200, `${voiced(phone, again)} ms were heard where one word was said`)
  }
  t.diagnostic(`flush to silence on the wire: ${silences.map((ms) => ms.toFixed(1)).join(', ')} ms (synthetic)`)
  assert.ok(Math.min(...silences) <= FLUSHED_WITHIN_MS, `${silences}`)
  assert.ok(silences.toSorted((a, b) => a - b)[1]! <= FLUSHED_WITHIN_MS, `${silences}`)
})

test('S1 S2 check 11: without a flush the second say follows the first', { timeout: 60_000 }, async (t) => {
  const events = await house.events()
  const { phone, speaking } = await farCall(t)
  const began = now()
  const first = 'We open at nine in the morning.'
  const second = 'And we close at six.'
  await house.client.say(speaking.id, first)
  await house.client.say(speaking.id, second)
  const ended = (): Doc[] => events.of('speaking_say_finished', ({ speaking_id }) => speaking_id === speaking.id)
  await until('both are said', () => ended().length === 2)
  assert.deepEqual(
    ended().map(({ text, text_heard }) => [text, text_heard]),
    [
      [first, first],
      [second, second],
    ],
  )
  assert.ok(voiced(phone, began) > 2_000, `${voiced(phone, began)} ms heard`)
})

test('S1 check 13: a socket that is gone is opened again, subscribes again, and receives again', {
  timeout: 30_000,
}, async () => {
  const { client } = house
  const old = await client.listen('transcription:*', 'call:*')
  const phone = await house.phone({ user: 'again' })
  const first = await phone.call(NUMBER)
  await old.event('call_progressing')
  old.close()
  await first.hangup()
  const bare = await client.listen('nothing:')
  const heardNothing = bare.frames.length
  const next = await client.listen('transcription:*', 'call:*')
  const second = await phone.call(NUMBER)
  const { id } = await next.event('call_progressing')
  await client.transcribe(id)
  await next.event('transcribe_created', ({ reference_id }) => reference_id === id)
  await second.hangup()
  await next.event('call_hangup', (data) => data.id === id)
  assert.equal(next.of('call_progressing').length, 1, 'what happened meanwhile is not repeated')
  assert.deepEqual([heardNothing, bare.frames.length], [0, 0], 'no subscription, no events')
  for (const socket of [bare, next]) socket.close()
})
