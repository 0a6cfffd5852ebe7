/**
 * The complete Python program of the tutorial for voice agents, word for word but for the host, holds a conversation with
 * a real phone: greeting, reply, interruption, hang-up. Nothing else drives the calls.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES, type RealPhone } from './phones/phone.ts'
import { Program } from './program.ts'
import { HERE, isTcpPortFree, lackingPython, PYTHON } from './tools.ts'
import { until } from './until.ts'
import { type Doc, OWN_REQUEST, openWorld, type World } from './world.ts'

const NUMBER = '+899300300'
const QUESTION = 'i need help with my account balance'
const INTERRUPTION = 'wait a moment'
const GREETING = 'Hello, how can I help you today?'
/** Fixed in the program's text. */
const AGENT_PORT = 8080

const skipAgent =
  lackingPython('flask', 'requests') ||
  ((await isTcpPortFree(AGENT_PORT, '0.0.0.0')) ? false : `port ${AGENT_PORT}, which the program wants, is taken`)

let world: World
let agent: Program

before(async () => {
  if (skipAgent) return
  world = await openWorld({ rtpPorts: '26000-26098', lines: [QUESTION, INTERRUPTION] })
  const text = readFileSync(path.join(import.meta.dirname, 'seed-003-agent.py'), 'utf8')
  const hosted = text.replace('https://api.voipbin.net', `http://${HERE}:${world.httpPort}`)
  const cwd = mkdtempSync(path.join(world.folder, 'agent-'))
  writeFileSync(path.join(cwd, 'agent.py'), hosted)
  agent = new Program({ command: PYTHON, args: ['agent.py'], cwd, env: { VOIPBIN_TOKEN: world.token } })
  await agent.says(/Running on/)
  await world.ask('PUT', '/customer', { webhook_uri: `http://${HERE}:${AGENT_PORT}/webhook`, webhook_method: 'POST' })
  await world.number(NUMBER, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(async () => {
  await agent?.close()
  await world?.close()
})

for (const make of MAKES) {
  test(`S3 check 24: the Python agent and ${make.name}: greeting, reply, interruption, hang-up`, {
    skip: skipAgent || make.skip,
    timeout: 120_000,
  }, async () => {
    const { lines } = world
    const user = `caller-${make.name}`
    await world.extension(user)
    const phone = await world.phone(make, user)
    const firstRequest = world.log.length
    phone.call(NUMBER)
    await until('the call to be up', () => phone.state === 'up')
    const call = await callFrom(world, user)
    const transcripts = transcriptsOf(world, String(call['id']))

    await until('the greeting as a transcript', () => transcripts('out').includes(GREETING))
    assert.ok(voicedMs(phone.heard()) > 1_000, `only ${voicedMs(phone.heard())} ms of the greeting were heard`)

    const beforeReply = voicedMs(phone.heard())
    phone.say(lines.of(QUESTION))
    await until('what was said as a transcript', () => transcripts('in').length > 0)
    assert.deepEqual(transcripts('in').map(plain), [QUESTION])
    await until('the reply to be heard', () => voicedMs(phone.heard()) > beforeReply + 500)
    phone.say(lines.of(INTERRUPTION))
    const cut = await world.event('speaking_say_interrupted', ({ reference_id }) => reference_id === call['id'])
    assert.match(String(cut['text']), /^I understand you said: .*\. Let me help you with that\.$/)
    assert.notEqual(cut['text_heard'], '')
    assert.notEqual(cut['text_unheard'], '')
    assert.equal(cut['cut_by'], 'flush')
    assert.deepEqual(transcripts('in').map(plain), [QUESTION, INTERRUPTION])
    await until('the second reply', () => transcripts('out').some((text) => plain(text).includes(INTERRUPTION)))

    phone.hangup()
    await sessionsClosed(world, String(call['id']), phone)
    const requests = agentRequests(world, firstRequest)
    for (const { status, route } of requests) assert.ok(status >= 200 && status < 300, `${route}: ${status}`)
    assert.deepEqual(counted(requests.map(({ route }) => route)), {
      '/v1.0/transcribes': 1,
      '/v1.0/speakings': 1,
      '/v1.0/speakings/:id/say': 3,
      '/v1.0/speakings/:id/flush': 2,
      '/v1.0/transcribes/:id/stop': 1,
      '/v1.0/speakings/:id/stop': 1,
    })
    assert.doesNotMatch(agent.output, /Traceback/)
    await phone.close()
  })
}

async function sessionsClosed(world: World, callId: string, phone: RealPhone): Promise<void> {
  const ofCall = ({ reference_id }: Doc): boolean => reference_id === callId
  await until('the phone to be idle', () => phone.state === 'idle')
  const ended = await world.event('call_hangup', ({ id }) => id === callId)
  assert.equal(ended['hangup_by'], 'remote')
  assert.equal(ended['hangup_reason'], 'normal')
  await world.event('transcribe_done', ofCall)
  await world.event('speaking_stopped', ofCall)
  await until('the program to stop its sessions', () => {
    const routes = agentRequests(world, 0).map(({ route }) => route)
    return routes.at(-1) === '/v1.0/speakings/:id/stop'
  })
  for (const [resource, status] of [
    ['transcribes', 'done'],
    ['speakings', 'stopped'],
  ] as const) {
    const { result } = (await world.ask('GET', `/${resource}`)) as { result: readonly Doc[] }
    assert.deepEqual(
      result.filter(ofCall).map((doc) => doc['status']),
      [status],
    )
  }
}

/** What the program asked of the server since a line of the server's log. */
function agentRequests(world: World, since: number): { route: string; status: number }[] {
  return world.log
    .slice(since)
    .filter(({ message, fields }) => message === 'request' && fields['request_id'] !== OWN_REQUEST)
    .filter(({ fields }) => fields['method'] === 'POST')
    .map(({ fields }) => ({ route: String(fields['route']), status: Number(fields['status']) }))
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
