/**
 * The part of WASI preview 1 that a batch program needs, in memory: arguments, standard output, files written and read
 * back within one run, a clock that stands still. No file of the machine can be reached through it.
 */

/** How one run ended and what it left. */
export interface WasiRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Contents of the files the program wrote, by path without a leading slash. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

const SUCCESS = 0
const BAD_FD = 8
const INVALID = 28
const NO_ENTRY = 44
const FIRST_FREE_FD = 4
const ROOT_FD = 3
const FILETYPE_CHARACTER_DEVICE = 2
const FILETYPE_DIRECTORY = 3
const FILETYPE_REGULAR = 4
const ALL_RIGHTS = 0xffff_ffff_ffff_ffffn
const CREATE = 1
const TRUNCATE = 8
const STANDING_TIME_NS = 1_700_000_000_000_000_000n

/** Thrown through the program's stack by `proc_exit`. */
export class WasiExit extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

/** Bytes that grow as they are written. */
class MemoryFile {
  #bytes = new Uint8Array(1 << 12)
  #size = 0
  position = 0

  contents(): Uint8Array {
    return this.#bytes.slice(0, this.#size)
  }

  get size(): number {
    return this.#size
  }

  truncate(): void {
    this.#size = 0
  }

  write(from: Uint8Array): void {
    const end = this.position + from.length
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
    }
    this.#bytes.set(from, this.position)
    this.position = end
    this.#size = Math.max(this.#size, end)
  }

  read(into: Uint8Array): number {
    const part = this.#bytes.subarray(this.position, Math.min(this.#size, this.position + into.length))
    into.set(part)
    this.position += part.length
    return part.length
  }
}

/** One run's world. Give `imports` to the instance, then `memory`, then start it. */
export class MemoryWasi {
  readonly #args: readonly Uint8Array[]
  readonly #open = new Map<number, MemoryFile>()
  readonly #files = new Map<string, MemoryFile>()
  readonly #memory: () => WebAssembly.Memory
  #nextFd = FIRST_FREE_FD

  /** @param memory asked at every call, because a program's memory moves when it grows */
  constructor(args: readonly string[], memory: () => WebAssembly.Memory) {
    const encoder = new TextEncoder()
    this.#args = args.map((arg) => encoder.encode(`${arg.replaceAll('\0', ' ')}\0`))
    this.#memory = memory
    for (const fd of [0, 1, 2]) this.#open.set(fd, new MemoryFile())
  }

  ended(exitCode: number): WasiRun {
    const text = (fd: number) => new TextDecoder().decode(this.#open.get(fd)?.contents())
    const files = new Map([...this.#files].map(([path, file]) => [path, file.contents()]))
    return { exitCode, stdout: text(1), stderr: text(2), files }
  }

  #view(): DataView {
    return new DataView(this.#memory().buffer)
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory().buffer, at, length)
  }

  /** Buffers of a scatter/gather list of `count` pairs (address, length). */
  #buffers(list: number, count: number): Uint8Array[] {
    const view = this.#view()
    return Array.from({ length: count }, (_, i) =>
      this.#bytes(view.getUint32(list + 8 * i, true), view.getUint32(list + 8 * i + 4, true)),
    )
  }

  #path(at: number, length: number): string {
    return new TextDecoder().decode(this.#bytes(at, length)).replace(/^\/+/, '')
  }

  /** Names and signatures are those of the WASI preview 1 witx file; every function returns its errno. */
  readonly imports: Record<string, (...args: never[]) => number> = {
    args_sizes_get: (countAt: number, sizeAt: number) => {
      this.#view().setUint32(countAt, this.#args.length, true)
      this.#view().setUint32(
        sizeAt,
        this.#args.reduce((sum, arg) => sum + arg.length, 0),
        true,
      )
      return SUCCESS
    },
    args_get: (pointersAt: number, bytesAt: number) => {
      let at = bytesAt
      this.#args.forEach((arg, i) => {
        this.#view().setUint32(pointersAt + 4 * i, at, true)
        this.#bytes(at, arg.length).set(arg)
        at += arg.length
      })
      return SUCCESS
    },
    clock_time_get: (_id: number, _precision: bigint, at: number) => {
      this.#view().setBigUint64(at, STANDING_TIME_NS, true)
      return SUCCESS
    },
    fd_close: (fd: number) => {
      if (fd >= FIRST_FREE_FD) this.#open.delete(fd)
      return SUCCESS
    },
    fd_fdstat_get: (fd: number, at: number) => {
      if (fd !== ROOT_FD && !this.#open.has(fd)) return BAD_FD
      this.#bytes(at, 24).fill(0)
      const type = fd === ROOT_FD ? FILETYPE_DIRECTORY : fd < ROOT_FD ? FILETYPE_CHARACTER_DEVICE : FILETYPE_REGULAR
      this.#view().setUint8(at, type)
      this.#view().setBigUint64(at + 8, ALL_RIGHTS, true)
      this.#view().setBigUint64(at + 16, ALL_RIGHTS, true)
      return SUCCESS
    },
    fd_fdstat_set_flags: () => SUCCESS,
    fd_prestat_get: (fd: number, at: number) => {
      if (fd !== ROOT_FD) return BAD_FD
      this.#view().setUint32(at, 0, true)
      this.#view().setUint32(at + 4, 1, true)
      return SUCCESS
    },
    fd_prestat_dir_name: (_fd: number, at: number, length: number) => {
      if (length < 1) return INVALID
      this.#view().setUint8(at, '/'.charCodeAt(0))
      return SUCCESS
    },
    fd_read: (fd: number, list: number, count: number, readAt: number) => {
      const file = this.#open.get(fd)
      if (!file) return BAD_FD
      const read = this.#buffers(list, count).reduce((sum, buffer) => sum + file.read(buffer), 0)
      this.#view().setUint32(readAt, read, true)
      return SUCCESS
    },
    fd_seek: (fd: number, offset: bigint, whence: number, at: number) => {
      const file = this.#open.get(fd)
      if (!file) return BAD_FD
      const to = Number(offset) + [0, file.position, file.size][whence]!
      if (!(to >= 0)) return INVALID
      file.position = to
      this.#view().setBigUint64(at, BigInt(to), true)
      return SUCCESS
    },
    fd_write: (fd: number, list: number, count: number, writtenAt: number) => {
      const file = this.#open.get(fd)
      if (!file) return BAD_FD
      let written = 0
      for (const buffer of this.#buffers(list, count)) {
        file.write(buffer)
        written += buffer.length
      }
      this.#view().setUint32(writtenAt, written, true)
      return SUCCESS
    },
    path_open: (
      _fd: number,
      _lookup: number,
      pathAt: number,
      pathLength: number,
      openFlags: number,
      _rights: bigint,
      _inheriting: bigint,
      _fdFlags: number,
      fdAt: number,
    ) => {
      const path = this.#path(pathAt, pathLength)
      const file = this.#files.get(path) ?? (openFlags & CREATE ? new MemoryFile() : null)
      if (!file) return NO_ENTRY
      if (openFlags & TRUNCATE) file.truncate()
      file.position = 0
      this.#files.set(path, file)
      this.#open.set(this.#nextFd, file)
      this.#view().setUint32(fdAt, this.#nextFd++, true)
      return SUCCESS
    },
    proc_exit: (code: number) => {
      throw new WasiExit(code)
    },
  }
}
