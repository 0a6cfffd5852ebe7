/**
 * One run of a flow (an activeflow, contract §9.2), of a call or without one. When the actions have run out it is over,
 * and its call is hung up. Never throws for what a flow says: an action with an option that makes no sense, or without the
 * call it needs, is skipped.
 */

import { isActionType, readOption } from '../../contract/action-options.ts'
import type { Millis } from '../../kernel/clock.ts'
import { isUnset, NIL_UUID } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { ActionDoc } from '../commands.ts'
import type { Effects } from '../effects.ts'
import type { FlowPlan } from '../part.ts'
import { type ActionRun, atOnce, type FlowDoor, type FlowHost, type FlowInput, type Progress } from './action.ts'
import { Cursor } from './cursor.ts'
import { ACTIONS, NEEDS_CALL } from './index.ts'
import { type Origin, type RunFacts, RunRecord } from './run-record.ts'
import { UNHEARD } from './transcribe-start.ts'
import { fillIn, Scope, type Variables } from './variables.ts'

/** Cursor moves without an action that waits: past this a flow goes round in circles. */
const MAX_MOVES = 1000
/** A wait shorter than this is no rest: a loop of such waits would only keep the machine busy. */
const REST_MS = 100
/** Runs in a row by `on_complete_flow_id`. */
const MAX_CHAIN = 5

export class FlowRun {
  readonly #host: FlowHost
  readonly #plan: FlowPlan
  readonly #origin: Origin
  readonly #record: RunRecord
  readonly #cursor: Cursor
  readonly #scope: Scope
  #action: ActionRun | null = null
  #moves = 0
  #movedAt: Millis = 0
  #isEnded = false
  #hasBegun = false
  #hasTranscription = false
  /** A list too many was asked for. */
  #isSpent = false
  /** What comes while an action takes its step; null between steps. */
  #waiting: FlowInput[] | null = null

  /** @param ours variables that every run of this kind has (contract §9.4) */
  constructor(facts: RunFacts, host: FlowHost, plan: FlowPlan, ours: Variables, fx: Effects, origin?: Origin) {
    this.#host = host
    this.#plan = plan
    this.#origin = origin ?? {
      referenceType: 'call',
      referenceId: facts.callId ?? NIL_UUID,
      referenceActiveflowId: NIL_UUID,
      chain: 0,
    }
    this.#record = new RunRecord(facts, plan, this.#origin, fx)
    this.#scope = new Scope(plan.variables, ours)
    this.#cursor = new Cursor(actionsOf(plan, facts))
  }

  /** It waits to be told to go on. */
  get isBlocked(): boolean {
    return !this.#isEnded && this.#record.currentAction['type'] === 'block'
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** The action being executed, as the call shows it. */
  get currentAction(): JsonObject {
    return this.#record.currentAction
  }

  /** All of them, ours too. */
  get variables(): Variables {
    return this.#scope.all()
  }

  begin(fx: Effects): void {
    if (this.#hasBegun || this.#isEnded) return
    this.#hasBegun = true
    this.#save(fx)
    fx.event('activeflow_created', this.doc())
    if (this.#host.callStatus() === 'progressing') this.#transcribe(fx)
    this.#advance(fx)
  }

  input(fx: Effects, input: FlowInput): void {
    if (input.kind === 'answered') this.#transcribe(fx)
    if (this.#isEnded || !this.#action) return
    if (this.#waiting) {
      this.#waiting.push(input)
      return
    }
    if (this.#step((action) => action.input(fx, input)) === 'done') this.#advance(fx)
    else this.#takeWaiting(fx)
  }

  /** Over from outside: the call is gone, or is told to be. */
  end(fx: Effects): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#action = null
    this.#record.touch(fx)
    this.#save(fx)
    if (!this.#hasBegun) return
    fx.event('activeflow_deleted', this.doc())
    this.#startNext(fx)
  }

  /** Ends the run; its call is hung up. */
  stop(fx: Effects): void {
    if (this.#isEnded) return
    this.end(fx)
    this.#host.hangUp(fx)
  }

  /** Gone for readers. */
  delete(fx: Effects): void {
    this.stop(fx)
    this.#record.delete(fx)
    this.#save(fx)
  }

  doc(): JsonObject {
    return this.#record.doc(this.#isEnded, this.#cursor.forwardId)
  }

  /** 000's `transcription` of a flow: from the answer on. */
  #transcribe(fx: Effects): void {
    const { transcription } = this.#plan
    if (!transcription?.enabled || this.#hasTranscription || this.#isEnded) return
    this.#hasTranscription = true
    const { language } = transcription
    if (!this.#host.serves(language, 'stt')) return this.#skip(fx, { id: NIL_UUID, type: 'transcription' }, UNHEARD)
    this.#host.startTranscribe(fx, { language, direction: 'both', provider: '', onEndFlowId: NIL_UUID })
  }

  #advance(fx: Effects): void {
    while (!this.#isEnded) {
      const next = this.#mayMove(fx.now) ? this.#cursor.next() : null
      if (!next) return this.stop(fx)
      if (this.#execute(fx, next) === 'wait') return this.#takeWaiting(fx)
    }
  }

  #mayMove(now: Millis): boolean {
    if (now - this.#movedAt >= REST_MS) this.#moves = 0
    this.#movedAt = now
    return !this.#isSpent && ++this.#moves <= MAX_MOVES
  }

  #execute(fx: Effects, doc: ActionDoc): Progress {
    this.#record.execute(fx, doc)
    this.#action = this.#actionFor(doc)
    this.#save(fx)
    fx.event('activeflow_updated', this.doc())
    return this.#step((action) => action.start(fx))
  }

  /** What a step causes at once comes after it. */
  #step(take: (action: ActionRun) => Progress): Progress {
    if (!this.#action) return 'wait'
    this.#waiting ??= []
    return take(this.#action)
  }

  #takeWaiting(fx: Effects): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const input of waiting) this.input(fx, input)
  }

  #actionFor(doc: ActionDoc): ActionRun {
    const kind = ACTIONS[doc.type]
    if (!kind || !isActionType(doc.type)) return this.#leftOut(doc, 'it does nothing in this release')
    if (NEEDS_CALL.has(doc.type) && !this.#host.hasMedia) return this.#leftOut(doc, 'it needs a call')
    // The actions of a `call` are filled in when that call runs them.
    const { actions, ...own } = doc.option
    const read = readOption(doc.type, fillIn(own, this.#scope), false)
    if (!read.ok) return this.#leftOut(doc, `option.${read.field}: ${read.why}`)
    return kind(actions === undefined ? read.option : { ...read.option, actions }, this.#host, this.#doorFor(doc))
  }

  #leftOut(doc: ActionDoc, why: string): ActionRun {
    return atOnce((fx) => this.#skip(fx, doc, why))
  }

  #skip(fx: Effects, { id, type }: Pick<ActionDoc, 'id' | 'type'>, why: string): void {
    fx.out({ kind: 'skipped', action: type, actionId: id, why })
    fx.event('activeflow_action_skipped', this.#record.skipped(fx, id, type, why))
  }

  #doorFor(doc: ActionDoc): FlowDoor {
    return {
      activeflowId: this.#record.id,
      referenceId: this.#origin.referenceId,
      written: doc.option,
      variable: (name) => this.#scope.get(name),
      hasVariable: (name) => this.#scope.has(name),
      setVariable: (name, value) => this.#scope.set(name, value),
      ownVariables: () => this.#scope.given(),
      jump: (id) => this.#cursor.jump(id),
      insert: (actions) => {
        if (!this.#cursor.insert(actions)) this.#isSpent = true
      },
      count: () => this.#cursor.count(),
      stop: (fx) => this.stop(fx),
      skip: (fx, why) => this.#skip(fx, doc, why),
    }
  }

  #startNext(fx: Effects): void {
    const { onCompleteFlowId } = this.#plan
    const { referenceType, referenceId, chain } = this.#origin
    if (isUnset(onCompleteFlowId) || onCompleteFlowId === undefined || chain >= MAX_CHAIN) return
    this.#host.startRun(fx, {
      flowId: onCompleteFlowId,
      referenceType,
      referenceId,
      referenceActiveflowId: this.#record.id,
      variables: this.#scope.all(),
      chain: chain + 1,
    })
  }

  #save(fx: Effects): void {
    this.#record.save(fx, this.doc(), this.#isEnded)
  }
}

/** A flow with nothing but 000's fields answers and stays (contract §9.1). */
function actionsOf(plan: FlowPlan, facts: RunFacts): readonly ActionDoc[] {
  if (plan.actions.length > 0 || !(plan.transcription || plan.flatWebhookUrl)) return plan.actions
  return ['answer', 'block'].map((type) => ({ id: facts.random.uuid(), next_id: NIL_UUID, type, option: {} }))
}
