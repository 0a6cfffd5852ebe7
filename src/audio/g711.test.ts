import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeG711, encodeG711, type G711Name, SILENCE_OCTET } from './g711.ts'

const CODECS: readonly G711Name[] = ['PCMU', 'PCMA']
const ALL_OCTETS = Uint8Array.from({ length: 256 }, (_, octet) => octet)
const ALL_SAMPLES = Int16Array.from({ length: 65_536 }, (_, word) => word - 32_768)

/**
 * The positive half of a law as tables 1a and 2a of G.711 print it: upper decision values and output values, in units of
 * the law (1/4096 of full scale for A, 1/8159 for mu), built segment by segment from the step sizes of the tables.
 */
function halfTable(codec: G711Name): { readonly upTo: number[]; readonly output: number[] } {
  const steps = codec === 'PCMA' ? [2, 2, 4, 8, 16, 32, 64, 128] : [2, 4, 8, 16, 32, 64, 128, 256]
  const upTo: number[] = []
  const output: number[] = []
  let from = 0
  for (const [segment, size] of steps.entries()) {
    for (let i = 0; i < 16; i++) {
      const isFirstOfMu = codec === 'PCMU' && segment === 0 && i === 0
      const to = from + (isFirstOfMu ? 1 : size)
      upTo.push(to)
      output.push(isFirstOfMu ? 0 : (from + to) / 2)
      from = to
    }
  }
  return { upTo, output }
}

/** The character signal of value number `index`, after the bit inversions of §3. */
function character(codec: G711Name, isNegative: boolean, index: number): number {
  return codec === 'PCMA' ? ((isNegative ? 0 : 0x80) | index) ^ 0x55 : ((isNegative ? 0 : 0x80) | (0x7f - index)) & 0xff
}

for (const codec of CODECS) {
  const { upTo, output } = halfTable(codec)
  const scale = codec === 'PCMA' ? 8 : 4

  test(`${codec}: every octet decodes to the output value of the ITU table`, () => {
    const pcm = new Int16Array(256)
    assert.equal(decodeG711(codec, ALL_OCTETS, pcm), 256)
    for (let index = 0; index < 128; index++) {
      assert.equal(pcm[character(codec, false, index)], output[index]! * scale)
      // mu-law has two zeros.
      assert.equal(pcm[character(codec, true, index)]! + 0, -output[index]! * scale + 0)
    }
  })

  test(`${codec}: every sample falls between its decision values`, () => {
    const octets = new Uint8Array(65_536)
    assert.equal(encodeG711(codec, ALL_SAMPLES, octets), 65_536)
    for (const [at, sample] of ALL_SAMPLES.entries()) {
      // Two's complement truncated to the law's bits: sample -1 is the negative zero.
      const magnitude = sample < 0 ? -sample - 1 : sample
      const units = codec === 'PCMA' ? Math.floor(magnitude / 16) * 2 : Math.floor(magnitude / 4)
      const found = upTo.findIndex((limit) => units < limit)
      const index = found === -1 ? 127 : found
      assert.equal(octets[at], character(codec, sample < 0, index), `sample ${sample}`)
    }
  })

  test(`${codec}: decoding and encoding again changes no octet`, () => {
    const pcm = new Int16Array(256)
    const octets = new Uint8Array(256)
    decodeG711(codec, ALL_OCTETS, pcm)
    encodeG711(codec, pcm, octets)
    const negativeZero = codec === 'PCMU' ? 0x7f : -1
    for (let octet = 0; octet < 256; octet++) {
      assert.equal(octets[octet], octet === negativeZero ? 0xff : octet)
    }
  })

  test(`${codec}: silence is what a sample of 0 encodes to`, () => {
    const octets = new Uint8Array(1)
    encodeG711(codec, new Int16Array(1), octets)
    assert.equal(octets[0], SILENCE_OCTET[codec])
  })
}
