/**
 * One run of a flow on a call (an activeflow, contract §9.2): a cursor over a list of actions. When they run out the
 * call is hung up.
 */

import type { Micros } from '../../kernel/clock.ts'
import { NIL_UUID, timestamp } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { ActionDoc } from '../commands.ts'
import type { Effects } from '../effects.ts'
import type { CallFacts } from '../facts.ts'
import type { FlowPlan } from '../part.ts'
import type { ActionRun, FlowHost, FlowInput } from './action.ts'
import { ACTIONS } from './index.ts'
import { fillIn } from './variables.ts'

/** Cursor moves without an action that waits: past this a flow goes round in circles. */
const MAX_MOVES = 1000

export class FlowRun {
  readonly #facts: CallFacts
  readonly #host: FlowHost
  readonly #plan: FlowPlan
  readonly #variables: Readonly<Record<string, string>>
  readonly #createdAt: Micros
  #updatedAt: Micros
  #current: ActionDoc | null = null
  #action: ActionRun | null = null
  #executed: JsonObject[] = []
  #isEnded = false

  constructor(
    facts: CallFacts,
    host: FlowHost,
    plan: FlowPlan,
    callVariables: Readonly<Record<string, string>>,
    fx: Effects,
  ) {
    this.#facts = facts
    this.#host = host
    this.#plan = plan
    this.#variables = { ...plan.variables, ...callVariables }
    this.#createdAt = fx.stamp()
    this.#updatedAt = this.#createdAt
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** The action being executed, as the call shows it. */
  get currentAction(): JsonObject {
    return this.#current
      ? { ...this.#current }
      : { id: NIL_UUID, next_id: NIL_UUID, type: '', option: {}, tm_execute: null }
  }

  begin(fx: Effects): void {
    this.#save(fx)
    fx.event('activeflow_created', this.doc())
    this.#advance(fx, this.#plan.actions[0] ?? null)
  }

  input(fx: Effects, input: FlowInput): void {
    if (this.#isEnded || !this.#action) return
    if (this.#action.input(fx, input) === 'done') this.#advance(fx, this.#next())
  }

  end(fx: Effects): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#action = null
    this.#updatedAt = fx.stamp()
    this.#save(fx)
    fx.event('activeflow_deleted', this.doc())
  }

  doc(): JsonObject {
    return {
      id: this.#facts.activeflowId,
      customer_id: this.#facts.customerId,
      flow_id: this.#plan.flowId,
      status: this.#isEnded ? 'ended' : 'running',
      reference_type: 'call',
      reference_id: this.#facts.callId,
      reference_activeflow_id: NIL_UUID,
      on_complete_flow_id: NIL_UUID,
      webhook_uri: '',
      webhook_method: '',
      current_action: this.currentAction,
      forward_action_id: NIL_UUID,
      executed_actions: [...this.#executed],
      tm_create: timestamp(this.#createdAt),
      tm_update: timestamp(this.#updatedAt),
      tm_delete: null,
    }
  }

  #advance(fx: Effects, first: ActionDoc | null): void {
    let action = first
    for (let moves = 0; action !== null; moves++) {
      if (moves > MAX_MOVES) break
      if (this.#execute(fx, action) === 'wait' || this.#isEnded) return
      action = this.#next()
    }
    this.#action = null
    if (!this.#isEnded) this.#host.hangUp(fx)
  }

  #execute(fx: Effects, doc: ActionDoc): 'done' | 'wait' {
    this.#updatedAt = fx.stamp()
    this.#current = { ...doc, tm_execute: timestamp(this.#updatedAt) }
    this.#executed.push({ ...this.#current })
    const kind = ACTIONS[doc.type]
    this.#action = kind ? kind(fillIn(doc.option, this.#variables), this.#host) : null
    this.#save(fx)
    fx.event('activeflow_updated', this.doc())
    return this.#action?.start(fx) ?? 'done'
  }

  #next(): ActionDoc | null {
    const current = this.#current
    if (!current) return null
    const actions = this.#plan.actions
    if (current.next_id !== NIL_UUID && current.next_id !== '') {
      const target = actions.find((action) => action.id === current.next_id)
      if (target) return target
    }
    const at = actions.findIndex((action) => action.id === current.id)
    return at < 0 ? null : (actions[at + 1] ?? null)
  }

  #save(fx: Effects): void {
    fx.row('activeflows', {
      id: this.#facts.activeflowId,
      tmCreate: this.#createdAt,
      tmDelete: null,
      keys: {
        status: this.#isEnded ? 'ended' : 'running',
        reference_id: this.#facts.callId,
        node_id: this.#facts.nodeId,
        boot_id: this.#facts.bootId,
      },
      doc: this.doc(),
      hidden: {},
    })
  }
}
