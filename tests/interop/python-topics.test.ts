/**
 * The frame of document 001, word for word but for the customer id, sent by Python's websocket-client, and its webhook: the
 * ten event types of its table arrive both ways.
 */

import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { callFrom } from './calls.ts'
import { MAKES } from './phones/phone.ts'
import { Program } from './program.ts'
import { HERE, lackingPython, PYTHON } from './tools.ts'
import { until } from './until.ts'
import { openWorld, type World } from './world.ts'

const NUMBER = '+899300330'
const SENTENCE = 'i need help with my account balance'
const TEN = [
  'transcript_created',
  'transcribe_speech_started',
  'transcribe_speech_interim',
  'transcribe_speech_ended',
  'streaming_started',
  'streaming_stopped',
  'speaking_started',
  'speaking_stopped',
  'call_progressing',
  'call_hangup',
]

const skip = lackingPython('websocket')
let world: World

before(async () => {
  if (skip) return
  world = await openWorld({ rtpPorts: '26600-26698', lines: [SENTENCE] })
  await world.number(NUMBER, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(() => world?.close())

for (const make of MAKES) {
  test(`S1 check 8: the ten event types of a call with ${make.name} reach a Python program both ways`, {
    skip: skip || make.skip,
    timeout: 120_000,
  }, async (t) => {
    const frame = path.join(import.meta.dirname, 'seed-001-frame.json')
    const program = path.join(import.meta.dirname, 'seed-001-events.py')
    const args = ['-u', program, `${HERE}:${world.httpPort}`, world.token, world.customerId, frame]
    const listener = new Program({ command: PYTHON, args, cwd: world.folder })
    t.after(() => listener.close())
    await listener.says(/^subscribed customer_id:\S+:transcription:\* customer_id:\S+:call:\*$/m)
    const port = /^listening (\d+)$/m.exec(listener.output)![1]
    await world.ask('PUT', '/customer', { webhook_uri: `http://${HERE}:${port}/hook`, webhook_method: 'POST' })

    const user = `ten-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    phone.call(NUMBER)
    const { id } = await callFrom(world, user)
    const reference = { reference_type: 'call', reference_id: id, language: 'en-US', direction: 'both' }
    const transcribe = await world.ask('POST', '/transcribes', reference)
    const speaking = await world.ask('POST', '/speakings', reference)
    await world.event('speaking_started', (data) => data['id'] === speaking['id'])
    phone.say(world.lines.of(SENTENCE))
    await world.event('transcript_created', (data) => data['transcribe_id'] === transcribe['id'])
    phone.hangup()
    await world.event('transcribe_done', (data) => data['id'] === transcribe['id'])
    for (const way of ['webhook', 'socket']) {
      for (const type of TEN) await listener.says(new RegExp(`^${way} ${type} `, 'm'))
    }
    const told = listener.output.split('\n').filter((line) => line.startsWith('socket '))
    assert.equal(
      new Set(told.filter((line) => !/_updated/.test(line))).size,
      told.filter((line) => !/_updated/.test(line)).length,
    )
    assert.doesNotMatch(listener.output, /Traceback/)
    await until('the phone to be idle', () => phone.state === 'idle')
    await phone.close()
  })
}
