/** Who is shown to whom, who may call, and what happens to others when one call breaks (contract §5, §6). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Originate, Outcome } from '../../src/calls/commands.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, callsOf, extension } from './parties.ts'
import { NUMBER, World } from './world.ts'

const PEER = { address: '127.0.9.9', port: 5090 }

/** A bare SIP socket: collects what comes. */
async function peer(world: World): Promise<{ texts: string[]; send(text: string): void; close(): void }> {
  const texts: string[] = []
  const socket = await world.network.bind(PEER, (bytes) => texts.push(new TextDecoder().decode(bytes)))
  return {
    texts,
    send: (text) =>
      socket.send(new TextEncoder().encode(text.replaceAll('\n', '\r\n')), { address: '10.0.0.1', port: 5060 }),
    close: () => socket.close(),
  }
}

async function originate(world: World, more: Partial<Originate>): Promise<Outcome> {
  let outcome: Outcome | null = null
  const request = {
    customerId: world.customerId,
    source: null,
    destinations: [{ ...extension(`sip:bob@${PEER.address}:${PEER.port}`), type: 'sip' }],
    flowId: '',
    actions: [],
    variables: {},
    anonymous: '',
    ...more,
  }
  void world.exchange.originate(request).then((answer) => {
    outcome = answer
  })
  await world.until('it is answered', () => outcome !== null)
  return outcome!
}

test('a number that is not ours is replaced by our first one; anonymous shows nothing', async () => {
  const world = await World.open({ seed: 'caller id', dialTimeoutMs: 1_000 })
  const bob = await peer(world)
  const tel = (target: string) => ({ type: 'tel', target, target_name: '', name: '', detail: '' })
  const from = async (more: Partial<Originate>): Promise<{ invite: string; doc: JsonObject }> => {
    bob.texts.length = 0
    const outcome = await originate(world, more)
    assert.ok(outcome.ok)
    await world.until('the invite comes', () => bob.texts.some((text) => text.startsWith('INVITE')))
    const invite = bob.texts.find((text) => text.startsWith('INVITE'))!
    await world.run(40_000)
    return { invite, doc: (outcome.doc['calls'] as JsonObject[])[0]! }
  }
  const own = await from({ source: tel(NUMBER) })
  assert.match(own.invite, new RegExp(`^From: .*sip:\\${NUMBER}@`, 'm'))
  assert.equal((own.doc['metadata'] as JsonObject)['caller_id'], undefined)

  const foreign = await from({ source: tel('+4930123456') })
  assert.match(foreign.invite, new RegExp(`^From: .*sip:\\${NUMBER}@`, 'm'))
  assert.equal((foreign.doc['metadata'] as JsonObject)['caller_id'], NUMBER)
  assert.equal((foreign.doc['source'] as JsonObject)['target'], '+4930123456', 'as it was sent')

  const hidden = await from({ source: tel(NUMBER), anonymous: 'yes' })
  assert.match(hidden.invite, /^From: .*sip:anonymous@anonymous\.invalid/m)
  assert.match(hidden.invite, /^Privacy: id/m)
  assert.ok(!hidden.invite.includes(NUMBER.slice(1)), hidden.invite)
  bob.close()
  await world.run(40_000)
  await allIsOver(world)
})

test('a trusted peer asserts who calls, and who wants privacy has no number', async () => {
  const world = await World.open({ seed: 'asserted' })
  const trunk = await peer(world)
  const invite = (n: number, headers: string): string => `INVITE sip:${NUMBER}@10.0.0.1 SIP/2.0
Via: SIP/2.0/UDP ${PEER.address}:${PEER.port};branch=z9hG4bK${n};rport
Max-Forwards: 70
From: <sip:someone@carrier.example>;tag=t${n}
To: <sip:${NUMBER}@10.0.0.1>
Call-ID: call-${n}@carrier
CSeq: 1 INVITE
Contact: <sip:${PEER.address}:${PEER.port}>
${headers}Content-Length: 0

`
  trunk.send(invite(1, 'P-Asserted-Identity: "Ann" <tel:+4930123456>\n'))
  await world.run(500)
  trunk.send(invite(2, 'P-Asserted-Identity: <tel:+4930123456>\nPrivacy: id\n'))
  await world.run(500)
  const [shown, hidden] = (await callsOf(world)).map(({ doc }) => doc)
  assert.deepEqual(shown!['source'], { type: 'tel', target: '+4930123456', target_name: 'Ann', name: '', detail: '' })
  assert.equal((hidden!['source'] as JsonObject)['target'], 'anonymous')
  assert.equal((hidden!['metadata'] as JsonObject)['privacy'], 'id')
  trunk.close()
  await world.run(60_000)
  await allIsOver(world)
})

test('one call of a bridge breaks by a fault of ours: the other one goes on alone or is hung up, and nothing is left', async () => {
  for (const broken of ['leg', 'master'] as const) {
    const world = await World.open({ seed: `broken ${broken}` })
    const bob = await world.deskPhone('1002', { autoAnswer: true })
    let rung: PhoneCall | null = null
    bob.onIncoming = (call) => {
      rung = call
    }
    await world.number('+15550111', [
      { type: 'answer', option: {} },
      { type: 'connect', option: { destinations: [extension('1002')] } as never },
      { type: 'sleep', option: { duration: 5_000 } },
    ])
    const call = await (await world.phone({ user: '+15550199' })).call('+15550111')
    await world.until('connected', () => rung?.state === 'answered')
    await world.run(500)
    const [master, leg] = await callsOf(world)
    const id = broken === 'leg' ? leg!.id : master!.id
    world.runner.tell({ kind: 'call', id }, { kind: 'sip', news: null as never })
    await world.until('the broken one is gone', () => (broken === 'leg' ? rung! : call).state === 'ended')
    await world.run(1_000)
    if (broken === 'leg') assert.equal(call.state, 'answered', 'its flow goes on')
    else assert.equal(rung!.state, 'ended')
    await world.run(10_000)
    assert.equal(call.state, 'ended')
    await world.close()
    assert.deepEqual(world.runner.census(), { mailboxes: 0, timers: 0, replies: 0 })
    assert.equal(world.sound.census().legs, 0)
    assert.equal(world.complaints.filter((text) => text.startsWith('call crashed')).length, 1)
  }
})

test('a call breaks by a fault of ours while it rings two phones: they ring no more, at once', async () => {
  const world = await World.open({ seed: 'broken while it rings' })
  const rung: PhoneCall[] = []
  for (const user of ['1002', '1003']) {
    const phone = await world.deskPhone(user)
    phone.onIncoming = (call) => void rung.push(call)
  }
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'connect', option: { destinations: ['1002', '1003'].map(extension) } as never },
  ])
  const call = await (await world.phone({ user: '+15550199' })).call('+15550111')
  await world.until('both ring', () => rung.length === 2)
  const [master] = await callsOf(world)
  world.runner.tell({ kind: 'call', id: master!.id }, { kind: 'sip', news: null as never })
  await world.until('they ring no more', () => rung.every(({ state }) => state === 'ended'), 500)
  const [group] = await world.store.find('groupcalls', {}, 10)
  assert.equal(group!.doc['status'], 'hangup')
  assert.equal(call.state, 'ended')
  await world.close()
  assert.deepEqual(world.runner.census(), { mailboxes: 0, timers: 0, replies: 0 })
  assert.equal(world.complaints.filter((text) => text.startsWith('call crashed')).length, 1)
})

test('a call breaks while its legs are still being asked for: nothing rings', async () => {
  const world = await World.open({ seed: 'broken while it asks' })
  let rung = 0
  const bob = await world.deskPhone('1002')
  bob.onIncoming = () => void rung++
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'connect', option: { destinations: [extension('1002')] } as never },
  ])
  world.onEvent = ({ type, call_id, data }) => {
    const action = data['action'] as JsonObject | undefined
    if (type !== 'call_updated' || action?.['type'] !== 'connect') return
    world.runner.tell({ kind: 'call', id: call_id! }, { kind: 'sip', news: null as never })
  }
  const call = await (await world.phone({ user: '+15550199' })).call('+15550111')
  await world.until('the caller is gone', () => call.state === 'ended')
  await world.run(5_000)
  assert.equal(rung, 0)
  await world.close()
  assert.deepEqual(world.runner.census(), { mailboxes: 0, timers: 0, replies: 0 })
})

test('the media thread dies under a bridge: both calls end as failed, and the next ones work', async () => {
  const world = await World.open({ seed: 'media under a bridge' })
  const alice = await world.deskPhone('1001')
  await world.deskPhone('1002', { autoAnswer: true })
  const out = await alice.call('1002')
  await world.until('answered', () => out.state === 'answered')
  await world.run(300)
  world.kill('media')
  await world.until('hung up', () => out.state === 'ended')
  await world.run(3_000)
  const again = await alice.call('1002')
  await world.until('answered again', () => again.state === 'answered')
  again.hangup()
  await allIsOver(world)
})
