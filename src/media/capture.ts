/**
 * Copies of what passes on a leg's sockets, while somebody looks for a fault: as it is on the wire, protection and all. Sits
 * between the sockets and everybody else, so that nothing can pass beside it; while nobody looks it costs a comparison.
 */

import type { Millis } from '../kernel/clock.ts'
import type { DatagramSocket, Endpoint, Network } from '../net/port.ts'
import type { CapturedPacket } from './protocol.ts'

/** Told in batches, so that a capture costs the media thread little. */
const BATCH = 50

type Tell = (packets: readonly CapturedPacket[]) => void

export class CapturingNetwork implements Network {
  readonly #network: Network
  readonly #now: () => Millis
  readonly #taps = new Map<number, Tap>()

  constructor(network: Network, now: () => Millis) {
    this.#network = network
    this.#now = now
  }

  /** From now on what passes on this port is told; null ends it, and tells the rest. */
  watch(port: number, tell: Tell | null): void {
    this.#taps.get(port)?.flush()
    this.#taps.delete(port)
    if (tell) this.#taps.set(port, new Tap(tell))
  }

  async bind(local: Endpoint, onDatagram: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket> {
    let { port } = local
    const socket = await this.#network.bind(local, (bytes, from) => {
      if (this.#taps.size > 0) this.#taps.get(port)?.note(false, bytes, from, this.#now())
      onDatagram(bytes, from)
    })
    port = socket.local.port
    return {
      local: socket.local,
      send: (bytes, to) => {
        if (this.#taps.size > 0) this.#taps.get(port)?.note(true, bytes, to, this.#now())
        socket.send(bytes, to)
      },
      close: () => {
        this.watch(port, null)
        socket.close()
      },
    }
  }
}

class Tap {
  readonly #tell: Tell
  #packets: CapturedPacket[] = []

  constructor(tell: Tell) {
    this.#tell = tell
  }

  note(isOut: boolean, bytes: Uint8Array, remote: Endpoint, at: Millis): void {
    const { address, port } = remote
    this.#packets.push({ isOut, bytes: Uint8Array.from(bytes), remote: { address, port }, at })
    if (this.#packets.length >= BATCH) this.flush()
  }

  flush(): void {
    if (this.#packets.length > 0) this.#tell(this.#packets)
    this.#packets = []
  }
}
