/** TCP and TLS over real sockets. */

import { connect, createServer, isIP, type Server, type Socket } from 'node:net'
import { connect as connectSecure, createServer as createSecureServer, type Server as SecureServer } from 'node:tls'
import type { Certificates } from './certificates.ts'
import { plainAddress } from './family.ts'
import type {
  Endpoint,
  StreamEvents,
  StreamListener,
  StreamListening,
  StreamNetwork,
  StreamSecurity,
  StreamSocket,
} from './port.ts'

/** A connection that is not made by then, TLS included, will not be. */
const CONNECT_MS = 5_000
const HANDSHAKE_MS = 10_000
/** Finds out about a far end that is gone without a word. */
const PROBE_AFTER_MS = 60_000
/** What was sent before a close may still leave, so long. */
const LINGER_MS = 1_000

export class Streams implements StreamNetwork {
  readonly #certificates: Certificates | null
  readonly #listeners = new Set<SecureServer>()

  /** @param certificates needed to listen for TLS, and shown to servers that ask for one */
  constructor(certificates: Certificates | null = null) {
    this.#certificates = certificates
    certificates?.onChange(() => {
      for (const server of this.#listeners) server.setSecureContext(certificates.server())
    })
  }

  listen(local: Endpoint, listening: StreamListening): Promise<StreamListener> {
    const server = listening.secure ? this.#secureServer() : createServer({ noDelay: true })
    server.on('connection', (socket: Socket) => admit(socket, listening))
    server.on(listening.secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      if (!socket.destroyed) accept(socket, listening)
    })
    // A failed handshake has ended its connection already.
    server.on('tlsClientError', () => {})
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: local.address, port: local.port }, () => {
        server.removeListener('error', reject)
        server.on('error', () => {})
        resolve(this.#listener(server))
      })
    })
  }

  connect(
    remote: Endpoint,
    source: string | null,
    security: StreamSecurity | null,
    events: StreamEvents,
  ): StreamSocket {
    const { address: host, port } = remote
    const from = source === null ? {} : { localAddress: source }
    const socket =
      security === null ? connect({ host, port, noDelay: true, ...from }) : this.#connectSecure(remote, from, security)
    const limit = setTimeout(() => socket.destroy(new Error('not connected in time')), CONNECT_MS)
    socket.once(security === null ? 'connect' : 'secureConnect', () => {
      clearTimeout(limit)
      socket.setKeepAlive(true, PROBE_AFTER_MS)
      events.onOpen()
    })
    socket.once('close', () => clearTimeout(limit))
    return wrap(socket, events)
  }

  #connectSecure({ address: host, port }: Endpoint, from: object, { serverName, verify }: StreamSecurity): Socket {
    const name = serverName.replace(/^\[|\]$/g, '')
    // A server name indication never holds an address (RFC 6066 §3); the certificate is checked against it all the same.
    const named = isIP(name) === 0 ? { servername: name } : {}
    const context = this.#certificates === null ? {} : { secureContext: this.#certificates.client() }
    return connectSecure({ host, port, ...from, ...context, ...named, rejectUnauthorized: verify })
  }

  #secureServer(): SecureServer {
    if (this.#certificates === null) throw new Error('no certificate to listen with')
    const server = createSecureServer({ ...this.#certificates.server(), handshakeTimeout: HANDSHAKE_MS, noDelay: true })
    this.#listeners.add(server)
    return server
  }

  #listener(server: Server): StreamListener {
    const { address, port } = server.address() as { address: string; port: number }
    return {
      local: { address, port },
      close: () => {
        this.#listeners.delete(server as SecureServer)
        server.close()
      },
    }
  }
}

function admit(socket: Socket, listening: StreamListening): void {
  const address = plainAddress(socket.remoteAddress ?? '')
  socket.on('error', () => {})
  if (address === '' || !listening.admits(address)) {
    socket.destroy()
    return
  }
  socket.once('close', () => listening.left(address))
}

function accept(socket: Socket, listening: StreamListening): void {
  socket.setKeepAlive(true, PROBE_AFTER_MS)
  const remote = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
  let events: Pick<StreamEvents, 'onData' | 'onClosed'> | null = null
  const wrapped = wrap(socket, {
    onOpen: () => {},
    onData: (bytes) => events?.onData(bytes),
    onClosed: (why) => events?.onClosed(why),
  })
  events = listening.onConnection(wrapped, remote)
}

function wrap(socket: Socket, events: StreamEvents): StreamSocket {
  let why = 'closed by the far end'
  let isOver = false
  socket.on('error', (cause) => {
    why = cause.message
  })
  socket.on('data', (bytes: Buffer) => {
    if (!isOver) events.onData(bytes)
  })
  // A half-closed connection is of no use: who sends no more hears no more.
  socket.on('end', () => socket.destroy())
  socket.once('close', () => {
    if (!isOver) events.onClosed(why)
    isOver = true
  })
  return {
    get waitingBytes() {
      return socket.writableLength
    },
    send: (bytes) => {
      if (!isOver && socket.writable) socket.write(Uint8Array.from(bytes))
    },
    close: () => {
      if (isOver) return
      isOver = true
      socket.end()
      const force = setTimeout(() => socket.destroy(), LINGER_MS)
      force.unref()
      socket.once('close', () => clearTimeout(force))
    },
  }
}
