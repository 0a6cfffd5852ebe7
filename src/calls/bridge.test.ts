import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NIL_UUID } from '../kernel/ids.ts'
import { BRIDGE, type Input, type State } from './bridge-table.ts'
import type { Address } from './commands.ts'
import { Groupcall, type GroupcallInput } from './groupcall.ts'
import { action, HandDrivenCall } from './harness.suite.ts'
import type { CallOutput, PeerNews } from './part.ts'

const SOMEBODY: Address = { type: 'extension', target: '1002', target_name: '', name: '', detail: '' }
const LEG = '33333333-3333-4333-8333-333333333333'
const OTHER = '44444444-4444-4444-8444-444444444444'
const CONNECT = { kind: 'connect', source: null, destinations: [SOMEBODY], anonymous: false } as const

function toldTo(call: HandDrivenCall, id: string): string[] {
  return call.all.flatMap((output) => {
    if (output.kind !== 'tell' || output.ref.id !== id) return []
    const { kind, news } = output.input as { kind: string; news?: { kind: string } }
    return [news?.kind ?? kind]
  })
}

function news(call: HandDrivenCall, what: PeerNews): CallOutput[] {
  return call.give({ kind: 'peer', news: what })
}

function connected(): HandDrivenCall {
  const call = new HandDrivenCall().answered()
  call.done({ kind: 'act', action: CONNECT })
  news(call, { kind: 'connected', callId: LEG })
  return call
}

test('every state of a bridge knows what every input means, and nothing leads out of over', () => {
  for (const state of Object.keys(BRIDGE) as State[]) {
    for (const input of Object.keys(BRIDGE.alone) as Input[]) assert.ok(BRIDGE[state][input], `${state} ${input}`)
  }
  for (const cell of Object.values(BRIDGE.over))
    assert.ok(typeof cell === 'string' ? cell === 'ignore' : cell.to === 'over')
})

test('a connect dials with ringback, joins the sound on the answer, and the call shows with whom', () => {
  const call = new HandDrivenCall().answered()
  call.done({ kind: 'act', action: CONNECT })
  const [dial] = call.acts('dial')
  assert.ok(dial?.kind === 'dial' && dial.dial.isChild)
  assert.deepEqual(
    call.acts('background').map((one) => one.kind === 'background' && one.sound),
    ['ringback'],
  )
  news(call, { kind: 'connected', callId: dial.dial.callIds![0]! })
  assert.equal(call.acts('bridge').length, 1)
  assert.deepEqual(call.call.doc()['chained_call_ids'], dial.dial.callIds)
  assert.equal((call.call.doc()['metadata'] as { bridged_call_id?: string }).bridged_call_id, dial.dial.callIds![0])
  assert.equal(call.events('call_').at(-1), 'call_updated')
})

test('an unanswered caller is answered when somebody else has answered, and bridged when that is confirmed', () => {
  const call = new HandDrivenCall()
  call.born({ plan: { flowId: NIL_UUID, actions: [action('sleep', { duration: 60_000 })], variables: {} } })
  call.sound({ kind: 'legOpened', leg: { slot: 0, generation: 1 }, localPort: 10_000, at: call.now })
  call.done({ kind: 'act', action: CONNECT })
  news(call, { kind: 'connected', callId: LEG })
  assert.equal(call.acts('accept').length, 1)
  assert.equal(call.acts('bridge').length, 0)
  assert.deepEqual(toldTo(call, LEG), ['joined'], 'it tells us when it leaves meanwhile')
  call.give({ kind: 'sip', news: { kind: 'confirmed' } })
  assert.equal(call.acts('bridge').length, 1)
})

test('an answer that nobody waits for any more is hung up', () => {
  const call = new HandDrivenCall().answered()
  news(call, { kind: 'connected', callId: LEG })
  assert.deepEqual(toldTo(call, LEG), ['command'])
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  news(call, { kind: 'connected', callId: OTHER })
  assert.deepEqual(toldTo(call, OTHER), ['command'])
  news(call, { kind: 'joined', callId: OTHER })
  assert.deepEqual(toldTo(call, OTHER), ['command', 'left'], 'a call that is over tells so')
})

test('the hang-up of one side is told to the other, once', () => {
  const call = connected()
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  assert.deepEqual(toldTo(call, LEG), ['joined', 'left'])
})

test('a leg without a flow hangs up when its other side leaves; news of a stranger change nothing', () => {
  const leg = new HandDrivenCall().answered({ direction: 'outgoing', plan: null, masterCallId: OTHER })
  news(leg, { kind: 'joined', callId: OTHER })
  news(leg, { kind: 'left', callId: LEG, reason: 'normal' })
  assert.equal(leg.acts('bye').length, 0)
  news(leg, { kind: 'left', callId: OTHER, reason: 'normal' })
  assert.equal(leg.acts('bye').length, 1)
  assert.equal(leg.call.doc()['master_call_id'], OTHER)
})

test('what waits for the answer is done at the answer, but not what has waited for more than a minute', () => {
  const wish = { voiceId: '', language: 'en-US', gender: '', voice: '' }
  const call = new HandDrivenCall()
  call.born({ plan: { flowId: NIL_UUID, actions: [action('sleep', { duration: 600_000 })], variables: {} } })
  call.done({ kind: 'act', action: { kind: 'talk', text: 'Too early.', wish, interrupt: false } })
  call.after(30_000).done({ kind: 'act', action: { kind: 'talk', text: 'In time.', wish, interrupt: false } })
  call.after(30_001).give({ kind: 'sip', news: { kind: 'confirmed' } })
  assert.deepEqual(
    call.acts('utter').map((one) => one.kind === 'utter' && one.text),
    ['In time.'],
  )
})

function groupcall(more: Partial<GroupcallInput & { kind: 'born' }> = {}) {
  const part = new Groupcall()
  const outputs: CallOutput[] = []
  const give = (input: GroupcallInput): void => void outputs.push(...part.handle(input, 0, 0))
  give({
    kind: 'born',
    groupcallId: '55555555-5555-4555-8555-555555555555',
    customerId: NIL_UUID,
    flowId: NIL_UUID,
    source: SOMEBODY,
    destinations: [SOMEBODY, SOMEBODY, SOMEBODY],
    callIds: ['a', 'b', 'c'],
    masterCallId: OTHER,
    answerMethod: 'hangup_others',
    nodeId: 'node',
    bootId: 'boot',
    ...more,
  })
  const told = (id: string): string[] =>
    outputs.flatMap((output) => {
      if (output.kind !== 'tell' || output.ref.id !== id) return []
      const { news: what, command } = output.input as {
        news?: { kind: string; reason?: string }
        command?: { kind: string }
      }
      return [what ? `${what.kind}${what.reason ? ` ${what.reason}` : ''}` : command!.kind]
    })
  return { part, outputs, give, told }
}

test('the first answer of a groupcall wins, a second one is hung up, and the master hears of one', () => {
  const { give, told, part } = groupcall()
  give({ kind: 'callAnswered', callId: 'b' })
  give({ kind: 'callAnswered', callId: 'c' })
  assert.deepEqual([told('a'), told('b'), told('c')], [['hangup'], [], ['hangup', 'hangup']])
  for (const callId of ['a', 'b', 'c']) give({ kind: 'callOver', callId, reason: 'normal' })
  assert.deepEqual(told(OTHER), ['connected'])
  assert.equal(part.doc()['answer_call_id'], 'b')
  assert.equal(part.doc()['status'], 'hangup')
})

test('nobody: the master is told the reason that says most', () => {
  for (const [reasons, best] of [
    [['failed', 'noanswer', 'busy'], 'busy'],
    [['failed', 'noanswer', 'dialout'], 'noanswer'],
    [['failed', 'failed', 'failed'], 'failed'],
  ] as const) {
    const { give, told } = groupcall()
    for (const [i, reason] of reasons.entries()) give({ kind: 'callOver', callId: 'abc'[i]!, reason })
    assert.deepEqual(told(OTHER), [`nobody ${best}`])
  }
})

test('one after another: the next is dialled when the one before is gone, and none after an answer', () => {
  const { give, outputs, part } = groupcall({ ringMethod: 'linear' })
  assert.deepEqual(part.doc()['call_ids'], ['a'])
  give({ kind: 'callOver', callId: 'a', reason: 'busy' })
  assert.deepEqual(
    outputs.filter(({ kind }) => kind === 'dialMember'),
    [{ kind: 'dialMember', index: 1 }],
  )
  give({ kind: 'callAnswered', callId: 'b' })
  give({ kind: 'callOver', callId: 'b', reason: 'normal' })
  assert.deepEqual(part.doc()['call_ids'], ['a', 'b'])
  assert.equal(part.doc()['status'], 'hangup')
})
