/**
 * The server under test, in a process of its own: the whole node on free ports with an empty store in a temporary folder.
 * Beside it: CPU time, the control ticker, and a look at the messages of the talk and media threads.
 */

import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { readConfig } from '../../src/config.ts'
import { LoadWatch } from '../../src/drivers/load-watch.ts'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { type RunningNode, startNode } from '../../src/node.ts'
import type {
  CommitTrace,
  Cpu,
  FromServer,
  Held,
  PaceTrace,
  SayTrace,
  ServerQuestion,
  ToServer,
  UtteranceTrace,
} from './messages.ts'

const RTP_PORTS = '36000-36998'
/** More settings of this server, in JSON: those of the bench. */
const SETTINGS: Readonly<Record<string, string>> = JSON.parse(process.env['BENCH_SETTINGS'] ?? '{}')
const REMEMBERED = 20_000

// Measured is what calls cost beyond the point at which no more would be let in.
if (process.env['BENCH_UNGUARDED']) LoadWatch.prototype.refusal = () => null

const dataDir = await mkdtemp(path.join(tmpdir(), 'quietline-bench-'))
const node = await startNode({
  ...readConfig({
    QUIETLINE_DATA_DIR: dataDir,
    QUIETLINE_HTTP_PORT: '0',
    QUIETLINE_SIP_PORT: '0',
    QUIETLINE_RTP_PORTS: RTP_PORTS,
    QUIETLINE_DEMO: '0',
    QUIETLINE_LOG_LEVEL: 'error',
    ...SETTINGS,
  }),
  ...(process.env['BENCH_SINK'] ? { recognisers: new URL('./sink.ts', import.meta.url).href } : {}),
})
const says: SayTrace[] = []
const utterances: UtteranceTrace[] = []
const paces: PaceTrace[] = []
const commits: CommitTrace[] = []
watch(node)
let control: Worker | null = null

/** Listens in on the channels; what it notes costs a few microseconds a say. */
function watch({ parts }: RunningNode): void {
  const { talk, media, listen } = parts.threads
  const portOfSlot: number[] = []
  const portOfEar = new Map<number, number>()
  const attach = listen.post.bind(listen)
  listen.post = (command) => {
    if (command.kind === 'attach') portOfEar.set(command.ear, portOfSlot[command.leg.slot] ?? 0)
    attach(command)
  }
  const onListen = listen.onEvents
  listen.onEvents = (events) => {
    for (const event of events)
      if (event.kind === 'speechStarted' && utterances.length < REMEMBERED)
        utterances.push({ port: portOfEar.get(event.ear) ?? 0, onsetAt: event.onsetAt })
    onListen(events)
  }
  const clock = new RealClock()
  const commit = parts.store.commit.bind(parts.store)
  parts.store.commit = async (batch) => {
    const answer = await commit(batch)
    const at = clock.now()
    for (const { type, data } of batch.events ?? [])
      if (type === 'flow_created' && commits.length < REMEMBERED) commits.push({ id: String(data['id']), at })
    return answer
  }
  // Not emptied: a packet may be told before the clause it comes from.
  const open = new Map<string, SayTrace>()
  const keyOf = (leg: { slot: number; generation: number }, sayId: number): string =>
    `${leg.slot} ${leg.generation} ${sayId}`
  const post = talk.post.bind(talk)
  talk.post = (command) => {
    if (command.kind === 'utter' && says.length < REMEMBERED) {
      const { text, askedAt } = command
      const say: SayTrace = { text, askedAt, firstPcmAt: null, firstClauseCpuMs: null, firstVoiceAt: null }
      says.push(say)
      open.set(keyOf(command.leg, command.sayId), say)
    }
    post(command)
  }
  const onTalk = talk.onEvents
  talk.onEvents = (events) => {
    for (const event of events) {
      if (event.kind !== 'rendered' || event.clause !== 0) continue
      const say = open.get(keyOf(event.leg, event.sayId))
      if (!say) continue
      say.firstPcmAt = event.at
      say.firstClauseCpuMs = event.cpuMs
    }
    onTalk(events)
  }
  for (const one of media) {
    const onMedia = one.onEvents
    one.onEvents = (events) => {
      for (const event of events) {
        if (event.kind === 'pace') paces.push(event)
        if (event.kind === 'legOpened') portOfSlot[event.leg.slot] = event.localPort
        if (event.kind !== 'voiceStarted') continue
        const key = keyOf(event.leg, event.sayId)
        const say = open.get(key)
        if (say) say.firstVoiceAt = event.at
      }
      onMedia(events)
    }
  }
}

function cpu(): Cpu {
  const process_ = process.cpuUsage()
  const thread = process.threadCpuUsage()
  return { processMs: (process_.user + process_.system) / 1000, mainThreadMs: (thread.user + thread.system) / 1000 }
}

function held(): Held {
  globalThis.gc?.()
  const { rss, heapTotal, arrayBuffers } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
  const { runner, sound, sip } = node.parts
  let descriptors = -1
  try {
    descriptors = readdirSync('/proc/self/fd').length
  } catch {
    // Not on this system.
  }
  return {
    rssKb: rss / 1024,
    heapKb: heapTotal / 1024,
    buffersKb: arrayBuffers / 1024,
    legs: sound.census().legs,
    liveCalls: runner.liveCalls,
    sipTimers: sip.census().timers,
    handles,
    descriptors,
  }
}

async function answer(question: ServerQuestion, port: number): Promise<unknown> {
  switch (question) {
    case 'cpu':
      return cpu()
    case 'memory':
      return held()
    case 'says':
      return says.splice(0)
    case 'utterances':
      return utterances.splice(0)
    case 'paces':
      return paces.splice(0)
    case 'commits':
      return commits.splice(0)
    case 'startControl':
      control = new Worker(new URL('./control.ts', import.meta.url), { workerData: { port } })
      return null
    case 'takeControl': {
      if (!control) return []
      control.postMessage('stop')
      const [lateMs] = (await once(control, 'message')) as [number[]]
      control = null
      return lateMs
    }
    default:
      return question satisfies never
  }
}

function tell(message: FromServer): void {
  process.send?.(message)
}

async function close(): Promise<void> {
  await node.close()
  await rm(dataDir, { recursive: true, force: true })
  process.exit(0)
}

process.on('message', (message: ToServer) => {
  if (message.kind === 'close') void close()
  else void answer(message.question, message.port ?? 0).then((value) => tell({ kind: 'answer', id: message.id, value }))
})
// Ctrl-C reaches the whole group: the program in the middle ends, and then we do.
process.on('SIGINT', () => {})
process.once('disconnect', () => void close())
tell({
  kind: 'ready',
  access: {
    httpPort: node.httpPort,
    sipPort: node.sipPort,
    token: node.accessKey,
    customerId: node.customerId,
    number: node.demoNumber,
  },
})
