/**
 * The figures of the oracle (Debian's libspandsp) stand here as hashes; tests/interop/g722-oracle.test.ts asks it again where
 * it is installed. Signals of full scale are not among the decoder's: spandsp wraps where the recommendation clips.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { openDecoder, openEncoder } from './codecs.ts'
import { snrDb } from './correlate.ts'
import { G722Decoder, G722Encoder } from './g722.ts'
import { levelDb } from './level.ts'
import { noise, square, voice } from './signals.suite.ts'
import { sine } from './tone.ts'

function encoded(pcm: Int16Array, frame: number): Uint8Array {
  const encoder = new G722Encoder()
  const octets = new Uint8Array(pcm.length / 2)
  let at = 0
  for (let from = 0; from < pcm.length; from += frame)
    at += encoder.encode(pcm.subarray(from, from + frame), octets, at)
  return octets
}

function decoded(octets: Uint8Array, frame: number): Int16Array {
  const decoder = new G722Decoder()
  const pcm = new Int16Array(2 * octets.length)
  const out = new Int16Array(2 * frame)
  let to = 0
  for (let at = 0; at < octets.length; at += frame) {
    const count = decoder.decode(octets, at, Math.min(frame, octets.length - at), out)
    pcm.set(out.subarray(0, count), to)
    to += count
  }
  return pcm
}

function hash(bytes: Uint8Array | Int16Array): string {
  return createHash('sha256').update(new Uint8Array(bytes.buffer)).digest('hex').slice(0, 16)
}

const VECTORS: readonly (readonly [string, Int16Array, string, string])[] = [
  ['a voice', voice(16_000, 32_000), 'f2a6fb0a6c42f751', '96768a64ae7dff96'],
  ['noise', noise(32_000, 8_000), 'adcf321d4df6d73d', '75558a20ba2bb7a2'],
  ['noise of full scale', noise(32_000, 32_767, 2), '147a6a77afa77679', ''],
  ['a square wave', square(32_000), '0f5eda281d23d7d1', ''],
]

for (const [name, pcm, octetsHash, soundHash] of VECTORS) {
  test(`${name}: octets and sound are the oracle's, bit by bit`, () => {
    const octets = encoded(pcm, 320)
    assert.equal(hash(octets), octetsHash)
    if (soundHash !== '') assert.equal(hash(decoded(octets, 160)), soundHash)
  })
}

test('frames of any length give the same octets and the same sound', () => {
  const pcm = voice(16_000, 9_600)
  const octets = encoded(pcm, 320)
  for (const ms of [10, 30, 40, 60]) assert.deepEqual(encoded(pcm, 16 * ms), octets)
  for (const ms of [10, 30, 60]) assert.deepEqual(decoded(octets, 8 * ms), decoded(octets, 160))
})

test('a voice comes through', () => {
  const pcm = voice(16_000, 16_000)
  const snr = snrDb(pcm.subarray(4_000, 12_000), decoded(encoded(pcm, 320), 160).subarray(3_900, 12_200))
  assert.ok(snr > 14, `${snr.toFixed(1)} dB`)
})

test('on a leg of 8 kHz nothing above 4 kHz folds back', () => {
  const encoder = openEncoder('G722', 16_000)
  const decoder = openDecoder('G722', 8_000)
  const octets = new Uint8Array(160)
  const pcm = new Int16Array(16_000)
  const tone = sine(4_600, 16_000, 32_000, 8_000)
  for (let at = 0; at < 16_000; at += 160) {
    encoder.encode(tone.subarray(2 * at, 2 * at + 320), octets, 0)
    decoder.decode(octets, 0, 160, pcm.subarray(at))
  }
  assert.ok(levelDb(pcm.subarray(8_000)) < -50, `${levelDb(pcm.subarray(8_000))} dB`)
})

test('full scale is clipped, never wrapped', () => {
  const pcm = decoded(encoded(square(16_000, 200), 320), 160)
  for (let n = 1_000; n < pcm.length; n++) {
    const phase = (n - 22) % 200
    if (phase > 20 && phase < 80) assert.ok(pcm[n]! > 20_000, `${n}: ${pcm[n]}`)
    if (phase > 120 && phase < 180) assert.ok(pcm[n]! < -20_000, `${n}: ${pcm[n]}`)
  }
})

test('any octets are sound', () => {
  const octets = Uint8Array.from({ length: 20_000 }, (_, n) => (Math.imul(n, 2_654_435_761) >>> 13) & 0xff)
  assert.equal(decoded(octets, 160).length, 40_000)
  assert.equal(new G722Decoder().decode(new Uint8Array(2_000), 0, 2_000, new Int16Array(4_000)), 0)
})
