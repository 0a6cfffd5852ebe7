import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Concealment } from './conceal.ts'
import { levelDb } from './level.ts'
import { sine } from './tone.ts'

const FRAME = 160

function frames(pcm: Int16Array): Int16Array[] {
  return Array.from({ length: pcm.length / FRAME }, (_, i) => pcm.slice(i * FRAME, (i + 1) * FRAME))
}

test('a lost frame of a steady tone goes on in phase, quieter, and is silence after 60 ms', () => {
  const concealment = new Concealment(8_000)
  const tone = frames(sine(200, 8_000, 10 * FRAME))
  for (const frame of tone.slice(0, 4)) concealment.heard(frame, FRAME)
  const levels: number[] = []
  for (let lost = 0; lost < 4; lost++) {
    const out = new Int16Array(FRAME)
    concealment.fill(out, FRAME)
    levels.push(levelDb(out))
    if (lost === 0)
      assert.ok(out.every((sample, i) => Math.abs(sample - tone[4]![i]! * Math.min(1, 1 - (i - 80) / 400)) < 200))
  }
  assert.ok(levels[0]! > levels[1]! && levels[1]! > levels[2]! && levels[2]! > -60)
  assert.equal(levels[3], -100)
})

test('no step larger than the tone itself makes, neither into the gap nor out of it', () => {
  const concealment = new Concealment(8_000)
  const pcm = sine(310, 8_000, 10 * FRAME)
  const largestStep = 8_000 * 2 * Math.sin((Math.PI * 310) / 8_000)
  const heard: number[] = []
  for (const [i, frame] of frames(pcm).entries()) {
    if (i === 5) concealment.fill(frame, FRAME)
    else concealment.heard(frame, FRAME)
    heard.push(...frame)
  }
  for (let i = 1; i < heard.length; i++) {
    assert.ok(Math.abs(heard[i]! - heard[i - 1]!) < 1.6 * largestStep, `at ${i}`)
  }
})

test('without sound before it a gap is silence', () => {
  const concealment = new Concealment(8_000)
  const out = new Int16Array(FRAME).fill(9)
  concealment.fill(out, FRAME)
  assert.ok(out.every((sample) => sample === 0))
  concealment.heard(sine(300, 8_000, FRAME), FRAME)
  concealment.forget()
  concealment.fill(out, FRAME)
  assert.ok(out.every((sample) => sample === 0))
})
