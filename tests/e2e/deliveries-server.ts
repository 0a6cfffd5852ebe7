/**
 * A node in a process of its own that is also given events at an even pace, as calls would give them. Measures what its main
 * thread feels meanwhile. `argv[2]`: the settings of the node, as JSON.
 */

import { randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { BroadcastChannel } from 'node:worker_threads'
import type { NewEvent } from '../../src/calls/ports.ts'
import { readConfig } from '../../src/config.ts'
import { startNode } from '../../src/node.ts'
import { monotonicMs } from '../../src/workers/monotonic.ts'

export interface Ready {
  readonly httpPort: number
  readonly sipPort: number
  readonly accessKey: string
  readonly customerId: string
}

export interface Load {
  readonly customers: readonly { readonly customerId: string; readonly callIds: readonly string[] }[]
  /** Events a second of each customer. */
  readonly rate: number
  readonly seconds: number
}

export interface Felt {
  /** Number of the first event; they count up, customer by customer. */
  readonly first: number
  readonly events: number
  readonly areStored: boolean
  /** Of the event loop, ms. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Of the main thread, until all was stored and published. */
  readonly cpuMs: number
}

/** A request to a webhook, in the order in which they were started. */
export interface Start {
  readonly url: string
  readonly eventId: string
  readonly attempt: number
}

export interface LoadAnswers {
  run: Felt
  /** Since the last question. */
  starts: readonly Start[]
  close: null
}

const TICK_MS = 5
const TEXT = 'From Monday to Friday we open at nine in the morning and close at ten in the evening.'
/** Types that have three attempts each, so that the end can be waited for. */
const TYPES = ['dtmf_received', 'speaking_say_finished', 'transcribe_speech_ended', 'call_updated'] as const

const node = await startNode(readConfig(JSON.parse(process.argv[2]!)))
const { records } = node.parts
const seqs = new Map<string, number>()
const starts: Start[] = []
let given = 0

// From the thread of the webhooks: see deliveries-starts.ts.
const channel = new BroadcastChannel('webhook starts')
channel.onmessage = (message) => void starts.push(...(message as { data: readonly Start[] }).data)
channel.unref()

function eventOf(customerId: string, callId: string): NewEvent {
  const n = given++
  const id = randomUUID()
  const seq = (seqs.get(callId) ?? 0) + 1
  seqs.set(callId, seq)
  const data = {
    n,
    given_at: monotonicMs(),
    id,
    customer_id: customerId,
    call_id: callId,
    reference_type: 'call',
    reference_id: callId,
    text: TEXT,
    text_heard: TEXT,
    text_unheard: '',
    metadata: {},
    tm_create: '2026-01-15T09:30:00.000000Z',
  }
  return { type: TYPES[seq % TYPES.length]!, customerId, callId, seq, offsetMs: seq, data }
}

async function run({ customers, rate, seconds }: Load): Promise<Felt> {
  const first = given
  const answers: Promise<{ readonly ok: boolean }>[] = []
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const cpuBefore = process.threadCpuUsage()
  delay.enable()
  const from = monotonicMs()
  for (let each = 0; each < rate * seconds; ) {
    const due = Math.min(rate * seconds, Math.floor(((monotonicMs() - from) * rate) / 1000))
    for (; each < due; each++)
      for (const { customerId, callIds } of customers)
        answers.push(records.save({ events: [eventOf(customerId, callIds[each % callIds.length]!)] }))
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  delay.disable()
  const areStored = (await Promise.all(answers)).every(({ ok }) => ok)
  const cpu = process.threadCpuUsage(cpuBefore)
  const ms = (share: number): number => delay.percentile(share) / 1e6
  return {
    first,
    events: given - first,
    areStored,
    delayMs: { p50: ms(50), p99: ms(99), max: delay.max / 1e6 },
    cpuMs: (cpu.user + cpu.system) / 1e3,
  }
}

const questions: { readonly [q in keyof LoadAnswers]: (want: Load) => Promise<LoadAnswers[q]> } = {
  run,
  starts: async () => starts.splice(0),
  close: async () => {
    await node.close()
    return null
  },
}

process.on('message', async ({ id, question, want }: { id: number; question: keyof LoadAnswers; want: Load }) => {
  process.send!({ id, value: await questions[question](want) })
  if (question === 'close') process.disconnect?.()
})
const { httpPort, sipPort, accessKey, customerId } = node
process.send!({ id: -1, value: { httpPort, sipPort, accessKey, customerId } satisfies Ready })
