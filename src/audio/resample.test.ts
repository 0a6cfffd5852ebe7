import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Resampler, resample } from './resample.ts'

const RATES = [8_000, 16_000, 24_000, 48_000] as const
const PAIRS = RATES.flatMap((from) => RATES.filter((to) => to !== from).map((to) => [from, to] as const))

function sine(hz: number, rateHz: number, seconds: number, amplitude = 16_000): Int16Array {
  return Int16Array.from({ length: rateHz * seconds }, (_, n) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * n) / rateHz)),
  )
}

/** Power of everything that is not the best fitting sine of `hz`, and of that sine, edges left out. */
function fit(pcm: Int16Array, hz: number, rateHz: number): { amplitude: number; snrDb: number } {
  const body = pcm.subarray(Math.floor(rateHz / 50), pcm.length - Math.floor(rateHz / 50))
  let cos = 0
  let sin = 0
  for (const [n, sample] of body.entries()) {
    cos += (sample * Math.cos((2 * Math.PI * hz * n) / rateHz) * 2) / body.length
    sin += (sample * Math.sin((2 * Math.PI * hz * n) / rateHz) * 2) / body.length
  }
  let noise = 0
  for (const [n, sample] of body.entries()) {
    const angle = (2 * Math.PI * hz * n) / rateHz
    noise += (sample - cos * Math.cos(angle) - sin * Math.sin(angle)) ** 2
  }
  const amplitude = Math.hypot(cos, sin)
  return { amplitude, snrDb: 10 * Math.log10((amplitude ** 2 / 2) * (body.length / noise)) }
}

for (const [from, to] of PAIRS) {
  test(`${from} to ${to} Hz keeps a tone, and nothing of one it cannot carry`, () => {
    const low = Math.min(from, to)
    const speech = fit(resample(sine(1_000, from, 0.5), from, to), 1_000, to)
    assert.ok(speech.snrDb > 80, `SNR ${speech.snrDb.toFixed(1)} dB`)
    assert.ok(Math.abs(speech.amplitude - 16_000) < 20, `amplitude ${speech.amplitude}`)
    const high = fit(resample(sine(0.85 * (low / 2), from, 0.5), from, to), 0.85 * (low / 2), to)
    assert.ok(20 * Math.log10(high.amplitude / 16_000) > -1.5, `${high.amplitude} at .85 of Nyquist`)
    if (to < from) {
      const alias = resample(sine(1.1 * (low / 2), from, 0.5), from, to)
      const body = alias.subarray(to / 50, alias.length - to / 50)
      assert.ok(
        body.every((sample) => Math.abs(sample) <= 8),
        'no alias',
      )
    }
  })
}

test('sample n of the result sounds when the same moment of the original did', () => {
  for (const [from, to] of PAIRS) {
    const pcm = sine(500, from, 0.2)
    const out = resample(pcm, from, to)
    assert.equal(out.length, (pcm.length * to) / from)
    // The delay of the filter is no whole number of samples for every pair.
    const tolerance = 16_000 * ((2 * Math.PI * 500) / to) * 0.6
    for (let n = to / 50; n < out.length - to / 50; n++) {
      const expected = 16_000 * Math.sin((2 * Math.PI * 500 * n) / to)
      assert.ok(Math.abs(out[n]! - expected) < tolerance, `${from}>${to} at ${n}: ${out[n]} and ${expected}`)
    }
  }
})

test('cutting the stream into chunks changes nothing', () => {
  const pcm = sine(700, 16_000, 0.1)
  fc.assert(
    fc.property(
      fc.constantFrom(...PAIRS),
      fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 30 }),
      ([from, to], cuts) => {
        const whole = new Resampler(from, to)
        const expected = new Int16Array(whole.outputBound(pcm.length))
        const length = whole.process(pcm, expected)
        const pieces = new Resampler(from, to)
        const got: number[] = []
        let at = 0
        for (const cut of [...cuts, pcm.length]) {
          const piece = pcm.subarray(at, Math.min(pcm.length, at + cut))
          const out = new Int16Array(pieces.outputBound(piece.length))
          got.push(...out.subarray(0, pieces.process(piece, out)))
          at += piece.length
        }
        assert.deepEqual(got, [...expected.subarray(0, length)])
      },
    ),
  )
})

test('full scale is clipped, never wrapped', () => {
  const square = Int16Array.from({ length: 4_000 }, (_, n) => (n % 40 < 20 ? 32_767 : -32_768))
  const out = resample(square, 8_000, 16_000)
  for (let n = 100; n < out.length - 100; n++) {
    const phase = n % 80
    if (phase > 4 && phase < 36) assert.ok(out[n]! > 25_000, `${n}: ${out[n]}`)
  }
})

test('rates without a useful common measure are refused', () => {
  assert.throws(() => new Resampler(8_000, 44_101), RangeError)
})
