/** What is asked of a live call from outside its flow, and what nothing may cut (contract §7.4, §11, §17). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallCommand } from '../../src/calls/commands.ts'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, ask, callsOf, callTo, done, extension, listening, speak, told } from './parties.ts'
import { World } from './world.ts'

const WISH = { voiceId: '', language: 'en-US', gender: '', voice: '' }
const talk = (text: string, interrupt = false): CallCommand => ({
  kind: 'act',
  action: { kind: 'talk', text, wish: WISH, interrupt },
})
const SLEEP = { type: 'sleep', option: { duration: 60_000 } }
const ANSWER = { type: 'answer', option: {} }
/** Ten words, each a tone of 160 ms. */
const TEN = 'one two three four five six seven eight nine ten'

async function called(
  seed: string,
  actions: Parameters<World['number']>[1],
  more: Parameters<World['number']>[2] = {},
) {
  const world = await World.open({ seed })
  await world.number('+15550111', actions, more)
  const phone = await world.phone({ user: '+15550199' })
  const call = await phone.call('+15550111')
  await world.until('it rings', () => world.events.length > 0)
  return { world, phone, call, callId: world.events[0]!.call_id! }
}

test('talk that is asked for before the answer is heard after it', async () => {
  const ringing = { type: 'sleep', option: { duration: 2_000 } }
  const { world, call, callId } = await called('early talk', [ringing, ANSWER, SLEEP])
  const doc = await done(world, callId, talk(TEN))
  assert.equal(doc['status'], 'ringing')
  const heard = listening(call)
  await world.until('answered', () => call.state === 'answered')
  assert.equal(heard.loud, 0)
  await world.run(3_000)
  assert.ok(heard.loud >= 80 && heard.loud <= 90, `${heard.loud} frames for ten words`)
  call.hangup()
  await allIsOver(world)
})

test('talk queues behind talk; with interrupt it comes at once; the flow is not disturbed', async () => {
  const { world, call, callId } = await called('interrupt', [ANSWER, SLEEP])
  await world.until('answered', () => call.state === 'answered')
  const heard = listening(call)
  await done(world, callId, talk(TEN))
  await done(world, callId, talk(TEN))
  await world.run(1_000)
  await done(world, callId, talk('stop', true))
  await world.run(5_000)
  assert.ok(heard.loud > 20 && heard.loud < 80, `${heard.loud} frames`)
  assert.equal(((await callsOf(world))[0]!.doc['action'] as { type: string }).type, 'sleep')
  const hangup: CallCommand = { kind: 'act', action: { kind: 'hangup', reason: 'normal' } }
  await done(world, callId, hangup)
  await world.until('over', () => call.state === 'ended')
  assert.equal((await ask(world, callId, hangup)).ok, false)
  await allIsOver(world)
})

test('a disclosure is said first and whole, whatever flushes; an event says that it was heard', async () => {
  const { world, call, callId } = await called(
    'disclosure',
    [ANSWER, { type: 'talk', option: { text: 'Welcome.', language: 'en-US' } }, SLEEP],
    { disclosure: 'This call is answered by a machine.' },
  )
  await world.until('answered', () => call.state === 'answered')
  const heard = listening(call)
  await world.run(300)
  await done(world, callId, { kind: 'act', action: { kind: 'flush' } })
  await done(world, callId, talk('stop', true))
  await world.until('it was said', () => told(world, 'call_disclosed').length === 1)
  assert.ok(heard.loud >= 45, `${heard.loud} frames for seven words`)
  const [event] = told(world, 'call_disclosed', callId)
  assert.equal(event!['heard'], true)
  assert.equal(event!['text_heard'], 'This call is answered by a machine.')
  await world.run(2_000)
  call.hangup()
  await allIsOver(world)
})

test('a disclosure that is cut by hang-up was not heard', async () => {
  const { world, call, callId } = await called('disclosure cut', [ANSWER, SLEEP], { disclosure: TEN })
  await world.until('answered', () => call.state === 'answered')
  await world.run(800)
  call.hangup()
  await world.until('it is told', () => told(world, 'call_disclosed', callId).length === 1)
  const [event] = told(world, 'call_disclosed', callId)
  assert.equal(event!['heard'], false)
  assert.match(String(event!['text_heard']), /^one/)
  await allIsOver(world)
})

test('connected from outside: the person is bridged in, and the flow goes on underneath', async () => {
  const { world, call, callId } = await called('act connect', [ANSWER, SLEEP])
  const bob = await world.deskPhone('1002', { autoAnswer: true })
  let rung: PhoneCall | null = null
  bob.onIncoming = (one) => {
    rung = one
  }
  await world.until('answered', () => call.state === 'answered')
  const connect: CallCommand = {
    kind: 'act',
    action: { kind: 'connect', source: null, destinations: [extension('1002')], anonymous: false },
  }
  await done(world, callId, connect)
  await world.until('bob answers', () => rung?.state === 'answered')
  await world.run(500)
  assert.equal((await ask(world, callId, connect)).ok, false, 'one at a time')
  const ear = listening(rung!)
  const [forth] = await speak(world, call, 'opening hours', [ear])
  assert.ok(forth! > 20)
  assert.equal(((await callsOf(world))[0]!.doc['action'] as { type: string }).type, 'sleep')
  rung!.hangup()
  await world.run(1_000)
  assert.equal(call.state, 'answered')
  call.hangup()
  await allIsOver(world)
})

test('a speaking session of a bridged call reaches the side it is for, and its says are told to the end', async () => {
  const { world, call, callId } = await called('directions', [
    ANSWER,
    { type: 'connect', option: { destinations: [extension('1002')] } as never },
  ])
  const bob = await world.deskPhone('1002', { autoAnswer: true })
  let rung: PhoneCall | null = null
  bob.onIncoming = (one) => {
    rung = one
  }
  // The flow tried before the phone was there.
  await world.until('the first call is over', () => call.state === 'ended')
  void callId
  const again = await (await world.phone({ user: '+15550198' })).call('+15550111')
  await world.until('bob answers', () => rung?.state === 'answered')
  await world.run(500)
  const master = (await callsOf(world)).find(
    ({ doc }) => doc['status'] === 'progressing' && doc['direction'] === 'incoming',
  )!
  const [caller, bobs] = [listening(again), listening(rung!)]
  for (const [direction, callerHears, bobHears] of [
    ['in', true, false],
    ['out', false, true],
    ['both', true, true],
  ] as const) {
    const speaking = await done(world, master.id, {
      kind: 'createSpeaking',
      language: 'en-US',
      provider: '',
      voiceId: '',
      direction,
    })
    const speakingId = String(speaking['id'])
    const [c, b] = [caller.loud, bobs.loud]
    await done(world, master.id, { kind: 'say', speakingId, text: TEN })
    await world.run(4_000)
    assert.deepEqual([caller.loud - c > 60, bobs.loud - b > 60], [callerHears, bobHears], direction)
    const [said] = told(world, 'speaking_say_finished').filter((data) => data['speaking_id'] === speakingId)
    assert.equal(said?.['text_heard'], TEN)
    await done(world, master.id, { kind: 'say', speakingId, text: TEN })
    await world.run(1_000)
    await done(world, master.id, { kind: 'flush', speakingId })
    await world.run(1_000)
    const [cut] = told(world, 'speaking_say_interrupted').filter((data) => data['speaking_id'] === speakingId)
    assert.equal(cut?.['cut_by'], 'flush')
    assert.match(String(cut?.['text_heard']), /^one/)
    await done(world, master.id, { kind: 'stopSpeaking', speakingId })
  }
  again.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('groupcalls: with hangup_others the first answer stays; linear dials one after another', async () => {
  const world = await World.open({ seed: 'groupcalls', dialTimeoutMs: 3_000 })
  const rung = new Map<string, PhoneCall>()
  for (const user of ['1001', '1002']) {
    const phone = await world.deskPhone(user)
    phone.onIncoming = (call) => rung.set(user, call)
  }
  const groupcall = async (ringMethod: string) => {
    let id = ''
    void world.exchange
      .groupcall({
        customerId: world.customerId,
        source: null,
        destinations: [extension('1001'), extension('1002')],
        flowId: '',
        actions: [],
        variables: {},
        anonymous: '',
        ringMethod,
        answerMethod: 'hangup_others',
      })
      .then((outcome) => {
        id = outcome.ok ? String(outcome.doc['id']) : 'refused'
      })
    await world.until('it is made', () => id !== '')
    return id
  }
  const all = await groupcall('ring_all')
  await world.until('both ring', () => rung.size === 2)
  rung.get('1002')!.answer()
  await world.until('the other is sent away', () => rung.get('1001')!.state === 'ended')
  const doc = (await world.store.get('groupcalls', world.customerId, all))!.doc
  assert.equal(doc['answer_call_id'], (await callTo(world, '1002')).id)
  rung.get('1002')!.hangup()
  await world.run(2_000)
  rung.clear()

  const linear = await groupcall('linear')
  await world.until('the first rings', () => rung.has('1001'))
  await world.run(2_000)
  assert.ok(!rung.has('1002'), 'one after another')
  await world.until('the second rings', () => rung.has('1002'))
  assert.equal(rung.get('1001')!.state, 'ended')
  const during = (await world.store.get('groupcalls', world.customerId, linear))!.doc
  assert.deepEqual([during['dial_index'], (during['call_ids'] as string[]).length], [1, 2])
  let isDeleted = false
  void world.exchange.hangupGroupcall(world.customerId, linear, true).then((outcome) => {
    isDeleted = outcome.ok && outcome.doc['tm_delete'] !== null
  })
  await world.until('it is deleted when the last has ended', () => isDeleted)
  await allIsOver(world)
})
