/**
 * All clients of the WebSocket, by customer (contract §18). Who a client is has been found out before it comes here:
 * this is no place for credentials.
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { EventRow } from '../store/port.ts'
import { frame, isInterim } from './envelope.ts'
import { type Identity, topicsOf } from './topics.ts'
import { type ConnectionWorld, WsConnection } from './ws-connection.ts'
import { textFrame } from './ws-frame.ts'

/** Clients only subscribe; longer frames close the connection (1009). */
const MAX_CLIENT_FRAME_BYTES = 64 * 1024
const CLOSE_MS = 1_000
const GOING_AWAY = 1001

export class WsHub {
  readonly #world: ConnectionWorld
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_CLIENT_FRAME_BYTES })
  readonly #connections = new Map<string, Set<WsConnection>>()
  /** Those with frames that are not handed to their sockets yet. */
  readonly #unflushed = new Set<WsConnection>()
  #closing: Promise<void> | null = null
  #allGone: (() => void) | null = null

  constructor(world: { readonly clock: Clock; readonly log: Log }) {
    this.#world = { ...world, flushSoon: (connection) => this.#flushSoon(connection) }
  }

  /** Finishes the upgrade of an HTTP request whose credential was good, and owns the socket from then on. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, identity: Identity): void {
    if (this.#closing) {
      socket.destroy()
      return
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const { customerId } = identity
      const connection: WsConnection = new WsConnection(client, socket, identity, this.#world, () =>
        this.#remove(customerId, connection),
      )
      const others = this.#connections.get(customerId)
      if (others) others.add(connection)
      else this.#connections.set(customerId, new Set([connection]))
    })
  }

  /** Sends the event once to each client of its customer that subscribed to one of its topics. Never throws. */
  publish(event: EventRow): void {
    const connections = this.#connections.get(event.customer_id)
    if (!connections) return
    const topics = topicsOf(event)
    const interim = isInterim(event.type)
    const frames = new Map<string, Buffer>()
    for (const connection of connections) {
      const topic = connection.match(topics)
      if (topic === null) continue
      const bytes = frames.get(topic) ?? textFrame(frame(event, topic))
      frames.set(topic, bytes)
      connection.send(bytes, interim)
    }
  }

  /** Clients connected, for the counters. */
  size(): number {
    let size = 0
    for (const connections of this.#connections.values()) size += connections.size
    return size
  }

  /** Says goodbye (1001) to all clients and waits a second at most for theirs. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.size() > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#allGone = resolve
      const { clock } = this.#world
      const limit = clock.schedule(clock.now() + CLOSE_MS, () => this.#each((connection) => connection.terminate()))
      this.#each((connection) => connection.close(GOING_AWAY, 'server stops'))
      await promise
      limit.cancel()
    }
    this.#server.close()
  }

  /** The more there is to do, the more frames share a write. */
  #flushSoon(connection: WsConnection): void {
    if (this.#unflushed.size === 0) setImmediate(() => this.#flush())
    this.#unflushed.add(connection)
  }

  #flush(): void {
    const connections = [...this.#unflushed]
    this.#unflushed.clear()
    for (const connection of connections) connection.flush()
  }

  #each(act: (connection: WsConnection) => void): void {
    for (const connections of [...this.#connections.values()])
      for (const connection of [...connections]) act(connection)
  }

  #remove(customerId: string, connection: WsConnection): void {
    const connections = this.#connections.get(customerId)
    connections?.delete(connection)
    if (connections?.size === 0) this.#connections.delete(customerId)
    if (this.size() === 0) this.#allGone?.()
  }
}
