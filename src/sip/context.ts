/**
 * What all parts of one core share while an input is worked on: the time, the list of outputs, the timers and the
 * source of tags and branches.
 */

import type { Millis } from '../kernel/clock.ts'
import { type Random, SeededRandom } from '../kernel/random.ts'
import type { Flow, SipCoreOptions, SipOutput } from './types.ts'

export class Context {
  readonly options: SipCoreOptions
  readonly random: Random
  /** Seconds after which to ask again, while nothing new is taken. */
  drainRetryS: number | null = null
  #now: Millis = 0
  #outputs: SipOutput[] = []
  #names = 0
  readonly #timers = new Map<string, () => void>()

  constructor(options: SipCoreOptions) {
    this.options = options
    this.random = new SeededRandom(options.seed)
  }

  get now(): Millis {
    return this.#now
  }

  begin(now: Millis): void {
    this.#now = now
    this.#outputs = []
  }

  take(): SipOutput[] {
    return this.#outputs
  }

  emit(output: SipOutput): void {
    this.#outputs.push(output)
  }

  send(flow: Flow, bytes: Uint8Array): void {
    this.emit({ kind: 'send', flow, bytes })
  }

  /** A prefix for timer ids that no other part of this core has. */
  newName(kind: string): string {
    this.#names += 1
    return `${kind}/${this.#names}`
  }

  /** Starts or restarts a timer. */
  startTimer(id: string, delayMs: number, task: () => void): void {
    this.#timers.set(id, task)
    this.emit({ kind: 'setTimer', id, at: this.#now + delayMs })
  }

  stopTimer(id: string): void {
    if (this.#timers.delete(id)) this.emit({ kind: 'cancelTimer', id })
  }

  /** A timer that was stopped while its firing was on the way is not there any more, and nothing happens. */
  fire(id: string): void {
    const task = this.#timers.get(id)
    this.#timers.delete(id)
    task?.()
  }
}
