/** The sockets of signalling, by transport: which are open, and how a flow of the SIP core becomes octets on one of them. */

import type { DatagramSocket, Endpoint, Network } from '../net/port.ts'
import type { Flow, SipAddress, SipTransport } from '../sip/types.ts'

export interface SipTransportsOptions {
  readonly network: Network
  readonly bindAddress: string
  readonly port: number
  /** One whole message, or one datagram. `bytes` is valid only during the call. */
  readonly onReceived: (flow: Flow, bytes: Uint8Array) => void
  /** What was sent on it, and not yet answered, will not be. */
  readonly onFailed: (flow: Flow, why: string) => void
}

export class SipTransports {
  readonly #options: SipTransportsOptions
  #udp: DatagramSocket | null = null

  constructor(options: SipTransportsOptions) {
    this.#options = options
  }

  /** @returns where UDP is bound */
  async open(): Promise<Endpoint> {
    const { network, bindAddress, port, onReceived } = this.#options
    const local = { address: bindAddress, port }
    this.#udp = await network.bind(local, (bytes, from) => onReceived(this.flowTo(from), bytes))
    return this.#udp.local
  }

  /** Where UDP is bound, or null while it is not. */
  get local(): Endpoint | null {
    return this.#udp?.local ?? null
  }

  /** A way to there; nothing is opened before something is sent. */
  flowTo(remote: SipAddress, transport: SipTransport = 'udp'): Flow {
    const { bindAddress, port } = this.#options
    const local = this.#udp?.local ?? { address: bindAddress, port }
    return { transport, local, remote: { address: remote.address, port: remote.port }, connection: '' }
  }

  /** Never throws, never waits; what cannot be sent is told by `onFailed`. */
  send(flow: Flow, bytes: Uint8Array): void {
    this.#udp?.send(bytes, flow.remote)
  }

  close(): void {
    this.#udp?.close()
    this.#udp = null
  }
}
