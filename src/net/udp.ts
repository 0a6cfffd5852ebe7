/** Datagrams over real sockets. Bound to `::` a socket carries both families, and IPv4 addresses look like themselves. */

import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { mappedAddress, plainAddress } from './family.ts'
import type { DatagramSocket, Endpoint, Network } from './port.ts'

/** The default of 208 KiB overflows in bursts on a busy machine. The system may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

export class UdpNetwork implements Network {
  /** Datagrams that the system did not take, and what it had to complain about sockets. */
  errors = 0
  readonly #sent = (error: Error | null): void => {
    if (error) this.errors++
  }

  bind(local: Endpoint, onDatagram: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket> {
    const family = isIPv6(local.address) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Only addresses are sent to. Answering here and now lets `send` reach the system before it returns.
      lookup: (address, _options, answer) => answer(null, address, family),
    })
    return new Promise((resolve, reject) => {
      socket.once('error', (cause) => {
        socket.close()
        reject(cause)
      })
      socket.bind({ address: local.address, port: local.port, exclusive: true }, () => {
        socket.removeAllListeners('error')
        // A port that answered "unreachable" is the far end's matter: its silence is noticed elsewhere.
        socket.on('error', () => this.errors++)
        const isDual = local.address === '::'
        if (isDual) socket.on('message', (bytes, from) => onDatagram(bytes, plain(from)))
        else socket.on('message', onDatagram)
        resolve(this.#opened(socket, isDual))
      })
    })
  }

  #opened(socket: ReturnType<typeof createSocket>, isDual: boolean): DatagramSocket {
    const { address, port } = socket.address()
    let isOpen = true
    return {
      local: { address, port },
      send: (bytes, to) => {
        if (!isOpen) return
        try {
          // Copied, for the system may keep it when its own buffer is full.
          const address = isDual ? mappedAddress(to.address) : to.address
          socket.send(Buffer.from(bytes), to.port, address, this.#sent)
        } catch {
          // A port that is none.
          this.errors++
        }
      },
      close: () => {
        if (!isOpen) return
        isOpen = false
        socket.removeAllListeners('message')
        socket.close()
      },
    }
  }
}

function plain(from: Endpoint): Endpoint {
  return { address: plainAddress(from.address), port: from.port }
}
