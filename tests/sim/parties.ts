/** Two or more people on phones, as simulations of bridges need them: who hears whom, and what was told of it. */

import assert from 'node:assert/strict'
import type { CallCommand, Outcome } from '../../src/calls/commands.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { speakPhrase } from '../../src/speech/providers/scripted/ears.ts'
import type { Row } from '../../src/store/port.ts'
import { eventsOf, logReplays, nothingIsLeft, recordsAreFinal, storyHolds } from './checks.ts'
import { VOCABULARY, type World } from './world.ts'

const LOUD = 1_000

/** Counts the frames with sound in them that arrive at a phone. */
export function listening(call: PhoneCall): { loud: number } {
  const heard = { loud: 0 }
  call.onFrame = (pcm8k) => {
    if (pcm8k.some((sample) => Math.abs(sample) > LOUD)) heard.loud++
  }
  return heard
}

/** One says something, and until a moment later everybody else listens. @returns loud frames each of `others` heard */
export async function speak(
  world: World,
  who: PhoneCall,
  phrase: string,
  others: readonly { loud: number }[],
): Promise<number[]> {
  const before = others.map(({ loud }) => loud)
  let isDone = false
  void who.speak(speakPhrase(VOCABULARY, phrase)).then(() => {
    isDone = true
  })
  await world.until(`"${phrase}" is spoken`, () => isDone)
  await world.run(400)
  return others.map(({ loud }, i) => loud - before[i]!)
}

export async function callsOf(world: World): Promise<readonly Row[]> {
  const rows = await world.store.find('calls', {}, 1_000)
  return [...rows].sort((a, b) => a.tm_create_us - b.tm_create_us)
}

/** The call at the far end of which a phone of this user is, as it is stored now. */
export async function callTo(world: World, target: string): Promise<Row> {
  const row = (await callsOf(world)).filter(({ doc }) => (doc['destination'] as JsonObject)['target'] === target).at(-1)
  assert.ok(row, `no call to ${target}`)
  return row
}

export async function ask(world: World, callId: string, command: CallCommand): Promise<Outcome> {
  let outcome: Outcome | null = null
  void world.exchange.ask(world.customerId, callId, command).then((answer) => {
    outcome = answer
  })
  await world.until(`${command.kind} is answered`, () => outcome !== null)
  return outcome!
}

export async function done(world: World, callId: string, command: CallCommand): Promise<JsonObject> {
  const outcome = await ask(world, callId, command)
  assert.ok(outcome.ok, `${command.kind}: ${outcome.ok ? '' : outcome.code}`)
  return outcome.doc
}

/** Everything is over, told to the end, and gone: mailboxes, timers, ports, dialogs. */
export async function allIsOver(world: World): Promise<void> {
  await world.close()
  const calls = await recordsAreFinal(world)
  for (const { id } of calls) {
    storyHolds(await eventsOf(world, id))
    await logReplays(world, id)
  }
  nothingIsLeft(world)
}

export function told(world: World, type: string, callId?: string): JsonObject[] {
  return world.events
    .filter((event) => event.type === type && (callId === undefined || event.call_id === callId))
    .map(({ data }) => data)
}

export const extension = (target: string) => ({ type: 'extension', target, target_name: '', name: '', detail: '' })
