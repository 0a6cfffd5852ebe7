/**
 * kill -9 at a random moment, with calls up, requests under way and a webhook receiver that fails now and then. What was
 * acknowledged is there after the restart, what was stored is told, and calls that died are ended.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { SeededRandom } from '../../src/kernel/random.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import type { PhoneCall } from '../../src/phone/call.ts'
import { Phone } from '../../src/phone/user-agent.ts'
import type { DeliveryRow, EventRow } from '../../src/store/port.ts'
import type { SqliteCore } from '../../src/store/sqlite/core.ts'
import { openSqlite } from '../../src/store/sqlite/sqlite-store.ts'
import { Api } from './api.ts'
import { ServerProcess } from './server-process.ts'
import { pause, until } from './until.ts'

const ROUNDS = process.env['QUIETLINE_PROOF'] === '1' ? 20 : 3
const SEED = process.env['QUIETLINE_SEED'] ?? String(Date.now())
const NUMBER = '+899300302'
const CALLERS = 6
/** Its calls are put through to a registered phone. */
const BRIDGED_NUMBER = '+899300303'
const PERSON = { extension: 'person', password: 'person-secret' }
const FAILING_SHARE = 0.2
/** Deliveries that are under way when the server is killed: 32 at once to each address (contract §16). */
const HELD = 100
const HOLDING_ADDRESSES = 4
const HELD_EVENTS = ['call_created', 'call_progressing', 'call_hangup', 'transcribe_done']
const LIFE_MS = { least: 700, more: 2_500 }
/** Retried until they arrive (contract §16); others have three attempts. */
const MUST_ARRIVE = ['call_hangup', 'transcribe_done', 'transcript_created']
const ATTEMPTS = 3
/** Unheard events wait up to 10 s between early attempts. */
const DELIVERED_WITHIN_MS = 60_000

/** The customer's webhook: answers 500 to a share of the requests, remembers the others, and lets an agent act on them. */
class Receiver {
  readonly arrived = new Map<string, string>()
  readonly attempts = new Map<string, number>()
  failed = 0
  url = ''
  onEvent: (type: string, data: Record<string, unknown>) => void = () => {}

  static async open(t: TestContext, random: SeededRandom): Promise<Receiver> {
    const receiver = new Receiver()
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => void chunks.push(chunk))
      request.on('end', () => {
        const id = String(request.headers['webhook-id'])
        receiver.attempts.set(id, (receiver.attempts.get(id) ?? 0) + 1)
        const fails = random.unit() < FAILING_SHARE
        response.writeHead(fails ? 500 : 200).end()
        if (fails) receiver.failed++
        if (fails || receiver.arrived.has(id)) return
        const { type, data } = JSON.parse(Buffer.concat(chunks).toString()) as { type: string; data: never }
        receiver.arrived.set(id, type)
        receiver.onEvent(type, data)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`
    return receiver
  }
}

/** Told of calls on several addresses; while it holds, it takes what it is sent and says nothing. */
class Holder {
  /** `<address> <event id>`, each once it was answered. */
  readonly arrived = new Set<string>()
  /** Requests that wait for an answer in this life. */
  held = 0
  holds = true
  readonly #addresses: readonly string[]

  static async open(t: TestContext): Promise<Holder> {
    const server = createServer((request, response) => {
      request.resume()
      request.on('end', () => holder.#told(String(request.url), String(request.headers['webhook-id']), response))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const holder = new Holder((server.address() as AddressInfo).port)
    return holder
  }

  private constructor(port: number) {
    this.#addresses = Array.from({ length: HOLDING_ADDRESSES }, (_, i) => `http://127.0.0.1:${port}/hold/${i}`)
  }

  async register(api: Api): Promise<void> {
    for (const url of this.#addresses) await api.must('POST', '/webhooks', { url, events: HELD_EVENTS })
  }

  #told(path: string, eventId: string, response: ServerResponse): void {
    if (this.holds) {
      this.held++
      return
    }
    this.arrived.add(`${path} ${eventId}`)
    response.writeHead(200).end()
  }

  /** The kill has taken the connections with it. */
  forget(): void {
    this.held = 0
  }
}

/** What a request was answered with 200 or 201 for. */
class Acknowledged {
  readonly rows: { readonly table: string; readonly id: string }[] = []

  note(table: string, doc: { id: string }): void {
    this.rows.push({ table, id: doc.id })
  }
}

/** Requests of a life that ends under them are refused or break off; those are not acknowledged. */
async function whileItLives(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch {
    // The server was killed, or the call was over.
  }
}

/** Talks on every call that it hears of, until the kill. */
function agentOn(api: Api, receiver: Receiver, acknowledged: Acknowledged): void {
  receiver.onEvent = (type, data) => {
    if (type !== 'call_progressing') return
    const id = String(data['id'])
    void whileItLives(async () => acknowledged.note('transcribes', await api.listenOn(id)))
    void whileItLives(async () => {
      const speaking = await api.speakOn(id)
      acknowledged.note('speakings', speaking)
      await api.say(speaking.id, 'Here is a sentence of some length, which the kill may well cut in two.')
    })
  }
}

async function keepCalling(
  phone: Phone,
  random: SeededRandom,
  isOver: () => boolean,
  number: string = NUMBER,
): Promise<void> {
  while (!isOver()) {
    const call: PhoneCall = await phone.call(number)
    await pause(200 + random.below(2_000))
    call.hangup()
    await call.ended
    if (!isOver()) await pause(random.below(100))
  }
}

async function keepCreating(api: Api, acknowledged: Acknowledged, isOver: () => boolean): Promise<void> {
  for (let i = 0; !isOver(); i++) {
    await whileItLives(async () => {
      const actions = [{ type: 'answer' }]
      acknowledged.note('flows', await api.must('POST', '/flows', { name: `flow ${i}`, actions }))
    })
    await pause(5)
  }
}

/** A call that is never hung up by its caller, put through to a person. */
async function stayBridged(phone: Phone, api: Api, isOver: () => boolean): Promise<void> {
  const call = await phone.call(BRIDGED_NUMBER)
  await call.answered
  const isUp = async (): Promise<boolean> => {
    const { body } = await api.ask('GET', '/calls')
    return body.result.some((one: { master_call_id: string; status: string }) => {
      return one.status === 'progressing' && !/^0{8}-/.test(one.master_call_id)
    })
  }
  await until('the two are put through', async () => isOver() || (await isUp()))
}

/** One life: traffic until the kill. */
async function liveAndDie(
  t: TestContext,
  env: Record<string, string>,
  access: { token: string },
  told: { receiver: Receiver; holder: Holder },
  acknowledged: Acknowledged,
  random: SeededRandom,
): Promise<void> {
  const { receiver, holder } = told
  const server = new ServerProcess(env)
  t.after(() => (server.exit ? undefined : server.stop('SIGKILL')))
  await server.up()
  const api = new Api({ base: server.base, token: access.token, customerId: server.customerId })
  await stillThere(api, acknowledged)
  agentOn(api, receiver, acknowledged)
  let isDead = false
  const phones = await Promise.all(
    Array.from({ length: CALLERS }, (_, i) => openPhone(server.sipPort, `caller${i}`, random)),
  )
  const person = await openPhone(server.sipPort, PERSON.extension, random, PERSON.password)
  assert.equal(await person.register(), 200)
  const bridged = await openPhone(server.sipPort, 'bridged', random)
  phones.push(person, bridged)
  const traffic = [
    keepCreating(api, acknowledged, () => isDead),
    ...phones.slice(0, CALLERS).map((phone) => keepCalling(phone, random, () => isDead)),
  ]
  await stayBridged(bridged, api, () => isDead)
  await until(`${HELD} deliveries are under way`, () => holder.held >= HELD)
  await pause(LIFE_MS.least + random.below(LIFE_MS.more))
  const exit = await server.stop('SIGKILL')
  isDead = true
  holder.forget()
  assert.equal(exit.signal, 'SIGKILL')
  await Promise.all(phones.map((phone) => phone.close()))
  await Promise.all(traffic)
}

function openPhone(sipPort: number, user: string, random: SeededRandom, password?: string): Promise<Phone> {
  return Phone.open({
    ...(password === undefined ? {} : { credentials: { username: user, password }, autoAnswer: true }),
    network: new UdpNetwork(),
    clock: new RealClock(),
    localAddress: '127.0.0.1',
    server: { address: '127.0.0.1', port: sipPort },
    user,
    seed: random.token(16),
  })
}

/** Every row that a request was told about is there, through the API. */
async function stillThere(api: Api, acknowledged: Acknowledged): Promise<void> {
  for (const { table, id } of acknowledged.rows) {
    const answer = await api.ask('GET', `/${table}/${id}`)
    assert.equal(answer.status, 200, `${table} ${id} was acknowledged`)
    if (table === 'transcribes') assert.equal(answer.body.status, 'done')
    if (table === 'speakings') assert.equal(answer.body.status, 'stopped')
  }
}

/** Every call is over, and its events tell how, in order and without a gap. @returns how many were cut off by a kill */
function storiesHold(core: SqliteCore, customerId: string): { calls: number; killed: number; events: EventRow[] } {
  const calls = core.find('calls', {}, 1_000_000)
  const all: EventRow[] = []
  let killed = 0
  for (const { id, doc, keys } of calls) {
    const events = core.eventsOfCall(customerId, id)
    const types = events.map(({ type }) => type)
    const told = `call ${id}: ${types.join(' ')}`
    assert.deepEqual([doc['status'], keys['status']], ['hangup', 'hangup'], told)
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, i) => i + 1),
      told,
    )
    const count = (type: string): number => types.filter((one) => one === type).length
    assert.equal(count('call_hangup'), 1, told)
    const hangup = types.indexOf('call_hangup')
    assert.equal(count('transcribe_done'), count('transcribe_created'), told)
    const created = core.find('speakings', { reference_id: id }, 100).length
    assert.equal(count('speaking_stopped'), created, told)
    for (const [i, type] of types.entries()) {
      if (type === 'transcribe_done' || type === 'speaking_stopped') assert.ok(i > hangup, told)
    }
    if (doc['hangup_reason'] === 'failed') killed++
    all.push(...events)
  }
  return { calls: calls.length, killed, events: all }
}

/** What is stored has arrived; only what a failing receiver refused three times may be given up. */
function allTold(
  core: SqliteCore,
  { receiver, holder }: { receiver: Receiver; holder: Holder },
  events: readonly EventRow[],
): number {
  let dead = 0
  for (const { id, type, customer_id } of events) {
    const deliveries = core.deliveriesOf(customer_id, id)
    const delivery = deliveries.find(({ destination }) => destination.endsWith(receiver.url))
    assert.ok(delivery, `a delivery of ${type}`)
    heldTold(deliveries, holder, type, id)
    if (delivery.state === 'delivered') assert.ok(receiver.arrived.has(id), `${type} arrived`)
    else {
      assert.equal(delivery.state, 'dead', type)
      assert.ok(!MUST_ARRIVE.includes(type), `${type} is never given up`)
      assert.equal(delivery.attempts, ATTEMPTS, type)
      dead++
    }
  }
  return dead
}

/** What was under way to the holder when the server was killed has been sent again. */
function heldTold(deliveries: readonly DeliveryRow[], holder: Holder, type: string, eventId: string): void {
  const mine = deliveries.filter(({ destination }) => destination.includes('/hold/'))
  assert.equal(mine.length, HELD_EVENTS.includes(type) ? HOLDING_ADDRESSES : 0, type)
  for (const { destination, state, attempts, last } of mine) {
    const path = new URL(destination.slice(destination.indexOf('http'))).pathname
    if (state === 'delivered') assert.ok(holder.arrived.has(`${path} ${eventId}`), `${type} arrived at ${path}`)
    else {
      assert.equal(state, 'dead', type)
      assert.ok(!MUST_ARRIVE.includes(type), `${type} is never given up`)
      // An address that holds a thousand back has no room for more: the oldest are dead letters that say so (contract §16).
      if (last['error'] !== 'queue full') assert.equal(attempts, ATTEMPTS, `${type}: ${JSON.stringify(last)}`)
    }
  }
}

test(`${ROUNDS} times kill -9 in the middle of calls loses nothing that was acknowledged`, {
  timeout: 60_000 + ROUNDS * 20_000,
}, async (t) => {
  t.diagnostic(`seed ${SEED}`)
  const random = new SeededRandom(SEED)
  const dataDir = mkdtempSync(path.join(tmpdir(), 'quietline-kill-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const env = { QUIETLINE_DATA_DIR: dataDir, QUIETLINE_RTP_PORTS: '23400-23798' }
  const receiver = await Receiver.open(t, random)
  const acknowledged = new Acknowledged()

  const first = new ServerProcess(env)
  t.after(() => (first.exit ? undefined : first.stop('SIGKILL')))
  await first.up()
  const token = first.accessKey!
  const { customerId } = first
  const setUp = new Api({ base: first.base, token, customerId })
  await setUp.answeringNumber(NUMBER)
  await setUp.must('POST', '/extensions', PERSON)
  const connect = { type: 'connect', option: { destinations: [{ type: 'extension', target: PERSON.extension }] } }
  const { id } = await setUp.must('POST', '/flows', { name: 'put through', actions: [{ type: 'answer' }, connect] })
  await setUp.must('POST', '/numbers', { number: BRIDGED_NUMBER, call_flow_id: id })
  await setUp.must('PUT', '/customer', { webhook_method: 'POST', webhook_uri: receiver.url })
  const holder = await Holder.open(t)
  await holder.register(setUp)
  const told = { receiver, holder }
  assert.equal((await first.stop('SIGTERM')).code, 0)

  for (let round = 0; round < ROUNDS; round++) {
    await liveAndDie(t, env, { token }, told, acknowledged, random)
  }

  holder.holds = false
  const last = new ServerProcess(env)
  t.after(() => (last.exit ? undefined : last.stop('SIGKILL')))
  await last.up()
  const api = new Api({ base: last.base, token, customerId })
  await stillThere(api, acknowledged)
  await itWorks(api, last.sipPort, receiver, random)
  const core = openSqlite({ path: path.join(dataDir, 'quietline.db'), readOnly: true })
  await until(
    'everything is delivered or given up',
    () => core.dueDeliveries(Number.MAX_SAFE_INTEGER, 1).length === 0,
    DELIVERED_WITHIN_MS,
  )
  const { calls, killed, events } = storiesHold(core, customerId)
  const dead = allTold(core, told, events)
  core.close()
  assert.equal((await last.stop('SIGTERM')).code, 0)
  const retried = [...receiver.attempts.values()].filter((attempts) => attempts > 1).length
  assert.ok(killed >= ROUNDS, `${killed} calls were up when the server was killed`)
  t.diagnostic(
    `${ROUNDS} kills, each with two bridged calls and ${HELD} deliveries or more under way, ${calls} calls of which ${killed} died, ${acknowledged.rows.length} acknowledged rows all there; ` +
      `${events.length} events of calls: ${events.length - dead} arrived (${retried} tried more than once), ${dead} refused ${ATTEMPTS} times`,
  )
})

/** After all that: one more call, spoken to its end. */
async function itWorks(api: Api, sipPort: number, receiver: Receiver, random: SeededRandom): Promise<void> {
  const told: string[] = []
  receiver.onEvent = (type, data) => {
    told.push(type)
    if (type !== 'call_progressing') return
    // A delivery tried again may tell of a call of an earlier life.
    void whileItLives(() => api.listenOn(String(data['id'])))
    void whileItLives(async () => api.say((await api.speakOn(String(data['id']))).id, 'It works.'))
  }
  const phone = await openPhone(sipPort, 'last', random)
  const call = await phone.call(NUMBER)
  await call.answered
  await until('the last sentence is said', () => told.includes('speaking_say_finished'))
  call.hangup()
  await until('the last call is told', () => told.includes('call_hangup') && told.includes('transcribe_done'))
  await phone.close()
}
