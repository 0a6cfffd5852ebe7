/** One call from beginning to end, as everybody takes part in it. Read this first. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { speakPhrase } from '../../src/speech/providers/scripted/ears.ts'
import { GREETING, ScriptedAgent } from './agent.ts'
import { NUMBER, VOCABULARY, World } from './world.ts'

test('a caller is greeted, heard, interrupts, and says goodbye', async () => {
  const world = await World.open({ seed: 'first call' })
  const agent = new ScriptedAgent(world)
  const told = (type: string): number => world.events.filter((event) => event.type === type).length

  // The phone rings the number; its flow answers; the agent hears of it and opens ears and mouth.
  const phone = await world.phone({ user: '+15550199' })
  const call = await phone.call(NUMBER)
  let framesOfSpeech = 0
  call.onFrame = (pcm8k) => {
    if (pcm8k.some((sample) => Math.abs(sample) > 1_000)) framesOfSpeech++
  }
  await world.until('the call is answered', () => call.state === 'answered')
  await world.until('the greeting is said', () => told('speaking_say_finished') === 1)
  const words = GREETING.split(' ').length
  // A scripted voice says each word as a tone of 160 ms.
  assert.ok(framesOfSpeech >= 8 * words && framesOfSpeech <= 9 * words, `${framesOfSpeech} frames for ${words} words`)

  // The caller asks, and the answer is on its way within half a second of the last sound.
  const [talk] = agent.conversations.values()
  const asked = await speak('opening hours')
  await world.until('the answer sounds', () => told('speaking_say_started') === 2)
  assert.ok(world.clock.now() - asked <= 500, `${Math.round(world.clock.now() - asked)} ms to the answer`)
  assert.deepEqual(talk!.heard, ['opening hours'])

  // The caller interrupts: silence follows at once, and the record says how far the agent had come.
  await world.run(600)
  await speak('stop')
  await world.until('the answer is cut', () => told('speaking_say_interrupted') === 1)
  const cut = world.events.find((event) => event.type === 'speaking_say_interrupted')!.data
  assert.equal(cut['cut_by'], 'flush')
  assert.match(String(cut['text_heard']), /^You said: opening/)
  assert.equal(`${cut['text_heard']}${cut['text_unheard']}`, talk!.said[1])

  // Goodbye: the agent hangs up when its last words have left.
  await world.until('stop was understood', () => talk!.heard.length === 2)
  await speak('goodbye')
  await world.until('the call is over', () => call.state === 'ended')
  await world.until('all is told', () => told('speaking_stopped') === 1 && told('transcribe_done') === 1)
  assert.deepEqual(talk!.heard, ['opening hours', 'stop', 'goodbye'])
  assert.deepEqual(
    world.events.map(({ seq }) => seq),
    world.events.map((_, i) => i + 1),
  )
  const order = world.events.map(({ type }) => type)
  assert.ok(order.indexOf('call_hangup') < order.indexOf('transcribe_done'))
  assert.ok(order.indexOf('call_hangup') < order.indexOf('speaking_stopped'))

  // An hour later nothing is left but the server's own door.
  await world.close()
  assert.deepEqual(world.runner.census(), { mailboxes: 0, timers: 0, replies: 0 })
  assert.equal(world.clock.pending(), 0)
  assert.equal(world.network.open, 1)
  assert.deepEqual(world.delivered.map(({ type }) => type).sort(), order.sort())
  assert.deepEqual(world.complaints, [])

  /** @returns when the last sound left the phone */
  async function speak(phrase: string): Promise<number> {
    let lastAt = 0
    void call.speak(speakPhrase(VOCABULARY, phrase)).then((spoken) => {
      lastAt = spoken.lastAt
    })
    await world.until(`"${phrase}" is spoken`, () => lastAt > 0)
    return lastAt
  }
})
