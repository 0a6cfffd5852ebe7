/** A network in memory on a clock: loses, delays, reorders and doubles datagrams as its seed says. */

import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { DatagramSocket, Endpoint, Network } from './port.ts'

export interface Weather {
  /** Shares from 0 to 1. */
  readonly loss: number
  readonly duplicate: number
  /** Share of datagrams held back by `reorderMs`, so that later ones overtake them. */
  readonly reorder: number
  readonly reorderMs: number
  readonly delayMs: number
  readonly jitterMs: number
}

export const FAIR_WEATHER: Weather = { loss: 0, duplicate: 0, reorder: 0, reorderMs: 0, delayMs: 1, jitterMs: 0 }

const FIRST_FREE_PORT = 40_000

export class MemoryNetwork implements Network {
  readonly #clock: Clock
  readonly #random: Random
  readonly #sockets = new Map<string, (bytes: Uint8Array, from: Endpoint) => void>()
  #nextPort = FIRST_FREE_PORT
  /** Where no link has its own. */
  weather: Weather
  readonly #links = new Map<string, Weather>()
  readonly counts = { sent: 0, lost: 0, doubled: 0, delivered: 0, unreachable: 0 }

  constructor(clock: Clock, random: Random, weather: Weather = FAIR_WEATHER) {
    this.#clock = clock
    this.#random = random
    this.weather = weather
  }

  /** Gives the way from one address to another a weather of its own, in this direction. */
  link(fromAddress: string, toAddress: string, weather: Weather): void {
    this.#links.set(`${fromAddress}>${toAddress}`, weather)
  }

  /** Sockets open now. */
  get open(): number {
    return this.#sockets.size
  }

  bind(local: Endpoint, onDatagram: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket> {
    const at = { address: local.address, port: local.port === 0 ? this.#nextPort++ : local.port }
    const name = nameOf(at)
    if (this.#sockets.has(name)) {
      return Promise.reject(Object.assign(new Error(`${name} is taken`), { code: 'EADDRINUSE' }))
    }
    this.#sockets.set(name, onDatagram)
    let isOpen = true
    return Promise.resolve({
      local: at,
      send: (bytes: Uint8Array, to: Endpoint) => {
        if (isOpen) this.#send(Uint8Array.from(bytes), at, to)
      },
      close: () => {
        if (isOpen) this.#sockets.delete(name)
        isOpen = false
      },
    })
  }

  #send(bytes: Uint8Array, from: Endpoint, to: Endpoint): void {
    const weather = this.#links.get(`${from.address}>${to.address}`) ?? this.weather
    this.counts.sent++
    if (this.#random.unit() < weather.loss) {
      this.counts.lost++
      return
    }
    this.#carry(bytes, from, to, weather)
    if (this.#random.unit() < weather.duplicate) {
      this.counts.doubled++
      this.#carry(bytes, from, to, weather)
    }
  }

  #carry(bytes: Uint8Array, from: Endpoint, to: Endpoint, weather: Weather): void {
    const { delayMs, jitterMs, reorder, reorderMs } = weather
    const held = this.#random.unit() < reorder ? reorderMs : 0
    const takes = delayMs + jitterMs * this.#random.unit() + held
    this.#clock.schedule(this.#clock.now() + takes, () => {
      const receive = this.#sockets.get(nameOf(to))
      if (!receive) {
        this.counts.unreachable++
        return
      }
      this.counts.delivered++
      receive(bytes, from)
    })
  }
}

function nameOf(endpoint: Endpoint): string {
  return `${endpoint.address}:${endpoint.port}`
}
