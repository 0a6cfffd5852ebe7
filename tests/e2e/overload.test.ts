/** Ten times as many calls as there is room for: those too many are refused in words, and who talks does not notice. */

import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Api } from './api.ts'
import { FarPhone } from './far-phone.ts'
import { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const NUMBER = '+899300304'
const MOST_CALLS = 5
const OFFERED = 10 * MOST_CALLS
const EVERY_MS = 10
/** A call that is up must not feel the others; a machine that tests may itself be late. */
const LONGEST_GAP_MS = 100

/** Sends INVITEs, acknowledges what comes, hangs up what was answered. */
class Crowd {
  readonly answers = new Map<string, string>()
  readonly #socket: Socket
  readonly #target: number

  constructor(socket: Socket, target: number) {
    this.#socket = socket
    this.#target = target
    socket.on('message', (bytes) => this.#hear(String(bytes)))
  }

  invite(name: string): void {
    const { port } = this.#socket.address()
    const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 0', '']
    this.#send('INVITE', name, '', [`Contact: <sip:x@127.0.0.1:${port}>`, 'Content-Type: application/sdp'], sdp)
  }

  #send(
    method: string,
    name: string,
    toTag: string,
    headers: readonly string[] = [],
    body: readonly string[] = [],
  ): void {
    const { port } = this.#socket.address()
    const text = body.join('\r\n')
    const branch = method === 'BYE' ? `z9hG4bK-bye-${name}` : `z9hG4bK-${name}${toTag && method === 'ACK' ? 'a' : ''}`
    const lines = [
      `${method} sip:${NUMBER}@127.0.0.1:${this.#target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${branch}`,
      'Max-Forwards: 70',
      `From: <sip:crowd@127.0.0.1>;tag=${name}`,
      `To: <sip:${NUMBER}@127.0.0.1>${toTag}`,
      `Call-ID: ${name}`,
      `CSeq: ${method === 'BYE' ? 2 : 1} ${method}`,
      ...headers,
      `Content-Length: ${text.length}`,
      '',
      text,
    ]
    this.#socket.send(lines.join('\r\n'), this.#target, '127.0.0.1')
  }

  #hear(text: string): void {
    const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1]
    const name = /^Call-ID: (\S+)/im.exec(text)?.[1]
    if (!status || !name || status < '200' || !/^CSeq: \d+ INVITE/im.test(text)) return
    const toTag = /^To: [^\r]*(;tag=[^\r;]+)/im.exec(text)?.[1] ?? ''
    this.#send('ACK', name, toTag)
    if (status === '200' && !this.answers.has(name)) this.#send('BYE', name, toTag)
    this.answers.set(name, text)
  }
}

test('calls beyond the cap get 503 and when to come back; the one that is up goes on as before', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'quietline-overload-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const settings = {
    QUIETLINE_DATA_DIR: dir,
    QUIETLINE_RTP_PORTS: '23000-23198',
    QUIETLINE_MAX_CALLS: String(MOST_CALLS),
  }
  const server = new ServerProcess(settings)
  t.after(() => (server.exit ? undefined : server.stop('SIGKILL')))
  await server.up()
  const api = new Api({ base: server.base, token: server.accessKey!, customerId: server.customerId })
  await api.answeringNumber(NUMBER)
  await api.listen()
  t.after(() => api.close())
  const phone = await FarPhone.open(server.sipPort, 'caller')
  t.after(() => phone.close())
  await phone.call(NUMBER)
  assert.ok(phone.isUp)
  await until('the call is told', () => api.of('call_progressing').length === 1)
  const speaking = await api.speakOn(api.of('call_progressing')[0].id)

  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  const crowd = new Crowd(socket, server.sipPort)
  const since = performance.now()
  await api.must('POST', `/speakings/${speaking.id}/say`, { text: 'I go on, whatever they do.' })
  for (let n = 0; n < OFFERED; n++) {
    crowd.invite(`crowd-${n}`)
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
  }
  await until('all are answered', () => crowd.answers.size === OFFERED)
  const all = [...crowd.answers.values()]
  const refused = all.filter((text) => text.startsWith('SIP/2.0 503 '))
  assert.equal(all.filter((text) => text.startsWith('SIP/2.0 200 ')).length + refused.length, OFFERED)
  assert.ok(refused.length > 0, 'some were too many')
  for (const text of refused) assert.match(text, /^Retry-After: \d+\r$/m)
  await until('the sentence is heard', () => api.of('speaking_say_finished').length === 1)
  assert.ok(phone.isUp)
  const { longestGapMs } = phone.pace(since)
  assert.ok(longestGapMs < LONGEST_GAP_MS, `${Math.round(longestGapMs)} ms`)
  const metrics = await (await fetch(`${new URL(server.base).origin}/metrics`)).text()
  assert.match(metrics, /quietline_calls_refused_total\{why="calls"\} [1-9]/)
})
