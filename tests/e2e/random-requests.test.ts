/**
 * Random requests to a node that has two live calls, with everything a customer may do but giving up the account: no server
 * error, every answer keeps its route's promise, every event its schema, nothing in the log is an error; and of the calls the
 * one that nobody hangs up is still there, its sound without a gap. QUIETLINE_SEED plays one again.
 */

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { World } from '../../src/api/test-world.ts'
import { anyOperation, Belongings, type Filled, type Wish, wishOf } from '../../src/api/test-world-random.ts'
import { type Operation, operationsOf, sampleOf } from '../../src/api/test-world-requests.ts'
import { assertEvent } from '../../src/contract/check.ts'
import { DEFAULT_LIMITS } from '../../src/contract/limits.ts'
import type { Log } from '../../src/kernel/log.ts'
import type { Answer, Api } from './api.ts'
import { FarPhone } from './far-phone.ts'
import { type House, openHouse, phoneIn } from './house.ts'
import { until } from './until.ts'

const COUNT = process.env['QUIETLINE_PROOF'] === '1' ? 3_000 : 300
const seed = Number(process.env['QUIETLINE_SEED'] ?? 20_261_121)
/** On a machine that has time for its threads; how late they are is measured beside. */
const LONGEST_GAP_MS = 100
/** What has to be there for the others to be of interest. */
const RESOURCES = ['flows', 'extensions', 'activeflows', 'webhooks', 'transcribes', 'speakings']
const { calls_at_once, minutes_per_day, new_calls_per_second } = DEFAULT_LIMITS

/** The ones that send are told by a server of ours: nothing leaves this machine. */
async function receiver(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.end('[]'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What this machine can do meanwhile. @returns how late a thread was, at most, that does nothing but tick (ms) */
async function control(t: TestContext): Promise<() => Promise<number>> {
  const sink = createSocket('udp4').bind(0, '127.0.0.1')
  await once(sink, 'listening')
  t.after(() => sink.close())
  const url = new URL('../bench/control.ts', import.meta.url)
  const worker = new Worker(url, { workerData: { port: sink.address().port } })
  t.after(() => worker.terminate())
  return async () => {
    worker.postMessage('enough')
    const [lateMs] = (await once(worker, 'message')) as [readonly number[]]
    return lateMs.reduce((most, late) => Math.max(most, late), 0)
  }
}

class Actor {
  readonly books = new Belongings()
  readonly statuses = new Map<number, number>()
  readonly succeeded = new Set<string>()
  readonly #house: House
  readonly #promises: World
  readonly #receiver: string
  readonly #other: FarPhone
  /** Nobody hangs it up. */
  readonly kept: string
  #lost = ''

  constructor(house: House, promises: World, kept: string, other: FarPhone, receiver: string) {
    this.#house = house
    this.#promises = promises
    this.kept = kept
    this.#other = other
    this.#receiver = receiver
  }

  get #api(): Api {
    return this.#house.api
  }

  /** The second caller phones in, again when the last call was hung up. What calls have is made anew. */
  async phoneIn(operations: readonly Operation[]): Promise<void> {
    const { books } = this
    if (this.#other.isUp) return
    await this.#api.must('PUT', '/limits', { calls_at_once, minutes_per_day, new_calls_per_second })
    this.#lost = await phoneIn({ ...this.#house, phone: this.#other })
    books.made.set('calls', new Set([this.kept, this.#lost]))
    for (const resource of RESOURCES) {
      const create = operations.find(({ method, path }) => method === 'POST' && path === `/v1.0/${resource}`)
      const reference = { reference_type: 'call', reference_id: this.#lost, language: 'en-US' }
      const body = this.#toUs(JSON.stringify({ ...(sampleOf(create?.body ?? {}) as object), ...reference }))
      const answer = await this.#api.ask('POST', `/${resource}`, body)
      if (answer.status < 300) books.add(resource, answer.body.id)
    }
  }

  async send(wish: Wish): Promise<Answer> {
    const { operation } = wish
    const isLast = operation.path === '/auth/unregister'
    const request = this.#spared(
      this.books.fill(isLast ? { ...wish, credential: 'bad' } : wish, this.#api.access.token),
    )
    const answer = await this.#ask(request, wish)
    this.#promises.answers.assert(request.method, request.url, answer.status, answer.body)
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1)
    if (answer.status < 300) this.succeeded.add(`${operation.method} ${operation.path}`)
    this.books.note(operation, answer, request.id)
    return answer
  }

  /** What would end the call that is kept ends the other one. */
  #spared(request: Filled): Filled {
    const { method, url, body } = request
    const endsCall =
      (method === 'DELETE' && /\/calls\/[^/?]+\?/.test(url)) || /\/calls\/[^/?]+\/(hangup|actions)\?/.test(url)
    return endsCall
      ? { ...request, id: request.id.replace(this.kept, this.#lost), url: url.replace(this.kept, this.#lost) }
      : { ...request, body }
  }

  async #ask({ method, url, body }: Filled, { pick }: Wish): Promise<Answer> {
    const { origin } = new URL(this.#api.access.base)
    const sent = body && this.#toUs(this.#withCalls(body, pick))
    const response = await fetch(`${origin}${url}`, {
      method,
      headers: sent === undefined ? {} : { 'content-type': 'application/json' },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const isJson = String(response.headers.get('content-type')).includes('json')
    return { status: response.status, body: isJson ? JSON.parse(text) : text }
  }

  /** Sessions are for either call, a transfer is of the one that may be lost. */
  #withCalls(body: string, pick: number): string {
    const either = pick % 2 === 0 ? this.kept : this.#lost
    return body
      .replace(/"reference_id":"[^"]*"/g, `"reference_id":"${either}"`)
      .replace(/"transferer_call_id":"[^"]*"/g, `"transferer_call_id":"${this.#lost}"`)
  }

  #toUs(body: string): string {
    return body.replaceAll('https://example.com', this.#receiver)
  }
}

test(`${COUNT} random requests to a node with live calls: no server error, and the call that is spared goes on`, {
  timeout: 600_000,
}, async (t) => {
  t.diagnostic(`seed ${seed}`)
  const errors: string[] = []
  const quiet = (): void => {}
  const log: Log = {
    error: ({ err, ...fields }, message) => {
      errors.push(`${message} ${err instanceof Error ? err.stack : JSON.stringify(fields)}`)
    },
    warn: quiet,
    info: quiet,
    debug: quiet,
  }
  const house = await openHouse(t, '25600-25798', { QUIETLINE_RATE_LIMIT: '0' }, log)
  const promises = new World()
  await promises.app.ready()
  t.after(() => promises.close())
  const operations = operationsOf((await promises.ask('GET', '/openapi.json')).body)
  const other = await FarPhone.open(house.node.sipPort, 'other')
  t.after(() => other.close())
  const kept = await phoneIn(house)
  const actor = new Actor(house, promises, kept, other, await receiver(t))
  const lateness = await control(t)
  const from = performance.now()
  const wishes = fc.sample(anyOperation(operations).chain(wishOf), { numRuns: COUNT, seed })
  for (const [at, wish] of wishes.entries()) {
    if (at % 10 === 0) await actor.phoneIn(operations)
    const { status, body } = await actor.send(wish)
    const isFault = status >= 500 && !(status === 501 && body.error.reason === 'NOT_IMPLEMENTED')
    if (isFault) assert.fail(`request ${at}: ${JSON.stringify(wish).slice(0, 800)} -> ${status} ${errors.at(-1)}`)
    assert.equal(house.phone.end, null, `the kept call ended after ${wish.operation.method} ${wish.operation.path}`)
  }
  const seconds = (performance.now() - from) / 1_000
  assert.equal((await house.api.must('GET', `/calls/${kept}`)).status, 'progressing')
  const { longestGapMs, frames } = house.phone.pace(from)
  const lateMs = await lateness()
  t.diagnostic(
    `${COUNT} requests in ${seconds.toFixed(1)} s, answers ${JSON.stringify(Object.fromEntries([...actor.statuses].sort()))}, ` +
      `${actor.succeeded.size} operations succeeded, ${house.api.events.length} events, ` +
      `longest gap of ${frames} packets ${longestGapMs.toFixed(0)} ms; a thread that only ticks was ${lateMs.toFixed(0)} ms late`,
  )
  assert.ok(frames > seconds * 45, `${frames} packets in ${seconds} s`)
  assert.ok(longestGapMs <= LONGEST_GAP_MS + lateMs, `a gap of ${longestGapMs} ms`)
  for (const { type, data } of house.api.events) assertEvent(type, data)
  // Once it is let go of, it still speaks, and its end is told.
  for (const what of ['mute', 'hold', 'moh']) await house.api.must('DELETE', `/calls/${kept}/${what}`)
  const { result } = await house.api.must('GET', '/speakings?page_size=100')
  for (const { id, reference_id, status } of result)
    if (reference_id === kept && status !== 'stopped') await house.api.must('POST', `/speakings/${id}/stop`)
  const speaking = await house.api.speakOn(kept)
  await house.api.say(speaking.id, 'Goodbye.')
  await until('it is said', () =>
    house.api.of('speaking_say_finished').some(({ speaking_id: id }) => id === speaking.id),
  )
  house.phone.hangup()
  await until('its end is told', () => house.api.of('call_hangup').some(({ id }) => id === kept))
  assert.deepEqual(errors, [])
})
