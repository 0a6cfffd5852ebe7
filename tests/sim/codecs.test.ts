/** Phones of different codecs in one call: the server stands between them, and its ears understand all of them. */

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { prepareOpus } from '../../src/audio/opus.ts'
import type { CodecName } from '../../src/media/protocol.ts'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { GREETING, ScriptedAgent } from './agent.ts'
import { allIsOver, listening, speak } from './parties.ts'
import { NUMBER, World } from './world.ts'

before(() => prepareOpus())

const PAIRS: readonly (readonly [CodecName, CodecName])[] = [
  ['opus', 'PCMA'],
  ['G722', 'opus'],
  ['PCMU', 'G722'],
]

for (const [one, other] of PAIRS) {
  test(`a phone with ${one} calls one with ${other}: both hear each other, and keys come across`, async () => {
    const world = await World.open({ seed: `${one} ${other}` })
    const alice = await world.deskPhone('1001', { codec: one })
    const bob = await world.deskPhone('1002', { codec: other })
    let rung: PhoneCall | null = null
    bob.onIncoming = (call) => {
      rung = call
    }
    const out = await alice.call('1002')
    await world.until('bob rings', () => rung !== null)
    rung!.answer()
    await world.until('alice is answered', () => out.state === 'answered')
    await world.run(200)
    const [a, b] = [listening(out), listening(rung!)]
    const [atBob, atAlice] = await speak(world, out, 'opening hours', [b, a])
    assert.ok(atBob! > 20, `${atBob} loud frames at bob`)
    assert.equal(atAlice, 0)
    const [atAlice2] = await speak(world, rung!, 'yes please', [a])
    assert.ok(atAlice2! > 20, `${atAlice2} loud frames at alice`)
    const keys: string[] = []
    rung!.onDigit = (digit) => keys.push(digit)
    out.press('7')
    await world.run(1_000)
    assert.deepEqual(keys, ['7'])
    out.hangup()
    await world.until('bob is hung up', () => rung!.state === 'ended')
    await allIsOver(world)
    assert.deepEqual(world.complaints, [])
  })
}

for (const codec of ['G722', 'opus'] as const) {
  test(`a caller with ${codec} is greeted, and is understood`, async () => {
    const world = await World.open({ seed: `understood ${codec}` })
    const agent = new ScriptedAgent(world)
    const finished = (): number => world.events.filter(({ type }) => type === 'speaking_say_finished').length
    const phone = await world.phone({ user: '+15550199', codec })
    const call = await phone.call(NUMBER)
    const heard = listening(call)
    await world.until('the greeting is said', () => finished() === 1)
    assert.ok(heard.loud >= 8 * GREETING.split(' ').length, `${heard.loud} loud frames`)
    await speak(world, call, 'opening hours', [])
    await world.until('it was understood', () => [...agent.conversations.values()][0]!.heard.length > 0)
    assert.deepEqual([...agent.conversations.values()][0]!.heard, ['opening hours'])
    call.hangup()
    await world.until('it is over', () => call.state === 'ended')
    await allIsOver(world)
  })
}
