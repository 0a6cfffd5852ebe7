/** Phones that call, answer, refuse, transfer, hold and hang up as it comes: everybody's story holds, and nothing is left. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallCommand } from '../../src/calls/commands.ts'
import { NIL_UUID } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Phone, PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, extension } from './parties.ts'
import { World } from './world.ts'

const USERS = ['1001', '1002', '1003', '1004', '1005', '1006']
const STEPS = 80
const SEEDS = Number(process.env['QUIETLINE_STORMS'] ?? 3)
const FIRST = Number(process.env['QUIETLINE_FIRST_STORM'] ?? 1)

for (let n = FIRST; n < FIRST + SEEDS; n++) {
  const seed = `storm ${n}`
  test(`${STEPS} things happen at random (seed "${seed}")`, async () => {
    const loss = n % 2 === 0 ? 0.02 : 0
    const weather = { delayMs: 10, jitterMs: 30, loss, duplicate: 0.01, reorder: 0.01, reorderMs: 40 }
    const world = await World.open({ seed, dialTimeoutMs: 6_000, weather })
    await storm(world)
    await allIsOver(world)
    const bugs = world.complaints.filter((text) => /crashed|failed|cannot happen/.test(text))
    assert.deepEqual(bugs, [])
  })
}

async function storm(world: World): Promise<void> {
  const { random } = world
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)]!
  await world.number('+15550111', [
    { type: 'answer', option: {} },
    { type: 'transcribe_start', option: { language: 'en-US' } },
    { type: 'connect', option: { destinations: [extension('1001'), extension('1002')], early_media: true } as never },
    { type: 'talk', option: { text: 'Good bye then.', language: 'en-US' } },
  ])
  const phones: Phone[] = []
  const calls: PhoneCall[] = []
  for (const user of USERS) {
    const phone = await world.deskPhone(user)
    phone.onIncoming = (call) => {
      calls.push(call)
      const what = random.below(10)
      if (what === 0) call.reject(pick([486, 480, 603]))
      else if (what < 8) {
        if (what === 7) call.answerEarly()
        void world.after(random.below(5_000)).then(() => call.answer())
      }
    }
    phones.push(phone)
  }
  const dial = async (): Promise<void> => {
    calls.push(await pick(phones).call(pick([...USERS, '+15550111', '+15550111', '1999'])))
  }
  const ask = (command: CallCommand): void => {
    const ids = world.runner.callIds()
    if (ids.length > 0) void world.exchange.ask(world.customerId, pick(ids), command)
  }
  const things: readonly (() => unknown)[] = [
    dial,
    dial,
    () => (calls.length > 0 ? pick(calls).hangup() : undefined),
    () => ask({ kind: 'transfer', transferType: 'blind', destinations: [extension(pick(USERS))] }),
    () => ask({ kind: 'transfer', transferType: 'attended', destinations: [extension(pick(USERS))] }),
    () => ask({ kind: 'hold', on: random.unit() < 0.5 }),
    () => ask({ kind: 'mute', direction: pick(['', 'in', 'out', 'both'] as const) }),
    () => ask({ kind: 'moh', on: random.unit() < 0.5 }),
    () =>
      ask({
        kind: 'act',
        action: { kind: 'connect', source: null, destinations: [extension(pick(USERS))], anonymous: false },
      }),
    () =>
      ask({
        kind: 'act',
        action: {
          kind: 'talk',
          text: 'One moment please.',
          wish: { voiceId: '', language: 'en-US', gender: '', voice: '' },
          interrupt: random.unit() < 0.3,
        },
      }),
    () => ask({ kind: 'hangup' }),
    () => ask({ kind: 'stopFlow' }),
  ]
  for (let i = 0; i < STEPS; i++) {
    await pick(things)()
    await world.run(random.below(1_500))
  }
  await world.run(15_000)
  await bridgesAreMutual(world)
  for (const call of calls) call.hangup()
  await world.run(2_000)
  for (const id of world.runner.callIds()) void world.exchange.ask(world.customerId, id, { kind: 'hangup' })
  await world.until('all calls are over', () => world.runner.census().mailboxes === 0, 120_000)
}

/** Who is shown as the other side of a bridge shows the same; a leg without one is waited for by somebody. */
async function bridgesAreMutual(world: World): Promise<void> {
  const rows = await world.store.find('calls', { status: 'progressing' }, 1_000)
  const otherOf = (id: string): unknown =>
    (rows.find((row) => row.id === id)?.doc['metadata'] as JsonObject | undefined)?.['bridged_call_id']
  for (const { id, doc } of rows) {
    const other = otherOf(id)
    if (other !== undefined) assert.equal(otherOf(String(other)), id, `the other side of ${id}`)
    else if (doc['master_call_id'] !== NIL_UUID) {
      const isWaitedFor = rows.some((row) => (row.doc['chained_call_ids'] as string[]).includes(id))
      assert.ok(
        isWaitedFor || (doc['chained_call_ids'] as string[]).length > 0,
        `${id} is alone: ${JSON.stringify(doc)}`,
      )
    }
  }
}
