/** `quietline doctor` as an operator runs it, beside a server that is well and without one. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Api } from './api.ts'
import { ServerProcess } from './server-process.ts'

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/quietline.js')

async function doctor(env: Readonly<Record<string, string>>): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'doctor'], { env: { PATH: process.env['PATH'] ?? '', ...env } })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  const [code] = await once(child, 'close')
  return { code, said }
}

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'quietline-doctor-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('the doctor calls a server that is well, hears itself, and leaves nothing with its customers', async (t) => {
  const dir = folder(t)
  const env = { QUIETLINE_DATA_DIR: dir, QUIETLINE_RTP_PORTS: '23800-23998' }
  const server = new ServerProcess(env)
  t.after(() => (server.exit ? undefined : server.stop('SIGKILL')))
  await server.up()
  const { port } = new URL(server.base)
  const { code, said } = await doctor({ ...env, QUIETLINE_HTTP_PORT: port })
  assert.match(said, /ok +A call to 127\.0\.0\.1:\d+ registers, is answered, and hears itself, \d+ ms/)
  assert.match(said, /ok +The synthesiser speaks\./)
  assert.match(said, /ok +The recogniser understands/)
  assert.match(said, /note +Only this machine can call/)
  assert.match(said, /Nothing is wrong\.\n$/)
  assert.equal(code, 0)
  const api = new Api({ base: server.base, token: server.accessKey!, customerId: server.customerId })
  assert.deepEqual((await api.must('GET', '/calls')).result, [])
  const again = await doctor({ ...env, QUIETLINE_HTTP_PORT: port })
  assert.equal(again.code, 0, again.said)
})

test('without a server it says so in a sentence', async (t) => {
  const { code, said } = await doctor({ QUIETLINE_DATA_DIR: folder(t), QUIETLINE_HTTP_PORT: '9' })
  assert.equal(code, 1)
  assert.match(
    said,
    /^quietline: the key in ".*" cannot be read: is the server running, and with this data folder\?\n$/,
  )
})
