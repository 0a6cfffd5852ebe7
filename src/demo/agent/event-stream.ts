/**
 * The event WebSocket (`/v1.0/ws`), kept open: after a drop it comes back with growing pauses and subscribes again,
 * because subscriptions end with their connection.
 */

import WebSocket from 'ws'

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** The server pings every ten seconds; silence for this long means the connection is dead. */
const SILENCE_LIMIT_MS = 35_000

export interface StreamOptions {
  /** The API's base, `http://host:port/v1.0`. */
  readonly base: string
  readonly token: string
  readonly topics: readonly string[]
  onEvent(type: string, data: Readonly<Record<string, unknown>>): void
  /** Connected and subscribed. What happened while we were away has to be asked for. */
  onOpen(): void
  /** The connection is gone; the next try is `pauseMs` away. */
  onLost(pauseMs: number): void
}

/** How long to wait before the try after `failures` failed ones: 1 s, 2 s, 4 s, up to 30 s. */
export function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10))
}

export class EventStream {
  readonly #options: StreamOptions
  #socket: WebSocket | null = null
  #timer: NodeJS.Timeout | null = null
  #watchdog: NodeJS.Timeout | null = null
  #failures = 0
  #closed = false

  constructor(options: StreamOptions) {
    this.#options = options
    this.#connect()
  }

  /** May be called twice. */
  close(): void {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    if (this.#watchdog) clearTimeout(this.#watchdog)
    this.#socket?.terminate()
    this.#socket = null
  }

  #connect(): void {
    const url = `${this.#options.base.replace(/^http/, 'ws')}/ws`
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${this.#options.token}` } })
    this.#socket = socket
    socket.on('open', () => {
      this.#failures = 0
      socket.send(JSON.stringify({ type: 'subscribe', topics: this.#options.topics }))
      this.#stillAlive()
      this.#options.onOpen()
    })
    socket.on('message', (bytes) => {
      this.#stillAlive()
      this.#received(String(bytes))
    })
    socket.on('ping', () => this.#stillAlive())
    socket.on('error', () => {}) // 'close' follows, and says all we need
    socket.on('close', () => this.#lost(socket))
  }

  #received(text: string): void {
    let frame: unknown
    try {
      frame = JSON.parse(text)
    } catch {
      return
    }
    const { type, data } = frame as { type?: unknown; data?: unknown }
    if (typeof type === 'string' && typeof data === 'object' && data !== null) {
      this.#options.onEvent(type, data as Record<string, unknown>)
    }
  }

  #stillAlive(): void {
    if (this.#watchdog) clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => this.#socket?.terminate(), SILENCE_LIMIT_MS)
  }

  #lost(socket: WebSocket): void {
    if (this.#closed || socket !== this.#socket) return
    if (this.#watchdog) clearTimeout(this.#watchdog)
    const pauseMs = pauseAfter(this.#failures++)
    this.#options.onLost(pauseMs)
    this.#timer = setTimeout(() => this.#connect(), pauseMs)
  }
}
