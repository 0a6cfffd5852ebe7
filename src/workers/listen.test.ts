import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Caller, overTheLine } from '../../tests/corpus/caller.ts'
import { SeededRandom } from '../kernel/random.ts'
import { createLegRings, emptyHeader, RingWriter } from '../kernel/ring.ts'
import type { ListenCommand, ListenEvent } from '../speech/protocol.ts'
import { monotonicMs } from './monotonic.ts'

test('the worker hears through a ring and a bell, and ends when told to', { timeout: 20_000 }, async () => {
  const bell = new SharedArrayBuffer(4)
  const worker = new Worker(new URL('listen.ts', import.meta.url), { workerData: { bell, decoders: 1, phrases: null } })
  const waiting: { kind: string; resolve: (event: ListenEvent) => void }[] = []
  worker.on('message', (events: ListenEvent[]) => {
    for (const event of events) {
      const at = waiting.findIndex(({ kind }) => kind === event.kind)
      if (at >= 0) waiting.splice(at, 1)[0]!.resolve(event)
    }
  })
  const next = (kind: ListenEvent['kind']) => new Promise<ListenEvent>((resolve) => waiting.push({ kind, resolve }))
  const tell = (command: ListenCommand) => worker.postMessage(command)
  await next('ready')

  const { hearing } = createLegRings(8000)
  const attached = next('attached')
  tell({
    kind: 'attach',
    ear: 1,
    leg: { slot: 0, generation: 1 },
    hearing,
    rateHz: 8000,
    language: 'en-US',
    phrases: ['book a table', 'Goodbye!'],
  })
  await attached

  const said = new Caller().say('goodbye', 'rms')
  const sound = new Int16Array(said.length + 8000)
  sound.set(said, 1600)
  const heard = next('heard')
  const writer = new RingWriter(hearing)
  const line = overTheLine(sound, 0, new SeededRandom('3'))
  for (let at = 0; at + 160 <= line.length; at += 160) {
    const header = { ...emptyHeader(), generation: 1, rateHz: 8000, firstSample: at, count: 160, atMs: monotonicMs() }
    writer.push(header, line.subarray(at, at + 160))
  }
  Atomics.add(new Int32Array(bell), 0, 1)
  Atomics.notify(new Int32Array(bell), 0)
  const event = await heard
  assert.ok(event.kind === 'heard')
  assert.equal(event.text, 'Goodbye!')

  const exited = once(worker, 'exit')
  tell({ kind: 'shutDown' })
  assert.deepEqual(await exited, [0])
})
