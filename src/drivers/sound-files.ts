/**
 * Sound files that calls play, fetched and kept for a while: `http:` and `https:` from anywhere but the addresses that
 * nobody's request may reach, `file:` from the media folder only. Does not look into them: that is the talk thread's work.
 */

import { open, realpath } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, type Dispatcher, request } from 'undici'
import type { Clock, Millis } from '../kernel/clock.ts'
import { bad, good, type Result } from '../kernel/result.ts'
import { AddressRefused, checkedConnector, refusedAddresses } from '../net/addresses.ts'

/** Below the media folder, what every customer may play; what is one customer's own is in the folder of its id. */
const SHARED = 'shared'

/** Where sound comes from, for whoever plays it. */
export interface SoundFileSource {
  /**
   * The whole file, in shared memory: it is handed to threads without a copy, and never written to again. Never rejects.
   * What went wrong is said without the address, which may hold a secret.
   */
  load(url: string, customerId: string): Promise<Result<Uint8Array>>
}

export interface SoundFilesOptions {
  readonly clock: Clock
  /** `file:` addresses in its folders `shared` and `<customer id>` are readable; it need not be there. */
  readonly mediaDir: string
  /** Also refuses private networks and loopback. */
  readonly blockPrivate?: boolean
  readonly maxFileBytes?: number
  readonly maxCacheBytes?: number
  /** Of all files on their way at a time. */
  readonly maxComingBytes?: number
  readonly headersTimeoutMs?: number
  readonly totalTimeoutMs?: number
}

const MAX_FILE_BYTES = 20 * 1024 * 1024
const MAX_CACHE_BYTES = 64 * 1024 * 1024
/** More at once fails, so that slow servers of one customer cannot fill the memory of all. */
const MAX_COMING_BYTES = 256 * 1024 * 1024
const KEPT_MS = 5 * 60_000
const HEADERS_MS = 5_000
/** 20 MB at 5 Mbit/s. */
const TOTAL_MS = 30_000
const MAX_REDIRECTS = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])

interface Kept {
  readonly bytes: Uint8Array
  readonly until: Millis
}

/** Something to be told to the person who asked for the file. */
class Unplayable extends Error {}

export class SoundFiles implements SoundFileSource {
  readonly #clock: Clock
  readonly #mediaDir: string
  readonly #maxFileBytes: number
  readonly #maxCacheBytes: number
  readonly #maxComingBytes: number
  readonly #totalTimeoutMs: number
  readonly #agent: Agent
  /** By address; least recently used first. */
  readonly #kept = new Map<string, Kept>()
  #keptBytes = 0
  #comingBytes = 0
  /** Being fetched: whoever wants the same meanwhile waits for it too. */
  readonly #coming = new Map<string, Promise<Result<Uint8Array>>>()

  constructor(options: SoundFilesOptions) {
    this.#clock = options.clock
    this.#mediaDir = options.mediaDir
    this.#maxFileBytes = options.maxFileBytes ?? MAX_FILE_BYTES
    this.#maxCacheBytes = options.maxCacheBytes ?? MAX_CACHE_BYTES
    this.#maxComingBytes = options.maxComingBytes ?? MAX_COMING_BYTES
    this.#totalTimeoutMs = options.totalTimeoutMs ?? TOTAL_MS
    const headersTimeout = options.headersTimeoutMs ?? HEADERS_MS
    const connect = checkedConnector(refusedAddresses(options.blockPrivate ?? false), headersTimeout)
    this.#agent = new Agent({ connect, headersTimeout, bodyTimeout: headersTimeout })
  }

  /** Bytes kept now. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  load(url: string, customerId: string): Promise<Result<Uint8Array>> {
    const parsed = URL.parse(url)
    if (parsed?.protocol === 'file:') return this.#attempt(() => this.#fromFolder(parsed, customerId))
    const kept = this.#stillKept(url)
    if (kept) return Promise.resolve(good(kept))
    return this.#coming.get(url) ?? this.#begin(url)
  }

  /** Leaves no socket. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #begin(url: string): Promise<Result<Uint8Array>> {
    const coming = this.#read(url)
    this.#coming.set(url, coming)
    const result = await coming
    this.#coming.delete(url)
    return result
  }

  #read(url: string): Promise<Result<Uint8Array>> {
    return this.#attempt(async () => {
      const parsed = URL.parse(url)
      if (!parsed) throw new Unplayable('not a valid address')
      const bytes = await this.#fetch(parsed, AbortSignal.timeout(this.#totalTimeoutMs))
      this.#keep(url, bytes)
      return bytes
    })
  }

  async #attempt(read: () => Promise<Uint8Array>): Promise<Result<Uint8Array>> {
    try {
      return good(await read())
    } catch (cause) {
      return bad(reasonOf(cause))
    }
  }

  // ---------------------------------------------------------------- kept

  #stillKept(url: string): Uint8Array | null {
    const kept = this.#kept.get(url)
    if (!kept) return null
    this.#forget(url, kept)
    if (kept.until <= this.#clock.now()) return null
    this.#kept.set(url, kept)
    this.#keptBytes += kept.bytes.length
    return kept.bytes
  }

  #keep(url: string, bytes: Uint8Array): void {
    const before = this.#kept.get(url)
    if (before) this.#forget(url, before)
    this.#kept.set(url, { bytes, until: this.#clock.now() + KEPT_MS })
    this.#keptBytes += bytes.length
    for (const [oldest, old] of this.#kept) {
      if (this.#keptBytes <= this.#maxCacheBytes) break
      this.#forget(oldest, old)
    }
  }

  #forget(url: string, kept: Kept): void {
    this.#kept.delete(url)
    this.#keptBytes -= kept.bytes.length
  }

  // ---------------------------------------------------------------- from the network

  async #fetch(first: URL, signal: AbortSignal): Promise<Uint8Array> {
    let url = first
    for (let redirects = 0; ; redirects++) {
      if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Unplayable('only http, https and file')
      const answer = await request(url, { signal, dispatcher: this.#agent })
      const { location } = answer.headers
      if (!REDIRECTS.has(answer.statusCode)) return await this.#body(answer)
      answer.body.dump().catch(() => {})
      if (redirects === MAX_REDIRECTS) throw new Unplayable('too many redirects')
      const next = typeof location === 'string' ? URL.parse(location, url) : null
      if (!next) throw new Unplayable(`the server answered ${answer.statusCode} without a place`)
      url = next
    }
  }

  async #body({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Uint8Array> {
    const limit = this.#maxFileBytes
    const isTooLong = Number(headers['content-length'] ?? 0) > limit
    if (statusCode !== 200 || isTooLong) {
      body.on('error', () => {}).destroy()
      throw new Unplayable(isTooLong ? tooLarge(limit) : `the server answered ${statusCode}`)
    }
    let size = 0
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        size += chunk.length
        this.#comingBytes += chunk.length
        if (size > limit) throw new Unplayable(tooLarge(limit))
        if (this.#comingBytes > this.#maxComingBytes) throw new Unplayable('too many files are being fetched')
        chunks.push(chunk)
      }
      return joined(chunks, size)
    } finally {
      this.#comingBytes -= size
    }
  }

  // ---------------------------------------------------------------- from the media folder

  /** Not kept: the system does that. What links lead to counts, not what they are called. */
  async #fromFolder(url: URL, customerId: string): Promise<Uint8Array> {
    const [folder, file] = await Promise.all([realpath(this.#mediaDir), realpath(pathOf(url))]).catch(() => {
      throw new Unplayable('no such file in the media folder')
    })
    const mine = [SHARED, customerId].map((name) => path.join(folder, name) + path.sep)
    if (!mine.some((prefix) => file.startsWith(prefix))) throw new Unplayable('no such file in the media folder')
    const handle = await open(file, 'r')
    try {
      const about = await handle.stat()
      if (!about.isFile()) throw new Unplayable('no such file in the media folder')
      if (about.size > this.#maxFileBytes) throw new Unplayable(tooLarge(this.#maxFileBytes))
      const bytes = new Uint8Array(new SharedArrayBuffer(about.size))
      const { bytesRead } = await handle.read(bytes, 0, about.size, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  }
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(size))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw new Unplayable('not a valid file address')
  }
}

function tooLarge(limit: number): string {
  return `the file is larger than ${Math.floor(limit / 1024 / 1024)} MB`
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Unplayable || cause instanceof AddressRefused) return cause.message
  const { name, code } = cause as { name?: string; code?: string }
  if (name === 'TimeoutError' || code?.endsWith('_TIMEOUT')) return 'the server took too long'
  return `the file could not be fetched${code ? ` (${code})` : ''}`
}
