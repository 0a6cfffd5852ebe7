/**
 * The door into the calls: makes them, from outside and by request, and passes commands to their mailboxes. Every call is
 * asked for at the gate before any record of it is made.
 */

import type { ActiveflowCommand } from '../calls/activeflow.ts'
import type { CallCommand, CallsDoor, Originate, Outcome, StartRun } from '../calls/commands.ts'
import type { Birth, RunBirth, RunWish } from '../calls/part.ts'
import { isUnset, NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { type BirthOptions, Births } from './births.ts'
import type { CallRunner } from './call-runner.ts'
import { calledBy, callerOf } from './callers.ts'
import { Dialling, type Made } from './dialling.ts'
import type { Extension, OwnNumber } from './directory.ts'
import { mediaOf } from './gateways.ts'
import type { MediaWish } from './leg-book.ts'
import type { Peer, Peers } from './peers.ts'
import { planFor, storedPlan, throughPlan } from './plans.ts'
import type { IncomingCall, Refusal } from './sip-options.ts'
import { LOOPBACK, peerIdOf } from './sip-policy.ts'

/** Whether this node takes more (`drivers/load-watch.ts`). */
export interface Room {
  refusal(): { readonly retryAfterS: number } | null
  began(): void
  /** A call that there was room for found no leg after all. */
  foundNoLeg(): void
}

export interface ExchangeOptions extends BirthOptions {
  readonly runner: CallRunner
  /** ISO code of the country whose national numbers are understood; '' (also when absent): of none. */
  readonly defaultCountry?: string
  /** Absent: there are no trunks. */
  readonly peers?: Peers
  /** A source number that is not the customer's is refused, not replaced (contract §5). */
  readonly strictSource?: boolean
  /** Asked for every call made by request. Absent: there is always room. */
  readonly room?: Room
}

/** The last legs are still being closed. */
const FULL: Refusal = { code: 503, phrase: 'Service Unavailable', retryAfterS: 2 }

type Verdict = { readonly callId: string; readonly media?: MediaWish } | Refusal

/** The call says by whom it came. */
function broughtBy<T extends { readonly metadata: JsonObject }>(peer: Peer, from: T): T {
  return { ...from, metadata: { ...from.metadata, [`${peer.kind}_id`]: peer.id } }
}

function withMedia(verdict: Verdict, { gateway }: Peer): Verdict {
  return 'callId' in verdict ? { ...verdict, media: mediaOf(gateway) } : verdict
}

export class Exchange implements CallsDoor {
  readonly #options: ExchangeOptions
  readonly #births: Births
  readonly #dialling: Dialling
  #isClosing = false

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#births = new Births(options)
    this.#dialling = new Dialling(options, this.#births)
    options.runner.serve({
      dial: (from, dial) => {
        if (!this.#isClosing) return void this.#dialling.dial(from, dial)
        this.#dialling.nobody(from, dial, 'failed')
      },
      dialMember: (groupcallId, index) => this.#dialling.member(groupcallId, index),
      run: (customerId, run) => void this.#chainedRun(customerId, run),
      untold: (ref) => this.#dialling.untold(ref),
      over: (ref) => this.#dialling.over(ref),
    })
  }

  /** From now on no new calls at all, those that live calls would make included. */
  close(): void {
    this.#isClosing = true
  }

  // ---------------------------------------------------------------- calls from outside

  async incoming(call: IncomingCall): Promise<Verdict> {
    if (this.#isClosing) return FULL
    const { request, identity } = call
    const { directory, defaultCountry = '' } = this.#options
    const peerId = peerIdOf(identity)
    const peer = peerId === null ? null : ((await this.#options.peers?.book())?.byId(peerId) ?? null)
    const account = identity === LOOPBACK || peer ? null : await directory.extensionById(identity)
    if (identity !== LOOPBACK && !peer && !account) return { code: 403, phrase: 'Forbidden' }
    if (call.replaces) return this.#takeOver(call, call.replaces, account)
    const called = await calledBy(request, account, directory, defaultCountry, peer?.techPrefix)
    const caller = callerOf(request, account, defaultCountry)
    const from = { ...caller, sipCallId: request.sipCallId }
    // A trunk or provider brings calls to its own customer's numbers only.
    const isReached = called.kind === 'number' && (!peer || peer.customerId === called.number.customerId)
    if (isReached && peer) return withMedia(await this.#toNumber(called.number, broughtBy(peer, from)), peer)
    if (isReached) return this.#toNumber(called.number, from)
    if (called.kind !== 'address' || !account) return { code: 404, phrase: 'No such number' }
    const { customerId } = account
    // Whom this phone calls is asked at the gate once, here, where a refusal has a code of its own.
    const asked = await this.#births.admitted({ customerId, source: null, callerId: '' }, [called.address])
    if (!asked.ok) return asked.sip
    const verdict = this.#answer({
      ...this.#births.of(customerId),
      ...from,
      direction: 'incoming',
      destination: called.address,
      plan: throughPlan(this.#births.newId(), called.address),
      groupcallId: NIL_UUID,
    })
    if ('callId' in verdict) this.#dialling.isAdmitted(verdict.callId, asked.destinations)
    return verdict
  }

  /** A phone takes the place of another one of its customer (RFC 3891); any other call is as if it were not there. */
  async #takeOver(
    { request }: IncomingCall,
    replaced: { readonly callId: string },
    account: Extension | null,
  ): Promise<Verdict> {
    const { runner, defaultCountry = '' } = this.#options
    const other = runner.birthOf(replaced.callId)
    if (!account || other?.customerId !== account.customerId) return { code: 481, phrase: '' }
    const { customerId } = account
    const { destination } = other
    const caller = callerOf(request, account, defaultCountry)
    const wish = { customerId, direction: 'incoming', number: '', source: caller.source, destination } as const
    const verdict = await this.#births.gate(wish)
    if (!verdict.ok) return verdict.sip
    return this.#answer({
      ...this.#births.of(customerId),
      ...caller,
      sipCallId: request.sipCallId,
      direction: 'incoming',
      destination,
      plan: null,
      groupcallId: NIL_UUID,
      takesOver: replaced.callId,
    })
  }

  async #toNumber(
    number: OwnNumber,
    from: Pick<Birth, 'source' | 'sipCallId'> & { metadata: JsonObject },
  ): Promise<Verdict> {
    const { customerId } = number
    const plan = await storedPlan(this.#options.store, customerId, number.callFlowId, {}, number.disclosure)
    if (!plan) return { code: 480, phrase: 'The number has no flow' }
    const destination = { type: 'tel', target: number.number, target_name: '', name: '', detail: '' }
    const wish = { customerId, direction: 'incoming', number: number.number, source: from.source, destination } as const
    const verdict = await this.#births.gate(wish)
    if (!verdict.ok) return verdict.sip
    return this.#answer(
      { ...this.#births.of(customerId), ...from, direction: 'incoming', destination, plan, groupcallId: NIL_UUID },
      number.number,
    )
  }

  #answer(birth: Birth, number = ''): Verdict {
    this.#options.room?.began()
    void this.#births.bear(birth, number)
    // Over before anybody could be told: there was no leg for it.
    if (!this.#options.runner.birthOf(birth.callId)) {
      this.#options.room?.foundNoLeg()
      return FULL
    }
    return { callId: birth.callId }
  }

  // ---------------------------------------------------------------- calls by request

  async originate(request: Originate): Promise<Outcome> {
    const made = await this.#call(request, 'ring_all', '')
    if ('ok' in made) return made
    const [groupcall, docs] = await Promise.all([made.groupcall, Promise.all(made.calls)])
    if (!groupcall || docs.some((doc) => doc === null)) return { ok: false, code: 'SERVICE_UNAVAILABLE' }
    return { ok: true, doc: { calls: docs as JsonObject[], groupcalls: [groupcall] } }
  }

  async groupcall(
    request: Originate & { readonly ringMethod: string; readonly answerMethod: string },
  ): Promise<Outcome> {
    const ringMethod = request.ringMethod === 'linear' ? 'linear' : 'ring_all'
    const answerMethod = request.answerMethod === 'hangup_others' ? 'hangup_others' : ''
    const made = await this.#call(request, ringMethod, answerMethod)
    if ('ok' in made) return made
    const doc = await made.groupcall
    return doc ? { ok: true, doc } : { ok: false, code: 'SERVICE_UNAVAILABLE' }
  }

  async #call(
    request: Originate,
    ringMethod: 'ring_all' | 'linear',
    answerMethod: '' | 'hangup_others',
  ): Promise<(Outcome & { ok: false }) | Made> {
    if (this.#isClosing) return { ok: false, code: 'SERVICE_UNAVAILABLE' }
    const noRoom = this.#options.room?.refusal()
    if (noRoom) {
      const details = [{ retry_after_seconds: noRoom.retryAfterS }]
      return { ok: false, code: 'NO_CAPACITY', details }
    }
    const { customerId, source } = request
    const plan = await planFor(this.#options.store, request)
    if (plan === 'unknown flow') return { ok: false, code: 'FLOW_NOT_FOUND' }
    const callerId = await this.#births.callerId(customerId, source)
    if (this.#options.strictSource && callerId.isReplaced) {
      const details = [{ field: 'source', description: 'is not a number of yours' }]
      return { ok: false, code: 'INVALID_ARGUMENT', details }
    }
    const asked = await this.#births.admitted({ customerId, source, callerId: callerId.own }, request.destinations)
    if (!asked.ok) return { ok: false, code: asked.code, details: asked.details }
    for (const _ of request.destinations) this.#options.room?.began()
    return this.#dialling.make({
      customerId,
      source: source ?? { type: '', target: '', target_name: '', name: '', detail: '' },
      destinations: request.destinations,
      reached: asked.destinations,
      plan,
      anonymous: request.anonymous === 'yes',
      callerId,
      ringMethod,
      answerMethod,
    })
  }

  async ask(customerId: string, callId: string, command: CallCommand): Promise<Outcome> {
    const { runner } = this.#options
    await runner.settled(callId)
    if (runner.customerOf(callId) !== customerId || !runner.birthOf(callId))
      return { ok: false, code: 'CALL_NOT_FOUND' }
    return runner.ask({ kind: 'call', id: callId }, command)
  }

  callOf(kind: 'transcribe' | 'speaking', id: string): string | null {
    return this.#options.runner.callOf(kind, id)
  }

  async hangupGroupcall(customerId: string, groupcallId: string, thenDelete = false): Promise<Outcome> {
    const { runner } = this.#options
    if (runner.customerOf(groupcallId) !== customerId || runner.kindOf(groupcallId) !== 'groupcall')
      return { ok: false, code: 'GROUPCALL_NOT_FOUND' }
    return runner.ask({ kind: 'groupcall', id: groupcallId }, { kind: thenDelete ? 'delete' : 'hangup' })
  }

  // ---------------------------------------------------------------- runs without a call

  async startRun(request: StartRun): Promise<Outcome> {
    if (this.#isClosing) return { ok: false, code: 'SERVICE_UNAVAILABLE' }
    const { runner, store } = this.#options
    const id = isUnset(request.id) ? this.#births.newId() : request.id
    if (runner.kindOf(id) !== null || (await store.getAnyCustomer('activeflows', id)))
      return { ok: false, code: 'INVALID_ARGUMENT', details: [{ field: 'id', description: 'is taken' }] }
    const plan = await planFor(store, request)
    if (plan === 'unknown flow') return { ok: false, code: 'FLOW_NOT_FOUND' }
    const { webhookUri, webhookMethod } = request
    const found = plan ?? { flowId: NIL_UUID, actions: [], variables: request.variables }
    const doc = await runner.bearRun({
      ...this.#runBirth(request.customerId, id),
      plan: { ...found, ...(webhookUri ? { webhookUri, webhookMethod: webhookMethod || 'POST' } : {}) },
      referenceType: 'api',
      referenceId: NIL_UUID,
      referenceActiveflowId: NIL_UUID,
      chain: 0,
    })
    return doc ? { ok: true, doc } : { ok: false, code: 'SERVICE_UNAVAILABLE' }
  }

  stopRun(customerId: string, activeflowId: string, thenDelete = false): Promise<Outcome> {
    const command = { kind: thenDelete ? 'delete' : 'stop' } as const
    return this.#askRun(customerId, activeflowId, command, { kind: 'stopFlow', thenDelete })
  }

  continueRun(customerId: string, activeflowId: string): Promise<Outcome> {
    return this.#askRun(customerId, activeflowId, { kind: 'continue' }, { kind: 'continueFlow' })
  }

  /** A run has a mailbox of its own, or its call has one. */
  async #askRun(
    customerId: string,
    activeflowId: string,
    ofRun: ActiveflowCommand,
    ofCall: CallCommand,
  ): Promise<Outcome> {
    const { runner } = this.#options
    if (runner.kindOf(activeflowId) === 'activeflow' && runner.customerOf(activeflowId) === customerId)
      return runner.ask({ kind: 'activeflow', id: activeflowId }, ofRun)
    const callId = runner.callOf('activeflow', activeflowId)
    if (callId !== null) await runner.settled(callId)
    if (callId === null || runner.customerOf(callId) !== customerId) return { ok: false, code: 'ACTIVEFLOW_NOT_FOUND' }
    const outcome = await runner.ask({ kind: 'call', id: callId }, ofCall)
    return !outcome.ok && outcome.code === 'CALL_NOT_FOUND' ? { ok: false, code: 'ACTIVEFLOW_NOT_FOUND' } : outcome
  }

  /** `on_complete_flow_id`, `on_end_flow_id`: a flow that is gone by now is not run. */
  async #chainedRun(customerId: string, run: RunWish): Promise<void> {
    if (this.#isClosing) return
    const plan = await storedPlan(this.#options.store, customerId, run.flowId, run.variables)
    if (plan) void this.#options.runner.bearRun({ ...this.#runBirth(customerId, this.#births.newId()), ...run, plan })
  }

  #runBirth(
    customerId: string,
    activeflowId: string,
  ): Pick<RunBirth, 'kind' | 'seed' | 'activeflowId' | 'customerId' | 'nodeId' | 'bootId'> {
    const { seed, nodeId, bootId } = this.#births.of(customerId)
    return { kind: 'born', seed, activeflowId, customerId, nodeId, bootId }
  }
}
