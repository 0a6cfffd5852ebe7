/**
 * The server under test, in a process of its own: the whole node on free ports with an empty store in a temporary folder.
 * Beside it: CPU time, the control ticker, and a look at the messages of the talk and media threads.
 */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { readConfig } from '../../src/config.ts'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { type RunningNode, startNode } from '../../src/node.ts'
import type { CommitTrace, Cpu, FromServer, PaceTrace, SayTrace, ServerQuestion, ToServer } from './messages.ts'

const RTP_PORTS = '36000-36998'
const REMEMBERED = 20_000

const dataDir = await mkdtemp(path.join(tmpdir(), 'quietline-bench-'))
const node = await startNode(
  readConfig({
    QUIETLINE_DATA_DIR: dataDir,
    QUIETLINE_HTTP_PORT: '0',
    QUIETLINE_SIP_PORT: '0',
    QUIETLINE_RTP_PORTS: RTP_PORTS,
    QUIETLINE_DEMO: '0',
    QUIETLINE_LOG_LEVEL: 'error',
  }),
)
const says: SayTrace[] = []
const paces: PaceTrace[] = []
const commits: CommitTrace[] = []
watch(node)
let control: Worker | null = null

/** Listens in on the channels; what it notes costs a few microseconds a say. */
function watch({ parts }: RunningNode): void {
  const { talk, media } = parts.threads
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
  const onMedia = media.onEvents
  media.onEvents = (events) => {
    for (const event of events) {
      if (event.kind === 'pace') paces.push(event)
      if (event.kind !== 'voiceStarted') continue
      const key = keyOf(event.leg, event.sayId)
      const say = open.get(key)
      if (say) say.firstVoiceAt = event.at
    }
    onMedia(events)
  }
}

function cpu(): Cpu {
  const process_ = process.cpuUsage()
  const thread = process.threadCpuUsage()
  return { processMs: (process_.user + process_.system) / 1000, mainThreadMs: (thread.user + thread.system) / 1000 }
}

async function answer(question: ServerQuestion, port: number): Promise<unknown> {
  switch (question) {
    case 'cpu':
      return cpu()
    case 'says':
      return says.splice(0)
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
