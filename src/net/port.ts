/** Datagrams, as signalling and media use them: a real network (`net/udp.ts`) or one in memory (`net/memory.ts`). */

export interface Endpoint {
  readonly address: string
  readonly port: number
}

export interface DatagramSocket {
  /** Where it is bound, the port as given by the system when 0 was asked for. */
  readonly local: Endpoint
  /** Never throws, never waits; a datagram the network does not take is counted and lost. `bytes` may be reused at once. */
  send(bytes: Uint8Array, to: Endpoint): void
  /** May be called twice. Nothing is delivered after it. */
  close(): void
}

export interface Network {
  /**
   * Binds a UDP socket.
   * @param onDatagram called for each datagram; `bytes` is valid only during the call
   * @returns the socket; rejects with an Error that has a `code` (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`)
   */
  bind(local: Endpoint, onDatagram: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket>
}

/** One connection, TCP or TLS. */
export interface StreamSocket {
  /** Accepted by `send`, not yet taken by the system. */
  readonly waitingBytes: number
  /** Never throws, never waits; before the connection is made it is kept. `bytes` may be reused at once. */
  send(bytes: Uint8Array): void
  /** May be called twice. No event comes after it. What was sent before still leaves, within a second. */
  close(): void
}

export interface StreamEvents {
  /** Made, and for TLS the handshake done. */
  readonly onOpen: () => void
  /** `bytes` is valid only during the call. */
  readonly onData: (bytes: Uint8Array) => void
  /** Once, when it could not be made or has ended; not after our own `close`. */
  readonly onClosed: (why: string) => void
}

/** How a connection is secured. */
export interface StreamSecurity {
  /** The name or address that the certificate must carry. */
  readonly serverName: string
  /** False takes any certificate. */
  readonly verify: boolean
}

export interface StreamListener {
  readonly local: Endpoint
  /** May be called twice. Connections it has given out live on. */
  close(): void
}

export interface StreamListening {
  readonly secure: boolean
  /** Asked when a connection comes, before any handshake. False: it is dropped at once. */
  readonly admits: (address: string) => boolean
  /** Told once for each one admitted, however it ended. */
  readonly left: (address: string) => void
  /** The connection is ready to be used (for TLS: after its handshake). */
  readonly onConnection: (socket: StreamSocket, remote: Endpoint) => Pick<StreamEvents, 'onData' | 'onClosed'>
}

export interface StreamNetwork {
  /** Rejects with an Error that has a `code`, as `Network.bind` does. */
  listen(local: Endpoint, listening: StreamListening): Promise<StreamListener>
  /**
   * @param source our own address, null: the system's choice
   * @param security null: plain TCP
   */
  connect(remote: Endpoint, source: string | null, security: StreamSecurity | null, events: StreamEvents): StreamSocket
}

export interface Naptr {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly replacement: string
}

export interface Srv {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** What the name service knows. Nothing rejects: without an answer a list is empty. Lists come as they were given. */
export interface NameService {
  naptr(name: string): Promise<readonly Naptr[]>
  srv(name: string): Promise<readonly Srv[]>
  addresses(name: string, family: 4 | 6): Promise<readonly string[]>
}
