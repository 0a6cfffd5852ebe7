import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Arrivals } from './arrivals.ts'

const PIECE = 160

/** Pieces of 20 ms with the given amplitude; piece `i` holds samples from 160 i and arrives at 1000 + 20 i. */
function hear(amplitudes: readonly number[], speechFrom: number): Arrivals {
  const arrivals = new Arrivals()
  amplitudes.forEach((amplitude, i) => {
    const samples = Int16Array.from({ length: PIECE }, (_, k) => (k % 2 ? amplitude : -amplitude))
    arrivals.add(i * PIECE, samples, PIECE, 1000 + 20 * i, i >= speechFrom)
  })
  return arrivals
}

test('a sample arrived with the piece that holds it', () => {
  const arrivals = hear([0, 0, 0, 0], 9)
  assert.equal(arrivals.arrivalOf(0), 1000)
  assert.equal(arrivals.arrivalOf(319), 1020)
  assert.equal(arrivals.arrivalOf(320), 1040)
  assert.equal(arrivals.arrivalOf(99_999), 1060)
})

test('only the last pieces are remembered', () => {
  const arrivals = hear(Array(400).fill(0), 999)
  assert.equal(arrivals.arrivalOf(0), 1000 + 20 * (400 - 128))
})

test('the last sound is the last piece above the noise', () => {
  const noise = Array(50).fill(30)
  const arrivals = hear([...noise, 3000, 8000, 3000, 30, 30, 30], 50)
  assert.equal(arrivals.lastSound(56 * PIECE, 50 * PIECE), 1000 + 20 * 52)
})

test('noise above 30 dB below the peak is not sound when it was there before', () => {
  const arrivals = hear([...Array(200).fill(500), 8000, 8000, 500, 500], 200)
  assert.equal(arrivals.lastSound(204 * PIECE, 200 * PIECE), 1000 + 20 * 201)
})

test('without any sound the beginning is told', () => {
  const arrivals = hear([...Array(200).fill(500), 500, 500], 200)
  assert.equal(arrivals.lastSound(202 * PIECE, 200 * PIECE), 1000 + 20 * 200)
})

test('a sound began where the quiet before it ended', () => {
  const arrivals = hear([0, 0, 0, 0, 2000, 4000, 4000, 4000], 9)
  assert.equal(arrivals.soundBegan(7 * PIECE, 0), 1080)
  assert.equal(arrivals.soundBegan(7 * PIECE, 6 * PIECE), 1120)
})
