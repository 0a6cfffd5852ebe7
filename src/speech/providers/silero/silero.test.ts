import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Caller, overTheLine, speechLevel } from '../../../../tests/corpus/caller.ts'
import { SeededRandom } from '../../../kernel/random.ts'
import { loadNetwork, SileroDetector } from './detector.ts'
import { dense, Kernel, layerBytes } from './kernel.ts'
import { FRAME_SAMPLES } from './network.ts'
import { readConstants } from './onnx.ts'

const SEED = '7'
const random = new SeededRandom(SEED)
const network = loadNetwork()
const caller = new Caller()

function probabilities(pcm: Int16Array, detector = new SileroDetector(network)): number[] {
  const found: number[] = []
  for (let at = 0; at + FRAME_SAMPLES <= pcm.length; at += FRAME_SAMPLES) {
    found.push(detector.probability(pcm.subarray(at, at + FRAME_SAMPLES)))
  }
  return found
}

function noise(samples: number, level: number): Int16Array {
  return overTheLine(new Int16Array(samples), level, random)
}

test(`the kernel multiplies as the definition says (seed ${SEED})`, () => {
  for (const [rows, columns] of [
    [1, 1],
    [16, 3],
    [130, 128],
    [33, 195],
  ] as const) {
    const kernel = new Kernel(layerBytes(rows, columns) + 4096)
    const weights = Float32Array.from({ length: rows * columns }, () => random.unit() - 0.5)
    const bias = Float32Array.from({ length: rows }, () => random.unit())
    const layer = kernel.layer(dense({ dims: [rows, columns], data: weights }, (row) => bias[row]!))
    const input = kernel.vector(columns)
    const output = kernel.vector(rows)
    for (let i = 0; i < columns; i++) input[i] = random.unit() - 0.5
    kernel.run(layer, input, output)
    for (let row = 0; row < rows; row++) {
      let expected = bias[row]!
      for (let column = 0; column < columns; column++) expected += weights[row * columns + column]! * input[column]!
      assert.ok(Math.abs(output[row]! - expected) < 1e-4, `${rows} x ${columns}, row ${row}`)
    }
  }
})

test('speech is found, and the silence around it', () => {
  for (const sentence of ['what are your opening hours', 'stop', 'i need help with my account balance']) {
    const said = caller.say(sentence, 'rms')
    const pcm = new Int16Array(said.length + 16_000)
    pcm.set(said, 8000)
    const found = probabilities(overTheLine(pcm, 0, random))
    assert.ok(Math.max(...found.slice(0, 30)) < 0.2, `${sentence}: silence before`)
    assert.ok(found.filter((probability) => probability > 0.5).length >= 5, `${sentence}: speech`)
    assert.ok(Math.max(...found.slice(-10)) < 0.2, `${sentence}: silence after`)
  }
})

test('noise alone is not speech, at any level', () => {
  for (const level of [0, 10, 100, 1000, 5000]) {
    const loudest = Math.max(...probabilities(noise(16_000, level)))
    assert.ok(loudest < 0.5, `level ${level}: ${loudest}`)
  }
})

test('speech is found in noise 20 dB below it', () => {
  const said = caller.say('talk to a person', 'slt')
  const found = probabilities(overTheLine(said, speechLevel(said) / 10, random))
  assert.ok(found.filter((probability) => probability > 0.5).length * 32 > 600)
})

test('equal sound gives equal probabilities, and a reset forgets all', () => {
  const pcm = overTheLine(caller.say('go on', 'rms'), 0, random)
  const detector = new SileroDetector(network)
  const first = probabilities(pcm, detector)
  detector.reset()
  assert.deepEqual(probabilities(pcm, detector), first)
})

test('detectors of one network do not hear each other', () => {
  const pcm = overTheLine(caller.say('go on', 'rms'), 0, random)
  const alone = probabilities(pcm)
  const one = new SileroDetector(network)
  const other = new SileroDetector(network)
  const mixed: number[] = []
  for (let at = 0; at + FRAME_SAMPLES <= pcm.length; at += FRAME_SAMPLES) {
    mixed.push(one.probability(pcm.subarray(at, at + FRAME_SAMPLES)))
    other.probability(noise(FRAME_SAMPLES, 3000))
  }
  assert.deepEqual(mixed, alone)
})

test('the spectrum is the windowed Fourier transform', () => {
  const file = readFileSync(createRequire(import.meta.url).resolve('@ricky0123/vad-web/dist/silero_vad_v5.onnx'))
  const basis = readConstants(file).get('If_0_else_branch__Inline_0__stft.forward_basis_buffer')!
  for (let bin = 0; bin < 65; bin++) {
    for (let i = 0; i < 128; i++) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 128)
      const angle = (2 * Math.PI * bin * i) / 128
      assert.ok(Math.abs(basis.data[bin * 128 + i]! - window * Math.cos(angle)) < 1e-5)
      assert.ok(Math.abs(Math.abs(basis.data[(65 + bin) * 128 + i]!) - Math.abs(window * Math.sin(angle))) < 1e-5)
    }
  }
})

test('rubbish is refused', () => {
  assert.throws(() => readConstants(Uint8Array.of(0x3a, 0x7f, 1)), /ends inside/)
  assert.throws(() => readConstants(Uint8Array.of(0x07)), /wire type/)
})
