/** Measures how loaded this node is, a few times a second, and asks the rules of `calls/admission/load.ts` for room. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Bounds, LoadGuard, type NoRoom } from '../calls/admission/load.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Room } from './exchange.ts'

const EVERY_MS = 250
/** The event loop is looked at so often; what it is late by comes on top. */
const LOOP_RESOLUTION_MS = 10

/** Newest figures of each thread, as its own messages bring them. */
interface Figures {
  listenBusy: number
  listenWaitMs: number
  talkBusy: number
  readonly mediaLateMs: Map<string, number>
}

export interface LoadWatchOptions extends Bounds {
  readonly clock: Clock
  readonly log: Log
  readonly liveCalls: () => number
  /** Calls that are listened to. */
  readonly ears: () => number
}

export class LoadWatch implements Room {
  readonly #options: LoadWatchOptions
  readonly #guard: LoadGuard
  readonly #figures: Figures = { listenBusy: 0, listenWaitMs: 0, talkBusy: 0, mediaLateMs: new Map() }
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  readonly refused = new Map<NoRoom['why'], number>()
  #timer: NodeJS.Timeout | null = null
  #wasRefusing = false

  constructor(options: LoadWatchOptions) {
    this.#options = options
    this.#guard = new LoadGuard(options)
  }

  start(): void {
    this.#loop.enable()
    this.#timer = setInterval(() => this.#measure(), EVERY_MS)
    this.#timer.unref()
  }

  close(): void {
    this.#loop.disable()
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  listen(busyShare: number, waitMs: number): void {
    this.#figures.listenBusy = busyShare
    this.#figures.listenWaitMs = waitMs
  }

  talk(busyShare: number): void {
    this.#figures.talkBusy = busyShare
  }

  /** @param thread its name */
  media(thread: string, lateP99Ms: number): void {
    this.#figures.mediaLateMs.set(thread, lateP99Ms)
  }

  /** Nothing new is taken; what is up goes on. */
  drain(on: boolean): void {
    this.#guard.isDraining = on
  }

  get isDraining(): boolean {
    return this.#guard.isDraining
  }

  /** Why there is no room for a new call now; null when there is. */
  refusal(): NoRoom | null {
    const { clock, liveCalls } = this.#options
    const refusal = this.#guard.refusal(liveCalls(), clock.now())
    if (refusal) this.#count(refusal.why)
    this.#tellChange(refusal)
    return refusal
  }

  /** A new call was let in. */
  began(): void {
    this.#guard.began()
  }

  foundNoLeg(): void {
    this.#count('calls')
  }

  #count(why: NoRoom['why']): void {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1)
  }

  #measure(): void {
    const { ears, liveCalls } = this.#options
    const { mediaLateMs, ...figures } = this.#figures
    const calls = liveCalls()
    const loopDelayMs = Math.max(0, this.#loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS)
    this.#loop.reset()
    this.#guard.measured({
      ...figures,
      loopDelayMs: Number.isFinite(loopDelayMs) ? loopDelayMs : 0,
      mediaLateMs: calls === 0 ? 0 : Math.max(0, ...mediaLateMs.values()),
      ears: ears(),
      calls,
    })
  }

  /** Once at its beginning: a flood of calls must not become a flood of lines. */
  #tellChange(refusal: NoRoom | null): void {
    const isRefusing = refusal !== null
    if (isRefusing === this.#wasRefusing) return
    this.#wasRefusing = isRefusing
    if (refusal) this.#options.log.warn({ why: refusal.why }, 'no room for new calls')
    else this.#options.log.info({}, 'room for new calls again')
  }
}
