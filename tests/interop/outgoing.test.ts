/**
 * The tutorial for real-time voice interaction with real phones: its three curl commands, run by curl as they are written
 * but for host and placeholders, ring the phone, greet it, and speak to it.
 */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { plain, statusesOf, transcriptsOf } from './calls.ts'
import { voicedMs } from './lines.ts'
import { MAKES } from './phones/phone.ts'
import { HERE, lacking } from './tools.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const SENTENCE = 'hi this is a test of the transcription feature'
const SOURCE = '+899300301'
/** The extension's name in the commands' text. */
const PHONE_NAME = 'quickstart-phone'
const [CALL, SPEAKING, SAY] = readFileSync(path.join(import.meta.dirname, 'seed-002-curl.txt'), 'utf8')
  .trim()
  .split('\n\n') as [string, string, string]

const skipCurl = lacking('bash', 'curl')
let world: World

before(async () => {
  world = await openWorld({ rtpPorts: '26100-26198', lines: [SENTENCE] })
  await world.number(SOURCE, [{ type: 'answer' }])
})

after(() => world.close())

/** Runs a command of the tutorial. */
async function run(command: string, placeholders: Readonly<Record<string, string>>): Promise<Doc> {
  let text = command.replace('https://api.voipbin.net', `http://${HERE}:${world.httpPort}`)
  for (const [name, value] of Object.entries({ 'your-token': world.token, ...placeholders })) {
    text = text.replaceAll(`<${name}>`, value)
  }
  assert.doesNotMatch(text, /<[a-z-]+>/, 'a placeholder is left')
  const { stdout } = await promisify(execFile)('bash', ['-c', text.replace(/^curl/, 'curl --silent')])
  return JSON.parse(stdout) as Doc
}

for (const make of MAKES) {
  test(`S2 checks 14, 15, 16: the tutorial's curl commands ring ${make.name}, greet it and speak to it`, {
    skip: skipCurl || make.skip,
    timeout: 120_000,
  }, async () => {
    const user = `callee-${make.name}`
    const extension = await world.extension(user, PHONE_NAME)
    const phone = await world.phone(make, user)
    const { calls } = (await run(CALL, { 'your-source-number': SOURCE })) as { calls: readonly Doc[] }
    assert.equal(calls.length, 1)
    assert.equal(calls[0]!['status'], 'dialing')
    assert.equal(calls[0]!['direction'], 'outgoing')
    const callId = String(calls[0]!['id'])
    const transcripts = transcriptsOf(world, callId)
    await until('the phone to ring', () => phone.state === 'ringing')
    phone.answer()
    await world.event('call_progressing', ({ id }) => id === callId)
    assert.deepEqual(statusesOf(world, callId), ['dialing', 'ringing', 'progressing'])

    await until('the greeting as a transcript', () => transcripts('out').length > 0)
    assert.match(transcripts('out')[0]!, /^Hello\. This is the/)
    assert.ok(voicedMs(phone.heard()) > 2_000, `only ${voicedMs(phone.heard())} ms of the greeting were heard`)

    phone.say(world.lines.of(SENTENCE))
    await until('what was said as a transcript', () => transcripts('in').length > 0)
    assert.deepEqual(transcripts('in').map(plain), [SENTENCE])
    await until('the greeting to end', () => transcripts('out').join(' ').endsWith('to test the Speaking API.'))

    const before = voicedMs(phone.heard())
    const speaking = await run(SPEAKING, { 'call-id': callId })
    assert.equal(speaking['status'], 'initiating')
    assert.equal(speaking['direction'], 'out')
    const said = await run(SAY, { 'speaking-id': String(speaking['id']) })
    assert.equal(said['id'], speaking['id'])
    assert.equal(said['status'], 'active')
    await until('the words of the say as a transcript', () =>
      / text-to-speech engine\.$/.test(transcripts('out').at(-1)!),
    )
    const heard = voicedMs(phone.heard()) - before
    assert.ok(heard > 4_000, `only ${heard} ms of the say were heard`)

    phone.hangup()
    const ended = await world.event('call_hangup', ({ id }) => id === callId)
    assert.deepEqual([ended['hangup_by'], ended['hangup_reason']], ['remote', 'normal'])
    await phone.close()
    // The name is the one thing both phones share.
    await world.ask('DELETE', `/extensions/${extension['id']}`)
  })
}
