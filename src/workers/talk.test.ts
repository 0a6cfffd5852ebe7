import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { sine } from '../audio/tone.ts'
import { printWav } from '../audio/wav.ts'
import { createLegRings, emptyHeader, MAX_RECORD_SAMPLES, RingReader, SAY_END } from '../kernel/ring.ts'
import type { TalkCommand, TalkEvent } from '../speech/protocol.ts'

test('the talk worker gets ready, speaks and plays into the ring, forgets what is dropped, and ends when told to', {
  timeout: 30_000,
}, async () => {
  const worker = new Worker(new URL('./talk.ts', import.meta.url))
  const events: TalkEvent[] = []
  let wake = () => {}
  worker.on('message', (batch: TalkEvent[]) => {
    events.push(...batch)
    wake()
  })
  const until = async (kind: TalkEvent['kind'], wanted: (event: TalkEvent) => boolean = () => true) => {
    while (!events.some((event) => event.kind === kind && wanted(event))) {
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      await promise
    }
  }
  const exited = new Promise<number>((resolve) => worker.once('exit', resolve))
  const post = (command: TalkCommand) => worker.postMessage(command)
  const leg = { slot: 1, generation: 1 }
  const { playout } = createLegRings(8000)
  const utter = { kind: 'utter', leg, lane: 1, epoch: 0, voice: 'slt', askedAt: 0 } as const

  await until('ready')
  post({ kind: 'openVoice', leg, playout, rateHz: 8000 })
  post({ ...utter, sayId: 1, text: 'Never heard of again.' })
  post({ kind: 'drop', leg, lane: 1, epoch: 1 })
  post({ ...utter, sayId: 2, epoch: 1, text: 'Good morning.' })
  await until('rendered', (event) => event.kind === 'rendered' && event.sayId === 2 && event.final)
  const file = printWav({ rateHz: 16_000, channels: [sine(500, 16_000, 8_000)] })
  const wav = new Uint8Array(new SharedArrayBuffer(file.length))
  wav.set(file)
  post({ kind: 'play', leg, lane: 1, epoch: 1, sayId: 3, wav, askedAt: 0 })
  await until('rendered', (event) => event.kind === 'rendered' && event.sayId === 3)
  post({ kind: 'closeVoice', leg })
  await until('voiceClosed')
  post({ kind: 'shutDown' })
  assert.equal(await exited, 0)

  const reader = new RingReader(playout)
  const header = emptyHeader()
  const samples = new Int16Array(MAX_RECORD_SAMPLES)
  const heard = new Map<number, number>()
  const ended = new Set<number>()
  while (reader.pop(header, samples)) {
    if (header.epoch !== 1) continue
    heard.set(header.sayId, (heard.get(header.sayId) ?? 0) + header.count)
    if (header.flags & SAY_END) ended.add(header.sayId)
  }
  for (const sayId of [2, 3]) {
    const told = events.findLast((event) => event.kind === 'rendered' && event.sayId === sayId)
    assert.ok(told?.kind === 'rendered' && told.totalSamples === heard.get(sayId))
  }
  assert.ok(heard.get(2)! > 4000)
  assert.equal(heard.get(3), 4000)
  assert.deepEqual([...ended], [2, 3])
})
