/**
 * Many calls at once over a bad network: nobody waits, people give up at any moment, packets are lost, doubled and overtaken.
 * `npm test` plays 200 of them, `npm run proof` a thousand.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Weather } from '../../src/net/memory.ts'
import type { Phone } from '../../src/phone/user-agent.ts'
import { ScriptedAgent } from './agent.ts'
import { type Deeds, noDeeds, openDesk, phoneIn, phoneOut } from './callers.ts'
import { nothingIsLeft, recordsAreFinal, storiesHold, webhooksAreDone } from './checks.ts'
import { World } from './world.ts'

const CALLS = process.env['QUIETLINE_PROOF'] === '1' ? 1_000 : 200
const SEED = process.env['QUIETLINE_SEED'] ?? '20261121'
const BAD_WEATHER: Weather = { loss: 0.05, duplicate: 0.02, reorder: 0.05, reorderMs: 45, delayMs: 15, jitterMs: 12 }
/** A new call this often on average. */
const EVERY_MS = 400
const PHONES = 24

async function play(seed: string, calls: number): Promise<{ world: World; agent: ScriptedAgent; deeds: Deeds }> {
  const world = await World.open({ seed, weather: BAD_WEATHER, webhookFailures: 0.1, dialTimeoutMs: 8_000 })
  const agent = new ScriptedAgent(world, { patienceMs: 9_000, stopsEarly: 0.1 })
  const deeds = noDeeds()
  const { random } = world
  const desks = new Map<string, { next: string[] }>()
  for (const extension of ['1001', '1002', '1003']) desks.set(extension, await openDesk(world, extension, random))
  const phones: Phone[] = []
  for (let i = 0; i < PHONES; i++) phones.push(await world.phone({ user: `+1555020${10 + i}` }))
  // Some callers have an account and must prove it, call by call.
  for (const extension of ['2001', '2002', '2003', '2004']) phones.push(await world.deskPhone(extension))

  let open = 0
  for (let i = 0; i < calls; i++) {
    open++
    const caller =
      random.below(5) === 0
        ? phoneOut(world, desks, random, deeds)
        : phoneIn(world, phones[i % phones.length]!, random, deeds)
    void caller.finally(() => open--)
    await world.run(random.below(2 * EVERY_MS))
  }
  await world.until('every caller is done', () => open === 0, 120_000)
  await world.until('every call is over', () => world.runner.census().mailboxes === 0, 120_000)
  await world.close()
  return { world, agent, deeds }
}

test(`${CALLS} calls at 5 % loss end without a trace, and their records tell the truth`, async (t) => {
  const began = process.cpuUsage()
  const { world, agent, deeds } = await play(SEED, CALLS)
  const calls = await recordsAreFinal(world)
  nothingIsLeft(world)
  await storiesHold(world, agent, calls)
  const webhooks = await webhooksAreDone(world)
  assert.deepEqual(
    world.complaints.filter((line) => !line.startsWith('webhook')),
    [],
  )

  const count = (type: string): number => world.events.filter((event) => event.type === type).length
  const heard = [...agent.conversations.values()].flatMap((talk) => talk.heard)
  assert.deepEqual(
    heard.filter((text) => !deeds.phrases.has(text)),
    [],
    'nothing is heard that nobody said',
  )
  assert.ok(heard.length <= deeds.spoken && heard.length > deeds.spoken / 2, `${heard.length} of ${deeds.spoken} heard`)
  assert.ok(count('dtmf_received') <= deeds.pressed, 'no key counts twice')
  const interrupted = count('speaking_say_interrupted')
  for (const [plan, times] of deeds.plans) assert.ok(times > 0, plan)
  assert.ok(interrupted > 0 && count('call_canceling') > 0 && count('call_terminating') > 0)

  const cpu = process.cpuUsage(began)
  t.diagnostic(`seed ${SEED}: ${[...deeds.plans].map(([plan, times]) => `${times} ${plan}`).join(', ')}`)
  t.diagnostic(
    `${calls.length} calls, ${world.events.length} events, ${heard.length} of ${deeds.spoken} phrases heard, ` +
      `${count('dtmf_received')} of ${deeds.pressed} keys, ${interrupted} sentences cut, ` +
      `${count('speaking_say_finished')} finished; webhooks ${webhooks.delivered} arrived, ${webhooks.dead} gave up`,
  )
  t.diagnostic(
    `${world.network.counts.sent} datagrams, ${world.network.counts.lost} lost, ${world.network.counts.doubled} doubled; ` +
      `${Math.round((cpu.user + cpu.system) / 1e5) / 10} s of CPU`,
  )
})

test('the same seed plays the same calls', async () => {
  const once = await play('twice', 12)
  const again = await play('twice', 12)
  assert.ok(once.world.events.length > 100)
  assert.deepEqual(again.world.events, once.world.events)
  assert.deepEqual(again.world.network.counts, once.world.network.counts)
  const other = await play('another', 12)
  assert.notDeepEqual(other.world.network.counts, once.world.network.counts)
})
