/**
 * What speaking costs: `node tests/bench/talk.ts`. CPU per clause on this thread, then the talk worker as the server runs it:
 * from `askedAt` to the first sample in the play-out ring, alone and with many calls talking.
 */

import { Worker } from 'node:worker_threads'
import { createLegRings, emptyHeader, MAX_RECORD_SAMPLES, RingReader, SAY_START } from '../../src/kernel/ring.ts'
import type { TalkCommand, TalkEvent } from '../../src/speech/protocol.ts'
import { FliteSynthesiser } from '../../src/speech/providers/flite/synthesiser.ts'

const RATE_HZ = 8_000
const WORDS = 'we have a lovely table for you by the window on the first floor this evening'.split(' ')
const NAMES = ['Anna', 'Bernard', 'Clara', 'David', 'Emma', 'Frank', 'Grace', 'Henry', 'Iris', 'James']

const now = () => Number(process.hrtime.bigint()) / 1e6
const percentile = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!
const line = (values: readonly number[]) =>
  `p50 ${percentile(values, 0.5).toFixed(1)}  p95 ${percentile(values, 0.95).toFixed(1)}  max ${Math.max(...values).toFixed(1)}`

function clauses(): void {
  const flite = new FliteSynthesiser()
  for (let i = 0; i < 5; i++) flite.render(WORDS.join(' '), 'slt', RATE_HZ)
  for (const voice of ['slt', 'rms', 'kal16']) {
    for (const count of [1, 5, 8, 15]) {
      const costs: number[] = []
      let samples = 0
      for (const name of NAMES) {
        const rendered = flite.render(`${[name, ...WORDS].slice(0, count).join(' ')}.`, voice, RATE_HZ)
        costs.push(rendered.cpuMs)
        samples = rendered.samples.length
      }
      const rtf = (percentile(costs, 0.5) * RATE_HZ) / 1000 / samples
      console.log(`${voice.padEnd(5)} ${String(count).padStart(2)} words  CPU ms ${line(costs)}  RTF ${rtf.toFixed(4)}`)
    }
  }
}

/** The talk worker with `legs` voices, and a reader that empties each ring at once, as if many calls spoke. */
class Bench {
  readonly #worker = new Worker(new URL('../../src/workers/talk.ts', import.meta.url))
  readonly #readers: RingReader[] = []
  /** When the first sample of the current say was written, by slot. */
  readonly #firstAt = new Map<number, number>()
  #drain: NodeJS.Timeout | null = null
  #onEvent: (event: TalkEvent) => void = () => {}

  async open(legs: number): Promise<void> {
    this.#worker.on('message', (events: TalkEvent[]) => {
      for (const event of events) this.#onEvent(event)
    })
    await this.until((event) => event.kind === 'ready')
    for (let slot = 0; slot < legs; slot++) {
      const { playout } = createLegRings(RATE_HZ)
      this.#readers.push(new RingReader(playout))
      this.post({ kind: 'openVoice', leg: { slot, generation: 1 }, playout, rateHz: RATE_HZ })
    }
    this.#drain = setInterval(() => this.#read(), 5)
  }

  post(command: TalkCommand): void {
    this.#worker.postMessage(command)
  }

  until(wanted: (event: TalkEvent) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onEvent = (event) => {
      if (wanted(event)) resolve()
    }
    return promise
  }

  /** Says one text on each leg at once. @returns for each leg ms from asking to the first sample in its ring */
  async say(sayId: number, texts: readonly string[]): Promise<number[]> {
    this.#read()
    this.#firstAt.clear()
    const askedAt = now()
    let left = texts.length
    const done = this.until((event) => (event.kind === 'rendered' && event.final ? --left === 0 : false))
    texts.forEach((text, slot) => {
      this.post({ kind: 'utter', leg: { slot, generation: 1 }, lane: 1, epoch: 0, sayId, text, voice: 'slt', askedAt })
    })
    await done
    this.#read()
    return texts.map((_, slot) => this.#firstAt.get(slot)! - askedAt)
  }

  #read(): void {
    const header = emptyHeader()
    const samples = new Int16Array(MAX_RECORD_SAMPLES)
    for (const [slot, reader] of this.#readers.entries()) {
      while (reader.pop(header, samples)) if (header.flags & SAY_START) this.#firstAt.set(slot, header.atMs)
    }
  }

  async close(): Promise<void> {
    if (this.#drain) clearInterval(this.#drain)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#worker.once('exit', () => resolve())
    this.post({ kind: 'shutDown' })
    await promise
  }
}

async function worker(): Promise<void> {
  const before = process.memoryUsage().rss
  const startedAt = now()
  const bench = new Bench()
  await bench.open(20)
  console.log(`worker ready after ${(now() - startedAt).toFixed(0)} ms`)
  for (const words of [5, 8, 15]) {
    const alone: number[] = []
    for (let i = 0; i < 30; i++) alone.push(...(await bench.say(words * 100 + i, [sentence(words, i)])))
    console.log(`one call, first clause of ${words} words: asked -> PCM in ring ms ${line(alone)}`)
  }
  const cached: number[] = []
  for (let i = 0; i < 30; i++) cached.push(...(await bench.say(5000 + i, ['Hello, how can I help you today?'])))
  console.log(`the same text again: ms ${line(cached.slice(1))}`)
  const together: number[] = []
  for (let i = 0; i < 5; i++) {
    const texts = Array.from({ length: 10 }, (_, slot) => sentence(5, 1000 + i * 10 + slot))
    together.push(...(await bench.say(9000 + i, texts)))
  }
  console.log(`ten calls asking at the same moment, 5 words each: ms ${line(together)}`)
  console.log(`memory: ${((process.memoryUsage().rss - before) / 1e6).toFixed(0)} MB more than before the worker`)
  await bench.close()
}

/** Never the same twice, so that no cache helps. */
function sentence(words: number, i: number): string {
  const name = NAMES[i % NAMES.length]!
  return `${[name, String(i), ...WORDS].slice(0, words).join(' ')}.`
}

if (process.argv[2] !== 'worker') clauses()
await worker()
