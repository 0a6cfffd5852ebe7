/** Transfers (contract §7.4), and sound before the answer. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, callsOf, callTo, done, extension, listening, speak, told } from './parties.ts'
import { World } from './world.ts'

interface Party {
  readonly call: PhoneCall
  readonly ear: { loud: number }
}

/** A caller from outside (X, the master) is connected to 1001 (T); 1002 (Y) is there to be called. */
async function connected(seed: string, more: { answers?: boolean } = {}) {
  const world = await World.open({ seed, dialTimeoutMs: 8_000 })
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'connect', option: { destinations: [extension('1001')] } as never },
    { type: 'sleep', option: { duration: 60_000 } },
  ])
  const incoming = new Map<string, PhoneCall>()
  for (const user of ['1001', '1002']) {
    const phone = await world.deskPhone(user, { autoAnswer: user === '1001' || (more.answers ?? true) })
    phone.onIncoming = (call) => incoming.set(user, call)
  }
  const caller = await world.phone({ user: '+15550199' })
  const out = await caller.call('+15550111')
  await world.until('they are connected', () => incoming.get('1001')?.state === 'answered')
  await world.run(500)
  const party = (call: PhoneCall): Party => ({ call, ear: listening(call) })
  const x = party(out)
  const t = party(incoming.get('1001')!)
  const y = async (): Promise<Party> => {
    await world.until('1002 rings', () => incoming.has('1002'))
    return party(incoming.get('1002')!)
  }
  const transfer = async (transferType: 'blind' | 'attended') =>
    done(world, (await callTo(world, '1001')).id, {
      kind: 'transfer',
      transferType,
      destinations: [extension('1002')],
    })
  return { world, x, t, y, transfer, master: (await callsOf(world))[0]!.id }
}

async function hearEachOther(world: World, one: Party, other: Party, deaf: readonly Party[] = []): Promise<void> {
  const [forth, ...others] = await speak(world, one.call, 'opening hours', [other.ear, ...deaf.map(({ ear }) => ear)])
  const [back] = await speak(world, other.call, 'yes please', [one.ear])
  assert.ok(forth! > 20 && back! > 20, `forth ${forth}, back ${back}`)
  assert.deepEqual(
    others,
    deaf.map(() => 0),
  )
}

test('blind: who transfers is out, the caller hears it ring, then talks to the new one', async () => {
  const { world, x, t, y, transfer, master } = await connected('blind', { answers: false })
  const doc = await transfer('blind')
  assert.equal(doc['type'], 'blind')
  const other = await y()
  assert.equal((await callTo(world, '1002')).id, doc['transferee_call_id'])
  await world.until('1001 is hung up', () => t.call.state === 'ended')
  const before = x.ear.loud
  await world.run(4_500)
  assert.ok(x.ear.loud > before, 'ringback')
  other.call.answer()
  await world.until('1002 is connected', () => other.call.state === 'answered')
  await world.run(300)
  await hearEachOther(world, x, other)
  assert.equal((await callTo(world, '1002')).doc['master_call_id'], master)
  other.call.hangup()
  await world.run(500)
  assert.equal(x.call.state, 'answered', 'the flow goes on')
  x.call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('blind, and nobody answers: the flow of the caller goes on', async () => {
  const { world, x, transfer, master } = await connected('blind nobody', { answers: false })
  await transfer('blind')
  await world.until('it was in vain', () => told(world, 'call_connect_failed', master).length === 1, 20_000)
  await world.run(300)
  assert.equal(x.call.state, 'answered')
  const [call] = await callsOf(world)
  assert.equal((call!.doc['action'] as { type: string }).type, 'sleep')
  x.call.hangup()
  await allIsOver(world)
})

test('attended: the caller hears music while two talk; when the one between hangs up, the others are together', async () => {
  const { world, x, t, y, transfer } = await connected('attended')
  await transfer('attended')
  const other = await y()
  await world.until('1002 answers', () => other.call.state === 'answered')
  await world.run(500)
  const music = x.ear.loud
  await world.run(3_000)
  assert.ok(x.ear.loud > music, 'music')
  await hearEachOther(world, t, other)
  t.call.hangup()
  await world.run(1_000)
  await hearEachOther(world, x, other)
  const quiet = x.ear.loud
  await world.run(1_000)
  assert.equal(x.ear.loud, quiet, 'no music any more')
  x.call.hangup()
  await world.until('1002 is hung up', () => other.call.state === 'ended')
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('attended, and the one who was asked leaves: the first two are together again', async () => {
  const { world, x, t, y, transfer } = await connected('attended back')
  await transfer('attended')
  const other = await y()
  await world.until('1002 answers', () => other.call.state === 'answered')
  await world.run(500)
  other.call.hangup()
  await world.run(1_000)
  await hearEachOther(world, x, t)
  x.call.hangup()
  await world.until('1001 is hung up', () => t.call.state === 'ended')
  await allIsOver(world)
})

test('attended, and the caller leaves while the two talk: they go on', async () => {
  const { world, x, t, y, transfer } = await connected('attended left')
  await transfer('attended')
  const other = await y()
  await world.until('1002 answers', () => other.call.state === 'answered')
  await world.run(500)
  x.call.hangup()
  await world.run(1_000)
  await hearEachOther(world, t, other)
  other.call.hangup()
  await world.until('1001 is hung up', () => t.call.state === 'ended')
  await allIsOver(world)
})

test('attended, and the one between hangs up while it rings: it rings on for the caller', async () => {
  const { world, x, t, y, transfer } = await connected('attended early', { answers: false })
  await transfer('attended')
  const other = await y()
  await world.run(500)
  t.call.hangup()
  await world.run(1_000)
  other.call.answer()
  await world.until('1002 answers', () => other.call.state === 'answered')
  await world.run(500)
  await hearEachOther(world, x, other)
  x.call.hangup()
  await world.until('1002 is hung up', () => other.call.state === 'ended')
  await allIsOver(world)
})

test('early media: the caller hears the other side before either call is answered', async () => {
  const world = await World.open({ seed: 'early' })
  const alice = await world.deskPhone('1001')
  const bob = await world.deskPhone('1002')
  let rung: PhoneCall | null = null
  bob.onIncoming = (call) => {
    rung = call
    call.answerEarly()
  }
  const out = await alice.call('1002')
  await world.until('bob rings', () => rung !== null)
  await world.run(500)
  const ear = listening(out)
  const [early] = await speak(world, rung!, 'opening hours', [ear])
  assert.ok(early! > 20, `${early} loud frames`)
  assert.equal(out.state, 'ringing')
  rung!.answer()
  await world.until('answered', () => out.state === 'answered')
  await world.run(300)
  const bobs = listening(rung!)
  const [forth] = await speak(world, out, 'yes please', [bobs])
  assert.ok(forth! > 20)
  out.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})
