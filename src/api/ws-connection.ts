/** One client of the WebSocket (contract §18): what it subscribed to, whether it lives, and what waits to be sent to it. */

import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock, Millis, Scheduled } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { firstMatch, type Identity, maySubscribe, prefixOf } from './topics.ts'
import { textFrame } from './ws-frame.ts'

const PING_MS = 10_000
const DEAD_MS = 60_000
/** Frames that wait for a slow reader. */
const MAX_WAITING = 1_000
/** Bytes handed to the socket before further frames wait here, where they can still be dropped. */
const SOCKET_BYTES = 64 * 1024
/** Frames of one turn of the event loop are written together, up to this many. */
const MAX_BATCH = 64
/** Bounds the memory of a client that only subscribes. */
const MAX_TOPICS = 1_000

const UNSUPPORTED_DATA = 1003
const POLICY_VIOLATION = 1008
const TRY_AGAIN_LATER = 1013

interface Waiting {
  readonly frame: Buffer
  readonly interim: boolean
}

export interface ConnectionWorld {
  readonly clock: Clock
  readonly log: Log
  /** Calls `flush` before the next turn of the event loop. */
  flushSoon(connection: WsConnection): void
}

export class WsConnection {
  readonly #socket: WebSocket
  readonly #wire: Duplex
  readonly #world: ConnectionWorld
  readonly #identity: Identity
  readonly #clock: Clock
  readonly #log: Log
  readonly #topics = new Set<string>()
  #prefixes: readonly string[] = []
  #waiting: Waiting[] = []
  #heard: Millis
  #timer: Scheduled | null = null
  #open = true

  /**
   * @param wire what the WebSocket runs on
   * @param gone called once, when nothing more can be sent
   */
  constructor(socket: WebSocket, wire: Duplex, identity: Identity, world: ConnectionWorld, gone: () => void) {
    this.#socket = socket
    this.#wire = wire
    this.#world = world
    this.#identity = identity
    this.#clock = world.clock
    this.#log = world.log
    this.#heard = world.clock.now()
    socket.on('message', (data, isBinary) => this.#hear(String(data), isBinary))
    for (const sign of ['ping', 'pong'] as const) socket.on(sign, () => this.#lives())
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      this.#end()
      gone()
    })
    this.#watch()
  }

  /** @returns the first of the event's topics that this client subscribed to, or null */
  match(topics: readonly string[]): string | null {
    return firstMatch(topics, this.#prefixes)
  }

  /**
   * Sends a frame (`textFrame`), in order. When too many wait, partial texts are dropped, the oldest first; when none is left
   * to drop, the client is too slow and the connection is closed.
   */
  send(frame: Buffer, interim: boolean): void {
    if (!this.#open) return
    this.#waiting.push({ frame, interim })
    if (this.#waiting.length >= MAX_BATCH) this.flush()
    else this.#world.flushSoon(this)
    if (this.#waiting.length <= MAX_WAITING) return
    const droppable = this.#waiting.findIndex((waiting) => waiting.interim)
    if (droppable >= 0) this.#waiting.splice(droppable, 1)
    else this.close(TRY_AGAIN_LATER, 'too slow')
  }

  close(code: number, reason: string): void {
    if (!this.#open) return
    this.flush()
    this.#end()
    this.#log.debug({ customer_id: this.#identity.customerId, code, reason }, 'websocket closed by us')
    this.#socket.close(code, reason)
  }

  /** Without the closing handshake. */
  terminate(): void {
    this.#end()
    this.#socket.terminate()
  }

  /** Hands to the socket what it has room for, in one write. */
  flush(): void {
    if (!this.#open || this.#waiting.length === 0 || this.#socket.readyState !== WebSocket.OPEN) return
    let room = SOCKET_BYTES - this.#wire.writableLength
    if (room <= 0) return
    let handed = 0
    if (this.#waiting.length > 1) this.#wire.cork()
    for (const { frame } of this.#waiting) {
      room -= frame.length
      handed += 1
      // The one that fills it asks for more when it is gone.
      if (room > 0) this.#wire.write(frame)
      else this.#wire.write(frame, () => this.flush())
      if (room <= 0) break
    }
    if (handed === this.#waiting.length) this.#waiting = []
    else this.#waiting.splice(0, handed)
    this.#wire.uncork()
  }

  #hear(text: string, isBinary: boolean): void {
    if (!this.#open) return
    this.#lives()
    if (isBinary) this.close(UNSUPPORTED_DATA, 'text only')
    else this.#obey(parse(text))
  }

  /** What is neither of the three is ignored. */
  #obey(asked: Record<string, unknown> | null): void {
    switch (asked?.['type']) {
      case 'subscribe':
        this.#change(asked['topics'], (topic) => this.#topics.add(topic))
        break
      case 'unsubscribe':
        this.#change(asked['topics'], (topic) => this.#topics.delete(topic))
        break
      case 'subscriptions':
        this.send(textFrame(JSON.stringify({ type: 'subscriptions', topics: [...this.#topics] })), false)
    }
  }

  #change(topics: unknown, apply: (topic: string) => unknown): void {
    if (!Array.isArray(topics)) return
    if (!topics.every((topic) => maySubscribe(topic, this.#identity))) {
      this.close(POLICY_VIOLATION, 'topic not allowed')
      return
    }
    for (const topic of topics as string[]) apply(topic)
    this.#prefixes = [...new Set([...this.#topics].map(prefixOf))]
    if (this.#topics.size > MAX_TOPICS) this.close(POLICY_VIOLATION, 'too many topics')
  }

  #lives(): void {
    this.#heard = this.#clock.now()
  }

  #watch(): void {
    this.#timer = this.#clock.schedule(Math.min(this.#clock.now() + PING_MS, this.#heard + DEAD_MS), () => {
      if (this.#clock.now() - this.#heard >= DEAD_MS) {
        this.terminate()
      } else {
        this.#socket.ping()
        this.#watch()
      }
    })
  }

  #end(): void {
    this.#open = false
    this.#waiting = []
    this.#timer?.cancel()
  }
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
