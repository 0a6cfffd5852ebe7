import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseWav, printStereoWav, printWav } from './wav.ts'

const samples = fc.array(fc.integer({ min: -32_768, max: 32_767 }), { minLength: 1, maxLength: 50 })

test('what is printed is read back, shorter channels padded with silence', () => {
  fc.assert(
    fc.property(samples, samples, fc.constantFrom(8_000, 16_000, 48_000), (left, right, rateHz) => {
      const read = parseWav(printStereoWav(Int16Array.from(left), Int16Array.from(right), rateHz))
      assert.ok(read.ok)
      const count = Math.max(left.length, right.length)
      const padded = (pcm: number[]) => [...pcm, ...Array(count - pcm.length).fill(0)]
      assert.equal(read.value.rateHz, rateHz)
      assert.deepEqual(
        read.value.channels.map((channel) => [...channel]),
        [padded(left), padded(right)],
      )
    }),
  )
})

/** A file with one channel, of any format. */
function file(code: number, bits: number, data: readonly number[], before: readonly number[] = []): Uint8Array {
  const bytes = [...printWav({ rateHz: 8_000, channels: [new Int16Array(0)] })]
  bytes[20] = code
  bytes[34] = bits
  bytes[40] = data.length
  return Uint8Array.from([...bytes.slice(0, 12), ...before, ...bytes.slice(12), ...data])
}

test('8-bit PCM and both laws of G.711 are read', () => {
  const pcm8 = parseWav(file(1, 8, [128, 255, 0]))
  assert.ok(pcm8.ok)
  assert.deepEqual([...pcm8.value.channels[0]!], [0, 127 << 8, -32_768])
  const mu = parseWav(file(7, 8, [0xff, 0x80, 0x00]))
  assert.ok(mu.ok)
  assert.deepEqual([...mu.value.channels[0]!], [0, 32_124, -32_124])
  const a = parseWav(file(6, 8, [0xd5, 0xaa, 0x2a]))
  assert.ok(a.ok)
  assert.deepEqual([...a.value.channels[0]!], [8, 32_256, -32_256])
})

test('other chunks are stepped over', () => {
  const read = parseWav(file(1, 16, [1, 0], [0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 1, 2, 3, 0]))
  assert.ok(read.ok)
  assert.deepEqual([...read.value.channels[0]!], [1])
})

test('any bytes are read or refused, never thrown at', () => {
  const good = printWav({ rateHz: 8_000, channels: [new Int16Array(20)] })
  fc.assert(
    fc.property(fc.nat({ max: good.length }), fc.nat({ max: 43 }), fc.nat({ max: 255 }), (length, at, value) => {
      const bytes = good.slice(0, length)
      if (at < length) bytes[at] = value
      parseWav(bytes)
    }),
    { numRuns: 3_000 },
  )
})
