/**
 * Many customers at once, with receivers that fail, hang and are not there: every event is delivered or a dead letter with
 * its attempts, healthy receivers do not feel the others, and a live call does not feel any of it.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { monotonicMs } from '../../src/workers/monotonic.ts'
import { Api } from './api.ts'
import type { Felt, Start } from './deliveries-server.ts'
import { FarPhone } from './far-phone.ts'
import { type Arrival, Listeners, type Manner } from './listeners.ts'
import { LoadedServer } from './loaded-server.ts'
import { pause, until } from './until.ts'

const IS_PROOF = process.env['QUIETLINE_PROOF'] === '1'
const CUSTOMERS = IS_PROOF ? 20 : 6
/** Events a second of each customer. */
const RATE = IS_PROOF ? 100 : 40
const SECONDS = IS_PROOF ? 30 : 3
const SOCKETS = IS_PROOF ? 5 : 2
const CALLS_EACH = 5
/** One of each: three customers of twenty are more than the 5 % that are asked for. */
const BAD_MANNERS: readonly Manner[] = ['fails', 'hangs', 'dead']
const UNLOADED = { rate: 20, seconds: IS_PROOF ? 5 : 1 }
/** A server that has just been started compiles its own program first. */
const WARM_UP_SECONDS = IS_PROOF ? 3 : 1
const LOOK_EVERY_MS = 200
const NUMBER = '+899300303'

const SLOWER_BY_MS = 50
const LOOP_DELAY_MS = 20
const SILENT_WITHIN_MS = 50

const LONG =
  'From Monday to Friday we open at nine in the morning and close at ten in the evening, on Saturday we open at ten and close at eleven, and on Sunday we open at noon and close at eight.'

interface Customer {
  readonly customerId: string
  readonly callIds: readonly string[]
  readonly manner: Manner
  readonly url: string
}

/** A delivery as it is stored, with its event. */
interface Letter {
  readonly id: string
  readonly destination: string
  readonly state: string
  readonly attempts: number
  readonly callId: string
  readonly seq: number
  readonly n: number | null
}

test('many customers at once, some with receivers that fail, hang or are dead: nothing is lost, nobody else feels it', {
  timeout: 240_000,
}, async (t) => {
  const { server, api, phone, file } = await openAll(t)
  const listeners = new Listeners()
  t.after(() => listeners.close())
  const customers: Customer[] = []
  for (let i = 0; i < CUSTOMERS; i++) customers.push(await newCustomer(api, listeners, BAD_MANNERS[i] ?? 'answers'))
  const healthy = customers.filter(({ manner }) => manner === 'answers')

  await server.ask('run', { customers: healthy, rate: RATE, seconds: WARM_UP_SECONDS })
  await until('it is warm', () => nonePending(file, healthy), 60_000)
  await listeners.ask('heard')
  await server.ask('run', { customers: healthy.slice(0, 1), ...UNLOADED })
  await until('the unloaded ones are told', () => nonePending(file, healthy))
  const quiet = (await listeners.ask('heard')).receivers.flat()
  assert.equal(quiet.length, UNLOADED.rate * UNLOADED.seconds)
  await server.ask('starts')

  const flushes: number[] = []
  const load = { isOver: false }
  const talking = keepFlushing(api, phone, flushes, load)
  const felt = await server.ask('run', { customers, rate: RATE, seconds: SECONDS })
  const overAt = monotonicMs()
  load.isOver = true
  await until('the healthy ones are told', () => nonePending(file, healthy), 60_000)
  const calmMs = monotonicMs() - overAt
  await talking
  await listeners.ask('heal')
  await until('every delivery has arrived or is dead', () => nonePending(file, customers), 90_000)

  const heard = await listeners.ask('heard')
  assert.ok(felt.areStored, 'every event is stored')
  const letters = lettersIn(file).filter(({ n }) => n !== null && n >= felt.first)
  const count = everyEventIsAccountedFor(letters, felt, customers, heard.receivers)
  everySocketHeardAll(felt, heard.sockets)
  const pairs = firstAttemptsInOrder(await server.ask('starts'), letters)
  const before = spread(quiet)
  const hooks = spread(customers.flatMap(({ manner }, i) => (manner === 'answers' ? heard.receivers[i]! : [])))
  const sockets = spread(heard.sockets.flat())
  t.diagnostic(
    `${CUSTOMERS} customers, ${RATE} events/s each for ${SECONDS} s, ${SOCKETS} sockets and one receiver each, ${BAD_MANNERS.length} receivers bad: ` +
      `${felt.events} events; ${count.delivered} arrived, ${count.dead} are dead letters with ${count.attempts} attempts; ` +
      `first attempts in order for ${pairs} calls and destinations`,
  )
  t.diagnostic(
    `given to received: healthy webhooks p50 ${hooks.p50} p99 ${hooks.p99} ms (unloaded p50 ${before.p50} p99 ${before.p99}), ` +
      `sockets p50 ${sockets.p50} p99 ${sockets.p99} ms; all told ${calmMs.toFixed(0)} ms after the last event`,
  )
  const { delayMs, cpuMs } = felt
  t.diagnostic(
    `event loop of the main thread p50 ${delayMs.p50.toFixed(1)} p99 ${delayMs.p99.toFixed(1)} max ${delayMs.max.toFixed(1)} ms, ` +
      `its CPU ${((1000 * cpuMs) / felt.events).toFixed(0)} us an event; load of the machine ${loadavg()[0]!.toFixed(1)}`,
  )
  t.diagnostic(
    `flush on a live call meanwhile, asked to last voiced packet: ${flushes.map((ms) => ms.toFixed(0)).join(' ')} ms`,
  )
  assert.ok(flushes.length > 0, 'a live call was there')
  if (!IS_PROOF) return
  assert.ok(hooks.p99 <= before.p99 + SLOWER_BY_MS, 'healthy receivers are not slowed down')
  assert.ok(delayMs.p99 <= LOOP_DELAY_MS, 'the main thread is not held up')
  assert.ok(Math.max(...flushes) <= SILENT_WITHIN_MS, 'a flush is not held up')
})

async function openAll(t: TestContext) {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'quietline-e2e-'))
  const server = new LoadedServer({
    QUIETLINE_DATA_DIR: dataDir,
    QUIETLINE_HTTP_PORT: '0',
    QUIETLINE_SIP_PORT: '0',
    QUIETLINE_DEMO: '0',
    QUIETLINE_RTP_PORTS: '27500-27698',
    QUIETLINE_LOG_LEVEL: 'silent',
  })
  t.after(async () => {
    await server.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const { httpPort, sipPort, accessKey, customerId } = await server.ready()
  const api = new Api({ base: `http://127.0.0.1:${httpPort}/v1.0`, token: accessKey, customerId })
  await api.answeringNumber(NUMBER)
  await api.listen()
  t.after(() => api.close())
  const phone = await FarPhone.open(sipPort, 'caller')
  t.after(() => phone.close())
  return { server, api, phone, file: path.join(dataDir, 'quietline.db') }
}

async function newCustomer({ access }: Api, listeners: Listeners, manner: Manner): Promise<Customer> {
  const url = await listeners.ask('receiver', manner)
  const username = `customer-${randomUUID()}`
  const anybody = new Api(access)
  const { customer, accesskey } = await anybody.must('POST', '/auth/signup', { username, password: 'a long password' })
  const own = new Api({ base: access.base, token: accesskey.token, customerId: customer.id })
  await own.must('PUT', '/customer', { webhook_uri: url, webhook_method: 'POST' })
  const socket = `${access.base.replace('http', 'ws')}/ws?token=${accesskey.token}`
  for (let i = 0; i < SOCKETS; i++)
    await listeners.ask('socket', { url: socket, topic: `customer_id:${customer.id}:*` })
  const callIds = Array.from({ length: CALLS_EACH }, () => randomUUID())
  return { customerId: customer.id, callIds, manner, url }
}

/** Says and flushes on a live call until the load is over. */
async function keepFlushing(api: Api, phone: FarPhone, flushes: number[], load: { isOver: boolean }): Promise<void> {
  await phone.call(NUMBER)
  await until('the call is told', () => api.of('call_progressing').length > 0)
  const speaking = await api.speakOn(api.of('call_progressing')[0].id)
  while (!load.isOver) {
    await api.say(speaking.id, LONG)
    const before = monotonicMs()
    await until('it sounds', () => phone.lastVoicedAt() > before + 300)
    const askedAt = monotonicMs()
    await api.must('POST', `/speakings/${speaking.id}/flush`)
    await until('half a second of silence', () => (phone.frames.at(-1)?.at ?? 0) > askedAt + 500)
    flushes.push(Math.max(0, phone.lastVoicedAt() - askedAt))
  }
  phone.hangup()
}

// ---------------------------------------------------------------- what must hold

async function nonePending(file: string, customers: readonly Customer[]): Promise<boolean> {
  await pause(LOOK_EVERY_MS)
  const database = new DatabaseSync(file, { readOnly: true })
  const left = database.prepare("select distinct destination from deliveries where state = 'pending'").all()
  database.close()
  return !left.some(({ destination }) => customers.some(({ url }) => String(destination).endsWith(url)))
}

function lettersIn(file: string): Letter[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database
    .prepare(
      `select d.event_id as id, d.destination, d.state, d.attempts, e.call_id as callId, e.seq, json_extract(e.data, '$.n') as n
         from deliveries d join events e on e.id = d.event_id`,
    )
    .all()
  database.close()
  return rows as unknown as Letter[]
}

function everyEventIsAccountedFor(
  letters: readonly Letter[],
  { events }: Felt,
  customers: readonly Customer[],
  heard: readonly (readonly Arrival[])[],
): { readonly delivered: number; readonly dead: number; readonly attempts: number } {
  assert.deepEqual([letters.length, new Set(letters.map(({ n }) => n)).size], [events, events])
  const count = { delivered: 0, dead: 0, attempts: 0 }
  const arrived = new Map(customers.map(({ url }, i) => [`webhook:POST:${url}`, new Set(heard[i]!.map(({ n }) => n))]))
  for (const { n, destination, state, attempts } of letters) {
    if (state === 'delivered') {
      count.delivered++
      assert.ok(arrived.get(destination)!.has(n!), `event ${n} is said to be delivered`)
    } else {
      count.dead++
      count.attempts += attempts
      assert.equal(state, 'dead')
      const customer = customers.find(({ url }) => destination.endsWith(url))
      assert.notEqual(customer?.manner, 'answers', `event ${n} to a receiver that answers`)
      assert.ok(attempts <= 3, `${attempts} attempts`)
    }
  }
  return count
}

function everySocketHeardAll({ first, events }: Felt, heard: readonly (readonly Arrival[])[]): void {
  for (const [i, arrivals] of heard.entries()) {
    const customer = Math.floor(i / SOCKETS)
    const wanted = Array.from({ length: events / CUSTOMERS }, (_, each) => first + each * CUSTOMERS + customer)
    assert.deepEqual(
      arrivals.map(({ n }) => n),
      wanted,
      `socket ${i} hears each event once, in order`,
    )
  }
}

/** @returns how many calls and destinations were looked at */
function firstAttemptsInOrder(starts: readonly Start[], letters: readonly Letter[]): number {
  const placeOf = new Map(letters.map((letter) => [letter.id, letter]))
  const seen = new Map<string, number>()
  for (const { url, eventId, attempt } of starts) {
    const place = attempt === 1 ? placeOf.get(eventId) : undefined
    if (!place) continue
    const pair = `${place.callId} ${url}`
    assert.ok((seen.get(pair) ?? 0) < place.seq, `event ${place.seq} of a call is started after a later one`)
    seen.set(pair, place.seq)
  }
  assert.ok(seen.size > 0)
  return seen.size
}

/** ms, one digit after the point. */
function spread(arrivals: readonly Arrival[]): { readonly p50: number; readonly p99: number } {
  const sorted = arrivals.map(({ afterMs }) => afterMs).sort((a, b) => a - b)
  const at = (share: number): number => Math.round(10 * (sorted[Math.floor(sorted.length * share)] ?? 0)) / 10
  return { p50: at(0.5), p99: at(0.99) }
}
