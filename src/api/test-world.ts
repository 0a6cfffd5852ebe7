/** A server to ask in tests: the real store in memory, a clock moved by hand, and calls that do what they are told. */

import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { CallCommand, CallsDoor, Originate, Outcome } from '../calls/commands.ts'
import type { NewEvent, Records } from '../calls/ports.ts'
import type { CallDoc } from '../contract/call.ts'
import type { GroupcallDoc } from '../contract/groupcall.ts'
import { rowOf } from '../contract/row.ts'
import type { SpeakingDoc } from '../contract/speaking.ts'
import type { TranscribeDoc } from '../contract/transcribe.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { NIL_UUID, timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { CommitResult, Store } from '../store/port.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import type { ApiDeps, ApiSettings, Contact } from './deps.ts'
import { newUuid } from './secrets.ts'
import { buildServer } from './server.ts'

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

export class World {
  readonly clock = new VirtualClock()
  readonly events: NewEvent[] = []
  readonly logged: unknown[] = []
  readonly contacts = new Map<string, Contact[]>()
  readonly randomBytes = countedBytes()
  readonly store: Store
  readonly calls: FakeCalls
  readonly deps: ApiDeps
  readonly app: FastifyInstance
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
    }
    this.app = buildServer(this.deps)
  }

  records(): Records {
    return {
      save: async (change): Promise<CommitResult> => {
        if (this.isFull) return { ok: false, kind: 'failed', why: 'database or disk is full' }
        const { events, ...batch } = change
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
    return { status: response.statusCode, body: isJson ? response.json() : response.body, headers: response.headers }
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

type Session = { kind: 'transcribe'; doc: TranscribeDoc } | { kind: 'speaking'; doc: SpeakingDoc }

/** Calls without sound: their records and their refusals, no more. */
export class FakeCalls implements CallsDoor {
  readonly #world: World
  readonly originated: Originate[] = []
  readonly commands: CallCommand[] = []
  readonly live = new Map<string, CallDoc>()
  readonly sessions = new Map<string, Session>()

  constructor(world: World) {
    this.#world = world
  }

  async originate(request: Originate): Promise<Outcome> {
    this.originated.push(request)
    const groupcallId = newUuid(this.#world.randomBytes)
    const calls = request.destinations.map((destination) => this.#call(request, groupcallId, destination))
    const groupcall = this.#groupcall(request, groupcallId, calls)
    for (const call of calls) await this.#save('calls', call)
    await this.#save('groupcalls', groupcall)
    return { ok: true, doc: { calls, groupcalls: [groupcall] } }
  }

  async ask(customerId: string, callId: string, command: CallCommand): Promise<Outcome> {
    this.commands.push(command)
    const call = this.live.get(callId)
    if (!call || call.customer_id !== customerId) return { ok: false, code: 'CALL_NOT_FOUND' }
    switch (command.kind) {
      case 'hangup':
        return { ok: true, doc: await this.end(callId) }
      case 'delete':
        return { ok: true, doc: await this.end(callId, this.#world.time()) }
      case 'turns':
        return { ok: true, doc: { result: [], flushes: [{ asked_ms: 5, silent_ms: 21.5 }] } }
      case 'startTranscribe':
      case 'createSpeaking':
        return this.#open(call, command)
      default:
        return this.#session(command)
    }
  }

  callOf(kind: 'transcribe' | 'speaking', id: string): string | null {
    const session = this.sessions.get(id)
    return session?.kind === kind && this.live.has(session.doc.reference_id) ? session.doc.reference_id : null
  }

  async hangupGroupcall(customerId: string, groupcallId: string): Promise<Outcome> {
    const members = [...this.live.values()].filter((call) => call.groupcall_id === groupcallId)
    const row = await this.#world.store.get('groupcalls', customerId, groupcallId)
    if (!row || members.length === 0) return { ok: false, code: 'GROUPCALL_NOT_FOUND' }
    for (const call of members) await this.end(call.id)
    const doc = { ...(row.doc as unknown as GroupcallDoc), status: 'hangup' as const }
    await this.#save('groupcalls', doc)
    return { ok: true, doc }
  }

  async answer(callId: string): Promise<void> {
    const call = { ...this.live.get(callId)!, status: 'progressing' as const, tm_progressing: this.#world.time() }
    await this.#save('calls', call)
  }

  /** Hangs up; its sessions end with it. */
  async end(callId: string, tmDelete: string | null = null): Promise<CallDoc> {
    const call = {
      ...this.live.get(callId)!,
      status: 'hangup' as const,
      hangup_reason: 'normal' as const,
      tm_delete: tmDelete,
    }
    for (const session of this.sessions.values()) {
      if (session.doc.reference_id !== callId) continue
      await this.#saveSession(ended(session))
    }
    await this.#save('calls', call)
    this.live.delete(callId)
    return call
  }

  async #open(call: CallDoc, command: CallCommand): Promise<Outcome> {
    if (call.status !== 'progressing') return { ok: false, code: 'CALL_STATE_INVALID' }
    const time = this.#world.time()
    const base = {
      id: newUuid(this.#world.randomBytes),
      customer_id: call.customer_id,
      reference_type: 'call' as const,
      reference_id: call.id,
      tm_create: time,
      tm_update: time,
      tm_delete: null,
    }
    if (command.kind === 'createSpeaking') {
      const { language, provider, voiceId } = command
      const direction = command.direction as SpeakingDoc['direction']
      const doc = {
        ...base,
        language,
        provider,
        voice_id: voiceId,
        direction,
        status: 'initiating' as const,
        pod_id: '',
      }
      await this.#saveSession({ kind: 'speaking', doc })
      return { ok: true, doc }
    }
    if (command.kind !== 'startTranscribe') throw new Error(`${command.kind} opens nothing`)
    const { language, direction, provider, onEndFlowId } = command
    const same = [...this.sessions.values()].find(
      ({ kind, doc }) =>
        kind === 'transcribe' &&
        doc.reference_id === call.id &&
        doc.language === language &&
        doc.status === 'progressing',
    )
    if (same) {
      const id = { id: same.doc.id }
      return { ok: false, code: 'TRANSCRIBE_ALREADY_PROGRESSING', details: [id], extra: id }
    }
    const fixed = { activeflow_id: NIL_UUID, status: 'progressing' as const, status_reason: '' as const }
    const doc = { ...base, ...fixed, language, direction, provider, on_end_flow_id: onEndFlowId }
    await this.#saveSession({ kind: 'transcribe', doc })
    return { ok: true, doc }
  }

  async #session(command: CallCommand): Promise<Outcome> {
    const id = 'speakingId' in command ? command.speakingId : 'transcribeId' in command ? command.transcribeId : ''
    const session = this.sessions.get(id)!
    const isOver = session.doc.status === 'stopped' || session.doc.status === 'done'
    if ((command.kind === 'say' || command.kind === 'flush') && isOver)
      return { ok: false, code: 'SPEAKING_STATE_INVALID' }
    let next = session
    if (command.kind === 'say' && session.kind === 'speaking') {
      next = { kind: 'speaking', doc: { ...session.doc, status: 'active' } }
    }
    if (command.kind === 'stopSpeaking' || command.kind === 'stopTranscribe') next = ended(session)
    if (command.kind === 'deleteSpeaking' || command.kind === 'deleteTranscribe') {
      next = ended(session)
      next = { ...next, doc: { ...next.doc, tm_delete: this.#world.time() } } as Session
    }
    await this.#saveSession(next)
    return { ok: true, doc: next.doc }
  }

  async #saveSession(session: Session): Promise<void> {
    this.sessions.set(session.doc.id, session)
    const { doc } = session
    const keys = { status: doc.status, reference_type: doc.reference_type, reference_id: doc.reference_id }
    const table = session.kind === 'speaking' ? 'speakings' : 'transcribes'
    await this.#world.store.commit({ rows: [rowOf(table, doc, {}, keys)] })
  }

  async #save(table: 'calls' | 'groupcalls', doc: CallDoc | GroupcallDoc): Promise<void> {
    if (table === 'calls') this.live.set(doc.id, doc as CallDoc)
    await this.#world.store.commit({ rows: [rowOf(table, doc as JsonObject, {}, { status: doc.status })] })
  }

  #call(request: Originate, groupcallId: string, destination: CallDoc['destination']): CallDoc {
    const time = this.#world.time()
    return {
      id: newUuid(this.#world.randomBytes),
      customer_id: request.customerId,
      owner_type: '',
      owner_id: NIL_UUID,
      flow_id: request.flowId,
      activeflow_id: NIL_UUID,
      type: 'flow',
      master_call_id: NIL_UUID,
      chained_call_ids: [],
      recording_id: NIL_UUID,
      recording_ids: [],
      groupcall_id: groupcallId,
      source: request.source ?? { type: '', target: '', target_name: '', name: '', detail: '' },
      destination,
      status: 'dialing',
      action: { id: NIL_UUID, next_id: NIL_UUID, type: '', option: {}, tm_execute: null },
      direction: 'outgoing',
      mute_direction: '',
      hangup_by: '',
      hangup_reason: '',
      metadata: {},
      tm_ringing: null,
      tm_progressing: null,
      tm_hangup: null,
      tm_create: time,
      tm_update: time,
      tm_delete: null,
    }
  }

  #groupcall(request: Originate, id: string, calls: readonly CallDoc[]): GroupcallDoc {
    const time = this.#world.time()
    return {
      id,
      customer_id: request.customerId,
      owner_type: '',
      owner_id: NIL_UUID,
      status: 'progressing',
      flow_id: request.flowId,
      source: request.source ?? { type: '', target: '', target_name: '', name: '', detail: '' },
      destinations: [...request.destinations],
      master_call_id: NIL_UUID,
      master_groupcall_id: NIL_UUID,
      ring_method: 'ring_all',
      answer_method: '',
      answer_call_id: NIL_UUID,
      call_ids: calls.map((call) => call.id),
      answer_groupcall_id: NIL_UUID,
      groupcall_ids: [],
      call_count: calls.length,
      groupcall_count: 0,
      dial_index: 0,
      tm_create: time,
      tm_update: time,
      tm_delete: null,
    }
  }
}

function ended(session: Session): Session {
  return session.kind === 'speaking'
    ? { kind: 'speaking', doc: { ...session.doc, status: 'stopped' } }
    : { kind: 'transcribe', doc: { ...session.doc, status: 'done', status_reason: 'stopped' } }
}
