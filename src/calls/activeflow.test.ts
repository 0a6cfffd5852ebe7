// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of flows look like this
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { activeflowSchema } from '../contract/activeflow.ts'
import { messageSkippedSchema } from '../contract/events.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { Activeflow, type ActiveflowCommand, type ActiveflowInput } from './activeflow.ts'
import type { ActionDoc } from './commands.ts'
import { action, id } from './flow/fake-host.suite.ts'
import type { CallOutput, RunBirth } from './part.ts'

const WALL = 1_768_000_000_000_000

class Driven {
  readonly part = new Activeflow()
  readonly all: CallOutput[] = []
  readonly inputs: [ActiveflowInput, number, number][] = []
  now = 5_000

  constructor(actions: readonly ActionDoc[], changes: Partial<RunBirth> = {}) {
    this.give({
      kind: 'born',
      seed: '0123456789abcdef0123456789abcdef',
      activeflowId: id(1),
      customerId: id(2),
      plan: { flowId: id(4), actions, variables: { name: 'Ann' } },
      referenceType: 'api',
      referenceId: NIL_UUID,
      referenceActiveflowId: NIL_UUID,
      chain: 0,
      nodeId: 'node',
      bootId: 'boot',
      ...changes,
    })
  }

  give(input: ActiveflowInput): CallOutput[] {
    const wall = WALL + this.now * 1000
    this.inputs.push([input, this.now, wall])
    const outputs = this.part.handle(input, this.now, wall)
    this.all.push(...outputs)
    return outputs
  }

  command(command: ActiveflowCommand): JsonObject {
    const reply = this.give({ kind: 'command', reply: 7, command }).find((output) => output.kind === 'reply')
    if (reply?.kind !== 'reply' || !reply.outcome.ok) throw new Error('refused')
    return reply.outcome.doc
  }

  of<K extends CallOutput['kind']>(kind: K): (CallOutput & { kind: K })[] {
    return this.all.filter((output): output is CallOutput & { kind: K } => output.kind === kind)
  }
}

test('a run stores itself running first, tells each action, and is over with its list', () => {
  const run = new Driven([action('variable_set', { key: 'a', value: '1' }), action('sleep', { duration: 50 })])
  const first = run.of('row')[0]?.row
  assert.deepEqual(
    [first?.doc['status'], first?.keys['status'], first?.keys['boot_id']],
    ['running', 'running', 'boot'],
  )
  assert.equal(run.of('over').length, 0)
  assert.ok(run.of('timer').some(({ name, at }) => name === 'flow' && at === run.now + 50))
  run.now += 50
  run.give({ kind: 'timer', name: 'flow' })
  assert.deepEqual(
    run.of('event').map(({ event }) => event.type),
    ['activeflow_created', 'activeflow_updated', 'activeflow_updated', 'activeflow_deleted'],
  )
  assert.deepEqual(
    run.of('event').map(({ event }) => event.seq),
    [1, 2, 3, 4],
  )
  for (const { event } of run.of('event')) activeflowSchema.parse(event.data)
  assert.equal(run.all.at(-1)?.kind, 'over')
})

test('sound is out of reach: what needs a call is skipped', () => {
  const run = new Driven([action('answer'), action('talk', { text: 'Hi' }), action('hangup'), action('block')])
  const current = run.part.doc()['current_action'] as JsonObject
  assert.equal(current['type'], 'block')
  assert.ok(!run.all.some(({ kind }) => kind === 'utter' || kind === 'accept' || kind === 'bye'))
})

test('errands, calls and variables work', () => {
  const run = new Driven([
    action('webhook_send', { uri: 'http://h/', data: '{"n":"${name}"}', sync: true }),
    action('call', { destinations: [{ target: '+15551234567' }] }),
  ])
  const [errand] = run.of('errand')
  assert.equal(errand?.what.kind === 'send' && errand.what.body, '{"n":"Ann"}')
  run.give({ kind: 'errandDone', errand: errand!.errand, result: { ok: true } })
  const [dial] = run.of('dial')
  assert.deepEqual([dial?.dial.isChild, dial?.dial.variables], [false, { name: 'Ann' }])
  assert.equal(run.all.at(-1)?.kind, 'over')
})

test('stop ends it and answers with how it is then; what comes later does nothing', () => {
  const run = new Driven([action('block'), action('sleep', { duration: 5 })])
  assert.equal(run.command({ kind: 'stop' })['status'], 'ended')
  assert.equal(run.of('over').length, 1)
  assert.deepEqual(run.give({ kind: 'command', reply: 8, command: { kind: 'continue' } }), [])
})

test('delete ends it and takes it from readers', () => {
  const run = new Driven([action('block')])
  assert.notEqual(run.command({ kind: 'delete' })['tm_delete'], null)
  assert.notEqual(run.of('row').at(-1)?.row.tmDelete, null)
  assert.equal(run.of('event').filter(({ event }) => event.type === 'activeflow_deleted').length, 1)
})

test('a block is left by continue', () => {
  const run = new Driven([action('block'), action('sleep', { duration: 5 })])
  const doc = run.command({ kind: 'continue' })
  assert.equal((doc['current_action'] as JsonObject)['type'], 'sleep')
})

test('only a block is left by continue', () => {
  const run = new Driven([action('sleep', { duration: 5 }), action('block')])
  const [reply] = run.give({ kind: 'command', reply: 7, command: { kind: 'continue' } })
  assert.deepEqual(reply, { kind: 'reply', to: 7, outcome: { ok: false, code: 'STATE_INVALID' } })
  assert.equal((run.part.doc()['current_action'] as JsonObject)['type'], 'sleep')
})

test('a message that cannot be sent is told, even by a run that has ended meanwhile; one that was sent is not', () => {
  const send = action('message_send', { destinations: [{ target: '+15551234567' }], text: 'Hi' })
  const run = new Driven([send, send])
  assert.equal(run.part.doc()['status'], 'ended')
  assert.equal(run.of('over').length, 0)
  run.give({ kind: 'errandDone', errand: 1, result: { ok: true } })
  run.give({ kind: 'errandDone', errand: 2, result: { ok: false, why: 'no gateway' } })
  const [told, ...more] = run.of('event').filter(({ event }) => event.type === 'message_skipped')
  assert.deepEqual(more, [])
  const { reason, activeflow_id, call_id } = messageSkippedSchema.parse(told!.event.data)
  assert.deepEqual([reason, activeflow_id, call_id], ['no gateway', id(1), undefined])
  assert.equal(run.all.at(-1)?.kind, 'over')
})

test('a run of a day is stopped', () => {
  const run = new Driven([action('block')])
  assert.ok(run.of('timer').some(({ name, at }) => name === 'maxDuration' && at === run.now + 86_400_000))
  run.give({ kind: 'timer', name: 'maxDuration' })
  assert.equal(run.of('over').length, 1)
})

test('the next of a chain knows whose it is, and the sixth is not started', () => {
  const plan = { flowId: id(4), actions: [action('empty')], variables: {}, onCompleteFlowId: id(9) }
  const origin = { referenceType: 'transcribe', referenceId: id(5) } as const
  const run = new Driven([], { plan, ...origin, chain: 4 })
  const wish = run.of('startRun')[0]?.run
  assert.deepEqual(
    [wish?.flowId, wish?.chain, wish?.referenceActiveflowId, wish?.referenceType, wish?.referenceId],
    [id(9), 5, id(1), 'transcribe', id(5)],
  )
  assert.equal(new Driven([], { plan, chain: 5 }).of('startRun').length, 0)
})

test('variables of the transcription it came from can be read', () => {
  const variables = { 'voipbin.transcribe.id': id(5) }
  const send = action('webhook_send', { uri: 'http://h/', data: '${voipbin.transcribe.id}' })
  const run = new Driven([], { plan: { flowId: id(4), actions: [send], variables } })
  const [errand] = run.of('errand')
  assert.equal(errand?.what.kind === 'send' && errand.what.body, id(5))
})

test('the same inputs give the same outputs', () => {
  const run = new Driven([action('call', { destinations: [{ target: '+15551234567' }] }), action('block')])
  run.command({ kind: 'stop' })
  const again = new Activeflow()
  const outputs = run.inputs.flatMap(([input, now, wall]) => again.handle(input, now, wall))
  assert.deepEqual(JSON.parse(JSON.stringify(outputs)), JSON.parse(JSON.stringify(run.all)))
})
