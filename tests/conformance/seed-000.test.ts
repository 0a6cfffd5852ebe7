/** Acceptance checks of document 000: the flat dialect, word for word. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { pause, until } from '../e2e/until.ts'
import { askAnyone, Client, type Doc } from './client.ts'
import { commandsOf, send } from './curl.ts'
import { FlatAgent, GREETING, replyTo } from './flat-agent.ts'
import { House, plain } from './house.ts'
import type { Receiver } from './receiver.ts'
import { stepsOf } from './steps.ts'

const NUMBER = '+899300000'
const TRANSFER_NUMBER = '+899300001'
const QUESTION = 'what are your opening hours'
const URGENT = 'i want to talk to a supervisor'
const TO_PERSON = 'i need help with my account balance'
const FROM_PERSON = 'good to see you how are you today'
const AFTER_PERSON = 'wait a moment'
/** Long enough for a second copy or an unwanted answer to come, had one been sent. */
const AFTERWARDS_MS = 1_000
const [SIGNUP, WEBHOOKS, FLOWS] = commandsOf('000') as [string, string, string]

let house: House
let client: Client
let receiver: Receiver
let flow: Doc

before(async () => {
  house = await House.open({
    rtpPorts: '30000-30078',
    lines: [QUESTION, URGENT, TO_PERSON, FROM_PERSON, AFTER_PERSON],
  })
  receiver = await house.receiver()
})

after(() => house?.close())

function sent(command: string): ReturnType<typeof send> {
  return send(command, house.origin, {
    $VOIPBIN_TOKEN: client?.token ?? '',
    'https://your-server.example.com/webhook': receiver.url(),
  })
}

test('S0 check 1: signup with username, password and e-mail gives accesskey.token, and Bearer with it works', async () => {
  const { status, body } = await sent(SIGNUP)
  assert.equal(status, 200)
  assert.match(body.accesskey.token, /^vb_[A-Za-z0-9]{32}$/)
  client = new Client(house.origin, body.accesskey.token, body.customer.id)
  const customer = await client.must('GET', '/customer')
  assert.equal(customer.id, body.customer.id)
  assert.equal(customer.email, 'you@example.com')
  const sign = { username: 'your-username', password: 'your-password' }
  const login = await askAnyone(`${house.origin}/auth/login`, 'POST', sign)
  assert.equal(login.status, 200)
  assert.equal((await askAnyone(`${house.origin}/v1.0/customer?token=${login.body.token}`, 'GET')).status, 200)
})

test('S0 check 2: the bodies of POST /webhooks and POST /flows are taken', async () => {
  const webhook = await sent(WEBHOOKS)
  assert.equal(webhook.status, 200, JSON.stringify(webhook.body))
  assert.deepEqual(webhook.body.events, ['call.initiated', 'transcript', 'call.ended'])
  const answer = await sent(FLOWS)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  flow = answer.body
  assert.equal(flow.webhook_url, receiver.url())
  assert.deepEqual(flow.transcription, { enabled: true, language: 'en-US', interim_results: false })
})

test('the agent of 000 holds a conversation', { timeout: 60_000 }, async (t) => {
  const step = stepsOf(t)
  const agent = new FlatAgent(client, receiver)
  await client.must('POST', '/numbers', { number: NUMBER, call_flow_id: flow.id })
  const phone = await house.phone({ user: 'caller' })
  const line = await phone.call(NUMBER)
  let callId = ''

  await step('S0 check 3: a call to a number of that flow is answered, and call.initiated comes once', async () => {
    const { body } = await receiver.delivered('call.initiated')
    callId = body.call_id
    assert.equal(body.flow_id, flow.id)
    assert.equal(body.direction, 'incoming')
    assert.equal(body.to, NUMBER)
    assert.ok(line.isUp)
    assert.equal((await client.must('GET', `/calls/${callId}`)).status, 'progressing')
  })

  await step('S0 check 4: what is asked to be said inside that handler is heard after the answer', async () => {
    await line.hears(1_000)
    assert.deepEqual(agent.asked, [{ callId, what: GREETING }])
    await line.quiet()
  })

  await step('S0 check 5: what the caller says is one transcript, and what we say is none', async () => {
    const before = line.voicedMs()
    await line.speak(house.line(QUESTION))
    const { body } = await receiver.delivered('transcript')
    assert.equal(plain(body.transcript), QUESTION)
    assert.deepEqual([body.call_id, body.is_final, body.language], [callId, true, 'en-US'])
    await until('the reply is heard', () => line.voicedMs() > before + 1_500)
    await line.quiet(AFTERWARDS_MS)
    assert.equal(agent.count('transcript', callId), 1)
    assert.deepEqual(
      agent.asked.map(({ what }) => what),
      [GREETING, replyTo(body.transcript)],
    )
  })

  await step('S0 check 6: the caller hangs up, and call.ended comes once', async () => {
    await line.hangup()
    const { body } = await receiver.delivered('call.ended')
    assert.deepEqual([body.call_id, body.hangup_by, body.hangup_reason], [callId, 'remote', 'normal'])
    assert.ok(body.duration > 3)
    await pause(AFTERWARDS_MS)
    // The URL stands in /webhooks and in the flow.
    for (const type of ['call.initiated', 'transcript', 'call.ended']) assert.equal(agent.count(type, callId), 1, type)
    assert.equal(receiver.deliveries.at(-1)!.type, 'call.ended')
    assert.deepEqual([...new Set(receiver.deliveries.map(({ type }) => type))].sort(), [
      'call.ended',
      'call.initiated',
      'transcript',
    ])
  })
})

test('S0 check 34: a person that the agent transfers to is not greeted, and the agent is silent while they talk', {
  timeout: 90_000,
}, async () => {
  // The agent above is told of all calls of its customer.
  const mine = await house.customer('transfers')
  const person = await house.extension(mine, 'person')
  const own = await house.receiver()
  const agent = new FlatAgent(mine, own, { type: 'extension', target: 'person' })
  const body = { name: 'transfers', webhook_url: own.url(), transcription: { enabled: true } }
  const { id } = await mine.must('POST', '/flows', body)
  await mine.must('POST', '/numbers', { number: TRANSFER_NUMBER, call_flow_id: id })
  const events = await house.events(mine)
  const line = await (await house.phone({ user: 'customer' })).call(TRANSFER_NUMBER)
  const { body: began } = await own.delivered('call.initiated')
  const callId: string = began.call_id
  await line.hears(1_000)
  await line.quiet()

  await line.speak(house.line(URGENT))
  const there = await person.rings()
  there.call.answer()
  await there.call.answered
  const leg = await events.event('call_progressing', ({ master_call_id }) => master_call_id === callId)
  // The last of the ringing tone is still on its way.
  await line.quiet(300)
  const beforeTalk = line.voicedMs()
  await pause(AFTERWARDS_MS)
  assert.ok(there.voicedMs() < 100, `the person heard ${there.voicedMs()} ms before anybody spoke`)
  const over = line.voicedMs() - beforeTalk
  const asked = agent.asked.map(({ what }) => what).join(', ')
  assert.ok(over < 100, `${over} ms over the first words of the person; the agent asked for: ${asked}`)

  await line.speak(house.line(TO_PERSON))
  await there.hears(1_000)
  const callerHeard = line.voicedMs()
  await there.speak(house.line(FROM_PERSON))
  await line.hears(callerHeard + 1_000)
  const told = (): Doc[] => events.of('transcript_created', ({ direction }) => direction === 'in')
  await until('the standard event of what the caller said', () =>
    told().some(({ message }) => plain(message) === TO_PERSON),
  )
  await pause(AFTERWARDS_MS)
  assert.deepEqual(
    agent.asked.map(({ what }) => what),
    [GREETING, 'connect'],
  )
  assert.equal(agent.count('transcript', callId), 1)
  assert.equal(own.deliveries.filter(({ body }) => body.call_id === leg.id).length, 0, 'the person makes no flat event')
  assert.equal(agent.count('call.initiated', callId), 1)

  await there.hangup()
  await events.event('call_hangup', (data) => data.id === leg.id)
  await pause(AFTERWARDS_MS)
  assert.ok(line.isUp, 'the caller stays when the person leaves')
  await line.speak(house.line(AFTER_PERSON))
  await own.delivered('transcript', ({ body }) => plain(body.transcript) === AFTER_PERSON)
  const again = line.voicedMs()
  await until('the agent answers again', () => line.voicedMs() > again + 1_000)
  await line.hangup()
  await own.delivered('call.ended')
  await pause(AFTERWARDS_MS)
  assert.equal(agent.count('call.ended', callId), 1)
  assert.equal(own.of('call.initiated').length, 1)
})
