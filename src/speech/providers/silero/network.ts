/**
 * The Silero v5 voice detector at 8 kHz: short-time spectrum, four convolutions, one LSTM cell, one output. All weights
 * are read from the published ONNX file and shared by every detector of the thread; a detector keeps only its state.
 *
 * Sequences are stored frame after frame with a silent frame at both ends, so the window of a convolution is one
 * stretch of memory and each convolution a plain matrix product.
 */

import { dense, Kernel, type Layer, type LayerShape, layerBytes } from './kernel.ts'
import type { Tensor } from './onnx.ts'

/** Samples of one step: 32 ms at 8 kHz. */
export const FRAME_SAMPLES = 256
/** Samples of the step before that the network wants to see again. */
export const CONTEXT_SAMPLES = 32

const WEIGHTS_OF_8_KHZ = 'If_0_else_branch__Inline_0__'
const PADDED_SAMPLES = CONTEXT_SAMPLES + FRAME_SAMPLES + 32
const WINDOW = 128
const HOP = 64
const FRAMES = 4
const BINS = 65
const WIDE = 128
const NARROW = 64
const TAPS = 3
const GATES = 4 * WIDE

/** What the network remembers of one stream of sound. */
export interface NetworkState {
  readonly context: Float32Array
  readonly hidden: Float32Array
  readonly cell: Float32Array
}

export function newState(): NetworkState {
  return {
    context: new Float32Array(CONTEXT_SAMPLES),
    hidden: new Float32Array(WIDE),
    cell: new Float32Array(WIDE),
  }
}

/** One copy of the weights and of the scratch vectors. Not reentrant; costs about 1.6 MB. */
export class Network {
  readonly #kernel: Kernel
  readonly #spectrum: Layer
  readonly #convolutions: readonly [Layer, Layer, Layer, Layer]
  readonly #gatesLayer: Layer
  readonly #outputLayer: Layer

  readonly #samples: Float32Array
  readonly #bins: Float32Array
  readonly #magnitudes: Float32Array
  readonly #wide: Float32Array
  readonly #narrow: Float32Array
  readonly #narrowest: Float32Array
  readonly #joined: Float32Array
  readonly #gates: Float32Array
  readonly #output: Float32Array
  readonly #windows: Windows

  /** @throws Error when a tensor is missing or has another shape than Silero v5's */
  constructor(constants: ReadonlyMap<string, Tensor>) {
    const tensor = (name: string, dims: readonly number[]) => pick(constants, `${WEIGHTS_OF_8_KHZ}${name}`, dims)
    const kernel = new Kernel(SIZE_BYTES)
    this.#kernel = kernel
    const basis = tensor('stft.forward_basis_buffer', [2 * BINS, 1, WINDOW])
    this.#spectrum = kernel.layer(dense({ dims: [2 * BINS, WINDOW], data: basis.data }, () => 0))

    const convolution = (index: number, rows: number, channels: number, firstTap: number, taps: number) => {
      const weights = tensor(`encoder.${index}.reparam_conv.weight`, [rows, channels, TAPS])
      const bias = tensor(`encoder.${index}.reparam_conv.bias`, [rows])
      return kernel.layer(convolve(weights, bias, firstTap, taps))
    }
    // The third sees one silent frame in front of its two, the fourth one on both sides: those taps are left out.
    this.#convolutions = [
      convolution(0, WIDE, BINS, 0, 3),
      convolution(1, NARROW, WIDE, 0, 3),
      convolution(2, NARROW, NARROW, 1, 2),
      convolution(3, WIDE, NARROW, 1, 1),
    ]
    const input = tensor('decoder.rnn.weight_ih', [GATES, WIDE])
    const hidden = tensor('decoder.rnn.weight_hh', [GATES, WIDE])
    const inputBias = tensor('decoder.rnn.bias_ih', [GATES])
    const hiddenBias = tensor('decoder.rnn.bias_hh', [GATES])
    this.#gatesLayer = kernel.layer({
      rows: GATES,
      columns: 2 * WIDE,
      weight: (row, column) => (column < WIDE ? input : hidden).data[row * WIDE + (column % WIDE)]!,
      bias: (row) => inputBias.data[row]! + hiddenBias.data[row]!,
    })
    const last = tensor('decoder.decoder.2.weight', [1, WIDE, 1])
    const lastBias = tensor('decoder.decoder.2.bias', [1])
    this.#outputLayer = kernel.layer(dense({ dims: [1, WIDE], data: last.data }, () => lastBias.data[0]!))

    this.#samples = kernel.vector(PADDED_SAMPLES)
    this.#bins = kernel.vector(2 * BINS)
    this.#magnitudes = kernel.vector((FRAMES + 2) * BINS)
    this.#wide = kernel.vector((FRAMES + 2) * WIDE)
    this.#narrow = kernel.vector(4 * NARROW)
    this.#narrowest = kernel.vector(NARROW)
    this.#joined = kernel.vector(2 * WIDE)
    this.#gates = kernel.vector(GATES)
    this.#output = kernel.vector(WIDE)
    this.#windows = this.#cutWindows()
  }

  /**
   * Hears one frame of FRAME_SAMPLES and moves `state` on.
   * @returns the probability that it holds speech, 0 to 1. Never allocates.
   */
  step(frame: Int16Array, state: NetworkState): number {
    this.#takeSamples(frame, state.context)
    this.#analyse()
    this.#encode()
    return this.#remember(state)
  }

  #takeSamples(frame: Int16Array, context: Float32Array): void {
    const samples = this.#samples
    samples.set(context)
    for (let i = 0; i < FRAME_SAMPLES; i++) samples[CONTEXT_SAMPLES + i] = frame[i]! / 32_768
    const end = CONTEXT_SAMPLES + FRAME_SAMPLES
    for (let i = 0; i < PADDED_SAMPLES - end; i++) samples[end + i] = samples[end - 2 - i]!
    for (let i = 0; i < CONTEXT_SAMPLES; i++) context[i] = samples[end - CONTEXT_SAMPLES + i]!
  }

  #analyse(): void {
    const bins = this.#bins
    for (let frame = 0; frame < FRAMES; frame++) {
      this.#kernel.run(this.#spectrum, this.#windows.samples[frame]!, bins)
      const at = (frame + 1) * BINS
      for (let bin = 0; bin < BINS; bin++) {
        const real = bins[bin]!
        const imaginary = bins[BINS + bin]!
        this.#magnitudes[at + bin] = Math.sqrt(real * real + imaginary * imaginary)
      }
    }
  }

  #encode(): void {
    const [first, second, third, fourth] = this.#convolutions
    const windows = this.#windows
    for (let frame = 0; frame < FRAMES; frame++)
      this.#rectified(first, windows.magnitudes[frame]!, windows.wide[frame]!)
    this.#rectified(second, windows.afterFirst[0]!, windows.narrow[0]!)
    this.#rectified(second, windows.afterFirst[1]!, windows.narrow[1]!)
    this.#rectified(third, windows.afterSecond, this.#narrowest)
    this.#rectified(fourth, this.#narrowest, windows.encoded)
  }

  #rectified(layer: Layer, input: Float32Array, output: Float32Array): void {
    this.#kernel.run(layer, input, output)
    for (let i = 0; i < output.length; i++) if (output[i]! < 0) output[i] = 0
  }

  /** The LSTM cell (gates in the order input, forget, candidate, output), then the output neuron. */
  #remember(state: NetworkState): number {
    const { hidden, cell } = state
    const gates = this.#gates
    this.#joined.set(hidden, WIDE)
    this.#kernel.run(this.#gatesLayer, this.#joined, gates)
    for (let i = 0; i < WIDE; i++) {
      const kept = sigmoid(gates[WIDE + i]!) * cell[i]!
      cell[i] = kept + sigmoid(gates[i]!) * Math.tanh(gates[2 * WIDE + i]!)
      hidden[i] = sigmoid(gates[3 * WIDE + i]!) * Math.tanh(cell[i]!)
      this.#output[i] = Math.max(0, hidden[i]!)
    }
    this.#kernel.run(this.#outputLayer, this.#output, gates)
    return sigmoid(gates[0]!)
  }

  #cutWindows(): Windows {
    const cut = (whole: Float32Array, count: number, every: number, length: number, from = 0) =>
      Array.from({ length: count }, (_, i) => whole.subarray(from + i * every, from + i * every + length))
    return {
      samples: cut(this.#samples, FRAMES, HOP, WINDOW),
      magnitudes: cut(this.#magnitudes, FRAMES, BINS, TAPS * BINS),
      wide: cut(this.#wide, FRAMES, WIDE, WIDE, WIDE),
      afterFirst: cut(this.#wide, 2, 2 * WIDE, TAPS * WIDE),
      narrow: cut(this.#narrow, 2, NARROW, NARROW),
      afterSecond: this.#narrow.subarray(0, 2 * NARROW),
      encoded: this.#joined.subarray(0, WIDE),
    }
  }
}

/** Views of the scratch vectors, cut once: where each product reads and writes. */
interface Windows {
  readonly samples: readonly Float32Array[]
  readonly magnitudes: readonly Float32Array[]
  readonly wide: readonly Float32Array[]
  readonly afterFirst: readonly Float32Array[]
  readonly narrow: readonly Float32Array[]
  readonly afterSecond: Float32Array
  readonly encoded: Float32Array
}

const SIZE_BYTES =
  layerBytes(2 * BINS, WINDOW) +
  layerBytes(WIDE, TAPS * BINS) +
  layerBytes(NARROW, TAPS * WIDE) +
  layerBytes(NARROW, 2 * NARROW) +
  layerBytes(WIDE, NARROW) +
  layerBytes(GATES, 2 * WIDE) +
  layerBytes(1, WIDE) +
  16_384

/** Weights [rows, channels, TAPS] as a layer over `taps` neighbouring frames of `channels` values. */
function convolve(weights: Tensor, bias: Tensor, firstTap: number, taps: number): LayerShape {
  const [rows = 0, channels = 0] = weights.dims
  const weight = (row: number, column: number) => {
    const tap = firstTap + Math.floor(column / channels)
    return weights.data[(row * channels + (column % channels)) * TAPS + tap]!
  }
  return { rows, columns: taps * channels, weight, bias: (row) => bias.data[row]! }
}

function pick(constants: ReadonlyMap<string, Tensor>, name: string, dims: readonly number[]): Tensor {
  const tensor = constants.get(name)
  if (!tensor || tensor.dims.join() !== dims.join()) throw new Error(`no tensor ${name} of shape ${dims.join('x')}`)
  return tensor
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
