/**
 * The whole server on a virtual clock and a network in memory: joined as in `src/node.ts`, with scripted ears and voices in
 * place of the engines and without HTTP. Time moves only in `run` and `until`; a seed decides everything that is random.
 */

import { Publisher } from '../../src/api/publisher.ts'
import { WebhookOutbox } from '../../src/api/webhook.ts'
import type { WebhookRequest } from '../../src/api/webhook-transport.ts'
import type { CallSettings } from '../../src/calls/call.ts'
import type { ActionDoc } from '../../src/calls/commands.ts'
import { assertEvent } from '../../src/contract/check.ts'
import { newCustomer } from '../../src/contract/customer.ts'
import { newExtension } from '../../src/contract/extension.ts'
import { type NewFlow, newFlow } from '../../src/contract/flow.ts'
import { newNumber } from '../../src/contract/number.ts'
import { rowOf } from '../../src/contract/row.ts'
import { CallRunner } from '../../src/drivers/call-runner.ts'
import { keepContacts } from '../../src/drivers/contact-book.ts'
import { Directory } from '../../src/drivers/directory.ts'
import { HttpErrands } from '../../src/drivers/errands.ts'
import { Exchange } from '../../src/drivers/exchange.ts'
import { CallGate } from '../../src/drivers/gate.ts'
import { Gateways } from '../../src/drivers/gateways.ts'
import { Peers } from '../../src/drivers/peers.ts'
import { PhoneTransfers } from '../../src/drivers/phone-transfers.ts'
import { SipDriver } from '../../src/drivers/sip-driver.ts'
import { SoundDriver } from '../../src/drivers/sound-driver.ts'
import { TrunkRegistrations } from '../../src/drivers/trunk-registrations.ts'
import { type Millis, VirtualClock } from '../../src/kernel/clock.ts'
import { NIL_UUID, timestamp } from '../../src/kernel/ids.ts'
import type { Log, LogFields } from '../../src/kernel/log.ts'
import { SeededRandom } from '../../src/kernel/random.ts'
import { bad, good, type Result } from '../../src/kernel/result.ts'
import type { MediaCommand, MediaEvent } from '../../src/media/protocol.ts'
import { MediaThread } from '../../src/media/thread.ts'
import type { HttpAnswer, HttpRequest } from '../../src/net/http-client.ts'
import { FAIR_WEATHER, MemoryNetwork, type Weather } from '../../src/net/memory.ts'
import { Phone, type PhoneOptions } from '../../src/phone/user-agent.ts'
import type { ListenCommand, ListenEvent, TalkCommand, TalkEvent } from '../../src/speech/protocol.ts'
import { ScriptedEars } from '../../src/speech/providers/scripted/ears.ts'
import { ScriptedSynthesiser } from '../../src/speech/providers/scripted/synthesiser.ts'
import { TalkThread } from '../../src/speech/talk/thread.ts'
import { pickVoice } from '../../src/speech/voices.ts'
import type { EventRow } from '../../src/store/port.ts'
import { InThreadStore, openSqlite } from '../../src/store/sqlite/sqlite-store.ts'
import { InThreadChannel } from './in-thread.ts'

/** The media thread's tick while a leg is open; between calls time jumps from one timer to the next. */
const TICK_MS = 5
/** As `WorkerChannel` waits. */
const RESTART_MS = 1_000
/** By then SIP has forgotten its last transaction, and webhooks have had their attempts. */
const WRAPPED_UP_MS = 120_000
const SERVER = { address: '10.0.0.1', port: 5060 }
const RTP_PORTS = [10_000, 19_998] as const

export const NUMBER = '+15550100'
/** What callers can say, and all that is understood. */
export const VOCABULARY = ['opening hours', 'book a table', 'yes please', 'no thank you', 'stop', 'goodbye'] as const
export const SETTINGS: CallSettings = {
  rateHz: 8_000,
  voiceFor: pickVoice,
  serves: (language) => language.startsWith('en-'),
}

export interface WorldOptions {
  readonly seed: string
  readonly weather?: Weather
  /** Share of webhook attempts that the receiver answers with 500. */
  readonly webhookFailures?: number
  readonly maxCalls?: number
  readonly dialTimeoutMs?: number
  /** Default 1. */
  readonly mediaThreads?: number
  /** Limits and law hold; without it everything is allowed. */
  readonly gate?: { readonly defaultCountry: string; readonly emergencyRoute: string }
}

/** A request as the customer's webhook got it. */
export interface Delivered {
  readonly id: string
  readonly type: string
  readonly at: Millis
}

export class World {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: MemoryNetwork
  readonly store = new InThreadStore(openSqlite({ path: ':memory:' }))
  readonly runner: CallRunner
  readonly exchange: Exchange
  readonly sip: SipDriver
  readonly sound: SoundDriver
  readonly peers: Peers
  readonly registrations: TrunkRegistrations
  readonly outbox: WebhookOutbox
  readonly customerId: string
  /** In the order of publication, ephemeral ones too. */
  readonly events: EventRow[] = []
  readonly delivered: Delivered[] = []
  /** Warnings and errors of the log. */
  readonly complaints: string[] = []
  /** Two minutes after the last phone was closed: beyond one for each registration that has not run out yet. */
  timersLeft = { sip: 0, others: 0 }
  /** Sound files that can be played, by address; each takes a while to come. */
  readonly files = new Map<string, Uint8Array>()
  /** Servers of customers that flows ask (`fetch`, `webhook_send`), by address, and what they were asked. */
  readonly pages = new Map<string, HttpAnswer>()
  readonly asked: HttpRequest[] = []
  /** Told each event as the WebSocket would. */
  onEvent: (event: EventRow) => void = () => {}
  readonly #channels = {
    media: [] as InThreadChannel<MediaCommand, MediaEvent>[],
    listen: new InThreadChannel<ListenCommand, ListenEvent>((one) => this.#ears.handle(one, this.clock.now())),
    talk: new InThreadChannel<TalkCommand, TalkEvent>((one) => this.#talk.handle(one, this.clock.now())),
  }
  readonly #media: MediaThread[] = []
  #ears: ScriptedEars
  #talk: TalkThread
  readonly #phones: Phone[] = []
  readonly #options: WorldOptions
  #lastAddress = 1

  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options)
    await world.#settle()
    await world.outbox.start()
    await world.sip.open()
    return world
  }

  private constructor(options: WorldOptions) {
    const { seed, weather = FAIR_WEATHER, maxCalls = 500, dialTimeoutMs = 60_000 } = options
    const { clock, store } = this
    this.#options = options
    this.random = new SeededRandom(seed)
    this.customerId = this.random.uuid()
    this.network = new MemoryNetwork(clock, new SeededRandom(`${seed} weather`), weather)
    const log = this.#log()

    for (let n = 0; n < (options.mediaThreads ?? 1); n++) {
      this.#channels.media.push(new InThreadChannel((one) => this.#media[n]!.handle(one, this.clock.now())))
      this.#media.push(this.#newMedia(n))
    }
    this.#ears = this.#newEars()
    this.#talk = this.#newTalk()

    const ids = new SeededRandom(`${seed} ids`)
    this.outbox = new WebhookOutbox({
      store,
      clock,
      log,
      transport: { post: (request) => this.#receive(request), close: async () => {} },
    })
    const hub = { publish: (event: EventRow) => this.#published(event) }
    const records = new Publisher({ store, clock, hub, webhook: this.outbox, log, newId: () => ids.uuid() })
    const directory = new Directory(store, 'quietline.test')
    this.sound = new SoundDriver(
      {
        clock,
        log,
        media: this.#channels.media,
        listen: this.#channels.listen,
        talk: this.#channels.talk,
        bindAddress: SERVER.address,
        rtpPorts: RTP_PORTS,
        rateHz: SETTINGS.rateHz,
        maxLegs: maxCalls,
        files: { load: async (url) => this.#fileOf(url) },
        random: (size) => bytes(this.random, size),
      },
      (callId, input) => void this.runner.tell({ kind: 'call', id: callId }, input),
    )
    this.peers = new Peers(store)
    const locate: SipDriver['locate'] = (uri, wishes) => this.sip.locate(uri, wishes)
    const { peers } = this
    const gateways = new Gateways({ clock, log, peers, directory, locate, country: '' })
    this.registrations = new TrunkRegistrations({
      clock,
      log,
      store,
      records,
      peers,
      locate,
      register: (request) => this.sip.register(request),
      keepAlive: (flow) => this.sip.keepOpen(flow),
      random: () => this.random.unit(),
      lineKey: bytes(new SeededRandom(`${seed} line`), 32),
    })
    this.sip = new SipDriver({
      clock,
      network: this.network,
      log,
      directory,
      sound: this.sound,
      bindAddress: SERVER.address,
      port: SERVER.port,
      publicAddress: SERVER.address,
      codecs: ['PCMU', 'PCMA', 'G722', 'opus'],
      userAgent: 'Quietline/sim',
      seed: `${seed} sip`,
      nonceKey: bytes(this.random, 32),
      dialTimeoutMs,
      trunks: { peers, gateways, registered: this.registrations },
      onRegisterResult: (...result) => this.registrations.answered(...result),
      onIncoming: (call) => this.exchange.incoming(call),
      onRefer: (wish) => new PhoneTransfers({ runner: this.runner, directory }).refer(wish),
      onNews: (callId, news) => void this.runner.tell({ kind: 'call', id: callId }, { kind: 'sip', news }),
      onContacts: (extensionId, contacts) => void keepContacts({ store, records, clock, log }, extensionId, contacts),
    })
    this.runner = new CallRunner({
      clock,
      records,
      signalling: this.sip,
      sound: this.sound,
      settings: SETTINGS,
      errands: new HttpErrands({
        store,
        clock,
        log,
        http: { request: (request) => this.#page(request), close: async () => {} },
        randomBytes: (size) => bytes(this.random, size),
        sign: async () => ({}),
      }),
      log,
    })
    const gate = options.gate
      ? new CallGate({ store, records, clock, log, ...options.gate, random: (size) => bytes(this.random, size) })
      : null
    this.exchange = new Exchange({
      ...(gate ? { gate, defaultCountry: options.gate!.defaultCountry } : {}),
      runner: this.runner,
      store,
      directory,
      peers,
      nodeId: 'sim',
      bootId: 'first',
      maxDurationMs: 3_600_000,
      random: (size) => bytes(this.random, size),
    })
  }

  // ---------------------------------------------------------------- time

  /** Lets `ms` of virtual time pass. */
  async run(ms: Millis): Promise<void> {
    const end = this.clock.now() + ms
    while (this.clock.now() < end) await this.#turn(end)
  }

  /** Lets time pass until `isSo`; throws with `what` when it is not so after `limitMs`. */
  async until(what: string, isSo: () => boolean, limitMs: Millis = 30_000): Promise<void> {
    const end = this.clock.now() + limitMs
    while (!isSo()) {
      if (this.clock.now() >= end) throw new Error(`not within ${limitMs} ms: ${what}`)
      await this.#turn(end)
    }
  }

  /** For scripts of callers and agents: resolves when `ms` have passed. */
  after(ms: Millis): Promise<void> {
    return new Promise((resolve) => void this.clock.schedule(this.clock.now() + ms, resolve))
  }

  async #turn(end: Millis): Promise<void> {
    const { clock } = this
    const isBusy = this.#media.some(({ openLegs }) => openLegs > 0) || this.#talk.isBusy
    const next = isBusy ? clock.now() + TICK_MS : (clock.nextAt() ?? end)
    clock.advanceTo(Math.min(next, end))
    const now = clock.now()
    for (const media of this.#media) media.tick(now)
    this.#ears.poll(now)
    while (this.#talk.work(now)) {}
    this.#talk.pump(now)
    await microtasksDone()
  }

  /** Legs open in each media thread. */
  get legsOfThreads(): readonly number[] {
    return this.#media.map(({ openLegs }) => openLegs)
  }

  /**
   * Kills one thread; it is back after a second, empty.
   * @param number of the media thread
   */
  kill(thread: 'media' | 'listen' | 'talk', number = 0): void {
    const channel = thread === 'media' ? this.#channels.media[number]! : this.#channels[thread]
    const { clock } = this
    channel.kill()
    // Its sockets go with it.
    if (thread === 'media') this.#media[number]!.handle({ kind: 'shutDown' }, clock.now())
    if (thread === 'media') this.#media[number] = this.#newMedia(number)
    if (thread === 'listen') this.#ears = this.#newEars()
    if (thread === 'talk') this.#talk = this.#newTalk()
    clock.schedule(clock.now() + RESTART_MS, () => {
      channel.revive()
      channel.emit({ kind: 'ready' })
    })
  }

  #newMedia(n: number): MediaThread {
    const { clock, network } = this
    return new MediaThread({ network, now: () => clock.now(), emit: (event) => this.#channels.media[n]!.emit(event) })
  }

  #newEars(): ScriptedEars {
    return new ScriptedEars({ vocabulary: VOCABULARY, emit: (event) => this.#channels.listen.emit(event) })
  }

  #newTalk(): TalkThread {
    return new TalkThread({ engine: new ScriptedSynthesiser(), emit: (event) => this.#channels.talk.emit(event) })
  }

  async #page(request: HttpRequest): Promise<HttpAnswer> {
    this.asked.push(request)
    await this.after(50)
    return this.pages.get(request.url) ?? { status: 404, text: '' }
  }

  // ---------------------------------------------------------------- people

  /** A phone on an address of its own: on loopback unless it has an account. */
  async phone(options: Partial<PhoneOptions> & { readonly user: string }): Promise<Phone> {
    const net = options.credentials ? '10.1' : '127.0'
    const host = this.#lastAddress++
    const phone = await Phone.open({
      network: this.network,
      clock: this.clock,
      localAddress: `${net}.${host >> 8}.${host & 0xff}`,
      server: SERVER,
      seed: `${this.#options.seed} phone ${host}`,
      ...options,
    })
    this.#phones.push(phone)
    return phone
  }

  /** A phone with an account, registered. */
  async deskPhone(extension: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
    const password = `${extension} secret`
    const doc = newExtension({
      id: this.random.uuid(),
      customerId: this.customerId,
      extension,
      name: `desk ${extension}`,
      password,
      tmCreate: this.#stamp(),
    })
    await this.store.commit({ rows: [rowOf('extensions', doc, {}, { extension, name: doc.name })] })
    const phone = await this.phone({ ...options, user: extension, credentials: { username: extension, password } })
    let code = 0
    void phone.register().then((answer) => {
      code = answer
    })
    await this.until(`extension ${extension} is registered`, () => code !== 0)
    if (code !== 200) throw new Error(`extension ${extension} was answered ${code}`)
    return phone
  }

  /** A number of the customer that runs these actions. */
  async number(
    number: string,
    actions: readonly Omit<ActionDoc, 'id' | 'next_id'>[],
    more: Partial<NewFlow> = {},
  ): Promise<void> {
    const { customerId, random } = this
    const tmCreate = this.#stamp()
    const all = actions.map((action) => ({ id: random.uuid(), next_id: NIL_UUID, ...action }))
    const flow = newFlow({
      id: random.uuid(),
      customerId,
      name: number,
      actions: all,
      tmCreate,
      ...more,
    } as unknown as NewFlow)
    const own = newNumber({ id: random.uuid(), customerId, number, callFlowId: flow.id, tmCreate })
    await this.store.commit({
      rows: [rowOf('flows', flow as unknown as Parameters<typeof rowOf>[1]), rowOf('numbers', own, {}, { number })],
    })
  }

  /** Closes all phones and lets time pass until everything that ends by itself has ended. */
  async close(): Promise<void> {
    const closed = Promise.all(this.#phones.map((phone) => phone.close()))
    let isClosed = false
    void closed.then(() => {
      isClosed = true
    })
    await this.until('phones are closed', () => isClosed)
    await this.run(WRAPPED_UP_MS)
    const { timers, contacts } = this.sip.census()
    this.timersLeft = { sip: timers - contacts, others: this.clock.pending() - timers }
    // Registrations last an hour.
    await this.run(3_700_000)
  }

  // ---------------------------------------------------------------- what the world is made of

  /** The customer, its number, and a flow that answers and leaves the rest to the agent. */
  async #settle(): Promise<void> {
    const { customerId, random } = this
    const tmCreate = this.#stamp()
    const customer = newCustomer({
      id: customerId,
      name: 'Sim',
      webhookMethod: 'POST',
      webhookUri: 'http://agent.test/events',
      webhookSecret: `whsec_${Buffer.from(bytes(random, 24)).toString('base64')}`,
      tmCreate,
    })
    const actions: ActionDoc[] = [
      { id: random.uuid(), next_id: NIL_UUID, type: 'answer', option: {} },
      { id: random.uuid(), next_id: NIL_UUID, type: 'sleep', option: { duration: 600_000 } },
    ]
    const flow = newFlow({ id: random.uuid(), customerId, name: 'Agent', actions, tmCreate } as unknown as NewFlow)
    const number = newNumber({ id: random.uuid(), customerId, number: NUMBER, callFlowId: flow.id, tmCreate })
    const done = await this.store.commit({
      rows: [
        rowOf('customers', customer, {}, { email: '' }),
        rowOf('flows', flow as unknown as Parameters<typeof rowOf>[1]),
        rowOf('numbers', number, {}, { number: NUMBER }),
      ],
    })
    if (!done.ok) throw new Error('the customer could not be stored')
  }

  #stamp(): string {
    return timestamp(this.clock.wallMicros())
  }

  #published(event: EventRow): void {
    this.#hold(event)
    this.events.push(event)
    this.onEvent(event)
  }

  /** Every event is what the contract promises; one that is not is a complaint. */
  #hold({ data, type }: EventRow): void {
    try {
      assertEvent(type, data)
    } catch (error) {
      this.complaints.push(String(error))
    }
  }

  /** The customer's webhook: answers after a while, and with 500 now and then. */
  async #receive(request: WebhookRequest): Promise<{ status: number }> {
    const isFailing = this.random.unit() < (this.#options.webhookFailures ?? 0)
    await this.after(2 + this.random.below(60))
    if (isFailing) return { status: 500 }
    const { type } = JSON.parse(request.body) as { type: string }
    this.delivered.push({ id: request.eventId, type, at: this.clock.now() })
    return { status: 200 }
  }

  async #fileOf(url: string): Promise<Result<Uint8Array>> {
    await this.after(2 + this.random.below(60))
    const wav = this.files.get(url)
    return wav ? good(wav) : bad('the server answered 404')
  }

  #log(): Log {
    const quiet = (): void => {}
    const complain = (fields: LogFields, message: string): void => {
      const err = fields['err']
      this.complaints.push(`${message} ${err instanceof Error ? err.stack : JSON.stringify(fields)}`)
    }
    return { error: complain, warn: complain, info: quiet, debug: quiet }
  }
}

function bytes(random: SeededRandom, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => random.below(256))
}

/** Nothing in this world waits for anything but promises and the clock: one turn of the event loop ends all of the first. */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
