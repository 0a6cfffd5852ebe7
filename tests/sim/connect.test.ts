/** Calls that are connected to other calls: extension to extension, and the flow action `connect` (contract §6, §9.4). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, callsOf, callTo, done, extension, listening, speak, told } from './parties.ts'
import { World } from './world.ts'

const CONNECT = (option: object) => ({ type: 'connect', option: { ...option } as never })

test('one extension calls another: both hear each other, and the hang-up of one is that of the other', async () => {
  const world = await World.open({ seed: 'extensions' })
  const alice = await world.deskPhone('1001')
  const bob = await world.deskPhone('1002')
  let rung: PhoneCall | null = null
  bob.onIncoming = (call) => {
    rung = call
  }
  const out = await alice.call('1002')
  await world.until('bob rings', () => rung !== null)
  assert.equal(out.state, 'ringing')
  rung!.answer()
  await world.until('alice is answered', () => out.state === 'answered')
  await world.run(200)
  const [a, b] = [listening(out), listening(rung!)]
  const [atBob, atAlice] = await speak(world, out, 'opening hours', [b, a])
  assert.ok(atBob! > 20, `${atBob} loud frames at bob`)
  assert.equal(atAlice, 0)
  const [atAlice2] = await speak(world, rung!, 'yes please', [a])
  assert.ok(atAlice2! > 20, `${atAlice2} loud frames at alice`)

  const [master, leg] = await callsOf(world)
  assert.equal(leg!.doc['master_call_id'], master!.id)
  assert.deepEqual(master!.doc['chained_call_ids'], [leg!.id])
  assert.equal((master!.doc['metadata'] as { bridged_call_id?: string }).bridged_call_id, leg!.id)
  assert.equal((leg!.doc['source'] as { target: string }).target, '1001')

  rung!.hangup()
  await world.until('alice is hung up', () => out.state === 'ended')
  assert.deepEqual(told(world, 'call_hangup', master!.id)[0]!['hangup_reason'], 'normal')
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('a busy extension, one that does not answer and one that is not there are told apart to the caller', async () => {
  const world = await World.open({ seed: 'busy', dialTimeoutMs: 5_000 })
  const alice = await world.deskPhone('1001')
  const bob = await world.deskPhone('1002')
  bob.onIncoming = (call) => call.reject(486)
  for (const [target, code] of [
    ['1002', 486],
    ['1003', 503],
  ] as const) {
    const out = await alice.call(target)
    await world.until(`${target} is over`, () => out.state === 'ended')
    assert.equal((await out.ended).code, code, target)
  }
  bob.onIncoming = () => {}
  const out = await alice.call('1002')
  await world.until('nobody answers', () => out.state === 'ended')
  assert.equal((await out.ended).code, 480)
  await allIsOver(world)
})

test('the caller gives up while it rings: it rings no more', async () => {
  const world = await World.open({ seed: 'gives up' })
  const alice = await world.deskPhone('1001')
  const bob = await world.deskPhone('1002')
  let rung: PhoneCall | null = null
  bob.onIncoming = (call) => {
    rung = call
  }
  const out = await alice.call('1002')
  await world.until('bob rings', () => rung !== null)
  out.hangup()
  await world.until('bob rings no more', () => rung!.state === 'ended')
  await allIsOver(world)
})

test('several destinations: the first answer wins, the others ring no more', async () => {
  const world = await World.open({ seed: 'several' })
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    CONNECT({ destinations: ['1001', '1002', '1003'].map(extension) }),
    { type: 'sleep', option: { duration: 60_000 } },
  ])
  const rung = new Map<string, PhoneCall>()
  for (const user of ['1001', '1002', '1003']) {
    const phone = await world.deskPhone(user)
    phone.onIncoming = (call) => rung.set(user, call)
  }
  const caller = await world.phone({ user: '+15550199' })
  const out = await caller.call('+15550111')
  await world.until('all ring', () => rung.size === 3)
  await world.run(500)
  const ringback = listening(out)
  await world.run(5_000)
  assert.ok(ringback.loud > 0, 'the caller hears that it rings')
  rung.get('1002')!.answer()
  await world.until(
    'the others are sent away',
    () => rung.get('1001')!.state === 'ended' && rung.get('1003')!.state === 'ended',
  )
  await world.run(200)
  const winner = listening(rung.get('1002')!)
  const caller_ = listening(out)
  const [atWinner] = await speak(world, out, 'opening hours', [winner])
  assert.ok(atWinner! > 20)
  const [group] = await world.store.find('groupcalls', {}, 10)
  const [master] = await callsOf(world)
  assert.equal(group!.doc['master_call_id'], master!.id)
  assert.equal(group!.doc['answer_method'], 'hangup_others')
  assert.equal(group!.doc['answer_call_id'], (await callTo(world, '1002')).id)
  assert.equal((group!.doc['call_ids'] as string[]).length, 3)

  // The one who won leaves: the flow goes on, in silence.
  rung.get('1002')!.hangup()
  await world.run(500)
  assert.equal(out.state, 'answered')
  const before = caller_.loud
  await world.run(1_000)
  assert.equal(caller_.loud, before)
  assert.deepEqual((await callsOf(world))[0]!.doc['chained_call_ids'], [])
  out.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('nobody answers a connect: the flow goes on, and an event says so', async () => {
  const world = await World.open({ seed: 'nobody' })
  const bob = await world.deskPhone('1002')
  bob.onIncoming = (call) => call.reject(486)
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    CONNECT({ destinations: [extension('1002'), extension('1009')] }),
    { type: 'talk', option: { text: 'Nobody is there.', language: 'en-US' } },
  ])
  const caller = await world.phone({ user: '+15550199' })
  const out = await caller.call('+15550111')
  const heard = listening(out)
  await world.until('the flow has ended', () => out.state === 'ended')
  assert.ok(heard.loud > 10)
  const [master] = await callsOf(world)
  assert.deepEqual(
    told(world, 'call_connect_failed', master!.id).map(({ reason }) => reason),
    ['busy'],
  )
  await allIsOver(world)
})

test('what is said on both sides of a bridge is transcribed as in and out', async () => {
  const world = await World.open({ seed: 'both sides' })
  const bob = await world.deskPhone('1002', { autoAnswer: true })
  let rung: PhoneCall | null = null
  bob.onIncoming = (call) => {
    rung = call
  }
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'transcribe_start', option: { language: 'en-US' } },
    CONNECT({ destinations: [extension('1002')] }),
  ])
  const caller = await world.phone({ user: '+15550199' })
  const out = await caller.call('+15550111')
  await world.until('they are connected', () => rung?.state === 'answered')
  await world.run(1_000)
  await speak(world, out, 'opening hours', [])
  await speak(world, rung!, 'book a table', [])
  await speak(world, out, 'yes please', [])
  await world.run(2_000)
  const texts = told(world, 'transcript_created').map(({ direction, message }) => [direction, message])
  assert.deepEqual(texts, [
    ['in', 'opening hours'],
    ['out', 'book a table'],
    ['in', 'yes please'],
  ])
  out.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('a number of digits, with or without plus, an agent, and a prefix lead from a phone to where they say', async () => {
  const world = await World.open({ seed: 'dialled' })
  const alice = await world.deskPhone('1001')
  await world.deskPhone('1002', { autoAnswer: true })
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'sleep', option: { duration: 60_000 } },
  ])
  for (const dialled of ['15550111', '+15550111', 'tel:+15550111', 'extension:1002', '1002']) {
    const out = await alice.call(dialled)
    await world.until(`${dialled} answers`, () => out.state === 'answered')
    out.hangup()
    await world.run(1_000)
  }
  await allIsOver(world)
})

test('mute both ways, and hold seen in the phone', async () => {
  const world = await World.open({ seed: 'mute' })
  const alice = await world.deskPhone('1001')
  const bob = await world.deskPhone('1002', { autoAnswer: true })
  let rung: PhoneCall | null = null
  bob.onIncoming = (call) => {
    rung = call
  }
  const out = await alice.call('1002')
  await world.until('answered', () => out.state === 'answered')
  await world.run(200)
  const [master] = await callsOf(world)
  const [a, b] = [listening(out), listening(rung!)]
  const both = async (): Promise<number[]> => [
    ...(await speak(world, out, 'opening hours', [b])),
    ...(await speak(world, rung!, 'opening hours', [a])),
  ]
  for (const [direction, bobHears, aliceHears] of [
    ['in', false, true],
    ['out', true, false],
    ['both', false, false],
    ['', true, true],
  ] as const) {
    await done(world, master!.id, { kind: 'mute', direction })
    assert.equal((await callsOf(world))[0]!.doc['mute_direction'], direction)
    const [atBob, atAlice] = await both()
    assert.deepEqual([atBob! > 20, atAlice! > 20], [bobHears, aliceHears], `mute ${direction}: ${atBob} ${atAlice}`)
  }
  await done(world, master!.id, { kind: 'hold', on: true })
  await world.run(500)
  const sent = out.stats.packetsSent
  await world.run(1_000)
  assert.ok(out.stats.packetsSent - sent <= 2, 'a phone on hold sends nothing')
  await done(world, master!.id, { kind: 'hold', on: false })
  await world.run(500)
  const [again] = await speak(world, out, 'opening hours', [b])
  assert.ok(again! > 20)
  out.hangup()
  await allIsOver(world)
})
