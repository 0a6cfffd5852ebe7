/**
 * Draining: nothing new is taken, what is up goes on to its end. Proxies and carriers see it by 503 to their OPTIONS, load
 * balancers by `/readyz`. At the deadline what is still up is hung up.
 */

import type { Clock, Millis, Scheduled } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'

export interface DrainState {
  readonly draining: boolean
  readonly calls: number
  /** Until the deadline; null while not draining. */
  readonly seconds_left: number | null
}

export interface DrainOptions {
  readonly clock: Clock
  readonly log: Log
  readonly liveCalls: () => number
  /** Turns the taking of new calls off and on. */
  readonly refuse: (on: boolean, retryAfterS: number) => void
  readonly hangUpAll: () => void
}

/** Callers that are refused should go elsewhere and not come back here soon. */
const RETRY_AFTER_S = 60
const LOOK_EVERY_MS = 100
/** Long enough for BYE, the last transcripts and their events; a phone that does not answer is not waited for. */
const HANG_UP_MS = 1_500

export class Drain {
  readonly #options: DrainOptions
  #deadline: Millis | null = null
  #waiting: (() => void)[] = []
  #next: Scheduled | null = null
  #hungUpAt: Millis | null = null

  constructor(options: DrainOptions) {
    this.#options = options
  }

  get state(): DrainState {
    const { clock, liveCalls } = this.#options
    const left = this.#deadline === null ? null : Math.max(0, Math.ceil((this.#deadline - clock.now()) / 1000))
    return { draining: this.#deadline !== null, calls: liveCalls(), seconds_left: left }
  }

  /**
   * Called again it sets another deadline.
   * @returns when no call is left, or the draining was taken back
   */
  begin(deadlineMs: number): Promise<void> {
    const { clock, log, liveCalls, refuse } = this.#options
    if (this.#deadline === null) {
      log.warn({ calls: liveCalls(), deadline_ms: deadlineMs }, 'draining')
      refuse(true, RETRY_AFTER_S)
    }
    this.#deadline = clock.now() + deadlineMs
    this.#hungUpAt = null
    const empty = new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#look()
    return empty
  }

  /** New calls are taken again. */
  cancel(): void {
    if (this.#deadline === null) return
    this.#deadline = null
    this.#options.refuse(false, RETRY_AFTER_S)
    this.#release()
  }

  close(): void {
    this.#release()
  }

  #look(): void {
    const { clock, hangUpAll, liveCalls } = this.#options
    const now = clock.now()
    this.#next?.cancel()
    if (liveCalls() === 0 || (this.#hungUpAt !== null && now >= this.#hungUpAt + HANG_UP_MS)) return this.#release()
    if (this.#deadline !== null && now >= this.#deadline && this.#hungUpAt === null) {
      this.#hungUpAt = now
      hangUpAll()
    }
    this.#next = clock.schedule(now + LOOK_EVERY_MS, () => this.#look())
  }

  #release(): void {
    this.#next?.cancel()
    this.#next = null
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
