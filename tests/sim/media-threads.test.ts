/** Several media threads: where calls go, what one thread's death does, and bridges from one thread to another. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PhoneCall } from '../../src/phone/user-agent.ts'
import { allIsOver, listening, speak, told } from './parties.ts'
import { NUMBER, World } from './world.ts'

/** Calls up, each from a phone of its own, and their ids. */
async function callsUp(world: World, count: number): Promise<{ call: PhoneCall; id: string }[]> {
  const calls: { call: PhoneCall; id: string }[] = []
  for (let n = 0; n < count; n++) {
    const before = told(world, 'call_progressing').length
    const call = await (await world.phone({ user: `+1555020${n}` })).call(NUMBER)
    await world.until('the call is up', () => told(world, 'call_progressing').length > before)
    calls.push({ call, id: String(told(world, 'call_progressing').at(-1)!['id']) })
  }
  return calls
}

test('calls are spread; a thread that dies ends its own only, and takes calls again', async () => {
  const world = await World.open({ seed: 'spread', mediaThreads: 2 })
  const calls = await callsUp(world, 6)
  assert.deepEqual(world.legsOfThreads, [3, 3])
  const heard = calls.map(({ call }) => {
    const count = { frames: 0 }
    call.onFrame = () => {
      count.frames++
    }
    return count
  })
  world.kill('media', 1)
  await world.run(1_000)
  const over = calls.filter(({ call }) => call.state === 'ended')
  assert.equal(over.length, 3)
  const hangups = told(world, 'call_hangup')
  assert.deepEqual(hangups.map(({ id }) => id).sort(), over.map(({ id }) => id).sort())
  assert.ok(hangups.every(({ hangup_reason }) => hangup_reason === 'failed'))
  for (const [n, { call }] of calls.entries()) {
    if (call.state === 'answered')
      assert.ok(heard[n]!.frames >= 49, `call ${n} heard ${heard[n]!.frames} frames in a second`)
  }
  await world.run(300)
  await callsUp(world, 3)
  assert.deepEqual(world.legsOfThreads, [3, 3])
  await allIsOver(world)
})

test('while one thread is gone, calls go to the other', async () => {
  const world = await World.open({ seed: 'the other', mediaThreads: 2 })
  world.kill('media', 0)
  const calls = await callsUp(world, 2)
  assert.deepEqual(world.legsOfThreads, [0, 2])
  for (const { call } of calls) call.hangup()
  await allIsOver(world)
})

test('two calls of different threads are bridged: both hear each other and each other’s keys, until they are parted', async () => {
  const world = await World.open({ seed: 'across', mediaThreads: 2 })
  const [one, other] = await callsUp(world, 2)
  assert.deepEqual(world.legsOfThreads, [1, 1])
  const [atOne, atOther] = [listening(one!.call), listening(other!.call)]
  const keys: string[] = []
  other!.call.onDigit = (digit) => keys.push(digit)

  world.sound.bridge(one!.id, other!.id)
  const [heard, echoed] = await speak(world, one!.call, 'opening hours', [atOther, atOne])
  assert.ok(heard! > 20, `${heard} loud frames on the other thread`)
  assert.equal(echoed, 0)
  const [back] = await speak(world, other!.call, 'yes please', [atOne])
  assert.ok(back! > 20, `${back} loud frames back`)
  void one!.call.press('7')
  await world.run(1_000)
  assert.deepEqual(keys, ['7'])

  world.sound.mute(one!.id, 'in')
  const [deafened] = await speak(world, one!.call, 'opening hours', [atOther])
  assert.equal(deafened, 0)
  world.sound.mute(one!.id, '')
  world.sound.hold(other!.id, true)
  await world.run(1_000)
  const [held] = await speak(world, other!.call, 'yes please', [atOne])
  assert.equal(held, 0)
  world.sound.hold(other!.id, false)
  await world.run(100)
  const [again] = await speak(world, other!.call, 'yes please', [atOne])
  assert.ok(again! > 20)

  world.sound.unbridge(one!.id)
  const [apart] = await speak(world, one!.call, 'opening hours', [atOther])
  assert.equal(apart, 0)
  one!.call.hangup()
  other!.call.hangup()
  await allIsOver(world)
})

test('one of two bridged threads dies: the other call goes on', async () => {
  const world = await World.open({ seed: 'half', mediaThreads: 2 })
  const [one, other] = await callsUp(world, 2)
  world.sound.bridge(one!.id, other!.id)
  await world.run(500)
  world.kill('media', 1)
  await world.run(500)
  assert.deepEqual([one!.call.state, other!.call.state], ['answered', 'ended'])
  await world.run(1_000)
  one!.call.hangup()
  await allIsOver(world)
})

test('a call that is dialled for another one is in its thread', async () => {
  const world = await World.open({ seed: 'beside', mediaThreads: 3 })
  const [alice, bob] = [await world.deskPhone('1001'), await world.deskPhone('1002', { autoAnswer: true })]
  const rung: PhoneCall[] = []
  bob.onIncoming = (call) => rung.push(call)
  const out = await alice.call('1002')
  await world.until('both are up', () => out.state === 'answered' && rung.length === 1)
  assert.deepEqual(world.legsOfThreads, [2, 0, 0])
  out.hangup()
  await allIsOver(world)
})
