/** HTTP and WebSocket: the API, the page, the event socket and the web phone on one port. */

import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { authenticator } from './api/auth.ts'
import type { ApiDeps } from './api/deps.ts'
import { pagePlugin } from './api/page/plugin.ts'
import { buildServer } from './api/server.ts'
import type { WsHub } from './api/ws-hub.ts'
import type { Config } from './config.ts'
import { PHRASE_GUIDE } from './demo/agent/phrase-guide.ts'
import { speakIntoMemory } from './demo/caller/voice.ts'
import type { Clock } from './kernel/clock.ts'
import type { Log } from './kernel/log.ts'
import { UdpNetwork } from './net/udp.ts'
import { Phone } from './phone/user-agent.ts'
import { WebPhones } from './phone/web-phone.ts'

export interface Doors {
  readonly port: number
  close(): Promise<void>
}

export async function openDoors(want: {
  readonly config: Config
  readonly deps: ApiDeps
  readonly hub: WsHub
  readonly log: Log
  readonly clock: Clock
  readonly sipPort: number
  readonly demoNumber: string
}): Promise<Doors> {
  const { config, deps, hub, log, clock, sipPort, demoNumber } = want
  const server = buildServer(deps)
  server.register(pagePlugin, { settings: () => ({ demoNumber, guide: PHRASE_GUIDE }) })
  const phones = new WebPhones({
    clock,
    log,
    openLine: () =>
      Phone.open({
        network: new UdpNetwork(),
        clock,
        localAddress: '127.0.0.1',
        server: {
          address: config.bind === '0.0.0.0' || config.bind === '::' ? '127.0.0.1' : config.bind,
          port: sipPort,
        },
        user: 'browser',
        seed: Buffer.from(deps.randomBytes(16)).toString('hex'),
      }),
    synthesise: async (text) => (await speakIntoMemory([text]))[0]!,
  })
  const authenticate = authenticator(deps)
  server.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const { pathname } = new URL(request.url ?? '/', 'http://host')
    const isHub = /^\/v1\.0\/ws\/?$/.test(pathname)
    if (!isHub && !/^\/phone\/?$/.test(pathname)) return refuse(socket, 404, 'Not Found')
    void authenticate({ url: request.url ?? '/', headers: request.headers }).then(
      (identity) => {
        if (!identity) return refuse(socket, 401, 'Unauthorized')
        if (isHub) hub.accept(request, socket, head, identity)
        else phones.accept(request, socket, head, identity)
        return undefined
      },
      () => refuse(socket, 503, 'Service Unavailable'),
    )
  })
  await server.listen({ host: config.bind, port: config.httpPort })
  return {
    port: (server.server.address() as AddressInfo).port,
    async close() {
      await phones.close()
      // Their sockets count as connections, which the server's close would wait for.
      await hub.close()
      server.server.closeAllConnections()
      await server.close()
    },
  }
}

function refuse(socket: Duplex, status: number, phrase: string): void {
  socket.end(`HTTP/1.1 ${status} ${phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
