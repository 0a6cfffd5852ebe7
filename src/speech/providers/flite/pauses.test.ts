import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shapePauses } from './pauses.ts'

const RATE_HZ = 16_000
const ALL = { from: 0, to: Number.MAX_SAFE_INTEGER }
const ms = (samples: number) => (samples * 1000) / RATE_HZ
const at = (milliseconds: number) => (milliseconds * RATE_HZ) / 1000

/** Alternating stretches of silence and sound, in ms, beginning with silence. */
function sound(...stretches: number[]): Int16Array {
  const parts = stretches.map((length, i) =>
    Array.from({ length: at(length) }, (_, n) => (i % 2 ? 5000 * Math.sin(n / 3) : 0)),
  )
  return Int16Array.from(parts.flat())
}

test('silence at both ends goes, but for a soft lead and tail', () => {
  const { samples } = shapePauses(sound(200, 500, 250), RATE_HZ, ALL, [])
  assert.ok(Math.abs(ms(samples.length) - 530) <= 5, `${ms(samples.length)} ms`)
})

test('hiss before the first phone and after the last is cut too', () => {
  const hissing = sound(0, 200, 0, 500, 0, 250)
  const { samples } = shapePauses(hissing, RATE_HZ, { from: at(200), to: at(700) }, [])
  assert.ok(Math.abs(ms(samples.length) - 600) <= 5, `${ms(samples.length)} ms`)
})

test('a pause inside is made as long as wanted, longer or shorter', () => {
  for (const wanted of [0, 60, 150, 300, 600]) {
    const pause = { from: at(480), to: at(760), wanted: at(wanted) }
    const { samples } = shapePauses(sound(200, 300, 228, 300, 200), RATE_HZ, ALL, [pause])
    assert.ok(Math.abs(ms(samples.length) - (630 + wanted)) <= 10, `${wanted}: ${ms(samples.length)} ms`)
  }
})

test('places follow the sound', () => {
  const pause = { from: at(480), to: at(760), wanted: at(100) }
  const { place } = shapePauses(sound(200, 300, 228, 300, 200), RATE_HZ, ALL, [pause])
  const placed = (milliseconds: number) => Math.round(ms(place(at(milliseconds))))
  assert.deepEqual([placed(0), placed(200), placed(500)], [0, 10, 310])
  assert.ok(Math.abs(placed(728) - 410) <= 5)
  assert.ok(Math.abs(placed(1028) - 710) <= 5)
  assert.equal(place(at(5000)), shapePauses(sound(200, 300, 228, 300, 200), RATE_HZ, ALL, [pause]).samples.length)
})

test('nothing but silence becomes nothing', () => {
  const { samples, place } = shapePauses(sound(500), RATE_HZ, ALL, [{ from: 0, to: 100, wanted: 50 }])
  assert.equal(samples.length, 0)
  assert.equal(place(100), 0)
})
