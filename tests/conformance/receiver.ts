/** A webhook receiver on this machine. Answers as it is told, remembers everything, holds all bodies against the contract. */

import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monotonicMs } from '../../src/workers/monotonic.ts'
import { until } from '../e2e/until.ts'
import type { Doc } from './client.ts'
import { assertEnvelope, assertFlat } from './valid.ts'

export interface Delivery {
  /** Monotonic ms of the arrival. */
  readonly at: number
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly raw: string
  readonly type: string
  readonly body: Doc
}

/** @returns the status to answer with; until then the sender waits */
export type Behaviour = (delivery: Delivery) => number | Promise<number>

/** Paths below it take what flows send, whatever it is. */
export const FREE = '/free'

export class Receiver {
  readonly deliveries: Delivery[] = []
  behave: Behaviour = () => 200
  readonly #server: Server
  readonly #faults: unknown[] = []

  static async open(): Promise<Receiver> {
    const receiver = new Receiver()
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => void chunks.push(chunk))
      request.on('end', async () => {
        const raw = Buffer.concat(chunks).toString()
        const { method = '', url = '', headers } = request
        const delivery = this.#received({ at: monotonicMs(), method, path: url, headers, raw })
        const status = await Promise.resolve(this.behave(delivery)).catch((fault: unknown) => {
          this.#faults.push(fault)
          return 500
        })
        response.writeHead(status).end()
      })
      request.on('error', () => {})
    })
  }

  #received(parts: Omit<Delivery, 'type' | 'body'>): Delivery {
    const body = JSON.parse(parts.raw)
    const delivery = { ...parts, type: String(body.type), body }
    try {
      if (parts.path.startsWith(FREE)) return delivery
      if ('data' in body) assertEnvelope(body)
      else assertFlat(body)
    } catch (fault) {
      this.#faults.push(fault)
    } finally {
      this.deliveries.push(delivery)
    }
    return delivery
  }

  url(path = '/webhook'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  of(type: string, where: (delivery: Delivery) => boolean = () => true): Delivery[] {
    if (this.#faults.length > 0) throw this.#faults[0]
    return this.deliveries.filter((delivery) => delivery.type === type && where(delivery))
  }

  async delivered(type: string, where?: (delivery: Delivery) => boolean, limitMs?: number): Promise<Delivery> {
    await until(`a delivery of ${type}`, () => this.of(type, where).length > 0, limitMs)
    return this.of(type, where)[0]!
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** The header of contract §16. */
export function signature(secret: string, raw: string): string {
  return `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`
}
