/** A customer's program: REST with a key, event sockets with topics of its choice. All it sees is held against the contract. */

import assert from 'node:assert/strict'
import { until } from '../e2e/until.ts'
import { assertAnswer, assertFrame } from './valid.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests read any shape of document
export type Doc = any

export interface Answer {
  readonly status: number
  readonly body: Doc
  readonly headers: Headers
}

export interface Frame {
  readonly type: string
  readonly event_type: string
  readonly timestamp: string
  readonly topic: string
  readonly seq: number | null
  readonly data: Doc
}

export class Client {
  /** `http://127.0.0.1:7700` */
  readonly origin: string
  readonly token: string
  readonly customerId: string

  constructor(origin: string, token: string, customerId: string) {
    this.origin = origin
    this.token = token
    this.customerId = customerId
  }

  /** @param path below `/v1.0`. @param body text is sent as it is, anything else as JSON */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await askAnyone(`${this.origin}/v1.0${path}`, method, body, {
      authorization: `Bearer ${this.token}`,
    })
    assertAnswer(method, path, answer.status, answer.body)
    return answer
  }

  /** Asks for what must be done: anything but 2xx fails. */
  async must(method: string, path: string, body?: unknown): Promise<Doc> {
    const { status, body: doc } = await this.ask(method, path, body)
    assert.ok(status >= 200 && status < 300, `${method} ${path}: ${status} ${JSON.stringify(doc)}`)
    return doc
  }

  /** Asks for what must be refused. @returns `error` of the answer */
  async refused(status: number, method: string, path: string, body?: unknown): Promise<Doc> {
    const answer = await this.ask(method, path, body)
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body.error
  }

  /** A number whose calls run these actions. */
  async number(number: string, actions: readonly object[]): Promise<Doc> {
    const flow = await this.must('POST', '/flows', { name: number, actions })
    return this.must('POST', '/numbers', { number, call_flow_id: flow.id })
  }

  transcribe(callId: string, more: object = {}): Promise<Doc> {
    return this.must('POST', '/transcribes', {
      reference_type: 'call',
      reference_id: callId,
      language: 'en-US',
      ...more,
    })
  }

  speaking(callId: string, more: object = {}): Promise<Doc> {
    return this.must('POST', '/speakings', { reference_type: 'call', reference_id: callId, ...more })
  }

  say(speakingId: string, text: string): Promise<Doc> {
    return this.must('POST', `/speakings/${speakingId}/say`, { text })
  }

  /** Subscribes to these topics of its customer, such as `call:*`; none: everything. */
  listen(...topics: readonly string[]): Promise<EventSocket> {
    const own = topics.map((topic) => `customer_id:${this.customerId}:${topic}`)
    return EventSocket.open(this, own.length > 0 ? own : [`customer_id:${this.customerId}`])
  }
}

/** One request; JSON is read, whatever else comes is given as text. */
export async function askAnyone(
  url: string,
  method: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const payload = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const typed = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(url, { method, headers: { ...typed, ...headers }, redirect: 'manual', ...payload })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text, headers: response.headers }
}

/** Frames that a failure shows. */
const LAST_ONES = 12

/** A WebSocket as the documents' programs use it. */
export class EventSocket {
  readonly frames: Frame[] = []
  /** What was wrong with a frame; the test that waits next fails with it. */
  readonly #faults: unknown[] = []
  readonly #socket: WebSocket
  closeCode: number | null = null

  static async open(client: Client, topics: readonly string[]): Promise<EventSocket> {
    const socket = new WebSocket(`${client.origin.replace('http', 'ws')}/v1.0/ws?token=${client.token}`)
    const mine = new EventSocket(socket)
    await until('the event socket is open', () => socket.readyState !== WebSocket.CONNECTING)
    if (socket.readyState === WebSocket.OPEN && topics.length > 0) await mine.subscribe(topics)
    return mine
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#received(JSON.parse(String(data))))
    socket.addEventListener('close', ({ code }) => {
      this.closeCode = code
    })
    socket.addEventListener('error', () => {})
  }

  /** Sends the frame of the documents, and waits until it has taken hold. */
  async subscribe(topics: readonly string[]): Promise<void> {
    this.send({ type: 'subscribe', topics })
    // No acknowledgement comes; an answer to a later question says that the subscription before it is done.
    this.send({ type: 'subscriptions' })
    await until('the subscription holds', () => this.#answers > 0 || this.closeCode !== null)
    this.#answers = 0
  }

  #answers = 0

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  #received(frame: Frame): void {
    if (frame.type === 'subscriptions') {
      this.#answers++
      return
    }
    try {
      assertFrame(frame)
    } catch (fault) {
      this.#faults.push(fault)
    }
    this.frames.push(frame)
  }

  of(type: string, where: (data: Doc) => boolean = () => true): Doc[] {
    if (this.#faults.length > 0) throw this.#faults[0]
    return this.frames.filter((frame) => frame.type === type && where(frame.data)).map(({ data }) => data)
  }

  /** Waits for an event. @returns its data */
  async event(type: string, where?: (data: Doc) => boolean, limitMs?: number): Promise<Doc> {
    await until(`the event ${type}`, () => this.of(type, where).length > 0, limitMs).catch((cause: Error) => {
      throw new Error(`${cause.message}; the last ones were:\n${this.#lastOnes()}`)
    })
    return this.of(type, where)[0]
  }

  #lastOnes(): string {
    const facts = ({ status, direction, message, recognised, text_heard }: Doc): string =>
      JSON.stringify({ status, direction, message, recognised, text_heard })
    return this.frames
      .slice(-LAST_ONES)
      .map(({ type, data }) => `  ${type} ${facts(data)}`)
      .join('\n')
  }

  close(): void {
    this.#socket.close()
  }
}
