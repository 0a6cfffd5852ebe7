import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sine } from '../audio/tone.ts'
import {
  createLegRings,
  emptyHeader,
  FILLED,
  MAX_RECORD_SAMPLES,
  type RecordHeader,
  RingReader,
  RingWriter,
} from '../kernel/ring.ts'
import { type GateNews, HearingTap } from './taps.ts'

const FRAME = 160
const SPEECH = sine(300, 8_000, FRAME, 6_000)
const LEG = { slot: 3, generation: 7 }

class Line {
  readonly gate: GateNews[] = []
  readonly tap: HearingTap
  readonly reader: RingReader
  #at = 0

  constructor(hears = true) {
    const { hearing } = createLegRings(8_000)
    this.reader = new RingReader(hearing)
    this.tap = new HearingTap(new RingWriter(hearing), LEG, 8_000, FRAME, (news) => this.gate.push(news))
    this.tap.hear(hears, 0)
  }

  get now(): number {
    return this.#at
  }

  sound(pcm: Int16Array, frames: number): void {
    for (let i = 0; i < frames; i++) {
      this.#at += pcm.length / 8
      this.tap.sound(pcm, pcm.length, this.#at)
    }
  }

  silence(frames: number): void {
    for (let i = 0; i < frames; i++) {
      this.#at += 20
      this.tap.silence(FRAME, this.#at)
    }
  }

  records(): RecordHeader[] {
    const records: RecordHeader[] = []
    const samples = new Int16Array(MAX_RECORD_SAMPLES)
    for (let header = emptyHeader(); this.reader.pop(header, samples); header = emptyHeader()) records.push(header)
    return records
  }
}

function noise(amplitude: number): Int16Array {
  return Int16Array.from({ length: FRAME }, (_, i) => amplitude * (((i * 7_919) % 13) / 6 - 1))
}

test('an onset opens the gate, and the 320 ms before it go first, without a hole in the timeline', () => {
  const line = new Line()
  line.sound(noise(10), 50)
  assert.equal(line.records().length, 0)
  line.sound(SPEECH, 1)
  const records = line.records()
  assert.equal(records.length, 17)
  assert.deepEqual(line.gate, [{ open: true, at: 1_020, lastVoicedAt: null }])
  for (const [i, record] of records.entries()) {
    assert.equal(record.firstSample, (34 + i) * FRAME)
    assert.equal(record.atMs, (35 + i) * 20)
    assert.equal(record.count, FRAME)
    assert.deepEqual([record.slot, record.generation, record.rateHz], [3, 7, 8_000])
  }
})

test('frames of 10 ms have the same pre-roll', () => {
  const line = new Line()
  line.sound(noise(10).subarray(0, 80), 100)
  line.sound(SPEECH.subarray(0, 80), 1)
  const records = line.records()
  assert.equal(records.length, 33)
  assert.equal(records[0]!.firstSample, 68 * 80)
})

test('it stays open for a second after the last loud frame, then says when that was', () => {
  const line = new Line()
  line.sound(SPEECH, 10)
  const lastLoud = line.now
  line.sound(noise(10), 49)
  assert.equal(line.gate.length, 1)
  line.sound(noise(10), 1)
  assert.deepEqual(line.gate[1], { open: false, at: lastLoud + 1_000, lastVoicedAt: lastLoud })
  line.records()
  line.sound(noise(10), 20)
  assert.equal(line.records().length, 0)
})

test('while it is open every moment of the timeline is in the ring, silence that was put in is marked', () => {
  const line = new Line()
  line.sound(SPEECH, 5)
  line.silence(60)
  const records = line.records()
  assert.equal(records.filter((record) => record.flags === 0).length, 5)
  assert.equal(records.filter((record) => record.flags === FILLED).length, 50)
  assert.ok(records.every((record, i) => record.firstSample === i * FRAME))
  assert.equal(line.gate.at(-1)!.open, false)
  assert.equal(line.tap.position, 65 * FRAME)
})

test('quiet speech opens it on a quiet line, the same sound is noise on a noisy one', () => {
  const quiet = noise(80)
  const line = new Line()
  line.sound(noise(10), 100)
  line.sound(quiet, 1)
  assert.ok(line.tap.isOpen)
  const noisy = new Line()
  noisy.sound(quiet, 3_000)
  assert.equal(noisy.tap.isOpen, false)
  noisy.sound(SPEECH, 1)
  assert.ok(noisy.tap.isOpen)
})

test('nothing goes in while the ears are off, and switching off closes the gate', () => {
  const line = new Line(false)
  line.sound(SPEECH, 10)
  assert.equal(line.records().length, 0)
  line.tap.hear(true, line.now)
  line.sound(SPEECH, 10)
  assert.ok(line.records().length > 10)
  line.tap.hear(false, line.now)
  assert.deepEqual(
    line.gate.map(({ open }) => open),
    [true, false],
  )
  line.sound(SPEECH, 10)
  assert.equal(line.records().length, 0)
})

test('when nobody reads, the oldest is dropped and counted', () => {
  const line = new Line()
  line.sound(SPEECH, 500)
  assert.equal(line.tap.dropped, 100)
  assert.equal(line.records()[0]!.firstSample, 100 * FRAME)
})
