/** A call for tests of flow actions: notes what is asked of it, and plays what comes back. */

import { NIL_UUID } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { SeededRandom } from '../../kernel/random.ts'
import type { ActionDoc } from '../commands.ts'
import { Effects, type Tally } from '../effects.ts'
import type { Errand, ErrandResult } from '../errands.ts'
import type { SaySettled } from '../mouth.ts'
import type { FlowPlan } from '../part.ts'
import type { FlowHost, FlowInput } from './action.ts'
import { FlowRun } from './run.ts'
import type { Origin } from './run-record.ts'
import type { Variables } from './variables.ts'

/** Thursday 2026-01-15 09:30 UTC. */
export const WALL = Date.UTC(2026, 0, 15, 9, 30) * 1000

/** Ids by number, for tests that jump. */
export const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

let lastId = 1000
export function action(type: string, option: JsonObject = {}, ownId = id(++lastId), nextId = NIL_UUID): ActionDoc {
  return { id: ownId, next_id: nextId, type, option }
}

export interface Asked {
  readonly what: string
  readonly detail?: unknown
}

export class FakeCall {
  readonly asked: Asked[] = []
  readonly events: { type: string; data: JsonObject }[] = []
  readonly rows: { id: string; tmDelete: number | null; doc: JsonObject }[] = []
  /** Lines for the log. */
  readonly skipped: string[] = []
  readonly run: FlowRun
  now = 10_000
  wall = WALL
  isAnswered: boolean
  key = ''
  status = 'progressing'
  wakeAt: number | null = null
  readonly #tally: Tally = { seq: 0, bornAt: 0 }
  #says = 0
  #errands = 0

  constructor(
    actions: readonly ActionDoc[],
    options: {
      readonly hasMedia?: boolean
      readonly isAnswered?: boolean
      readonly variables?: Variables
      readonly ours?: Variables
      readonly plan?: Partial<FlowPlan>
      readonly origin?: Origin
    } = {},
  ) {
    this.isAnswered = options.isAnswered ?? true
    if (!this.isAnswered) this.status = 'ringing'
    const facts = {
      activeflowId: id(1),
      customerId: id(2),
      nodeId: 'node',
      bootId: 'boot',
      callId: id(3),
      random: new SeededRandom('flow'),
    }
    const ours = { 'voipbin.call.digits': '', 'voipbin.call.id': id(3), ...options.ours }
    const plan = { flowId: id(4), actions, variables: options.variables ?? {}, ...options.plan }
    const host = this.#host(options.hasMedia ?? true)
    this.run = new FlowRun(facts, host, plan, ours, this.#effects(), options.origin)
  }

  begin(): this {
    return this.#give((fx) => this.run.begin(fx))
  }

  give(input: FlowInput): this {
    return this.#give((fx) => this.run.input(fx, input))
  }

  end(): this {
    return this.#give((fx) => this.run.end(fx))
  }

  stop(): this {
    return this.#give((fx) => this.run.stop(fx))
  }

  answered(): this {
    this.isAnswered = true
    this.status = 'progressing'
    return this.give({ kind: 'answered' })
  }

  after(ms: number): this {
    this.now += ms
    this.wall += ms * 1000
    return this
  }

  /** Lets the timer fire. */
  woken(): this {
    if (this.wakeAt === null) throw new Error('no timer is set')
    this.after(this.wakeAt - this.now)
    this.wakeAt = null
    return this.give({ kind: 'timer' })
  }

  /** The say asked for last, or the one of that number, is over. */
  said(sayId = this.#says): this {
    return this.give({ kind: 'said', end: { say: { sayId } } as unknown as SaySettled })
  }

  pressed(digits: string): this {
    for (const digit of digits) {
      this.key = digit
      this.give({ kind: 'key', digit })
    }
    return this
  }

  errandDone(result: ErrandResult = { ok: true }, errand = this.#errands): this {
    return this.give({ kind: 'errandDone', errand, result })
  }

  all(what: string): unknown[] {
    return this.asked.filter((one) => one.what === what).map((one) => one.detail)
  }

  get errands(): Errand[] {
    return this.all('errand') as Errand[]
  }

  /** Types of the actions whose turn has come, in order. */
  get executed(): string[] {
    return this.events
      .filter(({ type }) => type === 'activeflow_updated')
      .map(({ data }) => String((data['current_action'] as JsonObject)['type']))
  }

  get current(): string {
    return String(this.run.currentAction['type'])
  }

  variable(name: string): string | undefined {
    return this.run.variables[name]
  }

  #give(take: (fx: Effects) => void): this {
    const fx = this.#effects()
    take(fx)
    for (const output of fx.outputs) {
      if (output.kind === 'event') this.events.push({ type: output.event.type, data: output.event.data })
      else if (output.kind === 'row') this.rows.push(output.row)
      else if (output.kind === 'skipped') this.skipped.push(`${output.action}: ${output.why}`)
    }
    return this
  }

  #effects(): Effects {
    return new Effects(this.now, this.wall, this.#tally)
  }

  #host(hasMedia: boolean): FlowHost {
    const note = (what: string, detail?: unknown): void => void this.asked.push({ what, detail })
    const say = (what: string, detail: unknown): number => {
      note(what, detail)
      return ++this.#says
    }
    return {
      hasMedia,
      answer: () => {
        if (!this.isAnswered) note('answer')
        return this.isAnswered
      },
      speak: (_fx, words, wish) => say('speak', { words, ...wish }),
      play: (_fx, sound) => say('play', sound),
      flush: () => note('flush'),
      startTranscribe: (_fx, wish) => note('startTranscribe', wish),
      stopTranscribe: () => note('stopTranscribe'),
      wake: (_fx, at) => {
        this.wakeAt = at
      },
      hangUp: (_fx, reason) => note('hangUp', reason),
      connect: (_fx, wish) => note('connect', wish),
      dial: (_fx, dial) => note('dial', dial),
      sendDigits: (_fx, digits, durationMs, gapMs) => note('sendDigits', { digits, durationMs, gapMs }),
      takeKey: () => {
        const { key } = this
        this.key = ''
        return key
      },
      echo: (_fx, on) => note('echo', on),
      mute: (_fx, direction) => note('mute', direction),
      errand: (_fx, what) => {
        note('errand', what)
        return ++this.#errands
      },
      startRun: (_fx, run) => note('startRun', run),
      callStatus: () => (hasMedia ? this.status : ''),
      serves: (language) => language !== 'ja-JP',
    }
  }
}
