/**
 * A run of a flow without a call: `POST /activeflows`, `on_complete_flow_id`, `on_end_flow_id` (contract §9.2). One
 * mailbox, like a call; its sound is out of reach, and actions that need a call are skipped.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { SeededRandom } from '../kernel/random.ts'
import { Effects, type Tally } from './effects.ts'
import type { ErrandResult } from './errands.ts'
import type { FlowHost } from './flow/action.ts'
import { FlowRun } from './flow/run.ts'
import { Messages } from './messages.ts'
import type { CallOutput, RunBirth } from './part.ts'

/** A run that is not over by then is stopped. */
const MAX_RUN_MS = 86_400_000

/** `continue` is for a run that stands at `block`. */
export type ActiveflowCommand = { readonly kind: 'stop' } | { readonly kind: 'delete' } | { readonly kind: 'continue' }

export type ActiveflowInput =
  | RunBirth
  | { readonly kind: 'timer'; readonly name: string }
  | { readonly kind: 'errandDone'; readonly errand: number; readonly result: ErrandResult }
  | { readonly kind: 'command'; readonly reply: number; readonly command: ActiveflowCommand }

export class Activeflow {
  readonly #tally: Tally = { seq: 0, bornAt: 0 }
  #run: FlowRun | null = null
  #messages: Messages | null = null
  #errands = 0
  #isOver = false

  handle(input: ActiveflowInput, now: Millis, wall: Micros): CallOutput[] {
    if (input.kind === 'born') this.#tally.bornAt = now
    const fx = new Effects(now, wall, this.#tally)
    if (!this.#isOver) this.#take(fx, input)
    if (this.#run?.isEnded && !this.#messages?.isWaiting && !this.#isOver) this.#over(fx)
    return fx.outputs
  }

  doc(): JsonObject {
    return this.#run?.doc() ?? {}
  }

  #take(fx: Effects, input: ActiveflowInput): void {
    switch (input.kind) {
      case 'born':
        return this.#born(fx, input)
      case 'timer':
        if (input.name === 'flow') this.#run?.input(fx, { kind: 'timer' })
        else if (input.name === 'maxDuration') {
          this.#messages?.abandon()
          this.#run?.stop(fx)
        }
        return
      case 'errandDone':
        this.#messages?.done(fx, input.errand, input.result)
        return this.#run?.input(fx, input)
      case 'command':
        return this.#command(fx, input.reply, input.command)
      default:
        input satisfies never
    }
  }

  #born(fx: Effects, birth: RunBirth): void {
    const random = new SeededRandom(birth.seed)
    const facts = { ...birth, random }
    this.#messages = new Messages(facts)
    this.#run = new FlowRun(
      facts,
      this.#host(() => random.uuid()),
      birth.plan,
      runVariables(birth),
      fx,
      birth,
    )
    fx.out({ kind: 'timer', name: 'maxDuration', at: fx.now + MAX_RUN_MS })
    this.#run.begin(fx)
  }

  #command(fx: Effects, reply: number, command: ActiveflowCommand): void {
    if (command.kind === 'continue' && !this.#run?.isBlocked) return fx.refuse(reply, 'STATE_INVALID')
    if (command.kind === 'stop') this.#run?.stop(fx)
    else if (command.kind === 'delete') this.#run?.delete(fx)
    else this.#run?.input(fx, { kind: 'continue' })
    fx.reply(reply, { ok: true, doc: this.doc() })
  }

  #over(fx: Effects): void {
    this.#isOver = true
    fx.out({ kind: 'clearTimer', name: 'flow' })
    fx.out({ kind: 'clearTimer', name: 'maxDuration' })
    fx.out({ kind: 'over' })
  }

  /** What a run without a call can do: wait, run errands, make calls and further runs. */
  #host(newId: () => string): FlowHost {
    const nothing = (): void => {}
    return {
      hasMedia: false,
      answer: () => true,
      speak: () => 0,
      play: () => 0,
      flush: nothing,
      startTranscribe: nothing,
      stopTranscribe: nothing,
      hangUp: nothing,
      connect: nothing,
      sendDigits: nothing,
      takeKey: () => '',
      echo: nothing,
      mute: nothing,
      callStatus: () => '',
      serves: () => false,
      wake: (fx, at) => fx.out({ kind: 'timer', name: 'flow', at }),
      dial: (fx, dial) => fx.out({ kind: 'dial', dial: { ...dial, groupcallId: newId(), isChild: false } }),
      errand: (fx, what) => {
        fx.out({ kind: 'errand', errand: ++this.#errands, what })
        this.#messages?.asked(this.#errands, what)
        return this.#errands
      },
      startRun: (fx, run) => fx.out({ kind: 'startRun', run }),
    }
  }
}

/** Ours of a run without a call; those of the call, transcription or run it came from are among its plan's variables. */
function runVariables(birth: RunBirth): Record<string, string> {
  return {
    'voipbin.activeflow.id': birth.activeflowId,
    'voipbin.activeflow.flow_id': birth.plan.flowId || NIL_UUID,
    'voipbin.activeflow.reference_type': birth.referenceType,
    'voipbin.activeflow.reference_id': birth.referenceId,
  }
}
