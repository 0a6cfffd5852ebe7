import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { isWhole, type StressReport, type StressTask } from './ring.stress.suite.ts'
import {
  createLegRings,
  createRing,
  emptyHeader,
  MAX_RECORD_SAMPLES,
  type RingPolicy,
  RingReader,
  RingWriter,
} from './ring.ts'

const RECORDS = 200_000

function start(
  role: StressTask['role'],
  ring: SharedArrayBuffer,
  control: SharedArrayBuffer,
  records = RECORDS,
): Worker {
  const task: StressTask = { role, ring, control, records }
  return new Worker(new URL('./ring.stress.suite.ts', import.meta.url), { workerData: task })
}

async function report(worker: Worker): Promise<StressReport> {
  const [answer] = await once(worker, 'message')
  return answer as StressReport
}

for (const policy of ['refuse', 'dropOldest'] satisfies RingPolicy[]) {
  test(`between two threads no record of a '${policy}' ring is torn, lost uncounted or out of order`, async () => {
    const ring = createRing(512, policy, 160)
    const control = new SharedArrayBuffer(16)
    const consumer = report(start('consume', ring, control))
    const producer = report(start('produce', ring, control))
    const [heard, written] = await Promise.all([consumer, producer])
    assert.equal(heard.torn, 0)
    assert.equal(heard.disordered, 0)
    assert.equal(heard.received + written.dropped, RECORDS)
    if (policy === 'refuse') assert.equal(written.dropped, 0)
  })
}

test('when the consumer is killed the producer goes on, and a new reader takes over with the next generation', async () => {
  const ring = createRing(64, 'dropOldest', 160)
  const control = new SharedArrayBuffer(16)
  const cells = new Int32Array(control)
  const consumer = start('consume', ring, control)
  const producer = start('produce', ring, control, 4 * RECORDS)
  const written = report(producer)
  await once(consumer, 'online')
  while (Atomics.load(cells, 1) < 1_000) await new Promise(setImmediate)
  await consumer.terminate()
  Atomics.store(cells, 0, 1)

  const reader = new RingReader(ring)
  const header = emptyHeader()
  const samples = new Int16Array(MAX_RECORD_SAMPLES)
  let older = 0
  let newer = 0
  let last = -1
  while (newer < 1_000 || reader.depth() > 0) {
    if (!reader.pop(header, samples)) {
      await new Promise(setImmediate)
      continue
    }
    assert.ok(isWhole(header, samples))
    assert.ok(header.sayId > last)
    last = header.sayId
    if (header.generation === 1) newer++
    else {
      older++
      assert.equal(newer, 0, 'an older generation never follows a newer one')
    }
  }
  await written
  assert.ok(older <= 65, 'only what was in the ring or just being written belongs to the older generation')
})

test('rings hold 8 s of hearing and 4 s of play-out', () => {
  for (const rateHz of [8_000, 16_000]) {
    const { hearing, playout } = createLegRings(rateHz)
    const header = { ...emptyHeader(), count: rateHz / 50 }
    const frame = new Int16Array(header.count)
    assert.equal(new RingWriter(hearing).room() * header.count, 8 * rateHz)
    const writer = new RingWriter(playout)
    for (let i = 0; i < 200; i++) assert.ok(writer.push(header, frame))
    assert.equal(writer.push(header, frame), false)
  }
})

test('a foreign buffer and a record that does not fit are refused aloud', () => {
  assert.throws(() => new RingReader(new SharedArrayBuffer(1_024)), TypeError)
  assert.throws(() => createRing(0), RangeError)
  assert.throws(() => createRing(4, 'refuse', 321), RangeError)
  const writer = new RingWriter(createRing(4, 'refuse', 160))
  assert.throws(() => writer.push({ ...emptyHeader(), count: 161 }, new Int16Array(320)), RangeError)
  assert.throws(() => writer.push({ ...emptyHeader(), count: 10 }, new Int16Array(9)), RangeError)
})
