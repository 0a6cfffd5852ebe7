/** Draining as an operator does it: nothing new comes in, who talks goes on talking. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Api } from './api.ts'
import { FarPhone } from './far-phone.ts'
import { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const NUMBER = '+899300302'
const PROGRAM = path.resolve(import.meta.dirname, '../../bin/quietline.js')

interface Running {
  readonly server: ServerProcess
  readonly api: Api
  readonly phone: FarPhone
  readonly env: Readonly<Record<string, string>>
}

/** A server with one call up. */
async function running(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Running> {
  const dir = mkdtempSync(path.join(tmpdir(), 'quietline-drain-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const server = new ServerProcess({ QUIETLINE_DATA_DIR: dir, QUIETLINE_RTP_PORTS: '23400-23598', ...more })
  t.after(() => (server.exit ? undefined : server.stop('SIGKILL')))
  await server.up()
  const api = new Api({ base: server.base, token: server.accessKey!, customerId: server.customerId })
  await api.answeringNumber(NUMBER)
  const phone = await FarPhone.open(server.sipPort, 'caller')
  t.after(() => phone.close())
  await phone.call(NUMBER)
  assert.ok(phone.isUp)
  const { port } = new URL(server.base)
  return { server, api, phone, env: { QUIETLINE_DATA_DIR: dir, QUIETLINE_HTTP_PORT: port } }
}

async function command(env: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  const [code] = await once(child, 'close')
  return `${code} ${said.trim()}`
}

/** @returns the answer to OPTIONS as a proxy asks it */
async function options(sipPort: number): Promise<string> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const id = Math.random().toString(36).slice(2)
  socket.send(
    [
      `OPTIONS sip:127.0.0.1:${sipPort} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${id}`,
      'Max-Forwards: 70',
      `From: <sip:proxy@127.0.0.1>;tag=${id}`,
      `To: <sip:127.0.0.1:${sipPort}>`,
      `Call-ID: ${id}`,
      'CSeq: 1 OPTIONS',
      'Content-Length: 0\r\n\r\n',
    ].join('\r\n'),
    sipPort,
    '127.0.0.1',
  )
  const [answer] = await once(socket, 'message')
  socket.close()
  return String(answer)
}

test('a node that drains refuses what is new in words everybody understands, and keeps what is up', async (t) => {
  const { server, api, phone, env } = await running(t)
  const { origin } = new URL(server.base)
  assert.equal(statSync(path.join(env['QUIETLINE_DATA_DIR']!, 'operator.key')).mode & 0o777, 0o600)
  assert.equal((await api.ask('POST', '/../drain', '{}')).status, 401, 'a customer’s key is none here')

  assert.equal(await command(env, 'drain', '600'), '0 quietline: draining; 1 calls are up and may go on for 600 s')
  const refused = await options(server.sipPort)
  assert.match(refused, /^SIP\/2\.0 503 /)
  assert.match(refused, /^Retry-After: \d+/m)
  assert.equal((await fetch(`${origin}/readyz`)).status, 503)
  const late = await FarPhone.open(server.sipPort, 'late')
  t.after(() => late.close())
  await late.call(NUMBER)
  assert.equal(late.end?.code, 503)
  const asked = await fetch(`${server.base}/calls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.accessKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ destinations: [{ type: 'tel', target: NUMBER }] }),
  })
  const { error } = (await asked.json()) as { error: { reason: string } }
  assert.deepEqual([asked.status, error.reason], [503, 'NO_CAPACITY'])
  assert.ok(Number(asked.headers.get('retry-after')) > 0)
  const [call] = (await api.must('GET', '/calls?status=progressing')).result
  const speaking = await api.speakOn(call.id)
  await api.must('POST', `/speakings/${speaking.id}/say`, { text: 'I am still here.' })
  await until('the call goes on', () => phone.lastVoicedAt() > 0)

  assert.equal(await command(env, 'drain', 'off'), '0 quietline: new calls are taken')
  assert.match(await options(server.sipPort), /^SIP\/2\.0 200 /)
  await late.call(NUMBER)
  assert.ok(late.isUp)
})

test('SIGTERM waits for who talks, and ends as soon as nobody does', async (t) => {
  const { server, phone } = await running(t, { QUIETLINE_DRAIN_SECONDS: '300' })
  process.kill(server.pid, 'SIGTERM')
  const refused = async (): Promise<boolean> => /^SIP\/2\.0 503 /.test(await options(server.sipPort))
  const giveUp = Date.now() + 10_000
  while (!(await refused())) assert.ok(Date.now() < giveUp, 'it drains')
  assert.ok(phone.isUp)
  phone.hangup()
  assert.deepEqual(await server.ended(5_000), { code: 0, signal: null })
})

test('at the deadline the call is hung up, and the process ends', async (t) => {
  const { server, phone } = await running(t, { QUIETLINE_DRAIN_SECONDS: '1' })
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
  await until('the phone is told', () => phone.end !== null, 1_000)
})
