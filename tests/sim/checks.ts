/** What must hold of every world in which calls have come and gone. */

import assert from 'node:assert/strict'
import { replay } from '../../src/calls/replay.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { EventRow, Row, TableName } from '../../src/store/port.ts'
import type { ScriptedAgent } from './agent.ts'
import { SETTINGS, type World } from './world.ts'

const FINAL = {
  calls: 'hangup',
  groupcalls: 'hangup',
  activeflows: 'ended',
  transcribes: 'done',
  speakings: 'stopped',
} as const satisfies Partial<Record<TableName, string>>

const SAY_ENDED = ['speaking_say_finished', 'speaking_say_interrupted']

/** Every record has come to its end. @returns the calls */
export async function recordsAreFinal(world: World): Promise<readonly Row[]> {
  for (const [table, status] of Object.entries(FINAL) as [TableName, string][]) {
    const rows = await world.store.find(table, {}, 1_000_000)
    const open = rows.filter((row) => row.doc['status'] !== status || row.keys['status'] !== status)
    assert.deepEqual(
      open.map((row) => [table, row.id, row.doc['status']]),
      [],
    )
  }
  return world.store.find('calls', {}, 1_000_000)
}

/** After `World.close`: no timer, socket, port, leg, mailbox, transaction or dialog, only the server's own SIP port. */
export function nothingIsLeft(world: World): void {
  assert.deepEqual(world.timersLeft, { sip: 0, others: 0 })
  assert.deepEqual(world.runner.census(), { mailboxes: 0, timers: 0, replies: 0 })
  assert.equal(world.sound.census().legs, 0)
  assert.deepEqual(world.sip.census(), { transactions: 0, dialogs: 0, legs: 0, contacts: 0, timers: 0, books: 0 })
  assert.equal(world.network.open, 1, 'sockets')
  assert.equal(world.clock.pending(), 0, 'timers')
  world.sip.close()
  assert.equal(world.network.open, 0, 'sockets after close')
}

export async function eventsOf(world: World, callId: string): Promise<readonly EventRow[]> {
  return world.store.eventsOfCall(world.customerId, callId)
}

/** The events of one call tell one story: numbered without gaps, causes before effects, what begins ends. */
export function storyHolds(events: readonly EventRow[]): void {
  const callId = events[0]?.call_id
  const types = events.map(({ type }) => type)
  const told = `call ${callId}: ${types.join(' ')}`
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, i) => i + 1),
    `numbers of ${told}`,
  )
  assert.equal(types.filter((type) => type === 'call_hangup').length, 1, told)
  const hangup = types.indexOf('call_hangup')
  for (const [i, { type, data }] of events.entries()) {
    const isByHangup = type === 'speaking_stopped' ? false : data['status_reason'] === 'call_ended'
    if (type === 'transcribe_done' && isByHangup) assert.ok(i > hangup, told)
    assert.ok(type !== 'call_progressing' || i < hangup, told)
  }
  for (const id of new Set(events.filter(({ type }) => type === 'transcribe_created').map(({ data }) => data['id']))) {
    transcribeHolds(events, String(id), told)
  }
  for (const id of new Set(events.filter(({ type }) => type === 'speaking_started').map(({ data }) => data['id']))) {
    const mine = events.filter(({ data }) => data['speaking_id'] === id || data['id'] === id).map(({ type }) => type)
    assert.equal(mine.filter((type) => type === 'speaking_stopped').length, 1, told)
    assert.equal(mine.at(-1), 'speaking_stopped', `the outcome of every say comes first: ${told}`)
  }
}

function transcribeHolds(events: readonly EventRow[], id: string, told: string): void {
  const mine = events.filter(({ data }) => data['transcribe_id'] === id || data['id'] === id)
  assert.equal(mine.filter(({ type }) => type === 'transcribe_done').length, 1, told)
  assert.equal(mine.at(-1)?.type, 'transcribe_done', told)
  let isSpeaking = false
  for (const { type } of mine) {
    if (type === 'transcribe_speech_started') {
      assert.ok(!isSpeaking, `two starts: ${told}`)
      isSpeaking = true
    } else if (type === 'transcribe_speech_ended') {
      assert.ok(isSpeaking, `an end without a start: ${told}`)
      isSpeaking = false
    }
  }
  assert.ok(!isSpeaking, `a start without an end: ${told}`)
}

/** Every sentence that was accepted became exactly one of heard or cut, and the two halves are the sentence. */
export function saysAreSettled(events: readonly EventRow[], said: readonly string[]): void {
  const ends = events.filter(({ type }) => SAY_ENDED.includes(type)).map(({ data }) => data)
  assert.deepEqual(ends.map(({ text }) => text).sort(), [...said].sort())
  assert.equal(new Set(ends.map(({ id }) => id)).size, ends.length)
  for (const end of ends) assert.equal(`${end['text_heard']}${end['text_unheard']}`, end['text'])
  for (const { data } of events.filter(({ type }) => type === 'speaking_say_finished')) assert.equal(data['cut_by'], '')
}

/** The flight recorder: the stored inputs of a call give the stored events again. */
export async function logReplays(world: World, callId: string): Promise<void> {
  const lines = await world.store.inputLog(world.customerId, callId)
  assert.ok(lines && lines.length > 0, `no input log of ${callId}`)
  const again: { type: string; seq: number; offset: number; data: JsonObject }[] = []
  for (const output of replay(lines, SETTINGS).flat()) {
    if (output.kind !== 'event' || output.event.ephemeral) continue
    const { type, seq, offsetMs, data } = output.event
    again.push({ type, seq, offset: offsetMs, data })
  }
  const stored = (await eventsOf(world, callId)).map(({ type, seq, offset_ms: offset, data }) => ({
    type,
    seq,
    offset,
    data,
  }))
  assert.deepEqual(JSON.parse(JSON.stringify(again)), stored)
}

/** Every stored event arrived, or had all of its attempts. */
export async function webhooksAreDone(world: World): Promise<{ delivered: number; dead: number }> {
  const pending = await world.store.dueDeliveries(Number.MAX_SAFE_INTEGER, 10)
  assert.deepEqual(pending, [])
  const arrived = new Set(world.delivered.map(({ id }) => id))
  let dead = 0
  for (const event of world.events) {
    if (arrived.has(event.id)) continue
    const [delivery] = await world.store.deliveriesOf(event.customer_id, event.id)
    assert.ok(delivery?.state === 'dead' && delivery.attempts === 3, `${event.type} is ${delivery?.state ?? 'unknown'}`)
    dead++
  }
  return { delivered: arrived.size, dead }
}

/** What was said and heard on all calls, against what the agent and the callers know of it. */
export async function storiesHold(world: World, agent: ScriptedAgent, calls: readonly Row[]): Promise<void> {
  for (const { id } of calls) {
    const events = await eventsOf(world, id)
    storyHolds(events)
    saysAreSettled(events, agent.conversations.get(id)?.said ?? [])
    await logReplays(world, id)
  }
}
