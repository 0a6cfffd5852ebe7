/** The sockets of signalling, by transport: which are open, and how a flow of the SIP core becomes octets on one of them. */

import type { Clock } from '../kernel/clock.ts'
import type { DatagramSocket, Endpoint, Network, StreamNetwork } from '../net/port.ts'
import { MAX_STUN_BYTES } from '../rtp/stun.ts'
import { looksLikeStun, PlainStun } from '../rtp/stun-plain.ts'
import { SIP_PORT } from '../sip/locating.ts'
import { parseUri } from '../sip/message/uri.ts'
import { wayBack } from '../sip/message/way-back.ts'
import type { Contact, Flow, SipAddress, SipTransport } from '../sip/types.ts'
import { type ConnectionLimits, SipConnections } from './sip-connections.ts'

export interface SipTransportsOptions {
  readonly network: Network
  readonly bindAddress: string
  readonly port: number
  readonly clock: Clock
  /** Absent: UDP only. */
  readonly streams?: StreamNetwork
  /** Listens for TCP on the port of UDP. */
  readonly tcp?: boolean
  /** Listens for TLS on this port; null or absent: not at all. */
  readonly tlsPort?: number | null
  readonly limits?: ConnectionLimits
  /** One whole message, or one datagram. `bytes` is valid only during the call. */
  readonly onReceived: (flow: Flow, bytes: Uint8Array) => void
  /** What was sent on it, and not yet answered, will not be. */
  readonly onFailed: (flow: Flow, why: string) => void
}

/** More about a way out than its address. */
export type FlowWishes = Pick<Flow, 'security' | 'growsToTcp'>

/** A port that is free for UDP may be taken for TCP: then another one is tried, if any would do. */
const PORT_TRIES = 10
/** Answers on the port of SIP, to all who ask. */
const STUN_PER_SECOND = 100

export class SipTransports {
  readonly #options: SipTransportsOptions
  readonly #connections: SipConnections | null
  readonly #stun = new PlainStun(STUN_PER_SECOND)
  #udp: DatagramSocket | null = null
  #tcp: Endpoint | null = null
  #tls: Endpoint | null = null

  constructor(options: SipTransportsOptions) {
    this.#options = options
    const { streams, clock, limits, bindAddress, onReceived: onMessage, onFailed } = options
    const source = isWildcard(bindAddress) ? null : bindAddress
    const more = limits ? { limits } : {}
    this.#connections = streams ? new SipConnections({ streams, clock, source, onMessage, onFailed, ...more }) : null
  }

  /** @returns where UDP is bound. Rejects as `Network.bind` does, and then nothing is open */
  async open(): Promise<Endpoint> {
    try {
      return await this.#open()
    } catch (cause) {
      this.close()
      throw cause
    }
  }

  /** Where UDP is bound, or null while it is not. */
  get local(): Endpoint | null {
    return this.#udp?.local ?? null
  }

  /** Where TLS is listened for, or null. */
  get tlsLocal(): Endpoint | null {
    return this.#tls
  }

  /** Connections open now. */
  get connections(): number {
    return this.#connections?.count ?? 0
  }

  /** A way to there; nothing is opened before something is sent. */
  flowTo(remote: SipAddress, transport: SipTransport = 'udp', wishes: FlowWishes = {}): Flow {
    const local = this.#localOf(transport)
    return { transport, local, remote: { address: remote.address, port: remote.port }, connection: '', ...wishes }
  }

  /** Whether something can be sent on it without opening a connection anew. */
  isAlive(flow: Flow): boolean {
    if (flow.transport === 'udp') return true
    return flow.connection === '' || (this.#connections?.isAlive(flow.connection) ?? false)
  }

  /** Never throws, never waits; what cannot be sent is told by `onFailed`. */
  send(flow: Flow, bytes: Uint8Array): void {
    if (flow.transport === 'udp') this.#udp?.send(bytes, flow.remote)
    else if (!this.#sendByStream(flow, bytes)) {
      // Not within the call: its caller is still carrying out what the core wanted.
      queueMicrotask(() => this.#options.onFailed(flow, 'no connection'))
    }
  }

  close(): void {
    this.#connections?.close()
    this.#udp?.close()
    this.#udp = null
    this.#tcp = null
    this.#tls = null
  }

  #sendByStream(flow: Flow, bytes: Uint8Array): boolean {
    if (this.#connections === null || (flow.transport !== 'tcp' && flow.transport !== 'tls')) return false
    if (this.#connections.send(flow, bytes)) return true
    // The connection is gone. A certificate would not fit an address, so TLS has no second way.
    const way = flow.transport === 'tcp' ? wayBack(bytes, flow.remote) : null
    return way?.address === flow.remote.address && this.#connections.send(this.flowTo(way, 'tcp'), bytes)
  }

  async #open(): Promise<Endpoint> {
    const { port, tcp = false, tlsPort = null, bindAddress } = this.#options
    for (let tries = 1; this.#udp === null; tries++) {
      const udp = await this.#bind()
      try {
        if (tcp && this.#connections) this.#tcp = await this.#connections.listen(udp.local, 'tcp')
        this.#udp = udp
      } catch (cause) {
        udp.close()
        if (port !== 0 || tries === PORT_TRIES) throw cause
      }
    }
    if (tlsPort !== null && this.#connections) {
      this.#tls = await this.#connections.listen({ address: bindAddress, port: tlsPort }, 'tls')
    }
    return this.#udp.local
  }

  #bind(): Promise<DatagramSocket> {
    const { network, bindAddress: address, port, onReceived } = this.#options
    return network.bind({ address, port }, (bytes, from) => {
      if (looksLikeStun(bytes)) this.#answerStun(bytes, from)
      else onReceived(this.flowTo(from), bytes)
    })
  }

  /** A phone whose STUN server we are learns here how it is seen. */
  #answerStun(bytes: Uint8Array, from: Endpoint): void {
    const answer = new Uint8Array(MAX_STUN_BYTES)
    const length = this.#stun.answer(bytes, from, this.#options.clock.now(), answer)
    if (length > 0) this.#udp?.send(answer.subarray(0, length), from)
  }

  #localOf(transport: SipTransport): SipAddress {
    const { bindAddress: address, port } = this.#options
    const udp = this.#udp?.local ?? { address, port }
    if (transport === 'tcp') return this.#tcp ?? udp
    return transport === 'tls' ? (this.#tls ?? udp) : udp
  }
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/**
 * How a contact is reached now. When the connection it registered by is gone and it is not behind NAT, it listens where
 * its Contact says.
 */
export function reachableFlow({ flow, uri: text }: Contact, transports: SipTransports): Flow {
  if (transports.isAlive(flow) || flow.transport !== 'tcp') return flow
  const uri = parseUri(text)
  if (!uri.ok || uri.value.host.replace(/^\[|\]$/g, '') !== flow.remote.address) return flow
  return transports.flowTo({ address: flow.remote.address, port: uri.value.port || SIP_PORT }, 'tcp')
}
