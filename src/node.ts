/**
 * One node: builds every part once, starts it, stops it. The only place where the rooms of the house are joined.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { AccountDeps } from './api/accounts.ts'
import type { ApiDeps } from './api/deps.ts'
import { errandSigner } from './api/errand-headers.ts'
import { Publisher } from './api/publisher.ts'
import { pooledBytes } from './api/secrets.ts'
import { WebhookOutbox } from './api/webhook.ts'
import { HttpTransport } from './api/webhook-transport.ts'
import { WsHub } from './api/ws-hub.ts'
import type { Records } from './calls/ports.ts'
import { measureCapacity } from './capacity.ts'
import { type Config, ConfigError } from './config.ts'
import { isServed } from './contract/language.ts'
import { startDemoAgent } from './demo-agent.ts'
import { openDoors } from './doors.ts'
import { CallRunner } from './drivers/call-runner.ts'
import { keepContacts, keptContacts } from './drivers/contact-book.ts'
import { Directory } from './drivers/directory.ts'
import { HttpErrands } from './drivers/errands.ts'
import { Exchange } from './drivers/exchange.ts'
import { CallGate } from './drivers/gate.ts'
import { openLog } from './drivers/json-log.ts'
import { Metrics } from './drivers/metrics.ts'
import { RealClock } from './drivers/real-clock.ts'
import { recover } from './drivers/recovery.ts'
import { Retention } from './drivers/retention.ts'
import { SipDriver } from './drivers/sip-driver.ts'
import { SoundDriver } from './drivers/sound-driver.ts'
import { SoundFiles } from './drivers/sound-files.ts'
import { WorkerChannel } from './drivers/worker-channel.ts'
import { type FirstStart, firstStart, freshKey, signingKey } from './first-start.ts'
import type { Log } from './kernel/log.ts'
import type { MediaCommand, MediaEvent } from './media/protocol.ts'
import { HttpClient } from './net/http-client.ts'
import { UdpNetwork } from './net/udp.ts'
import { DEFAULT_PHRASES, readPhrases } from './speech/phrases.ts'
import type { ListenCommand, ListenEvent, TalkCommand, TalkEvent } from './speech/protocol.ts'
import { pickVoice } from './speech/voices.ts'
import { WorkerStore } from './store/sqlite/worker-store.ts'
import { VERSION } from './version.ts'

/** Samples a second of every leg; 16 kHz comes with wideband codecs. */
const LEG_RATE_HZ = 8_000
const PAGE_KEY_SECONDS = 12 * 3_600

export interface RunningNode {
  readonly version: string
  readonly httpPort: number
  readonly sipPort: number
  readonly demoNumber: string
  readonly customerId: string
  /** Of the first customer: the one shown at the first start, or on later starts one that ends after twelve hours. */
  readonly accessKey: string
  readonly pageUrl: string
  readonly phraseCount: number
  /** Conversations at once, estimated from a measurement at start. */
  readonly capacity: number
  readonly first: FirstStart
  /** Resolves when the demo agent listens for calls; at once when it is switched off. */
  readonly demoReady: Promise<void>
  readonly parts: NodeParts
  /** Hangs up what is up, waits a little, stops every thread, timer and socket. May be called twice. */
  close(): Promise<void>
}

/** For tests and benchmarks of the real thing. */
export interface NodeParts {
  readonly store: WorkerStore
  /** Stores and publishes. */
  readonly records: Records
  readonly runner: CallRunner
  readonly sip: SipDriver
  readonly sound: SoundDriver
  readonly threads: Threads
}

interface Threads {
  readonly bell: SharedArrayBuffer
  readonly media: WorkerChannel<MediaCommand, MediaEvent>
  readonly listen: WorkerChannel<ListenCommand, ListenEvent>
  readonly talk: WorkerChannel<TalkCommand, TalkEvent>
}

export async function startNode(
  config: Config,
  log: Log = openLog(config.logLevel, config.logPii),
): Promise<RunningNode> {
  const closers: (() => Promise<void> | void)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    return await start(config, log, closers, closeAll)
  } catch (cause) {
    await closeAll()
    throw cause
  }
}

async function start(
  config: Config,
  log: Log,
  closers: (() => Promise<void> | void)[],
  closeAll: () => Promise<void>,
): Promise<RunningNode> {
  const clock = new RealClock()
  const phrases = phrasesOf(config)
  const store = await openStore(config, clock, log)
  closers.push(() => store.close())
  const threads = startThreads(config, phrases, log)
  closers.push(async () => {
    await Promise.all([threads.media.close(), threads.listen.close(), threads.talk.close()])
  })

  // ---- words on their way out
  const hub = new WsHub({ clock, log })
  const transport = new HttpTransport({ blockPrivate: config.webhookBlockPrivate })
  const outbox = new WebhookOutbox({ store, clock, log, transport })
  const records = new Publisher({ store, clock, hub, webhook: outbox, log })
  closers.push(async () => {
    await outbox.close()
    await hub.close()
  })

  // ---- calls, their signalling and their sound
  const nodeId = 'local'
  const bootId = randomBytes(8).toString('hex')
  const directory = new Directory(store, config.baseDomain)
  const metrics = new Metrics(
    () => runner.liveCalls,
    () => hub.size(),
  )
  const files = new SoundFiles({
    clock,
    mediaDir: path.resolve(config.dataDir, 'media'),
    blockPrivate: config.webhookBlockPrivate,
  })
  closers.push(() => files.close())
  const sound: SoundDriver = new SoundDriver(
    {
      clock,
      log,
      media: threads.media,
      listen: threads.listen,
      talk: threads.talk,
      bindAddress: config.bind,
      rtpPorts: config.rtpPorts,
      rateHz: LEG_RATE_HZ,
      maxLegs: config.maxCalls,
      files,
      onPace: (pace) => metrics.pace(pace),
      onLoad: (thread, load) => metrics.load(thread, load.busyShare),
    },
    (callId, input) => {
      if (input.kind === 'sound' && input.news.kind === 'legClosed') metrics.legClosed(input.news.counters)
      runner.tell({ kind: 'call', id: callId }, input)
    },
  )
  const sip: SipDriver = new SipDriver({
    clock,
    network: new UdpNetwork(),
    log,
    directory,
    sound,
    bindAddress: config.bind,
    port: config.sipPort,
    publicAddress: config.publicAddress,
    userAgent: `Quietline/${VERSION}`,
    seed: randomBytes(16).toString('hex'),
    dialTimeoutMs: config.dialTimeoutMs,
    onIncoming: (call) => exchange.incoming(call),
    onNews: (callId, news) => void runner.tell({ kind: 'call', id: callId }, { kind: 'sip', news }),
    onContacts: (extensionId, contacts) => void keepContacts({ store, records, clock, log }, extensionId, contacts),
  })
  const errands = new HttpErrands({
    store,
    clock,
    log,
    http: new HttpClient({ blockPrivate: config.webhookBlockPrivate }),
    randomBytes,
    sign: errandSigner({ clock, secretOf: (id) => outbox.destinations.secretOf(id), newId: randomUUID }),
  })
  closers.push(() => errands.close())
  const runner: CallRunner = new CallRunner({
    clock,
    records,
    signalling: sip,
    sound,
    settings: {
      rateHz: LEG_RATE_HZ,
      voiceFor: pickVoice,
      serves: (language, kind) => isServed(language, kind, LANGUAGES),
    },
    errands,
    log,
    onEnded: (reason, turns) => metrics.callEnded(reason, turns),
  })
  closers.push(() => runner.close())
  const { defaultCountry, emergencyRoute, strictSource } = config
  const gate = new CallGate({ store, records, clock, log, defaultCountry, emergencyRoute })
  const exchange = new Exchange({
    runner,
    store,
    directory,
    nodeId,
    bootId,
    maxDurationMs: config.maxCallMs,
    gate,
    defaultCountry,
    strictSource,
  })

  // ---- what an earlier life left, and what the first one needs
  const accounts: AccountDeps = { store, records, clock, randomBytes: pooledBytes((size) => randomBytes(size)) }
  await recover({ store, records, clock, log, nodeId, bootId })
  const first = await firstStart(accounts)
  const jwtKey = config.dataKey ? Buffer.from(config.dataKey, 'hex') : await signingKey(accounts)
  const pageKey = await freshKey(accounts, first.customerId, 'page', PAGE_KEY_SECONDS)
  await outbox.start()
  const retention = new Retention({ store, records, clock, log, defaultDays: config.retentionDays })
  retention.start()
  closers.push(() => retention.close())

  const sipLocal = await sip
    .open()
    .catch((cause: unknown) => refusePort(cause, 'SIP', 'QUIETLINE_SIP_PORT', config.bind, config.sipPort))
  closers.push(() => sip.close())
  for (const { extensionId, contacts } of await keptContacts({ store, records, clock, log })) {
    sip.restoreContacts(extensionId, contacts)
  }
  await threadsReady(threads)

  // ---- words on their way in
  const deps: ApiDeps = {
    ...accounts,
    calls: exchange,
    log,
    settings: {
      name: 'Quietline',
      version: VERSION,
      baseDomain: config.baseDomain,
      signup: config.signup,
      retentionDays: config.retentionDays,
      requestsPerSecond: config.requestsPerSecond,
      maxCalls: config.maxCalls,
      defaultCountry: config.defaultCountry,
      jwtKey,
    },
    registrations: {
      contactsOf: (id) =>
        sip.contactsOf(id).map((contact) => ({
          uri: contact.uri,
          transport: contact.flow.transport,
          expires: Math.max(0, Math.round((contact.expiresAt - clock.now()) / 1000)),
        })),
      drop: (id) => sip.dropContacts(id),
    },
    webhooks: outbox,
    speech: {
      languages: () => LANGUAGES,
      defaultPhrases: phrases,
      howToAdd: 'An engine for other languages is set up by the operator; this release brings English only.',
    },
    metrics: metrics.registry,
    isReady: () => readiness(threads),
  }
  const doors = await openDoors({
    config,
    deps,
    hub,
    log,
    clock,
    sipPort: sipLocal.port,
    demoNumber: config.demo ? first.demoNumber : '',
  }).catch((cause: unknown) => refusePort(cause, 'HTTP', 'QUIETLINE_HTTP_PORT', config.bind, config.httpPort))
  closers.push(() => doors.close())
  // Before any door closes: phones are told, and whoever listens hears of it.
  closers.push(() => {
    exchange.drain()
    return hangUpAll(runner)
  })

  const agent = config.demo
    ? startDemoAgent({
        api: `http://${hostOf(config.bind)}:${doors.port}/v1.0`,
        token: await freshKey(accounts, first.customerId, 'demo agent', 0),
        customerId: first.customerId,
        number: first.demoNumber,
        log,
      })
    : null
  if (agent) closers.push(() => agent.close())

  return {
    version: VERSION,
    httpPort: doors.port,
    sipPort: sipLocal.port,
    demoNumber: first.demoNumber,
    customerId: first.customerId,
    accessKey: first.accessKey ?? pageKey,
    pageUrl: `http://${hostOf(config.publicAddress ?? config.bind)}:${doors.port}/#token=${pageKey}`,
    phraseCount: phrases.length,
    capacity: measureCapacity(config.decoders),
    first,
    demoReady: agent?.ready ?? Promise.resolve(),
    parts: { store, records, runner, sip, sound, threads },
    close: closeAll,
  }
}

// ---------------------------------------------------------------- parts of the start

const LANGUAGES = ['en-US', 'en-GB'].map((language) => ({
  language,
  stt: ['soundswallower'],
  tts: ['flite'],
  voices: ['slt', 'rms', 'awb', 'kal16'],
}))

function phrasesOf(config: Config): readonly string[] {
  if (config.sttPhrases === null) return DEFAULT_PHRASES
  try {
    const phrases = readPhrases(readFileSync(config.sttPhrases, 'utf8'))
    if (phrases.length > 0) return phrases
  } catch {
    throw new ConfigError(`QUIETLINE_STT_PHRASES: the file "${config.sttPhrases}" cannot be read.`)
  }
  throw new ConfigError(`QUIETLINE_STT_PHRASES: the file "${config.sttPhrases}" holds no sentence.`)
}

async function openStore(config: Config, clock: RealClock, log: Log): Promise<WorkerStore> {
  const dir = path.resolve(config.dataDir)
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    accessSync(dir, constants.W_OK | constants.X_OK)
  } catch {
    throw new ConfigError(`QUIETLINE_DATA_DIR: the folder "${dir}" cannot be made or written.`)
  }
  try {
    const dataKeys = [config.dataKey, ...config.oldDataKeys].filter((key) => key !== null)
    const { synchronous } = config
    return await WorkerStore.open({ path: path.join(dir, 'quietline.db'), clock, synchronous, dataKeys, log })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`The store in "${dir}" cannot be opened: ${why.replace(/\.$/, '')}.`)
  }
}

function startThreads(config: Config, phrases: readonly string[], log: Log): Threads {
  const bell = new SharedArrayBuffer(64)
  const entry = (name: string): URL => new URL(`./workers/${name}.ts`, import.meta.url)
  return {
    bell,
    media: new WorkerChannel({ name: 'media', url: entry('media'), workerData: { bell }, log }),
    listen: new WorkerChannel({
      name: 'listen',
      url: entry('listen'),
      workerData: { bell, decoders: config.decoders, phrases },
      log,
    }),
    talk: new WorkerChannel({ name: 'talk', url: entry('talk'), workerData: {}, log }),
  }
}

async function threadsReady(threads: Threads): Promise<void> {
  await Promise.all([threads.media.ready, threads.listen.ready, threads.talk.ready])
}

function readiness(threads: Threads): { ready: boolean; why: string } {
  const missing = (['media', 'listen', 'talk'] as const).filter((name) => !threads[name].isReady)
  return missing.length === 0
    ? { ready: true, why: '' }
    : { ready: false, why: `the ${missing.join(' and ')} thread is being restarted` }
}

/** Long enough for BYE, the last transcripts and their events; a phone that does not answer is not waited for. */
const HANG_UP_MS = 1_500

async function hangUpAll(runner: CallRunner): Promise<void> {
  for (const id of runner.callIds())
    runner.tell({ kind: 'call', id }, { kind: 'command', reply: 0, command: { kind: 'hangup' } })
  const until = performance.now() + HANG_UP_MS
  while (runner.liveCalls > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
}

function refusePort(cause: unknown, what: string, setting: string, bind: string, port: number): never {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  if (code === 'EADDRINUSE')
    throw new ConfigError(`${what} port ${port} on ${bind} is taken. Stop what uses it, or set ${setting}.`)
  if (code === 'EACCES')
    throw new ConfigError(`${what} port ${port} on ${bind} may not be used by this user. Set ${setting}.`)
  if (code === 'EADDRNOTAVAIL') throw new ConfigError(`QUIETLINE_BIND: this machine has no address ${bind}.`)
  throw cause
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

function hostOf(address: string): string {
  if (isWildcard(address)) return '127.0.0.1'
  return address.includes(':') ? `[${address}]` : address
}
