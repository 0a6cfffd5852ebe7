/** What of a run is stored and shown (contract §9.2). */

import type { Micros } from '../../kernel/clock.ts'
import { NIL_UUID, timestamp } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Random } from '../../kernel/random.ts'
import type { ActionDoc } from '../commands.ts'
import type { Effects } from '../effects.ts'
import type { FlowPlan, RunBirth } from '../part.ts'

/** What a run needs to know of the call, or of itself. */
export interface RunFacts {
  readonly activeflowId: string
  readonly customerId: string
  readonly nodeId: string
  readonly bootId: string
  readonly random: Random
  /** Absent without a call. */
  readonly callId?: string
}

export type Origin = Pick<RunBirth, 'referenceType' | 'referenceId' | 'referenceActiveflowId' | 'chain'>

/** Shown of what was executed: the latest. Every `activeflow_updated` carries them all. */
const MAX_EXECUTED = 100

const NO_ACTION: JsonObject = { id: NIL_UUID, next_id: NIL_UUID, type: '', option: {}, tm_execute: null }

export class RunRecord {
  readonly #facts: RunFacts
  readonly #plan: FlowPlan
  readonly #origin: Origin
  readonly #createdAt: Micros
  #updatedAt: Micros
  #deletedAt: Micros | null = null
  #current: JsonObject = NO_ACTION
  #executed: readonly JsonObject[] = []

  constructor(facts: RunFacts, plan: FlowPlan, origin: Origin, fx: Effects) {
    this.#facts = facts
    this.#plan = plan
    this.#origin = origin
    this.#createdAt = fx.stamp()
    this.#updatedAt = this.#createdAt
  }

  get id(): string {
    return this.#facts.activeflowId
  }

  get currentAction(): JsonObject {
    return this.#current
  }

  touch(fx: Effects): void {
    this.#updatedAt = fx.stamp()
  }

  execute(fx: Effects, doc: ActionDoc): void {
    this.touch(fx)
    this.#current = { ...doc, tm_execute: timestamp(this.#updatedAt) }
    this.#executed = [...this.#executed, this.#current].slice(-MAX_EXECUTED)
  }

  /** What is told of an action that was left out. */
  skipped(fx: Effects, actionId: string, type: string, reason: string): JsonObject {
    const { activeflowId, customerId, random } = this.#facts
    return {
      id: random.uuid(),
      customer_id: customerId,
      activeflow_id: activeflowId,
      action_id: actionId,
      type,
      reason,
      tm_create: fx.time(),
    }
  }

  delete(fx: Effects): void {
    this.#deletedAt ??= fx.stamp()
  }

  doc(isEnded: boolean, forwardId: string): JsonObject {
    return {
      id: this.id,
      customer_id: this.#facts.customerId,
      flow_id: this.#plan.flowId,
      status: isEnded ? 'ended' : 'running',
      reference_type: this.#origin.referenceType,
      reference_id: this.#origin.referenceId,
      reference_activeflow_id: this.#origin.referenceActiveflowId,
      on_complete_flow_id: this.#plan.onCompleteFlowId ?? NIL_UUID,
      webhook_uri: this.#plan.webhookUri ?? '',
      webhook_method: this.#plan.webhookMethod ?? '',
      current_action: this.#current,
      forward_action_id: forwardId,
      executed_actions: this.#executed,
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: this.#deletedAt === null ? null : timestamp(this.#deletedAt),
    }
  }

  save(fx: Effects, doc: JsonObject, isEnded: boolean): void {
    fx.row('activeflows', {
      id: this.id,
      tmCreate: this.#createdAt,
      tmDelete: this.#deletedAt,
      keys: {
        status: isEnded ? 'ended' : 'running',
        reference_id: this.#origin.referenceId,
        node_id: this.#facts.nodeId,
        boot_id: this.#facts.bootId,
      },
      doc,
      hidden: {},
    })
  }
}
