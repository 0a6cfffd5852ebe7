/**
 * The caller's side of the wire: calls over SIP and RTP, requests over HTTP, events over the WebSocket. Every time in here
 * is read on this side.
 */

import { Agent, request } from 'node:http'
import WebSocket from 'ws'
import { isVoiced } from '../../src/audio/level.ts'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { SeededRandom } from '../../src/kernel/random.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import { Phone, type PhoneCall } from '../../src/phone/user-agent.ts'
import type { Access, ServerAnswers, ServerQuestion } from './messages.ts'

const HERE = '127.0.0.1'
const TOPICS = ['call', 'transcript', 'transcribe', 'speaking', 'flow']

type Doc = Readonly<Record<string, unknown>>

export interface Answered {
  readonly status: number
  readonly body: Doc
  /** Before the request was handed to the socket, and when its answer was complete. */
  readonly sentAt: number
  readonly doneAt: number
}

export interface ApiEvent {
  readonly type: string
  readonly data: Doc
  readonly at: number
}

export type AskServer = <Q extends ServerQuestion>(question: Q, port?: number) => Promise<ServerAnswers[Q]>

export interface WorldOptions {
  readonly access: Access
  readonly askServer: AskServer
  /** 1 is the full run; less is for trying things out. */
  readonly scale: number
  readonly seed: string
  /** False: phones that send nothing while they say nothing, so that the receiver has nothing else to do. */
  readonly sendSilence?: boolean
  /** False: no WebSocket, so that the server's events are stored and told to nobody. */
  readonly listens?: boolean
}

export class World {
  readonly clock = new RealClock()
  readonly askServer: AskServer
  readonly random: SeededRandom
  readonly scale: number
  readonly access: Access
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #callIds = new Map<string, string>()
  readonly #listeners = new Set<(event: ApiEvent) => void>()
  readonly #lines: Line[] = []
  #socket: WebSocket | null = null
  #phone!: Phone

  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options)
    if (options.listens ?? true) await world.#subscribe()
    world.#phone = await Phone.open({
      network: new UdpNetwork(),
      clock: world.clock,
      localAddress: HERE,
      server: { address: HERE, port: options.access.sipPort },
      user: 'bench',
      seed: options.seed,
      sendSilence: options.sendSilence ?? true,
    })
    return world
  }

  private constructor({ access, askServer, scale, seed }: WorldOptions) {
    this.access = access
    this.askServer = askServer
    this.scale = scale
    this.random = new SeededRandom(seed)
  }

  /** At least `least`, `full` in a full run. */
  times(full: number, least: number): number {
    return Math.max(least, Math.round(full * this.scale))
  }

  between(from: number, to: number): number {
    return from + this.random.unit() * (to - from)
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  async close(): Promise<void> {
    await this.#phone.close()
    this.#socket?.terminate()
    this.#agent.destroy()
  }

  /** Calls that the server answers; returns when it has told their ids. */
  async call(count: number): Promise<Line[]> {
    const lines: Line[] = []
    for (let i = 0; i < count; i++) {
      const call = await this.#phone.call(this.access.number)
      await call.answered
      const callId = await this.until('the id of a call', 5_000, () => this.#callIds.get(call.sipCallId))
      lines.push(new Line(this, call, callId))
    }
    this.#lines.push(...lines)
    return lines
  }

  /** Looks again and again until there is something. @throws when there is nothing in time */
  async until<T>(what: string, limitMs: number, look: () => T | null | undefined): Promise<T> {
    const limit = this.clock.now() + limitMs
    for (;;) {
      const found = look()
      if (found !== null && found !== undefined) return found
      if (this.clock.now() > limit) throw new Error(`${what}: not within ${limitMs} ms`)
      await this.wait(5)
    }
  }

  onEvent(listener: (event: ApiEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The next event that is wanted, or null when none comes in time. Call it before what causes the event. */
  event(limitMs: number, wanted: (event: ApiEvent) => boolean): Promise<ApiEvent | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(null), limitMs)
      const off = this.onEvent((event) => {
        if (wanted(event)) done(event)
      })
      const done = (event: ApiEvent | null): void => {
        clearTimeout(timer)
        off()
        resolve(event)
      }
    })
  }

  /** One request. @throws for an answer other than 2xx */
  ask(method: string, path: string, body?: object): Promise<Answered> {
    const { token, httpPort: port } = this.access
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    }
    return new Promise((resolve, reject) => {
      let sentAt = 0
      const asked = request(
        { agent: this.#agent, host: HERE, port, method, path: `/v1.0${path}`, headers },
        (answer) => {
          const pieces: Buffer[] = []
          answer.on('data', (piece: Buffer) => pieces.push(piece))
          answer.on('end', () => {
            const doneAt = this.clock.now()
            const status = answer.statusCode ?? 0
            const told = Buffer.concat(pieces).toString()
            if (status >= 300) reject(new Error(`${method} ${path}: ${status} ${told}`))
            else resolve({ status, body: told === '' ? {} : JSON.parse(told), sentAt, doneAt })
          })
        },
      )
      asked.on('error', reject)
      sentAt = this.clock.now()
      asked.end(text)
    })
  }

  async #subscribe(): Promise<void> {
    const { token, customerId, httpPort } = this.access
    const socket = new WebSocket(`ws://${HERE}:${httpPort}/v1.0/ws`, { headers: { authorization: `Bearer ${token}` } })
    this.#socket = socket
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    socket.send(
      JSON.stringify({ type: 'subscribe', topics: TOPICS.map((topic) => `customer_id:${customerId}:${topic}:`) }),
    )
    socket.on('message', (bytes) => this.#told(String(bytes), this.clock.now()))
  }

  #told(text: string, at: number): void {
    const { type, data } = JSON.parse(text) as { type: string; data?: Doc }
    if (!data) return
    const sipCallId = (data['metadata'] as Doc | undefined)?.['sip_call_id']
    if (type.startsWith('call_') && typeof sipCallId === 'string') this.#callIds.set(sipCallId, String(data['id']))
    for (const listener of [...this.#listeners]) listener({ type, data, at })
  }
}

/** One call, and what the caller hears on it. */
export class Line {
  readonly callId: string
  readonly call: PhoneCall
  readonly #world: World
  #lastVoicedAt: number | null = null
  #onVoiced: ((at: number) => void) | null = null
  speakingId = ''

  constructor(world: World, call: PhoneCall, callId: string) {
    this.#world = world
    this.call = call
    this.callId = callId
    call.onFrame = (pcm8k, { at }) => {
      if (!isVoiced(pcm8k)) return
      this.#lastVoicedAt = at
      this.#onVoiced?.(at)
      this.#onVoiced = null
    }
  }

  get lastVoicedAt(): number | null {
    return this.#lastVoicedAt
  }

  /** Arrival of the next voiced packet; null when none comes in time. */
  nextVoiced(limitMs: number): Promise<number | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#onVoiced = null
        resolve(null)
      }, limitMs)
      this.#onVoiced = (at) => {
        clearTimeout(timer)
        resolve(at)
      }
    })
  }

  async openSpeaking(voice = 'rms'): Promise<void> {
    const wish = { reference_type: 'call', reference_id: this.callId, language: 'en-US', voice_id: voice }
    const started = this.#world.event(
      3_000,
      ({ type, data }) => type === 'speaking_started' && data['reference_id'] === this.callId,
    )
    this.speakingId = String((await this.#world.ask('POST', '/speakings', wish)).body['id'])
    if (!(await started)) throw new Error('a speaking did not start')
  }

  say(text: string): Promise<Answered> {
    return this.#world.ask('POST', `/speakings/${this.speakingId}/say`, { text })
  }

  flush(): Promise<Answered> {
    return this.#world.ask('POST', `/speakings/${this.speakingId}/flush`)
  }
}
