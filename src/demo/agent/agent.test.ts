/** The agent as a process, against a stand-in of the API that knows one call. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type WebSocket, WebSocketServer } from 'ws'
import { GOODBYE, GREETING } from './lines.ts'

const NUMBER = '+899100000001'
const CALL = { id: 'c-1', status: 'progressing', direction: 'incoming', destination: { target: NUMBER } }

class StandIn {
  readonly requests: string[] = []
  readonly topics: string[][] = []
  readonly credentials = new Set<string | undefined>()
  refuseNextSay = false
  #socket: WebSocket | null = null
  #waiters: (() => void)[] = []
  readonly #http: Server
  readonly #sockets = new WebSocketServer({ noServer: true })

  constructor() {
    this.#http = createServer((request, response) => void this.#answer(request, response))
    this.#http.on('upgrade', (request, socket, head) => {
      this.credentials.add(request.headers.authorization)
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#connected(client))
    })
  }

  async open(): Promise<string> {
    await new Promise<void>((done) => this.#http.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/v1.0`
  }

  close(): void {
    this.dropConnection()
    this.#http.close()
    this.#http.closeAllConnections()
  }

  dropConnection(): void {
    this.#socket?.terminate()
    this.#socket = null
  }

  event(type: string, data: object): void {
    this.#socket?.send(JSON.stringify({ type, data }))
  }

  /** Resolves when `holds`; asked again after each request and connection. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((done) => this.#waiters.push(done))
  }

  #changed(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }

  #connected(client: WebSocket): void {
    this.#socket = client
    client.on('message', (bytes) => {
      this.topics.push(JSON.parse(String(bytes)).topics)
      this.#changed()
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.credentials.add(request.headers.authorization)
    let text = ''
    for await (const piece of request) text += piece
    const body = text === '' ? {} : JSON.parse(text)
    const path = request.url!.replace('/v1.0', '').split('?')[0]!
    this.requests.push(`${request.method} ${path} ${body.text ?? body.phrases?.length ?? ''}`.trim())
    const [status, answer] = this.#reply(request.method!, path)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    this.#changed()
  }

  #reply(method: string, path: string): [number, object] {
    if (method === 'GET' && path === '/calls') return [200, { result: [] }]
    if (method === 'GET' && path === `/calls/${CALL.id}`) return [200, CALL]
    if (method === 'GET' && path.endsWith('/turns')) return [200, { result: [], flushes: [] }]
    if (path === '/transcribes') return [200, { id: 't-1' }]
    if (path === '/speakings') return [201, { id: 's-1' }]
    if (path.endsWith('/say') && this.refuseNextSay) {
      this.refuseNextSay = false
      return [400, { error: { reason: 'SPEAKING_STATE_INVALID' } }]
    }
    return [200, {}]
  }
}

function start(base: string): ChildProcess {
  return spawn(process.execPath, [fileURLToPath(import.meta.resolve('./main.ts'))], {
    env: {
      ...process.env,
      QUIETLINE_API: base,
      QUIETLINE_TOKEN: 'vb_test',
      QUIETLINE_CUSTOMER_ID: 'me',
      QUIETLINE_DEMO_NUMBER: NUMBER,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
}

function settled(text: string): object {
  return { reference_type: 'call', reference_id: CALL.id, speaking_id: 's-1', text, text_heard: text, text_unheard: '' }
}

test('the agent process takes a call, answers, survives a lost connection, and hangs up', {
  timeout: 20_000,
}, async (t) => {
  const api = new StandIn()
  const agent = start(await api.open())
  t.after(() => {
    agent.kill('SIGKILL')
    api.close()
  })
  await new Promise((ready) => agent.once('message', ready))
  assert.deepEqual(api.topics[0], [
    'customer_id:me:call:*',
    'customer_id:me:transcript:*',
    'customer_id:me:transcribe:*',
    'customer_id:me:speaking:*',
  ])

  api.event('call_progressing', { ...CALL, id: 'c-0', direction: 'outgoing' })
  api.event('call_progressing', { ...CALL, id: 'c-9', destination: { target: '+1' } })
  api.event('call_progressing', CALL)
  await api.until(() => api.requests.includes(`POST /speakings/s-1/say ${GREETING}`))
  assert.equal(
    api.requests.filter((line) => line === 'POST /transcribes' || /^POST \/transcribes \d+$/.test(line)).length,
    1,
  )
  api.event('speaking_say_finished', settled(GREETING))

  api.refuseNextSay = true
  api.event('transcript_created', { transcribe_id: 't-1', direction: 'in', message: 'book a table' })
  api.event('transcript_created', { transcribe_id: 't-1', direction: 'out', message: 'goodbye' })
  await api.until(() => api.requests.some((line) => line.startsWith('PUT /transcribes/t-1')))
  const says = api.requests.filter((line) => line.endsWith('Which day would you like?'))
  assert.equal(says.length, 2, 'a refused say is said again in a new session')

  api.dropConnection()
  await api.until(() => api.topics.length === 2)
  assert.deepEqual(api.topics[1], api.topics[0])

  api.event('dtmf_received', { id: 'd-1', call_id: CALL.id, digit: '#', duration: 90 })
  await api.until(() => api.requests.includes(`POST /speakings/s-1/say ${GOODBYE}`))
  assert.ok(!api.requests.includes(`POST /calls/${CALL.id}/hangup`))
  api.event('speaking_say_finished', settled(GOODBYE))
  await api.until(() => api.requests.includes(`POST /calls/${CALL.id}/hangup`))
  api.event('call_hangup', CALL)

  assert.deepEqual([...api.credentials], ['Bearer vb_test'])
  const gone = new Promise((exited) => agent.once('exit', (code) => exited(code)))
  agent.kill('SIGTERM')
  assert.equal(await gone, 0)
})
