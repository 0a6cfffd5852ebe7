/** Starting and stopping as a person does it: wrong settings are told in a sentence, a second start forgets nothing. */

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Api } from './api.ts'
import { FarPhone } from './far-phone.ts'
import { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const RTP_PORTS = '23200-23398'
const NUMBER = '+899300301'
/** A refusal is not worth waiting for. */
const REFUSED_WITHIN_MS = 8_000

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'quietline-start-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

function start(t: TestContext, env: Record<string, string>): ServerProcess {
  const server = new ServerProcess({ QUIETLINE_RTP_PORTS: RTP_PORTS, ...env })
  t.after(() => (server.exit ? undefined : server.stop('SIGKILL')))
  return server
}

/** Exit code 1, and nothing on stderr but one line with a sentence that matches. */
async function refuses(t: TestContext, env: Record<string, string>, sentence: RegExp): Promise<void> {
  const server = start(t, env)
  const { code } = await server.ended(REFUSED_WITHIN_MS)
  const said = server.stderr.replace('quietline: starting …\n', '').trim()
  assert.match(said, sentence)
  assert.ok(!said.includes('\n'), `one line: ${said}`)
  assert.ok(said.startsWith('quietline: ') && said.endsWith('.'), said)
  assert.equal(code, 1)
  assert.equal(server.stdout, '')
}

test('a taken HTTP port is told in a sentence', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const port = String((other.address() as AddressInfo).port)
  await refuses(t, { QUIETLINE_DATA_DIR: folder(t), QUIETLINE_HTTP_PORT: port }, new RegExp(`HTTP port ${port}.*taken`))
})

test('a taken SIP port is told in a sentence', async (t) => {
  const other = createSocket('udp4')
  other.bind(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const port = String(other.address().port)
  await refuses(t, { QUIETLINE_DATA_DIR: folder(t), QUIETLINE_SIP_PORT: port }, new RegExp(`SIP port ${port}.*taken`))
})

test('a data folder that cannot be one is told in a sentence', async (t) => {
  const file = path.join(folder(t), 'file')
  writeFileSync(file, 'not a folder')
  await refuses(t, { QUIETLINE_DATA_DIR: file }, /QUIETLINE_DATA_DIR: the folder ".*file"/)
  await refuses(t, { QUIETLINE_DATA_DIR: path.join(file, 'below') }, /QUIETLINE_DATA_DIR/)
})

test('a store that is not one is told in a sentence', async (t) => {
  const dir = folder(t)
  writeFileSync(path.join(dir, 'quietline.db'), 'this is no database, and long enough to show it. '.repeat(100))
  await refuses(t, { QUIETLINE_DATA_DIR: dir }, /The store in .* cannot be opened/)
})

test('settings with bad values, and settings that do not exist, are told by name', async (t) => {
  const dir = folder(t)
  const bad: readonly (readonly [string, string])[] = [
    ['QUIETLINE_HTTP_PORT', 'http'],
    ['QUIETLINE_SIP_PORT', '70000'],
    ['QUIETLINE_RTP_PORTS', '5-1'],
    ['QUIETLINE_BIND', 'localhost'],
    ['QUIETLINE_DATA_KEY', 'short'],
    ['QUIETLINE_STT_PHRASES', path.join(dir, 'missing.txt')],
    ['QUIETLINE_HTPP_PORT', '7700'],
  ]
  for (const [name, value] of bad) await refuses(t, { QUIETLINE_DATA_DIR: dir, [name]: value }, new RegExp(name))
})

test('a second start keeps customer, numbers, extensions and keys, and shows no key again', async (t) => {
  const dir = folder(t)
  const first = start(t, { QUIETLINE_DATA_DIR: dir })
  await first.up()
  const key = first.accessKey
  assert.ok(key)
  const api = new Api({ base: first.base, token: key, customerId: first.customerId })
  const numbers = (await api.must('GET', '/numbers')).result
  const extensions = (await api.must('GET', '/extensions')).result
  assert.ok(numbers.length >= 1 && extensions.length >= 2)
  assert.deepEqual(await first.stop('SIGTERM'), { code: 0, signal: null })

  const second = start(t, { QUIETLINE_DATA_DIR: dir })
  await second.up()
  assert.equal(second.customerId, first.customerId)
  assert.deepEqual(second.extensions, first.extensions)
  assert.equal(second.accessKey, null)
  assert.doesNotMatch(second.stdout, /sign-in/)
  const again = new Api({ base: second.base, token: key, customerId: second.customerId })
  assert.deepEqual((await again.must('GET', '/numbers')).result, numbers)
  assert.deepEqual((await again.must('GET', '/extensions')).result, extensions)
  assert.deepEqual(await second.stop('SIGTERM'), { code: 0, signal: null })
})

test('SIGTERM in a call: the phone is told, listeners hear of it, the process ends with 0', async (t) => {
  const dir = folder(t)
  const server = start(t, { QUIETLINE_DATA_DIR: dir, QUIETLINE_DRAIN_SECONDS: '0' })
  await server.up()
  const api = new Api({ base: server.base, token: server.accessKey!, customerId: server.customerId })
  await api.answeringNumber(NUMBER)
  await api.listen()
  const phone = await FarPhone.open(server.sipPort, 'caller')
  t.after(() => phone.close())
  await phone.call(NUMBER)
  assert.ok(phone.isUp)
  await until('the call is told', () => api.of('call_progressing').length === 1)
  const { id } = api.of('call_progressing')[0]
  await api.listenOn(id)
  await api.speakOn(id)
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
  await until('the phone is told', () => phone.end !== null, 1_000)
  assert.notEqual(phone.end!.cause, 'timeout')
  assert.equal(api.of('call_hangup').length, 1)

  const next = start(t, { QUIETLINE_DATA_DIR: dir })
  await next.up()
  const later = new Api({ base: next.base, token: server.accessKey!, customerId: next.customerId })
  const call = await later.must('GET', `/calls/${id}`)
  assert.deepEqual([call.status, call.hangup_reason], ['hangup', 'normal'])
  const [transcribe] = (await later.must('GET', '/transcribes')).result
  const [speaking] = (await later.must('GET', '/speakings')).result
  assert.deepEqual([transcribe.status, speaking.status], ['done', 'stopped'])
  assert.deepEqual(await next.stop('SIGTERM'), { code: 0, signal: null })
})
