/**
 * The listening thread: voice detection for all calls, then the local recognisers. Control comes over the parent port,
 * sound through the legs' rings; the media thread rings the bell when there is new sound.
 */

import { getPriority, setPriority } from 'node:os'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { RingReader } from '../kernel/ring.ts'
import type { RecogniserPool } from '../speech/listen/port.ts'
import { ListenThread } from '../speech/listen/thread.ts'
import { DEFAULT_PHRASES, PhraseList } from '../speech/phrases.ts'
import type { ListenCommand, ListenEvent } from '../speech/protocol.ts'
import { loadNetwork, SileroDetector } from '../speech/providers/silero/detector.ts'
import { PhraseRecogniserPool } from '../speech/providers/soundswallower/pool.ts'
import { monotonicMs } from './monotonic.ts'

interface ListenWorkerData {
  /** Int32[0] is increased and notified after new sound. */
  readonly bell: SharedArrayBuffer
  /** How many utterances can be recognised at a time. */
  readonly decoders?: number
  /** The server's default phrases; null or missing: the built-in ones. */
  readonly phrases?: readonly string[] | null
  /** For measurements: a module whose `open` makes the pool. */
  readonly pool?: string
}

type Pool = RecogniserPool & { readonly isMaking: boolean }

const DECODERS = 6
const MOST_WARMED = 64
/** Lower than the media thread's, which keeps its ticker sharp on a busy machine. */
const NICENESS = 10
/** Commands are seen, and silence is noticed, at least this often. */
const LONGEST_SLEEP_MS = 10
/** The same while there is no ear: what is heard meanwhile waits in its ring. */
const IDLE_SLEEP_MS = 40

async function listen(port: MessagePort, data: ListenWorkerData): Promise<void> {
  setPriority(0, Math.max(NICENESS, getPriority(0)))
  const bell = new Int32Array(data.bell)
  const network = loadNetwork()
  const pool = await openPool(data)
  const defaultPhrases = data.phrases ?? DEFAULT_PHRASES
  const events: ListenEvent[] = []
  const thread = new ListenThread({
    detector: () => new SileroDetector(network),
    pool,
    openHearing: (hearing) => new RingReader(hearing),
    emit: (event) => events.push(event),
    defaultPhrases,
    clock: monotonicMs,
  })
  warmUp(new SileroDetector(network), pool, new PhraseList(defaultPhrases))
  events.push({ kind: 'ready' })
  while (thread.isOpen) {
    const rung = Atomics.load(bell, 0)
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      thread.handle(next.message as ListenCommand, monotonicMs())
    }
    const done = thread.poll(monotonicMs())
    if (events.length > 0) port.postMessage(events.splice(0))
    if (pool.isMaking) await turnOfTheEventLoop()
    if (done === 0) Atomics.wait(bell, 0, rung, thread.isIdle ? IDLE_SLEEP_MS : LONGEST_SLEEP_MS)
  }
}

async function openPool({ pool, decoders }: ListenWorkerData): Promise<Pool> {
  if (pool !== undefined) return ((await import(pool)) as { open(): Promise<Pool> }).open()
  return PhraseRecogniserPool.open(decoders ?? DECODERS)
}

/** One second of noise through the detector and every recogniser: grammars are built and hot code is compiled. */
function warmUp(detector: SileroDetector, pool: Pool, phrases: PhraseList): void {
  const noise = Int16Array.from({ length: 8000 }, (_, i) => ((i * 7919) % 4001) - 2000)
  for (let at = 0; at + detector.frameSamples <= noise.length; at += detector.frameSamples) {
    detector.probability(noise.subarray(at, at + detector.frameSamples))
  }
  const all = Array.from({ length: Math.min(pool.size, MOST_WARMED) }, () => pool.take()).filter(
    (recogniser) => recogniser !== null,
  )
  for (const recogniser of all) {
    recogniser.begin(phrases)
    recogniser.prime(noise)
    recogniser.feed(noise)
    recogniser.end()
    pool.give(recogniser)
  }
}

function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

if (parentPort) await listen(parentPort, workerData as ListenWorkerData)
