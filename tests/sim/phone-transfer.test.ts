/** Transfers that phones ask for themselves: REFER, REFER with Replaces, INVITE with Replaces; and keys by INFO. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newExtension } from '../../src/contract/extension.ts'
import { rowOf } from '../../src/contract/row.ts'
import type { Phone, PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, callsOf, callTo, extension, listening, speak, told } from './parties.ts'
import { World } from './world.ts'

interface Party {
  readonly call: PhoneCall
  readonly ear: { loud: number }
}

const party = (call: PhoneCall): Party => ({ call, ear: listening(call) })

/** A caller from outside is connected to 1001; 1002 and 1003 are there. */
async function connected(seed: string, manual: readonly string[] = []) {
  const world = await World.open({ seed, dialTimeoutMs: 8_000 })
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'connect', option: { destinations: [extension('1001')] } as never },
    { type: 'sleep', option: { duration: 60_000 } },
  ])
  const incoming = new Map<string, PhoneCall>()
  const phones = new Map<string, Phone>()
  for (const user of ['1001', '1002', '1003']) {
    const phone = await world.deskPhone(user, { autoAnswer: !manual.includes(user) })
    phone.onIncoming = (call) => incoming.set(user, call)
    phones.set(user, phone)
  }
  const outside = await world.phone({ user: '+15550199' })
  const x = party(await outside.call('+15550111'))
  await world.until('they are connected', () => incoming.get('1001')?.state === 'answered')
  await world.run(500)
  const at = async (user: string): Promise<Party> => {
    await world.until(`${user} is rung`, () => incoming.has(user))
    return party(incoming.get(user)!)
  }
  return { world, x, t: party(incoming.get('1001')!), at, phone: (user: string) => phones.get(user)! }
}

function progressOf(call: PhoneCall): string[] {
  const lines: string[] = []
  call.onNotified = (line) => lines.push(line.replace('SIP/2.0 ', ''))
  return lines
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

test('REFER to an extension: told on the way, 200 when it answers, and who transfers is hung up', async () => {
  const { world, x, t, at } = await connected('refer', ['1002'])
  const progress = progressOf(t.call)
  t.call.refer('sip:1002@10.0.0.1')
  const y = await at('1002')
  await world.run(500)
  assert.deepEqual(progress, ['100 Trying'])
  assert.equal(t.call.state, 'answered')
  y.call.answer()
  await world.until('1001 is hung up', () => t.call.state === 'ended')
  assert.deepEqual(progress, ['100 Trying', '200 OK'])
  await world.run(300)
  await hearEachOther(world, x, y)
  y.call.hangup()
  await world.run(500)
  assert.equal(x.call.state, 'answered', 'the flow goes on')
  x.call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('REFER to somebody who does not answer: the phone is told, and has its caller back', async () => {
  const { world, x, t } = await connected('refer nobody', ['1002'])
  const progress = progressOf(t.call)
  t.call.refer('sip:1002@10.0.0.1')
  await world.until('it was in vain', () => progress.length === 2, 20_000)
  assert.deepEqual(progress, ['100 Trying', '480 Temporarily Unavailable'])
  await world.run(500)
  await hearEachOther(world, x, t)
  x.call.hangup()
  await world.until('1001 is hung up', () => t.call.state === 'ended')
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('a phone that hangs up right after its REFER: it goes on without it', async () => {
  const { world, x, t, at } = await connected('refer and go', ['1002'])
  t.call.refer('tel:1002')
  const y = await at('1002')
  t.call.hangup()
  await world.run(500)
  y.call.answer()
  await world.until('1002 is connected', () => y.call.state === 'answered')
  await world.run(300)
  await hearEachOther(world, x, y)
  x.call.hangup()
  await world.until('1002 is hung up', () => y.call.state === 'ended')
  await allIsOver(world)
})

test('the caller hangs up while the transfer rings: 487, and nobody is left', async () => {
  const { world, x, t, at } = await connected('refer abandoned', ['1002'])
  const progress = progressOf(t.call)
  t.call.refer('sip:1002@10.0.0.1')
  const y = await at('1002')
  x.call.hangup()
  await world.until('all are hung up', () => t.call.state === 'ended' && y.call.state === 'ended')
  assert.deepEqual(progress, ['100 Trying', '487 Request Terminated'])
  await allIsOver(world)
})

test('REFER with Replaces: the phone asks 1002 first, then leaves the two to each other', async () => {
  const { world, x, t, at, phone } = await connected('attended refer')
  const second = await phone('1001').call('1002')
  const y = await at('1002')
  await world.until('1002 answers', () => second.state === 'answered')
  await world.run(300)
  await hearEachOther(world, party(second), y, [x])
  const progress = progressOf(t.call)
  t.call.refer('sip:1002@10.0.0.1', second)
  await world.until('both calls of 1001 are over', () => t.call.state === 'ended' && second.state === 'ended')
  assert.deepEqual(progress, ['100 Trying', '200 OK'])
  await world.run(300)
  await hearEachOther(world, x, y)
  x.call.hangup()
  await world.until('1002 is hung up', () => y.call.state === 'ended')
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('REFER with Replaces while 1002 still rings is declined, and everything stays', async () => {
  const { world, x, t, at, phone } = await connected('attended early refer', ['1002'])
  const second = await phone('1001').call('1002')
  const y = await at('1002')
  const progress = progressOf(t.call)
  // Not answered: there is no dialog of its own to name.
  t.call.refer('sip:1002@10.0.0.1', { replaces: 'nobody;to-tag=a;from-tag=b' } as PhoneCall)
  await world.run(1_000)
  assert.deepEqual(progress, [])
  await hearEachOther(world, x, t)
  second.hangup()
  await world.until('1002 rings no more', () => y.call.state === 'ended')
  x.call.hangup()
  await allIsOver(world)
})

test('a stranger is no transferor: REFER from outside is refused', async () => {
  const { world, x, t } = await connected('refer from outside')
  const progress = progressOf(x.call)
  x.call.refer('sip:1002@10.0.0.1')
  await world.run(1_000)
  assert.deepEqual(progress, [])
  assert.equal((await callsOf(world)).length, 2)
  await hearEachOther(world, x, t)
  x.call.hangup()
  await allIsOver(world)
})

/** A phone of another customer on the same server. */
async function foreignPhone(world: World, user: string): Promise<Phone> {
  const password = `${user} secret`
  const doc = newExtension({
    id: world.random.uuid(),
    customerId: world.random.uuid(),
    extension: user,
    name: '',
    password,
    tmCreate: '2026-01-01T00:00:00.000000Z',
  })
  await world.store.commit({ rows: [rowOf('extensions', doc, {}, { extension: user, name: '' })] })
  return world.phone({ user, credentials: { username: user, password } })
}

test("no phone reaches another customer's call: not by REFER with Replaces, not by INVITE with Replaces, not by REFER", async () => {
  const { world, x, t } = await connected('walls')
  await world.number('+15550222', [
    { type: 'answer', option: {} },
    { type: 'sleep', option: { duration: 60_000 } },
  ])
  const eve = await foreignPhone(world, '7001')
  const own = await eve.call('+15550222')
  await world.until('eve is answered', () => own.state === 'answered')
  const progress = progressOf(own)
  own.refer('sip:1001@10.0.0.1', t.call)
  own.refer('sip:1002@10.0.0.1')
  const taking = await eve.call('1001', [['Replaces', t.call.replaces]])
  let code = 0
  taking.answered.catch((error: { code: number }) => {
    code = error.code
  })
  await world.until('it is refused', () => code !== 0)
  assert.equal(code, 481)
  assert.deepEqual(progress, [])
  await hearEachOther(world, x, t)
  own.hangup()
  x.call.hangup()
  await allIsOver(world)
})

test('INVITE with Replaces: another phone of the customer takes the call over', async () => {
  const { world, x, t, phone } = await connected('take over')
  const taking = await phone('1003').call('1001', [['Replaces', t.call.replaces]])
  await world.until('1001 is hung up', () => t.call.state === 'ended')
  await world.run(300)
  const z = party(taking)
  assert.equal(taking.state, 'answered')
  await hearEachOther(world, x, z)
  x.call.hangup()
  await world.until('1003 is hung up', () => taking.state === 'ended')
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('INVITE with Replaces while it rings: another phone picks the call up, and the first rings no more', async () => {
  const world = await World.open({ seed: 'pick up' })
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'connect', option: { destinations: [extension('1001')] } as never },
  ])
  const first = await world.deskPhone('1001')
  const other = await world.deskPhone('1003')
  let rung: PhoneCall | null = null
  first.onIncoming = (call) => {
    rung = call
  }
  const outside = await world.phone({ user: '+15550199' })
  const x = party(await outside.call('+15550111'))
  await world.until('it rings', () => rung !== null)
  await world.run(500)
  const taking = await other.call('1001', [['Replaces', rung!.replaces]])
  await world.until('1001 rings no more', () => rung!.state === 'ended')
  await world.run(500)
  assert.equal(taking.state, 'answered')
  await hearEachOther(world, x, party(taking))
  x.call.hangup()
  await world.until('1003 is hung up', () => taking.state === 'ended')
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('REFER with Replaces of a call that talks to a flow comes to nothing, and the caller is back', async () => {
  const { world, x, t, phone } = await connected('attended flow')
  await world.number('+15550222', [
    { type: 'answer', option: {} },
    { type: 'sleep', option: { duration: 60_000 } },
  ])
  const second = await phone('1001').call('+15550222')
  await world.until('the flow answers', () => second.state === 'answered')
  const progress = progressOf(t.call)
  t.call.refer('sip:+15550222@10.0.0.1', second)
  await world.until('it was in vain', () => progress.length === 2)
  assert.deepEqual(progress, ['100 Trying', '503 Service Unavailable'])
  await world.run(300)
  await hearEachOther(world, x, t)
  second.hangup()
  x.call.hangup()
  await allIsOver(world)
  assert.deepEqual(world.complaints, [])
})

test('keys by INFO are keys of the call, and one sent by both ways counts once', async () => {
  const { world, x } = await connected('info keys')
  x.call.pressByInfo('5')
  await world.run(500)
  assert.deepEqual(
    told(world, 'dtmf_received').map(({ digit }) => digit),
    ['5'],
  )
  x.call.pressByInfo('7')
  x.call.press('7')
  await world.run(1_000)
  x.call.press('7')
  await world.run(3_000)
  assert.deepEqual(
    told(world, 'dtmf_received').map(({ digit }) => digit),
    ['5', '7', '7'],
  )
  x.call.hangup()
  await allIsOver(world)
})

test('who is not the first to answer is told that it was answered elsewhere', async () => {
  const world = await World.open({ seed: 'elsewhere' })
  await world.number('+15550111', [
    { type: 'connect', option: { destinations: [extension('1001'), extension('1002')] } as never },
  ])
  const first = await world.deskPhone('1001')
  await world.deskPhone('1002')
  let rung: PhoneCall | null = null
  first.onIncoming = (call) => {
    rung = call
  }
  const outside = await world.phone({ user: '+15550199' })
  const call = await outside.call('+15550111')
  await world.until('it rings', () => rung !== null)
  await world.run(500)
  rung!.answer()
  await world.run(500)
  const loser = await callTo(world, '1002')
  assert.equal(loser.doc['hangup_reason'], 'cancel')
  call.hangup()
  await allIsOver(world)
})
