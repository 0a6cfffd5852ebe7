/**
 * The Python WebSocket example of the transcription tutorial, word for word but for host, token and customer id, prints
 * every transcript of a call once.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { parseWav } from '../../src/audio/wav.ts'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import { Phone } from '../../src/phone/user-agent.ts'
import { plain } from './calls.ts'
import { Program } from './program.ts'
import { HERE, lackingPython, PYTHON } from './tools.ts'
import { never, until } from './until.ts'
import { openWorld, type World } from './world.ts'

const NUMBER = '+899300302'
const WELCOME = 'This call is being transcribed for quality assurance'
const SENTENCE = 'hi good to see you how are you today'
/** Long enough for a second copy to arrive, had one been sent. */
const AFTERWARDS_MS = 1_500

const skip = lackingPython('websocket')
let world: World

before(async () => {
  if (!skip) world = await openWorld({ rtpPorts: '26200-26298', lines: [SENTENCE] })
})

after(() => world?.close())

test('S4 check 29: the Python listener prints each transcript once', { skip, timeout: 60_000 }, async (t) => {
  const text = readFileSync(path.join(import.meta.dirname, 'seed-004-listener.py'), 'utf8')
    .replace('wss://api.voipbin.net', `ws://${HERE}:${world.httpPort}`)
    .replaceAll('12345678-1234-1234-1234-123456789012', world.customerId)
    .replace('<YOUR_AUTH_TOKEN>', world.token)
  const cwd = mkdtempSync(path.join(world.folder, 'listener-'))
  writeFileSync(path.join(cwd, 'listener.py'), text)
  const listener = new Program({ command: PYTHON, args: ['-u', 'listener.py'], cwd })
  t.after(() => listener.close())
  await listener.says(/Subscribed to transcription events/)

  await world.number(NUMBER, [
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: 'en-US' } },
    { type: 'talk', option: { text: WELCOME, language: 'en-US' } },
    { type: 'sleep', option: { duration: 600_000 } },
  ])
  const phone = await Phone.open({
    network: new UdpNetwork(),
    clock: new RealClock(),
    localAddress: HERE,
    server: { address: HERE, port: world.sipPort },
    user: 'listened',
    seed: 'listened',
  })
  t.after(() => phone.close())
  const call = await phone.call(NUMBER)
  await call.answered
  const printed = (): string[] => listener.output.split('\n').filter((line) => line.startsWith('['))
  await until('the welcome to be printed', () => printed().length === 1).catch((cause: Error) => {
    const told = world.events.map(({ type, data }) => `${type} ${data['message'] ?? ''}`).join('; ')
    throw new Error(`${cause.message}; it printed: ${listener.output}; the server told: ${told}`)
  })
  const wav = parseWav(readFileSync(world.lines.of(SENTENCE)))
  assert.ok(wav.ok)
  void call.speak(wav.value.channels[0]!)
  await until('the sentence to be printed', () => printed().length === 2)
  call.hangup()
  await world.event('transcribe_done')
  await never('a third line', () => printed().length > 2, AFTERWARDS_MS)
  assert.deepEqual(
    printed().map((line) => line.replace(/(?<=\] ).*/, plain)),
    [`[out] ${plain(WELCOME)}`, `[in] ${plain(SENTENCE)}`],
  )
  assert.doesNotMatch(listener.output, /Traceback/)
})
