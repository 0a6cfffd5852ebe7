/** A server to ask in tests: the real store in memory, a clock moved by hand, and calls that do what they are told. */

import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { NewEvent, Records } from '../calls/ports.ts'
import { assertEvent } from '../contract/check.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { CommitResult, Store } from '../store/port.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { AnswerBook } from './answers.ts'
import type { ApiDeps, ApiSettings, Contact } from './deps.ts'
import { buildServer } from './server.ts'
import { FakeCalls } from './test-world-calls.ts'

/** Bytes that differ each time and are the same in every run. */
function countedBytes(): (size: number) => Uint8Array {
  let count = 0
  return (size) => {
    const bytes = new Uint8Array(size)
    for (let at = 0; at < size; at += 32) {
      bytes.set(
        createHash('sha256')
          .update(`bytes ${count++}`)
          .digest()
          .subarray(0, size - at),
        at,
      )
    }
    return bytes
  }
}

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests read any shape of body
  readonly body: any
  readonly headers: Readonly<Record<string, unknown>>
}

export const OPERATOR_KEY = 'the key of the operator'

export class World {
  readonly captured = new Set<string>()
  drainMs: number | null = null
  readonly clock = new VirtualClock()
  readonly events: NewEvent[] = []
  /** Fields and message. */
  readonly logged: (readonly [unknown, string])[] = []
  readonly contacts = new Map<string, Contact[]>()
  readonly randomBytes = countedBytes()
  readonly store: Store
  readonly calls: FakeCalls
  readonly deps: ApiDeps
  readonly app: FastifyInstance
  /** What every route promises; `ask` holds every answer against it. */
  readonly answers = new AnswerBook()
  /** Makes the store refuse all writes. */
  isFull = false

  constructor(settings: Partial<ApiSettings> = {}) {
    this.store = new InThreadStore(openSqlite({ path: ':memory:' }))
    this.calls = new FakeCalls(this)
    const note = (fields: unknown, message: string): void => {
      this.logged.push([fields, message])
    }
    this.deps = {
      store: this.store,
      records: this.records(),
      calls: this.calls,
      log: { error: note, warn: note, info: note, debug: note },
      clock: this.clock,
      settings: {
        name: 'Quietline',
        version: '0.0.0-test',
        baseDomain: 'quietline.test',
        signup: 'open',
        jwtKey: new Uint8Array(32).fill(7),
        ...settings,
      },
      randomBytes: this.randomBytes,
      registrations: {
        contactsOf: (id) => this.contacts.get(id) ?? [],
        drop: (id) => void this.contacts.delete(id),
      },
      webhooks: {
        replay: async (_event, delivery) => ({ ...delivery, state: 'pending', attempts: 0 }),
        bodyOf: async (event) => JSON.stringify({ type: event.type, data: event.data }),
      },
      speech: {
        languages: () => [
          { language: 'en-US', stt: ['phrases'], tts: ['flite'], voices: ['slt', 'rms'] },
          { language: 'fr-FR', stt: ['phrases'], tts: [], voices: [] },
        ],
        defaultPhrases: ['yes please', 'no thank you'],
        howToAdd: 'Languages are added with: quietline add-language <tag>',
      },
      metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', metrics: async () => 'calls 1\n' },
      isReady: () => ({ ready: !this.isFull, why: this.isFull ? 'the store is full' : '' }),
      captures: {
        start: (callId) => this.captured.add(callId).size > 0,
        stop: (callId) => void this.captured.delete(callId),
        state: (callId) => ({
          status: this.captured.has(callId) ? 'capturing' : 'none',
          sip_messages: 1,
          media_packets: 0,
          left_out: 0,
          ladder: [`INVITE of ${callId}`],
        }),
        pcap: () => new Uint8Array(24),
      },
      operator: {
        key: OPERATOR_KEY,
        drainState: () => ({ draining: this.drainMs !== null, calls: 0, seconds_left: this.drainMs }),
        drain: (deadlineMs) => {
          this.drainMs = deadlineMs
        },
        takeAgain: () => {
          this.drainMs = null
        },
        doctor: async () => ({ facts: {} }),
      },
    }
    this.app = buildServer(this.deps, (route) => this.answers.note(route))
  }

  records(): Records {
    return {
      save: async (change): Promise<CommitResult> => {
        if (this.isFull) return { ok: false, kind: 'failed', why: 'database or disk is full' }
        const { events, ...batch } = change
        for (const event of events) assertEvent(event.type, event.data)
        const done = await this.store.commit(batch)
        if (done.ok) this.events.push(...events)
        return done
      },
    }
  }

  time(): string {
    return timestamp(this.clock.wallMicros())
  }

  async ask(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS',
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const payload = body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }
    const typed = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await this.app.inject({ method, url, ...payload, headers: { ...typed, ...headers } })
    const isJson = String(response.headers['content-type']).includes('json')
    const answer = { status: response.statusCode, body: isJson ? response.json() : response.body }
    if (method !== 'OPTIONS') this.answers.assert(method, url, answer.status, answer.body)
    return { ...answer, headers: response.headers }
  }

  /** Signs up and answers whom. */
  async customer(username: string): Promise<Asker> {
    const { body } = await this.ask('POST', '/auth/signup', { username, password: `${username} secret` })
    return new Asker(this, body.customer.id, body.accesskey.token)
  }

  async close(): Promise<void> {
    await this.app.close()
    await this.store.close()
  }
}

/** A customer with its key. */
export class Asker {
  readonly #world: World
  readonly id: string
  readonly token: string

  constructor(world: World, id: string, token: string) {
    this.#world = world
    this.id = id
    this.token = token
  }

  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', path: string, body?: unknown): Promise<Answer> {
    const url = `/v1.0${path}${path.includes('?') ? '&' : '?'}token=${this.token}`
    return this.#world.ask(method, url, body)
  }

  get(path: string): Promise<Answer> {
    return this.ask('GET', path)
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.ask('POST', path, body)
  }

  put(path: string, body?: unknown): Promise<Answer> {
    return this.ask('PUT', path, body)
  }

  delete(path: string): Promise<Answer> {
    return this.ask('DELETE', path)
  }
}
