/** Hold (contract §7.4): whom we hold hears music, and is not heard; a bridge stays and sounds again afterwards. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amplitudeAt, sine } from '../../src/audio/tone.ts'
import { NIL_UUID } from '../../src/kernel/ids.ts'
import type { SipPhoneCall } from '../../src/phone/call.ts'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, callsOf, callTo, done, extension, listening, speak, told } from './parties.ts'
import { World } from './world.ts'

interface Party {
  readonly call: PhoneCall
  readonly ear: { loud: number }
}

/** 1001 calls 1002; who is not to answer yet rings. */
async function two(seed: string, more: { answers?: boolean } = {}) {
  const world = await World.open({ seed })
  const alice = await world.deskPhone('1001')
  const bob = await world.deskPhone('1002', { autoAnswer: more.answers ?? true })
  let rung: PhoneCall | null = null
  bob.onIncoming = (call) => {
    rung = call
  }
  const out = await alice.call('1002')
  await world.until('bob rings', () => rung !== null)
  if (more.answers ?? true) await world.until('alice is answered', () => out.state === 'answered')
  await world.run(300)
  const [master] = await callsOf(world)
  return { world, a: party(out), b: party(rung!), master: master!.id }
}

function party(call: PhoneCall): Party {
  return { call, ear: listening(call) }
}

async function hearEachOther(world: World, one: Party, other: Party): Promise<void> {
  const [forth] = await speak(world, one.call, 'opening hours', [other.ear])
  const [back] = await speak(world, other.call, 'yes please', [one.ear])
  assert.ok(forth! > 20 && back! > 20, `forth ${forth}, back ${back}`)
  assert.ok((await pitchAt(world, one, other)) > 4_000)
}

/** `held` hears music, `other` nothing at all. @param isDeaf the phone of `held` does not mind and sends on */
async function isApart(world: World, held: Party, other: Party, isDeaf = false): Promise<void> {
  const [music, quiet] = [held.ear.loud, other.ear.loud]
  await world.run(3_000)
  assert.ok(held.ear.loud - music > 50, `${held.ear.loud - music} frames of music in 3 s`)
  if (isDeaf) await speak(world, held.call, 'yes please', [])
  assert.equal(other.ear.loud, quiet)
  assert.ok((await pitchAt(world, held, other)) < 500)
}

/** Far above all music. */
const PITCH_HZ = 3_100

/** @returns how loud a tone of `from` is where `at` listens */
async function pitchAt(world: World, at: Party, from: Party): Promise<number> {
  const before = at.call.onFrame
  let loudest = 0
  at.call.onFrame = (pcm8k) => {
    loudest = Math.max(loudest, amplitudeAt(pcm8k, PITCH_HZ, 8_000))
  }
  void from.call.speak(sine(PITCH_HZ, 8_000, 8_000))
  await world.run(1_400)
  at.call.onFrame = before
  return loudest
}

/** A phone that is told to be quiet and is not. */
function sendsOn(call: PhoneCall): void {
  const own = call as SipPhoneCall
  const offered = own.offered.bind(own)
  own.offered = (body) => offered(body.replace('a=sendonly', 'a=sendrecv'))
}

async function metadataOf(world: World, callId: string): Promise<Record<string, unknown>> {
  const row = await world.store.get('calls', world.customerId, callId)
  return row!.doc['metadata'] as Record<string, unknown>
}

const holdsTold = (world: World, callId: string): boolean[] =>
  told(world, 'call_updated', callId).map(({ metadata }) => (metadata as { on_hold?: boolean }).on_hold === true)

/** A phone that will not be put on hold: answers every further offer with 488. */
function refusesOffers(call: PhoneCall): void {
  const own = call as SipPhoneCall
  const offered = own.offered.bind(own)
  own.offered = () => offered('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 96\r\n')
}

for (const who of ['master', 'leg'] as const) {
  test(`bridge, then hold of the ${who}: music for one, silence for the other; afterwards they talk again`, async () => {
    const { world, a, b, master } = await two(`bridge then hold ${who}`)
    const leg = (await callTo(world, '1002')).id
    await world.run(200)
    const [id, held, other] = who === 'master' ? [(await callsOf(world))[0]!.id, a, b] : [leg, b, a]
    await hearEachOther(world, a, b)
    sendsOn(held.call)
    const doc = await done(world, id, { kind: 'hold', on: true })
    assert.equal((doc['metadata'] as { on_hold?: boolean }).on_hold, true)
    await world.run(300)
    await isApart(world, held, other, true)
    const metadata = await metadataOf(world, id)
    assert.equal(metadata['on_hold'], true)
    assert.ok(metadata['bridged_call_id'], 'the bridge stays')
    assert.equal((await metadataOf(world, id === leg ? master : leg))['on_hold'], undefined)
    await done(world, id, { kind: 'hold', on: true })
    await done(world, id, { kind: 'hold', on: false })
    await world.run(300)
    await hearEachOther(world, a, b)
    assert.equal((await metadataOf(world, id))['on_hold'], undefined)
    const changes = holdsTold(world, id).filter((on, i, all) => on !== (all[i - 1] ?? false))
    assert.deepEqual(changes, [true, false])
    a.call.hangup()
    await allIsOver(world)
    assert.deepEqual(world.complaints, [])
  })
}

test('hold, then bridge: who is held hears music until it is held no more', async () => {
  const world = await World.open({ seed: 'hold then bridge' })
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'sleep', option: { duration: 2_000 } },
    { type: 'connect', option: { destinations: [extension('1002')] } as never },
  ])
  const bob = await world.deskPhone('1002')
  let rung: PhoneCall | null = null
  bob.onIncoming = (call) => {
    rung = call
  }
  const caller = await world.phone({ user: '+15550199' })
  const a = party(await caller.call('+15550111'))
  await world.until('answered', () => a.call.state === 'answered')
  const [master] = await callsOf(world)
  await done(world, master!.id, { kind: 'hold', on: true })
  await world.until('bob rings', () => rung !== null)
  rung!.answer()
  const b = party(rung!)
  await world.until('bob answers', () => rung!.state === 'answered')
  await world.run(500)
  await isApart(world, a, b)
  await done(world, master!.id, { kind: 'hold', on: false })
  await world.run(300)
  await hearEachOther(world, a, b)
  a.call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('a held caller is transferred: it hears music until held no more, then the new one', async () => {
  const { world, a, b, master } = await two('transfer while held')
  let rung: PhoneCall | null = null
  const carol = await world.deskPhone('1003', { autoAnswer: true })
  carol.onIncoming = (call) => {
    rung = call
  }
  await done(world, master, { kind: 'hold', on: true })
  await world.run(300)
  const leg = (await callTo(world, '1002')).id
  await done(world, leg, { kind: 'transfer', transferType: 'blind', destinations: [extension('1003')] })
  await world.until('carol answers', () => rung?.state === 'answered')
  await world.until('bob is out', () => b.call.state === 'ended')
  await world.run(500)
  const c = party(rung!)
  await isApart(world, a, c)
  await done(world, master, { kind: 'hold', on: false })
  await world.run(300)
  await hearEachOther(world, a, c)
  a.call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('a hold that the phone refuses is told, and everything sounds as before', async () => {
  const { world, a, b, master } = await two('refused hold')
  refusesOffers(a.call)
  const doc = await done(world, master, { kind: 'hold', on: true })
  assert.equal((doc['metadata'] as { on_hold?: boolean }).on_hold, true)
  await world.run(500)
  assert.equal((await metadataOf(world, master))['on_hold'], undefined)
  assert.deepEqual(holdsTold(world, master).slice(-2), [true, false])
  await hearEachOther(world, a, b)
  const quiet = b.ear.loud
  await world.run(2_000)
  assert.equal(b.ear.loud, quiet)
  a.call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('an unhold that the phone refuses leaves it on hold', async () => {
  const { world, a, b, master } = await two('refused unhold')
  await done(world, master, { kind: 'hold', on: true })
  await world.run(500)
  refusesOffers(a.call)
  await done(world, master, { kind: 'hold', on: false })
  await world.run(500)
  assert.equal((await metadataOf(world, master))['on_hold'], true)
  await isApart(world, a, b)
  a.call.hangup()
  await allIsOver(world)
})

test('what the other side says meanwhile is no part of what the held one heard', async () => {
  const { world, a, b, master } = await two('transcribed hold')
  await done(world, master, {
    kind: 'startTranscribe',
    language: 'en-US',
    direction: 'both',
    provider: '',
    onEndFlowId: NIL_UUID,
    phrases: null,
  })
  await world.run(500)
  for (const [on, phrase] of [
    [true, 'book a table'],
    [false, 'yes please'],
  ] as const) {
    await done(world, master, { kind: 'hold', on })
    await world.run(500)
    await speak(world, b.call, phrase, [])
    await world.run(2_000)
  }
  const texts = told(world, 'transcript_created').map(({ direction, message }) => [direction, message])
  assert.deepEqual(texts, [['out', 'yes please']])
  a.call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})
