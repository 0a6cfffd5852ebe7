/**
 * The one loop that costs: y = W x + b over float32, as a WebAssembly function with 128-bit lanes. Every layer of the
 * network, convolutions included, is such a product, so this is all the machine code there is. The module is
 * assembled here, from the instructions below, because a tool to build it would weigh more than its 150 bytes.
 *
 * Layout of a layer in memory: blocks of 16 rows; in each block first the 16 biases, then for every column the 16
 * weights. So the loop loads 16 neighbours, multiplies them with one input value and adds: no sum across lanes.
 */

import type { Tensor } from './onnx.ts'

const ROWS_PER_BLOCK = 16
const BYTES = Float32Array.BYTES_PER_ELEMENT
const PAGE_BYTES = 65_536

/** A layer placed in the kernel's memory. */
export interface Layer {
  readonly at: number
  readonly columns: number
  readonly blocks: number
}

export interface LayerShape {
  readonly rows: number
  readonly columns: number
  weight(row: number, column: number): number
  bias(row: number): number
}

type Multiply = (layer: number, input: number, output: number, columns: number, blocks: number) => void

/** One memory with weights and vectors. Vectors are views for the caller to fill and read; they never move. */
export class Kernel {
  readonly #memory: WebAssembly.Memory
  readonly #multiply: Multiply
  #free = 0

  constructor(sizeBytes: number) {
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(sizeBytes / PAGE_BYTES) })
    const module = new WebAssembly.Module(assemble())
    const instance = new WebAssembly.Instance(module, { k: { m: this.#memory } })
    this.#multiply = instance.exports['multiply'] as Multiply
  }

  /** A zeroed vector. Its length is rounded up to whole blocks, so that any layer may write to it. */
  vector(length: number): Float32Array {
    return this.#take(Math.ceil(length / ROWS_PER_BLOCK) * ROWS_PER_BLOCK)
  }

  layer(shape: LayerShape): Layer {
    const blocks = Math.ceil(shape.rows / ROWS_PER_BLOCK)
    const stored = this.#take(blocks * ROWS_PER_BLOCK * (shape.columns + 1))
    let at = 0
    for (let block = 0; block < blocks; block++) {
      for (let column = -1; column < shape.columns; column++) {
        for (let lane = 0; lane < ROWS_PER_BLOCK; lane++) {
          const row = block * ROWS_PER_BLOCK + lane
          if (row < shape.rows) stored[at] = column < 0 ? shape.bias(row) : shape.weight(row, column)
          at++
        }
      }
    }
    return { at: stored.byteOffset, columns: shape.columns, blocks }
  }

  /** output = W input + b. Both are views of this kernel's memory; `output` holds whole blocks. Never allocates. */
  run(layer: Layer, input: Float32Array, output: Float32Array): void {
    this.#multiply(layer.at, input.byteOffset, output.byteOffset, layer.columns, layer.blocks)
  }

  #take(length: number): Float32Array {
    const view = new Float32Array(this.#memory.buffer, this.#free, length)
    this.#free += length * BYTES
    return view
  }
}

/** Bytes a layer takes in the kernel's memory. */
export function layerBytes(rows: number, columns: number): number {
  return Math.ceil(rows / ROWS_PER_BLOCK) * ROWS_PER_BLOCK * (columns + 1) * BYTES
}

/** A matrix [rows, columns] and its biases as a layer. */
export function dense(weights: Tensor, bias: (row: number) => number): LayerShape {
  const [rows = 0, columns = 0] = weights.dims
  return { rows, columns, weight: (row, column) => weights.data[row * columns + column]!, bias }
}

// ---------------------------------------------------------------- the module, in the binary format of WebAssembly 2.0

const I32 = 0x7f
const V128 = 0x7b
const EMPTY = 0x40
const LAYER = 0
const INPUT = 1
const OUTPUT = 2
const COLUMNS = 3
const BLOCKS = 4
const COLUMN_AT = 5
const COLUMNS_END = 6
const SUM = 7
const VALUE = 11

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const signed = (value: number) => (value < 64 ? [value] : [(value & 127) | 128, value >> 7])
const constant = (value: number) => [0x41, ...signed(value)]
const ADD = [0x6a]
const SUBTRACT = [0x6b]
const SHIFT_LEFT = [0x74]
const BELOW = [0x49]
const LOOP = [0x03, EMPTY]
const REPEAT_IF = [0x0d, 0]
const END = [0x0b]
const load128 = (offset: number) => [0xfd, 0x00, 4, offset]
const splat32 = [0xfd, 0x09, 2, 0]
const store128 = (offset: number) => [0xfd, 0x0b, 4, offset]
const ADD_LANES = [0xfd, 0xe4, 0x01]
const MULTIPLY_LANES = [0xfd, 0xe6, 0x01]
const LANES = [0, 1, 2, 3]
const BLOCK_BYTES = ROWS_PER_BLOCK * BYTES

const step = (local: number, by: number) => [...get(local), ...constant(by), ...ADD, ...set(local)]

function body(): number[] {
  const biases = LANES.flatMap((lane) => [...get(LAYER), ...load128(16 * lane), ...set(SUM + lane)])
  const products = LANES.flatMap((lane) => [
    ...[...get(SUM + lane), ...get(VALUE), ...get(LAYER), ...load128(16 * lane)],
    ...[...MULTIPLY_LANES, ...ADD_LANES, ...set(SUM + lane)],
  ])
  const results = LANES.flatMap((lane) => [...get(OUTPUT), ...get(SUM + lane), ...store128(16 * lane)])
  const isMoreColumns = [...get(COLUMN_AT), ...get(COLUMNS_END), ...BELOW]
  const columns = [
    ...[...LOOP, ...get(COLUMN_AT), ...splat32, ...set(VALUE), ...products],
    ...[...step(LAYER, BLOCK_BYTES), ...step(COLUMN_AT, BYTES), ...isMoreColumns, ...REPEAT_IF, ...END],
  ]
  return [
    ...[...get(INPUT), ...get(COLUMNS), ...constant(2), ...SHIFT_LEFT, ...ADD, ...set(COLUMNS_END)],
    ...[...LOOP, ...get(INPUT), ...set(COLUMN_AT), ...biases, ...step(LAYER, BLOCK_BYTES), ...columns, ...results],
    ...[...step(OUTPUT, BLOCK_BYTES), ...get(BLOCKS), ...constant(1), ...SUBTRACT, 0x22, BLOCKS, ...REPEAT_IF, ...END],
    ...END,
  ]
}

function assemble(): Uint8Array<ArrayBuffer> {
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)]
  const length = (size: number) => [(size & 127) | 128, size >> 7]
  const section = (id: number, content: number[]) => [id, ...length(content.length), ...content]
  const locals = [2, 2, I32, 5, V128]
  const code = [...locals, ...body()]
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
    ...section(2, [1, ...name('k'), ...name('m'), 2, 0, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('multiply'), 0, 0]),
    ...section(10, [1, ...length(code.length), ...code]),
  ])
}
