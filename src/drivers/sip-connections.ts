/**
 * The connections of signalling: opened when something is to be sent, used again by whoever goes there, and limited, so that
 * nobody fills memory by opening many, saying little or reading nothing.
 */

import type { Clock, Millis, Scheduled } from '../kernel/clock.ts'
import type { Endpoint, StreamListener, StreamNetwork, StreamSocket } from '../net/port.ts'
import { Framer } from '../sip/message/framing.ts'
import type { Flow } from '../sip/types.ts'

export interface ConnectionLimits {
  readonly inAll: number
  readonly ofAddress: number
  /** Those that have not said anything yet, of one address. */
  readonly silentOfAddress: number
  readonly silentInAll: number
  /** By then the first message must have come. */
  readonly silentMs: number
  /** By then a message that was begun must be whole. */
  readonly partMs: number
  /** Longer than a registration lasts: phones may say nothing in between. */
  readonly idleMs: number
  /** A far end that reads so little loses its connection. */
  readonly unreadBytes: number
}

export const LIMITS: ConnectionLimits = {
  inAll: 4_000,
  ofAddress: 1_000,
  silentOfAddress: 64,
  silentInAll: 1_000,
  silentMs: 15_000,
  partMs: 10_000,
  idleMs: 7_500_000,
  unreadBytes: 512 * 1024,
}

const SWEEP_MS = 1_000
const PONG = Buffer.from('\r\n')

export interface SipConnectionsOptions {
  readonly streams: StreamNetwork
  readonly clock: Clock
  /** Our own address for connections we make, null for the system's choice. */
  readonly source: string | null
  readonly limits?: ConnectionLimits
  readonly onMessage: (flow: Flow, bytes: Uint8Array) => void
  readonly onFailed: (flow: Flow, why: string) => void
}

interface Connection {
  readonly flow: Flow
  readonly socket: StreamSocket
  readonly framer: Framer
  /** Name in `#byKey`. */
  readonly key: string
  readonly isTheirs: boolean
  since: Millis
  heardAt: Millis
  /** When the message now coming in began. */
  partSince: Millis | null
  isProven: boolean
}

interface Counts {
  all: number
  proven: number
}

export class SipConnections {
  readonly #options: SipConnectionsOptions
  readonly #limits: ConnectionLimits
  readonly #byId = new Map<string, Connection>()
  readonly #byKey = new Map<string, Connection>()
  readonly #addresses = new Map<string, Counts>()
  readonly #listeners: StreamListener[] = []
  #theirs: Counts = { all: 0, proven: 0 }
  #number = 0
  #sweep: Scheduled | null = null

  constructor(options: SipConnectionsOptions) {
    this.#options = options
    this.#limits = options.limits ?? LIMITS
  }

  /** Open now, ours and theirs. */
  get count(): number {
    return this.#byId.size
  }

  /** @returns where it listens */
  async listen(local: Endpoint, transport: 'tcp' | 'tls'): Promise<Endpoint> {
    const listener = await this.#options.streams.listen(local, {
      secure: transport === 'tls',
      admits: (address) => this.#admits(address),
      left: (address) => this.#left(address),
      onConnection: (socket, remote) => {
        const flow = { transport, local: { ...listener.local }, remote, connection: `c${++this.#number}` } as const
        const connection = this.#keep(flow, keyOf(flow), socket, true)
        return {
          onData: (bytes) => this.#heard(connection, bytes),
          onClosed: (why) => this.#drop(connection, why),
        }
      },
    })
    this.#listeners.push(listener)
    return listener.local
  }

  isAlive(id: string): boolean {
    return this.#byId.has(id)
  }

  /**
   * Sends on the flow's connection, or on the one that leads there, which is opened when there is none.
   * @returns false when the flow names a connection that is gone
   */
  send(flow: Flow, bytes: Uint8Array): boolean {
    const named = flow.connection === '' ? null : this.#byId.get(flow.connection)
    if (named === undefined) return false
    const connection = named ?? this.#byKey.get(keyOf(flow)) ?? this.#connect(flow)
    connection.socket.send(bytes)
    if (connection.socket.waitingBytes > this.#limits.unreadBytes) this.#end(connection, 'the far end does not read')
    return true
  }

  close(): void {
    this.#sweep?.cancel()
    this.#sweep = null
    for (const listener of this.#listeners.splice(0)) listener.close()
    for (const connection of [...this.#byId.values()]) {
      this.#forget(connection)
      connection.socket.close()
    }
  }

  #connect(flow: Flow): Connection {
    const { remote, security = { serverName: remote.address, verify: true } } = flow
    const own: Flow = { ...flow, connection: `c${++this.#number}` }
    const socket = this.#options.streams.connect(
      remote,
      this.#options.source,
      flow.transport === 'tls' ? security : null,
      {
        onOpen: () => {},
        onData: (bytes) => this.#heard(connection, bytes),
        onClosed: (why) => this.#drop(connection, why),
      },
    )
    const connection = this.#keep(own, keyOf(flow), socket, false)
    return connection
  }

  #keep(flow: Flow, key: string, socket: StreamSocket, isTheirs: boolean): Connection {
    const now = this.#options.clock.now()
    const framer = new Framer({
      message: (bytes) => this.#message(connection, bytes),
      ping: () => socket.send(PONG),
    })
    const times = { since: now, heardAt: now, partSince: null }
    const connection: Connection = { flow, socket, framer, key, isTheirs, isProven: !isTheirs, ...times }
    this.#byId.set(flow.connection, connection)
    this.#byKey.set(key, connection)
    this.#sweep ??= this.#planSweep()
    return connection
  }

  #heard(connection: Connection, bytes: Uint8Array): void {
    const now = this.#options.clock.now()
    connection.heardAt = now
    const broken = connection.framer.push(bytes)
    if (broken !== null) return this.#end(connection, broken)
    if (connection.framer.pendingBytes === 0) connection.partSince = null
    else connection.partSince ??= now
    // Pings are answered even to who never reads the answers.
    if (connection.socket.waitingBytes > this.#limits.unreadBytes) this.#end(connection, 'the far end does not read')
  }

  #message(connection: Connection, bytes: Uint8Array): void {
    connection.partSince = null
    if (!connection.isProven) {
      connection.isProven = true
      this.#theirs.proven++
      const counts = this.#addresses.get(connection.flow.remote.address)
      if (counts) counts.proven++
    }
    if (this.#byId.has(connection.flow.connection)) this.#options.onMessage(connection.flow, bytes)
  }

  // ---------------------------------------------------------------- ends

  #end(connection: Connection, why: string): void {
    connection.socket.close()
    this.#drop(connection, why)
  }

  /** Tells those who wait on it, by its name and by where it led. */
  #drop(connection: Connection, why: string): void {
    if (!this.#forget(connection)) return
    const { flow } = connection
    this.#options.onFailed(flow, why)
    this.#options.onFailed({ ...flow, connection: '' }, why)
  }

  #forget(connection: Connection): boolean {
    if (!this.#byId.delete(connection.flow.connection)) return false
    if (this.#byKey.get(connection.key) === connection) this.#byKey.delete(connection.key)
    if (connection.isTheirs && connection.isProven) {
      this.#theirs.proven--
      const counts = this.#addresses.get(connection.flow.remote.address)
      if (counts) counts.proven--
    }
    return true
  }

  #planSweep(): Scheduled {
    const { clock } = this.#options
    return clock.schedule(clock.now() + SWEEP_MS, () => {
      this.#sweep = null
      for (const connection of [...this.#byId.values()]) this.#check(connection, clock.now())
      if (this.#byId.size > 0) this.#sweep = this.#planSweep()
    })
  }

  #check(connection: Connection, now: Millis): void {
    const { silentMs, partMs, idleMs } = this.#limits
    if (!connection.isProven && now - connection.since > silentMs) this.#end(connection, 'nothing was said')
    else if (connection.partSince !== null && now - connection.partSince > partMs)
      this.#end(connection, 'half a message')
    else if (now - connection.heardAt > idleMs) this.#end(connection, 'idle')
  }

  // ---------------------------------------------------------------- how many

  #admits(address: string): boolean {
    const counts = this.#addresses.get(address) ?? { all: 0, proven: 0 }
    const { inAll, ofAddress, silentInAll, silentOfAddress } = this.#limits
    const isFull =
      this.#theirs.all >= inAll ||
      counts.all >= ofAddress ||
      this.#theirs.all - this.#theirs.proven >= silentInAll ||
      counts.all - counts.proven >= silentOfAddress
    if (isFull) return false
    this.#theirs.all++
    counts.all++
    this.#addresses.set(address, counts)
    return true
  }

  #left(address: string): void {
    this.#theirs.all--
    const counts = this.#addresses.get(address)
    if (counts && --counts.all <= 0) this.#addresses.delete(address)
  }
}

/** Connections that may stand for each other. */
function keyOf({ transport, remote, security }: Flow): string {
  const to = `${transport}|${remote.address}|${remote.port}`
  return transport === 'tls' && security ? `${to}|${security.serverName}|${security.verify}` : to
}
