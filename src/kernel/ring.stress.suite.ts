/** One end of a ring in a thread of its own, for `ring.test.ts`. Every record can prove that it is whole. */

import { parentPort, workerData } from 'node:worker_threads'
import { emptyHeader, MAX_RECORD_SAMPLES, type RecordHeader, RingReader, RingWriter } from './ring.ts'

export interface StressTask {
  readonly role: 'produce' | 'consume'
  readonly ring: SharedArrayBuffer
  readonly records: number
  /** int32: 0 generation to write, 1 records done by the consumer, 2 set when the producer is through. */
  readonly control: SharedArrayBuffer
}

export interface StressReport {
  readonly received: number
  readonly dropped: number
  readonly torn: number
  readonly disordered: number
}

/** Fills a record that `isWhole` can judge: all parts follow from the number. */
export function fill(number: number, generation: number, header: RecordHeader, samples: Int16Array): void {
  header.generation = generation
  header.sayId = number
  header.firstSample = Math.imul(number, 160) >>> 0
  header.count = 1 + (number % 160)
  header.atMs = number / 8
  for (let i = 0; i < header.count; i++) samples[i] = number * 31 + i * 7
}

export function isWhole(header: RecordHeader, samples: Int16Array): boolean {
  const number = header.sayId
  if (header.count !== 1 + (number % 160) || header.atMs !== number / 8) return false
  if (header.firstSample !== Math.imul(number, 160) >>> 0) return false
  for (let i = 0; i < header.count; i++) if (samples[i] !== ((number * 31 + i * 7) << 16) >> 16) return false
  return true
}

function produce(task: StressTask): StressReport {
  const control = new Int32Array(task.control)
  const writer = new RingWriter(task.ring)
  const header = emptyHeader()
  const samples = new Int16Array(MAX_RECORD_SAMPLES)
  for (let number = 0; number < task.records; number++) {
    fill(number, Atomics.load(control, 0), header, samples)
    while (!writer.push(header, samples)) Atomics.wait(control, 3, 0, 1)
  }
  Atomics.store(control, 2, 1)
  return { received: 0, dropped: writer.dropped, torn: 0, disordered: 0 }
}

function consume(task: StressTask): StressReport {
  const control = new Int32Array(task.control)
  const reader = new RingReader(task.ring)
  const header = emptyHeader()
  const samples = new Int16Array(MAX_RECORD_SAMPLES)
  let received = 0
  let torn = 0
  let disordered = 0
  let last = -1
  for (;;) {
    const isOver = Atomics.load(control, 2) === 1
    if (!reader.pop(header, samples)) {
      if (isOver) return { received, dropped: reader.takeDropped(), torn, disordered }
      Atomics.wait(control, 3, 0, 1)
      continue
    }
    received++
    if (!isWhole(header, samples)) torn++
    if (header.sayId <= last) disordered++
    last = header.sayId
    Atomics.store(control, 1, received)
  }
}

if (parentPort && workerData?.role) {
  const task = workerData as StressTask
  parentPort.postMessage(task.role === 'produce' ? produce(task) : consume(task))
}
