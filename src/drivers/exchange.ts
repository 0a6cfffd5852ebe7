/**
 * The door into the calls: makes them, from outside and by request, and passes commands to their mailboxes.
 */

import { randomBytes } from 'node:crypto'
import type { ActionDoc, Address, CallCommand, CallsDoor, Originate, Outcome } from '../calls/commands.ts'
import type { Birth, FlowPlan } from '../calls/part.ts'
import { isUnset, NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { uuidFromWords } from '../kernel/random.ts'
import type { Row, Store } from '../store/port.ts'
import type { CallRunner } from './call-runner.ts'
import type { Directory } from './directory.ts'
import type { IncomingCall } from './sip-driver.ts'
import { LOOPBACK } from './sip-policy.ts'

export interface ExchangeOptions {
  readonly runner: CallRunner
  readonly store: Store
  readonly directory: Directory
  readonly nodeId: string
  readonly bootId: string
  readonly maxDurationMs: number
  /** 16 random bytes a call; drawn here because pure parts may not. */
  readonly random?: (size: number) => Uint8Array
}

type Verdict = { readonly callId: string } | { readonly code: number; readonly phrase: string }

export class Exchange implements CallsDoor {
  readonly #options: ExchangeOptions
  #isDraining = false

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** From now on no new calls. */
  drain(): void {
    this.#isDraining = true
  }

  // ---------------------------------------------------------------- calls from outside

  async incoming(call: IncomingCall): Promise<Verdict> {
    if (this.#isDraining) return { code: 503, phrase: 'Draining' }
    const { request, identity } = call
    const { directory } = this.#options
    const caller = identity === LOOPBACK ? null : await directory.extensionById(identity)
    if (identity !== LOOPBACK && !caller) return { code: 403, phrase: 'Forbidden' }
    const number = await directory.ownNumber(request.requestUri.user)
    if (!number) {
      if (caller) return { code: 480, phrase: 'Calls between extensions are not available in this release' }
      return { code: 404, phrase: 'No such number' }
    }
    const plan = await this.#planOf(number.customerId, number.callFlowId, {})
    if (!plan) return { code: 480, phrase: 'The number has no flow' }
    const source = caller
      ? address('extension', caller.extension, caller.name)
      : address(looksLikeTel(request.from.user) ? 'tel' : 'sip', request.from.user, request.fromDisplay)
    const callId = this.#uuid()
    this.#options.runner.bear({
      ...this.#birth(callId, number.customerId),
      direction: 'incoming',
      source,
      destination: address('tel', number.number, ''),
      plan,
      groupcallId: NIL_UUID,
      sipCallId: request.sipCallId,
    })
    // Over before anybody could be told: there was no leg for it.
    if (!this.#options.runner.birthOf(callId)) return { code: 503, phrase: 'Service Unavailable' }
    return { callId }
  }

  // ---------------------------------------------------------------- calls by request

  async originate(request: Originate): Promise<Outcome> {
    if (this.#isDraining) return { ok: false, code: 'SERVICE_UNAVAILABLE' }
    const plan = await this.#planFor(request)
    if (plan === 'unknown flow') return { ok: false, code: 'FLOW_NOT_FOUND' }
    const { runner } = this.#options
    const source = request.source ?? address('', '', '')
    const groupcallId = this.#uuid()
    const births = request.destinations.map((destination): Birth => {
      const callId = this.#uuid()
      return {
        ...this.#birth(callId, request.customerId),
        direction: 'outgoing',
        source,
        destination,
        plan,
        groupcallId,
        sipCallId: '',
      }
    })
    runner.bearGroupcall({
      kind: 'born',
      groupcallId,
      customerId: request.customerId,
      flowId: plan?.flowId ?? NIL_UUID,
      source,
      destinations: request.destinations,
      callIds: births.map((birth) => birth.callId),
      nodeId: this.#options.nodeId,
      bootId: this.#options.bootId,
    })
    for (const birth of births) runner.bear(birth)
    const docs = await Promise.all(births.map((birth) => this.#docOf('call', birth.callId)))
    const groupcall = await this.#docOf('groupcall', groupcallId)
    if (!groupcall || docs.some((doc) => doc === null)) return { ok: false, code: 'SERVICE_UNAVAILABLE' }
    return { ok: true, doc: { calls: docs as JsonObject[], groupcalls: [groupcall] } }
  }

  async ask(customerId: string, callId: string, command: CallCommand): Promise<Outcome> {
    const { runner } = this.#options
    if (runner.customerOf(callId) !== customerId || !runner.birthOf(callId))
      return { ok: false, code: 'CALL_NOT_FOUND' }
    return runner.ask({ kind: 'call', id: callId }, command)
  }

  callOf(kind: 'transcribe' | 'speaking', id: string): string | null {
    return this.#options.runner.callOf(kind, id)
  }

  async hangupGroupcall(customerId: string, groupcallId: string): Promise<Outcome> {
    const { runner } = this.#options
    if (runner.customerOf(groupcallId) !== customerId) return { ok: false, code: 'GROUPCALL_NOT_FOUND' }
    return runner.ask({ kind: 'groupcall', id: groupcallId }, { kind: 'hangup' })
  }

  /** The record as it was first stored: an outgoing call's answer shows `dialing`, whatever has happened since. */
  #docOf(kind: 'call' | 'groupcall', id: string): Promise<JsonObject | null> {
    return this.#options.runner.firstDoc({ kind, id })
  }

  async #planFor(request: Originate): Promise<FlowPlan | null | 'unknown flow'> {
    if (!isUnset(request.flowId)) {
      return (await this.#planOf(request.customerId, request.flowId, request.variables)) ?? 'unknown flow'
    }
    if (request.actions.length === 0) return null
    return { flowId: NIL_UUID, actions: request.actions, variables: request.variables }
  }

  async #planOf(
    customerId: string,
    flowId: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<FlowPlan | null> {
    if (isUnset(flowId)) return null
    const row: Row | null = await this.#options.store.get('flows', customerId, flowId)
    if (!row) return null
    return { flowId, actions: row.doc['actions'] as unknown as ActionDoc[], variables }
  }

  #birth(
    callId: string,
    customerId: string,
  ): Pick<Birth, 'kind' | 'seed' | 'callId' | 'customerId' | 'nodeId' | 'bootId' | 'maxDurationMs'> {
    const { nodeId, bootId, maxDurationMs } = this.#options
    const seed = Buffer.from(this.#bytes(16)).toString('hex')
    return { kind: 'born', seed, callId, customerId, nodeId, bootId, maxDurationMs }
  }

  #uuid(): string {
    const bytes = Buffer.from(this.#bytes(16))
    return uuidFromWords(bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12))
  }

  #bytes(size: number): Uint8Array {
    return (this.#options.random ?? randomBytes)(size)
  }
}

function address(type: string, target: string, targetName: string): Address {
  return { type, target, target_name: targetName, name: '', detail: '' }
}

function looksLikeTel(user: string): boolean {
  return /^\+?\d{3,20}$/.test(user)
}
