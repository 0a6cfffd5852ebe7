/**
 * One node: builds every part once, starts it, stops it. The only place where the rooms of the house are joined.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import path from 'node:path'
import type { AccountDeps } from './api/accounts.ts'
import type { ApiDeps } from './api/deps.ts'
import { errandSigner } from './api/errand-headers.ts'
import { Publisher } from './api/publisher.ts'
import { pooledBytes } from './api/secrets.ts'
import { WebhookOutbox } from './api/webhook.ts'
import { ThreadTransport } from './api/webhook-thread.ts'
import { WsHub } from './api/ws-hub.ts'
import type { Records } from './calls/ports.ts'
import { measureCapacity } from './capacity.ts'
import type { Config } from './config.ts'
import { isServed } from './contract/language.ts'
import { startDemoAgent } from './demo-agent.ts'
import type { Facts } from './doctor/findings.ts'
import { visitOfDoctor } from './doctor/visit.ts'
import { openDoors } from './doors.ts'
import { CallRunner } from './drivers/call-runner.ts'
import { Captures } from './drivers/capture/captures.ts'
import { keepContacts, keptContacts } from './drivers/contact-book.ts'
import { Directory } from './drivers/directory.ts'
import { Drain } from './drivers/drain.ts'
import { HttpErrands } from './drivers/errands.ts'
import { Exchange } from './drivers/exchange.ts'
import { CallGate } from './drivers/gate.ts'
import { Gateways } from './drivers/gateways.ts'
import { openLog } from './drivers/json-log.ts'
import { LoadWatch } from './drivers/load-watch.ts'
import { Metrics } from './drivers/metrics.ts'
import { addressTowards, ownAddresses } from './drivers/own-address.ts'
import { Peers } from './drivers/peers.ts'
import { PhoneTransfers } from './drivers/phone-transfers.ts'
import { RealClock } from './drivers/real-clock.ts'
import { recover } from './drivers/recovery.ts'
import { Retention } from './drivers/retention.ts'
import { SipDriver } from './drivers/sip-driver.ts'
import { SoundDriver } from './drivers/sound-driver.ts'
import { SoundFiles } from './drivers/sound-files.ts'
import { TrunkRegistrations } from './drivers/trunk-registrations.ts'
import { type FirstStart, firstStart, freshKey, signingKey } from './first-start.ts'
import type { Log } from './kernel/log.ts'
import { HttpClient } from './net/http-client.ts'
import { DnsResolver } from './net/resolver.ts'
import { Streams } from './net/streams.ts'
import { UdpNetwork } from './net/udp.ts'
import { hostOf, legsOf, openCertificates, openStore, operatorKey, phrasesOf, refusePort } from './node-start.ts'
import { readiness, startThreads, type Threads, threadsReady } from './node-threads.ts'
import { pickVoice } from './speech/voices.ts'
import type { WorkerStore } from './store/sqlite/worker-store.ts'
import { VERSION } from './version.ts'

/** Samples a second of every leg; 16 kHz comes with wideband codecs. */
const LEG_RATE_HZ = 8_000
/** Stands for anywhere outside (RFC 5737). */
const FAR_AWAY = '203.0.113.1'
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
  /** Takes nothing new. Resolves when no call is left; at the deadline what is up is hung up. */
  drain(deadlineMs: number): Promise<void>
  /** Reads certificates anew, when their files have changed. */
  reload(): void
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
    const all = [...threads.media, threads.listen, threads.talk, threads.webhooks]
    await Promise.all(all.map((thread) => thread.close()))
  })

  // ---- words on their way out
  const hub = new WsHub({ clock, log })
  const transport = new ThreadTransport(threads.webhooks)
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
    () => load.refused,
  )
  const files = new SoundFiles({
    clock,
    mediaDir: path.resolve(config.dataDir, 'media'),
    blockPrivate: config.webhookBlockPrivate,
  })
  closers.push(() => files.close())
  const captures = new Captures({
    clock,
    watch: (callId, on) => sound.capture(callId, on),
    localOf: (callId) => {
      const port = sound.portOf(callId)
      return port === null ? null : { address: config.publicAddress ?? config.bind, port }
    },
  })
  closers.push(() => captures.close())
  const capacity = measureCapacity(config.decoders)
  const load = new LoadWatch({
    clock,
    log,
    maxCalls: Math.min(config.maxCalls, legsOf(config.rtpPorts)),
    capacity,
    liveCalls: () => runner.liveCalls,
    ears: () => sound.ears,
  })
  closers.push(() => load.close())
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
      onCaptured: (callId, packets) => captures.captured(callId, packets),
      onOneWay: () => metrics.oneWay(),
      onPace: (pace) => {
        metrics.pace(pace)
        load.media('media', pace.lateP99Ms)
      },
      onLoad: (thread, figures) => {
        metrics.load(thread, figures.busyShare)
        if ('waitP99Ms' in figures) load.listen(figures.busyShare, figures.waitP99Ms)
        else load.talk(figures.busyShare)
      },
    },
    (callId, input) => {
      if (input.kind === 'sound' && input.news.kind === 'legClosed')
        metrics.legClosed(input.news.counters, input.news.quality)
      runner.tell({ kind: 'call', id: callId }, input)
    },
  )
  const certificates = openCertificates(config, clock, log)
  closers.push(() => certificates.close())
  const peers = new Peers(store)
  const country = config.defaultCountry
  const locate: SipDriver['locate'] = (uri, options) => sip.locate(uri, options)
  const onGateway: Metrics['gateway'] = (outcome) => metrics.gateway(outcome)
  const serviceRouteOf = (id: string): readonly string[] => registrations.serviceRouteOf(id)
  const gateways = new Gateways({ clock, log, peers, directory, locate, country, onEnd: onGateway, serviceRouteOf })
  const registrations: TrunkRegistrations = new TrunkRegistrations({
    clock,
    log,
    store,
    records,
    peers,
    locate,
    register: (request) => sip.register(request),
    keepAlive: (flow) => sip.keepOpen(flow),
    random: Math.random,
    lineKey: randomBytes(32),
  })
  metrics.trunks(
    () => registrations.counts(),
    () => gateways.downCount,
  )
  const sip: SipDriver = new SipDriver({
    clock,
    network: new UdpNetwork(),
    streams: new Streams(certificates),
    digestAlgorithms: config.sipDigest,
    names: new DnsResolver({ clock, servers: config.dnsServers }),
    log,
    directory,
    sound,
    bindAddress: config.bind,
    port: config.sipPort,
    ice: config.ice,
    tcp: config.sipTcp,
    tlsPort: config.sipTls?.port ?? null,
    publicAddress: config.publicAddress,
    codecs: config.codecs,
    userAgent: `Quietline/${VERSION}`,
    seed: randomBytes(16).toString('hex'),
    dialTimeoutMs: config.dialTimeoutMs,
    trustLoopback: config.trustLoopback,
    trunks: { peers, gateways, registered: registrations },
    defaultCountry: country,
    onRegisterResult: (...result) => registrations.answered(...result),
    onFlowFailed: (flow) => registrations.lost(flow),
    srtp: config.srtp,
    onIncoming: (call) => exchange.incoming(call),
    onRefer: (wish) => transfers.refer(wish),
    room: () => load.refusal(),
    trace: captures.trace,
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
  const transfers = new PhoneTransfers({ runner, directory, peers, defaultCountry: country })
  const exchange = new Exchange({
    runner,
    store,
    directory,
    nodeId,
    bootId,
    maxDurationMs: config.maxCallMs,
    gate,
    peers,
    defaultCountry,
    strictSource,
    room: load,
  })
  const drain = new Drain({
    clock,
    log,
    liveCalls: () => runner.liveCalls,
    refuse: (on, retryAfterS) => {
      load.drain(on)
      sip.drain(on, retryAfterS)
    },
    hangUpAll: () => hangUpAll(runner),
  })
  closers.push(() => drain.close())

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
  void registrations.sync()
  closers.push(() => registrations.stop())
  for (const { extensionId, contacts } of await keptContacts({ store, records, clock, log })) {
    sip.restoreContacts(extensionId, contacts)
  }
  await threadsReady(threads)
  load.start()

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
    trunks: {
      stateOf: (id) => registrations.stateOf(id),
      changed: () => {
        peers.changed()
        void registrations.sync()
      },
    },
    webhooks: outbox,
    speech: {
      languages: () => LANGUAGES,
      defaultPhrases: phrases,
      howToAdd: 'An engine for other languages is set up by the operator; this release brings English only.',
    },
    metrics: metrics.registry,
    isReady: () => (load.isDraining ? { ready: false, why: 'draining' } : readiness(threads)),
    captures,
    operator: {
      key: await operatorKey(config),
      drainState: () => drain.state,
      drain: (deadlineMs) => void drain.begin(deadlineMs),
      takeAgain: () => drain.cancel(),
      doctor: () => visitOfDoctor(accounts, `http://${hostOf(config.bind)}:${doors.port}/v1.0`, config, factsOf()),
    },
  }
  const factsOf = (): Facts => ({
    version: VERSION,
    bind: config.bind,
    public_address: config.publicAddress,
    own_addresses: ownAddresses(),
    sip: [
      { transport: 'udp', port: sipLocal.port },
      ...(config.sipTcp ? [{ transport: 'tcp', port: sipLocal.port }] : []),
      ...(sip.tlsLocal ? [{ transport: 'tls', port: sip.tlsLocal.port }] : []),
    ],
    advertised: addressTowards(FAR_AWAY, { bindAddress: config.bind, publicAddress: config.publicAddress }),
    rtp_ports: config.rtpPorts,
    codecs: config.codecs,
    engines: LANGUAGES,
    not_ready: readiness(threads).why,
    calls: runner.liveCalls,
    max_calls: Math.min(config.maxCalls, legsOf(config.rtpPorts)),
    capacity,
    signup: config.signup,
    encrypted: config.dataKey !== null,
    retention_days: config.retentionDays,
  })
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
    exchange.close()
    return drain.begin(0)
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
    capacity,
    first,
    demoReady: agent?.ready ?? Promise.resolve(),
    parts: { store, records, runner, sip, sound, threads },
    drain: (deadlineMs) => drain.begin(deadlineMs),
    reload: () => certificates.refresh(),
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

function hangUpAll(runner: CallRunner): void {
  for (const id of runner.callIds())
    runner.tell({ kind: 'call', id }, { kind: 'command', reply: 0, command: { kind: 'hangup' } })
}
