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
