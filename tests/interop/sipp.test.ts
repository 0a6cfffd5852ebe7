/** SIPp as a carrier without mercy: a ping, a call with every answer in its place, and calls over a line that loses messages. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Program } from './program.ts'
import { freePorts, HERE, lacking } from './tools.ts'
import { until } from './until.ts'
import { openWorld, type World } from './world.ts'

const NUMBER = '+899300320'
const CALLS = 20
const LIMIT_MS = 60_000

const skip = lacking('sipp')
let world: World

before(async () => {
  if (skip) return
  world = await openWorld({ rtpPorts: '26400-26498' })
  await world.number(NUMBER, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(() => world?.close())

interface Run {
  readonly exitCode: number | null
  readonly words: string
  /** Every SIP message, as SIPp logged it. */
  readonly messages: string
}

/** Runs a scenario to its end. */
async function run(scenario: string, ...more: readonly string[]): Promise<Run> {
  const cwd = mkdtempSync(path.join(world.folder, 'sipp-'))
  const [port, mediaPort] = [await freePorts(), await freePorts()]
  const args = [
    ...['-sf', path.join(import.meta.dirname, 'sipp', scenario), '-s', NUMBER],
    ...['-i', HERE, '-p', String(port), '-mi', HERE, '-mp', String(mediaPort)],
    ...['-nostdin', '-trace_msg', '-message_file', 'messages', ...more, `${HERE}:${world.sipPort}`],
  ]
  const program = new Program({ command: 'sipp', args, cwd, env: { TERM: 'dumb' } })
  try {
    await program.ended(LIMIT_MS)
  } finally {
    await program.close()
  }
  return {
    exitCode: program.exitCode,
    words: program.output,
    messages: readFileSync(path.join(cwd, 'messages'), 'utf8'),
  }
}

test('SIPp pings and is answered', { skip, timeout: LIMIT_MS }, async () => {
  const { exitCode, words } = await run('options.xml', '-m', '3', '-r', '3')
  assert.equal(exitCode, 0, words)
})

test('SIPp registers with a password, over UDP and over TCP', { skip, timeout: LIMIT_MS }, async () => {
  await world.extension('carrier')
  for (const transport of ['u1', 't1']) {
    const { exitCode, words } = await run('register.xml', '-m', '2', '-t', transport)
    assert.equal(exitCode, 0, words)
  }
})

test('a call of SIPp: 100, 180, 200, BYE, 200', { skip, timeout: LIMIT_MS }, async () => {
  const { exitCode, words, messages } = await run('call.xml', '-m', '1')
  assert.equal(exitCode, 0, words)
  const answers = [...messages.matchAll(/^SIP\/2\.0 (\d{3})[\s\S]*?^CSeq: (\d+ \w+)/gm)].map((match) =>
    match.slice(1).join(' '),
  )
  assert.deepEqual(answers, ['100 1 INVITE', '180 1 INVITE', '200 1 INVITE', '200 2 BYE'])
  const { hangup_by, hangup_reason } = await world.event('call_hangup')
  assert.deepEqual([hangup_by, hangup_reason], ['remote', 'normal'])
  await until('no call to be left', () => world.liveCalls() === 0)
})

test(`${CALLS} calls of SIPp over a line that loses one message in twenty all end`, {
  skip,
  timeout: 2 * LIMIT_MS,
}, async (t) => {
  const before = world.events.length
  const { exitCode, words } = await run('call.xml', '-m', String(CALLS), '-r', '5', '-lost', '5')
  assert.equal(exitCode, 0, words)
  t.diagnostic(`messages lost on purpose: ${lost(words)}`)
  await until('no call to be left', () => world.liveCalls() === 0, LIMIT_MS)
  // A call may be over before its last event has come by the socket.
  const hangups = () => world.events.slice(before).filter(({ type }) => type === 'call_hangup')
  await until('every hang-up to be told', () => hangups().length >= CALLS, LIMIT_MS)
  const ended = hangups()
  assert.equal(ended.length, CALLS)
  assert.equal(new Set(ended.map(({ data }) => data['id'])).size, CALLS)
  assert.deepEqual([...new Set(ended.map(({ data }) => data['hangup_reason']))], ['normal'])
})

/** Sum of the last column of SIPp's last scenario screen, which is blank where nothing was lost. */
function lost(words: string): number {
  const screen = words.slice(words.lastIndexOf('Scenario Screen'))
  const rows = [...screen.matchAll(/(?:---------->|<----------).{42}([ \d]{8})/g)]
  return rows.reduce((sum, row) => sum + Number(row[1]), 0)
}
