/** The agent in the README, as its reader would run it: another process, the public API, a real call. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { isVoiced } from '../../src/audio/level.ts'
import { readConfig } from '../../src/config.ts'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import { startNode } from '../../src/node.ts'
import { Phone } from '../../src/phone/user-agent.ts'

const HERE = '127.0.0.1'
const NUMBER = '+899200200'
const PHRASE = 'I need help with my account balance.'
const LIMIT_MS = 20_000

/** Waits for a condition, with a limit. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + LIMIT_MS
  while (!(await holds())) {
    assert.ok(performance.now() < limit, `waited too long for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

test('the thirty lines greet a caller, understand a sentence and answer it', { timeout: 60_000 }, async (t) => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'quietline-readme-'))
  const [sound] = await speakIntoMemory([PHRASE])
  const node = await startNode(
    readConfig({
      QUIETLINE_DATA_DIR: dataDir,
      QUIETLINE_HTTP_PORT: '0',
      QUIETLINE_SIP_PORT: '0',
      QUIETLINE_DEMO: '0',
      QUIETLINE_RTP_PORTS: '21000-21400',
    }),
  )
  t.after(async () => {
    await node.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const api = `http://${HERE}:${node.httpPort}/v1.0`
  const ask = async (method: string, route: string, body?: object): Promise<Record<string, unknown>> => {
    const init = {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }
    const response = await fetch(`${api}${route}${route.includes('?') ? '&' : '?'}token=${node.accessKey}`, init)
    assert.ok(response.ok, `${method} ${route}: ${response.status}`)
    return (await response.json()) as Record<string, unknown>
  }
  const actions = [{ type: 'answer' }, { type: 'sleep', option: { duration: 3_600_000 } }]
  const flow = await ask('POST', '/flows', { name: 'readme', actions })
  await ask('POST', '/numbers', { number: NUMBER, call_flow_id: flow['id'] })

  const program = path.resolve(import.meta.dirname, '../../examples/agent.ts')
  const env = { API: api, TOKEN: node.accessKey, CUSTOMER: node.customerId, NUMBER }
  const agent = spawn(process.execPath, [program], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  t.after(async () => {
    agent.kill()
    if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit')
  })

  const phone = await Phone.open({
    network: new UdpNetwork(),
    clock: new RealClock(),
    localAddress: HERE,
    server: { address: HERE, port: node.sipPort },
    user: 'reader',
    seed: dataDir,
  })
  t.after(() => phone.close())
  // The agent subscribes when its process is up; a call before that would find nobody.
  const metrics = async (): Promise<string> => (await fetch(`http://${HERE}:${node.httpPort}/metrics`)).text()
  await until('the agent to listen', async () => /^quietline_sockets 1$/m.test(await metrics()))

  const call = await phone.call(NUMBER)
  let voiced = 0
  call.onFrame = (pcm) => {
    if (isVoiced(pcm)) voiced++
  }
  await call.answered
  await until('the greeting', () => voiced > 20)
  await call.speak(sound!)
  const transcripts = async (): Promise<{ direction: string; message: string }[]> => {
    const { result } = (await ask('GET', '/transcribes')) as { result: { id: string }[] }
    if (!result[0]) return []
    const listed = await ask('GET', `/transcripts?transcribe_id=${result[0].id}`)
    return listed['result'] as { direction: string; message: string }[]
  }
  await until('the sentence and its answer as transcripts', async () => {
    const lines = await transcripts()
    const heard = lines.find((line) => line.direction === 'in')
    return (
      heard !== undefined &&
      lines.some((line) => line.direction === 'out' && line.message.startsWith(`You said: ${heard.message}`))
    )
  })
  const heard = (await transcripts()).find((line) => line.direction === 'in')
  assert.equal(heard?.message.toLowerCase().replace(/[^a-z ]/g, ''), 'i need help with my account balance')
  call.hangup()
  await call.ended
})
