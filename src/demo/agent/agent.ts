/**
 * The demo agent: takes every incoming call to its number and holds a conversation on it. A client like any other: one
 * access key, the REST API and the event WebSocket.
 */

import type { Log } from '../../kernel/log.ts'
import { Api, type CallDoc } from './api.ts'
import { CallSession, type EventData } from './call-session.ts'
import { EventStream } from './event-stream.ts'

export interface AgentOptions {
  /** `http://host:port/v1.0` */
  readonly base: string
  readonly token: string
  readonly customerId: string
  /** The number it answers, in E.164 form. */
  readonly number: string
  readonly log: Log
  /** Called each time it is connected, subscribed and has looked for calls already waiting. */
  onReady?(): void
}

export class DemoAgent {
  readonly #options: AgentOptions
  readonly #api: Api
  readonly #stream: EventStream
  readonly #sessions = new Map<string, CallSession>()

  constructor(options: AgentOptions) {
    this.#options = options
    this.#api = new Api(options)
    const prefix = `customer_id:${options.customerId}`
    this.#stream = new EventStream({
      base: options.base,
      token: options.token,
      topics: ['call', 'transcript', 'transcribe', 'speaking'].map((resource) => `${prefix}:${resource}:*`),
      onEvent: (type, data) => this.#event(type, data),
      onOpen: () => void this.#catchUp(),
      onLost: (pauseMs) => options.log.warn({ pause_ms: pauseMs }, 'demo agent lost its connection'),
    })
  }

  /** How many calls it is holding. */
  get callCount(): number {
    return this.#sessions.size
  }

  /** Calls go on without it. May be called twice. */
  close(): void {
    this.#stream.close()
    for (const session of this.#sessions.values()) session.end()
    this.#sessions.clear()
  }

  /** Calls that began or ended while there was no connection. */
  async #catchUp(): Promise<void> {
    try {
      for (const id of [...this.#sessions.keys()]) {
        if ((await this.#api.call(id))?.status !== 'progressing') this.#forget(id)
      }
      const waiting = (await this.#api.calls()).filter((call) => this.#isMine(call) && call.status === 'progressing')
      for (const call of waiting) this.#take(call.id)
    } catch (error) {
      this.#options.log.warn({ why: String(error) }, 'demo agent could not list calls')
    }
    this.#options.onReady?.()
  }

  #event(type: string, data: EventData): void {
    const id = String(data['id'])
    if (type === 'call_progressing' && this.#isMine(data as unknown as CallDoc)) this.#take(id)
    else if (type === 'call_hangup') this.#forget(id)
    else this.#sessionOf(data)?.event(type, data)
  }

  #sessionOf(data: EventData): CallSession | undefined {
    const byCall = this.#sessions.get(String(data['call_id'] ?? data['reference_id']))
    if (byCall) return byCall
    return [...this.#sessions.values()].find((session) => session.hasTranscribe(data['transcribe_id']))
  }

  #isMine(call: CallDoc): boolean {
    return call.direction === 'incoming' && call.destination?.target === this.#options.number
  }

  #take(callId: string): void {
    if (this.#sessions.has(callId)) return
    const session = new CallSession(callId, this.#api, this.#options.log)
    this.#sessions.set(callId, session)
    void session.start()
  }

  #forget(callId: string): void {
    this.#sessions.get(callId)?.end()
    this.#sessions.delete(callId)
  }
}
