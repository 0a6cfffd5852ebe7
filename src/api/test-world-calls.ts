/** Calls without sound, for tests of the API: their records and their refusals, no more. */

import type { CallCommand, CallsDoor, Originate, Outcome, StartRun } from '../calls/commands.ts'
import type { ActiveflowDoc } from '../contract/activeflow.ts'
import type { CallDoc } from '../contract/call.ts'
import type { GroupcallDoc } from '../contract/groupcall.ts'
import { rowOf } from '../contract/row.ts'
import type { SpeakingDoc } from '../contract/speaking.ts'
import type { TranscribeDoc } from '../contract/transcribe.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Store } from '../store/port.ts'
import { newUuid, type RandomBytes } from './secrets.ts'

/** What they need of the world they are in. */
interface Ground {
  readonly store: Store
  readonly randomBytes: RandomBytes
  time(): string
}

type Session = { kind: 'transcribe'; doc: TranscribeDoc } | { kind: 'speaking'; doc: SpeakingDoc }

export class FakeCalls implements CallsDoor {
  readonly #world: Ground
  readonly originated: Originate[] = []
  readonly commands: CallCommand[] = []
  readonly live = new Map<string, CallDoc>()
  readonly sessions = new Map<string, Session>()

  constructor(world: Ground) {
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
      case 'act':
      case 'hold':
      case 'moh':
      case 'silence':
      case 'stopFlow':
      case 'continueFlow':
        return { ok: true, doc: call }
      case 'mute':
        return { ok: true, doc: await this.#change(call, { mute_direction: command.direction }) }
      case 'transfer':
        if (call.status !== 'progressing') return { ok: false, code: 'CALL_STATE_INVALID' }
        return { ok: true, doc: { id: newUuid(this.#world.randomBytes), groupcall_id: NIL_UUID } }
      default:
        return this.#session(command)
    }
  }

  callOf(kind: 'transcribe' | 'speaking', id: string): string | null {
    const session = this.sessions.get(id)
    return session?.kind === kind && this.live.has(session.doc.reference_id) ? session.doc.reference_id : null
  }

  async groupcall(request: Parameters<CallsDoor['groupcall']>[0]): Promise<Outcome> {
    const made = await this.originate(request)
    if (!made.ok) return made
    const [doc] = made.doc['groupcalls'] as unknown as GroupcallDoc[]
    const { ringMethod, answerMethod } = request
    const asked = { ...doc!, ring_method: ringMethod, answer_method: answerMethod } as GroupcallDoc
    await this.#save('groupcalls', asked)
    return { ok: true, doc: asked }
  }

  async hangupGroupcall(customerId: string, groupcallId: string, thenDelete = false): Promise<Outcome> {
    const members = [...this.live.values()].filter((call) => call.groupcall_id === groupcallId)
    const row = await this.#world.store.get('groupcalls', customerId, groupcallId)
    if (!row || members.length === 0) return { ok: false, code: 'GROUPCALL_NOT_FOUND' }
    for (const call of members) await this.end(call.id)
    const tm_delete = thenDelete ? this.#world.time() : null
    const doc = { ...(row.doc as unknown as GroupcallDoc), status: 'hangup' as const, tm_delete }
    await this.#save('groupcalls', doc)
    return { ok: true, doc }
  }

  async startRun(request: StartRun): Promise<Outcome> {
    const id = request.id === NIL_UUID ? newUuid(this.#world.randomBytes) : request.id
    if (await this.#world.store.getAnyCustomer('activeflows', id)) return { ok: false, code: 'INVALID_ARGUMENT' }
    const doc = this.#run(request, id)
    await this.#saveRun(doc)
    return { ok: true, doc }
  }

  async stopRun(customerId: string, activeflowId: string, thenDelete = false): Promise<Outcome> {
    const row = await this.#world.store.get('activeflows', customerId, activeflowId)
    if (!row) return { ok: false, code: 'ACTIVEFLOW_NOT_FOUND' }
    const tm_delete = thenDelete ? this.#world.time() : null
    const doc = { ...(row.doc as unknown as ActiveflowDoc), status: 'ended' as const, tm_delete }
    await this.#saveRun(doc)
    return { ok: true, doc }
  }

  /** A run waits at `block` when its first action is one. */
  async continueRun(customerId: string, activeflowId: string): Promise<Outcome> {
    const row = await this.#world.store.get('activeflows', customerId, activeflowId)
    const doc = row?.doc as unknown as ActiveflowDoc | undefined
    if (!doc || doc.status === 'ended') return { ok: false, code: 'ACTIVEFLOW_NOT_FOUND' }
    if (doc.current_action.type !== 'block') return { ok: false, code: 'STATE_INVALID' }
    const next = { ...doc, current_action: { ...doc.current_action, type: 'empty' } }
    await this.#saveRun(next)
    return { ok: true, doc: next }
  }

  #run(request: StartRun, id: string): ActiveflowDoc {
    const time = this.#world.time()
    const none = { id: NIL_UUID, next_id: NIL_UUID, type: '', option: {}, tm_execute: null }
    return {
      id,
      customer_id: request.customerId,
      flow_id: request.flowId,
      status: 'running',
      reference_type: 'api',
      reference_id: NIL_UUID,
      reference_activeflow_id: NIL_UUID,
      on_complete_flow_id: NIL_UUID,
      webhook_uri: request.webhookUri,
      webhook_method: request.webhookMethod as ActiveflowDoc['webhook_method'],
      current_action: (request.actions[0] as ActiveflowDoc['current_action'] | undefined) ?? none,
      forward_action_id: NIL_UUID,
      executed_actions: [],
      tm_create: time,
      tm_update: time,
      tm_delete: null,
    }
  }

  async #saveRun(doc: ActiveflowDoc): Promise<void> {
    const keys = { status: doc.status, reference_id: doc.reference_id }
    await this.#world.store.commit({ rows: [rowOf('activeflows', doc as unknown as JsonObject, {}, keys)] })
  }

  async #change(call: CallDoc, changes: Partial<CallDoc>): Promise<CallDoc> {
    const next = { ...call, ...changes, tm_update: this.#world.time() }
    await this.#save('calls', next)
    return next
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
