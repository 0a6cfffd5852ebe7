/** The public API as a customer uses it: REST with a key, and the events of the WebSocket. */

import { EventStream } from '../../src/demo/caller/api-client.ts'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests read any shape of body
  readonly body: any
}

export interface Seen {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read any shape of event
  readonly data: any
}

export interface Access {
  /** `http://127.0.0.1:7700/v1.0` */
  readonly base: string
  readonly token: string
  readonly customerId: string
}

export class Api {
  readonly access: Access
  readonly events: Seen[] = []
  #stream: EventStream | null = null

  constructor(access: Access) {
    this.access = access
  }

  /** @param body a text is sent as it is, anything else as JSON */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const { base, token } = this.access
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }

  async must(method: string, path: string, body?: unknown): Promise<Answer['body']> {
    const answer = await this.ask(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async listen(): Promise<void> {
    this.#stream = await EventStream.open(this.access, (frame) => {
      const { type, data } = frame as Seen
      if (data) this.events.push({ type, data })
    })
  }

  of(type: string): Seen['data'][] {
    return this.events.filter((event) => event.type === type).map(({ data }) => data)
  }

  close(): void {
    this.#stream?.close()
  }

  /** A number whose flow answers and leaves the rest to whoever listens. */
  async answeringNumber(number: string): Promise<void> {
    const actions = [{ type: 'answer' }, { type: 'sleep', option: { duration: 3_600_000 } }]
    const flow = await this.must('POST', '/flows', { name: 'answers', actions })
    await this.must('POST', '/numbers', { number, call_flow_id: flow.id })
  }

  speakOn(callId: string): Promise<Answer['body']> {
    return this.must('POST', '/speakings', { reference_type: 'call', reference_id: callId, language: 'en-US' })
  }

  listenOn(callId: string, phrases?: readonly string[]): Promise<Answer['body']> {
    return this.must('POST', '/transcribes', {
      reference_type: 'call',
      reference_id: callId,
      language: 'en-US',
      direction: 'in',
      ...(phrases ? { phrases } : {}),
    })
  }

  say(speakingId: string, text: string): Promise<Answer['body']> {
    return this.must('POST', `/speakings/${speakingId}/say`, { text })
  }
}
