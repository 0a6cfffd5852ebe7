/** Kamailio as a carrier, SIPp as the telephone network behind it: registered there, called by it, calls through it, fail-over. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Program } from './program.ts'
import { freePorts, HERE, lacking } from './tools.ts'
import { until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const NUMBER = '+15550100'
const FAR = '+4930123456'
const LIMIT_MS = 60_000
const ACCOUNT = { username: 'line1', password: 'correct-horse' }

const skip = lacking('kamailio', 'sipp')
let world: World
let kamailio: Program
let carrierPort: number
let networkPort: number
const programs: Program[] = []

before(async () => {
  if (skip) return
  world = await openWorld({ rtpPorts: '26500-26598' })
  carrierPort = await freePorts()
  networkPort = await freePorts()
  const folder = mkdtempSync(path.join(world.folder, 'carrier-'))
  const config = readFileSync(path.join(import.meta.dirname, 'carrier/kamailio.cfg'), 'utf8')
    .replaceAll('NETWORK_PORT', String(networkPort))
    .replaceAll('HOST', HERE)
    .replaceAll('PORT', String(carrierPort))
  writeFileSync(path.join(folder, 'carrier.cfg'), config)
  const args = [
    '-f',
    path.join(folder, 'carrier.cfg'),
    '-DD',
    '-E',
    '-m',
    '16',
    '-M',
    '4',
    '-Y',
    folder,
    '-P',
    path.join(folder, 'pid'),
  ]
  kamailio = new Program({ command: 'kamailio', args, cwd: folder })
  programs.push(kamailio)
  await kamailio.says(/Listening on/)
  await world.ask('PUT', '/limits', { allowed_prefixes: ['+49'] })
  await world.number(NUMBER, [{ type: 'answer' }, { type: 'sleep', option: { duration: 600_000 } }])
})

after(async () => {
  for (const program of programs) await program.close()
  await world?.close()
})

/** The telephone network. */
async function network(name: 'calls' | 'answers', ...more: readonly string[]): Promise<Program> {
  const cwd = mkdtempSync(path.join(world.folder, `network-${name}-`))
  const mediaPort = await freePorts()
  const args = [
    ...[
      '-sf',
      path.join(import.meta.dirname, `carrier/network-${name}.xml`),
      '-i',
      HERE,
      '-p',
      String(networkPort),
      '-mi',
      HERE,
      '-mp',
      String(mediaPort),
      '-nostdin',
    ],
    ...more,
  ]
  const program = new Program({ command: 'sipp', args, cwd, env: { TERM: 'dumb' } })
  programs.push(program)
  return program
}

async function callOut(target: string): Promise<Doc> {
  const { calls } = (await world.ask('POST', '/calls', {
    source: { type: 'tel', target: NUMBER },
    destinations: [{ type: 'tel', target }],
  })) as { calls: readonly Doc[] }
  return calls[0]!
}

async function answeredAndEnded(id: unknown): Promise<void> {
  await world.event('call_progressing', (call) => call['id'] === id)
  await world.ask('POST', `/calls/${String(id)}/hangup`, {})
  const { hangup_by, hangup_reason } = await world.event('call_hangup', (call) => call['id'] === id)
  assert.deepEqual([hangup_by, hangup_reason], ['local', 'normal'])
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`registered at Kamailio by ${transport}: called by it, and calling through it with digest`, {
    skip,
    timeout: 2 * LIMIT_MS,
  }, async () => {
    const trunk = await world.ask('POST', '/trunks', {
      name: 'carrier',
      transport,
      hostname: HERE,
      port: carrierPort,
      registration: { registrar: `sip:${HERE}:${carrierPort}`, ...ACCOUNT },
    })
    const stateOf = async () => (await world.ask('GET', `/trunks/${String(trunk['id'])}`))['registration_state'] as Doc
    await until('the trunk to be registered', async () => (await stateOf())['status'] === 'registered')
    const state = await stateOf()
    assert.deepEqual([state['status'], state['code']], ['registered', 200])
    await kamailio.says(/REGISTERED line1/)

    // ---- by it: the request URI is our Contact, the number is in To.
    const before = world.events.length
    const caller = await network('calls', '-m', '1', '-s', NUMBER, `${HERE}:${carrierPort}`)
    await caller.ended(LIMIT_MS)
    assert.equal(caller.exitCode, 0, caller.output)
    const incoming = world.events.slice(before).find(({ type }) => type === 'call_progressing')!.data
    assert.equal((incoming['source'] as Doc)['target'], '+4930999', 'as the carrier asserts')
    assert.equal((incoming['destination'] as Doc)['target'], NUMBER)

    // ---- through it
    const callee = await network('answers', '-m', '1')
    const call = await callOut(FAR)
    await answeredAndEnded(call['id'])
    await callee.ended(LIMIT_MS)
    assert.equal(callee.exitCode, 0, callee.output)
    assert.match(kamailio.output, /CALL to \+4930123456 from \+15550100 asserted <sip:\+15550100@/)

    await world.ask('DELETE', `/trunks/${String(trunk['id'])}`)
    const gone = await network('calls', '-m', '1', '-s', NUMBER, `${HERE}:${carrierPort}`)
    await gone.ended(LIMIT_MS)
    assert.match(gone.output, /480/, 'we have taken ourselves out')
  })
}

test('from a gateway that is dead to one that lives: one call, and the dead one is tried last from then on', {
  skip,
  timeout: 2 * LIMIT_MS,
}, async () => {
  const deadPort = await freePorts()
  const dead = { name: 'dead', hostname: HERE, port: deadPort, priority: 1, setup_timeout: 1_000 }
  const live = { name: 'live', hostname: HERE, port: carrierPort, priority: 2, ...ACCOUNT }
  const [first, second] = [await world.ask('POST', '/providers', dead), await world.ask('POST', '/providers', live)]
  await world.ask('POST', '/routes', { provider_id: first['id'], target: '+49', priority: 1 })
  await world.ask('POST', '/routes', { provider_id: second['id'], target: '+49', priority: 2 })
  const callee = await network('answers', '-m', '2')
  const tookMs: number[] = []
  for (let round = 0; round < 2; round++) {
    const began = performance.now()
    const call = await callOut(FAR)
    await world.event('call_progressing', ({ id }) => id === call['id'])
    tookMs.push(performance.now() - began)
    await answeredAndEnded(call['id'])
  }
  assert.ok(tookMs[0]! >= 1_000 && tookMs[0]! < 3_000, `${tookMs[0]} ms`)
  assert.ok(tookMs[1]! < 900, `${tookMs[1]} ms`)
  await callee.ended(LIMIT_MS)
  assert.equal(callee.exitCode, 0, callee.output)
  await until('no call to be left', () => world.liveCalls() === 0)
  const failed = world.log.filter(({ message }) => message === 'gateway failed')
  assert.equal(failed.length, 1)
})
