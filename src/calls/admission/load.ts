/**
 * Whether this node has room for one more call. The answer comes from what was measured: how busy the threads are, how late
 * they run, and what the calls that began since then will cost. A call that is up is never asked again.
 */

import type { Millis } from '../../kernel/clock.ts'

/** What was measured over the last moment. Shares are of one core, 0 to 1; delays are the 99th percentile, in ms. */
export interface Load {
  readonly listenBusy: number
  readonly listenWaitMs: number
  readonly talkBusy: number
  /** Of the main thread's event loop. */
  readonly loopDelayMs: number
  /** Of outgoing frames against their own grid. */
  readonly mediaLateMs: number
  /** Calls that are listened to. */
  readonly ears: number
  readonly calls: number
}

export interface Bounds {
  /** Calls at once, whatever they do. */
  readonly maxCalls: number
  /** Conversations this machine holds by its self-benchmark: what is gone by until there are enough to measure. */
  readonly capacity: number
}

export interface NoRoom {
  readonly why: 'calls' | 'listen' | 'talk' | 'loop' | 'media' | 'draining'
  readonly retryAfterS: number
}

/** Above `hot` nothing new comes in; it does again when everything is below `cool`. */
interface Threshold {
  readonly why: NoRoom['why']
  readonly of: (load: Load) => number
  readonly hot: number
  readonly cool: number
}

const THRESHOLDS: readonly Threshold[] = [
  { why: 'listen', of: (load) => load.listenBusy, hot: 0.85, cool: 0.75 },
  { why: 'listen', of: (load) => load.listenWaitMs, hot: 400, cool: 250 },
  { why: 'talk', of: (load) => load.talkBusy, hot: 0.85, cool: 0.75 },
  { why: 'loop', of: (load) => load.loopDelayMs, hot: 250, cool: 100 },
  { why: 'media', of: (load) => load.mediaLateMs, hot: 40, cool: 20 },
]
/** One bad moment (a large collection, a neighbour on the machine) is not yet a load. */
const BAD_MOMENTS = 4
const BUSY_AT_MOST = 0.85
/** With fewer ears than this, what one of them costs is not known well enough. */
const ENOUGH_EARS = 5
/** Of the calls of a fresh node: with 1 a burst of calls that nobody listens to would be refused for nothing. */
const FIRST_EAR_SHARE = 0.25
/** How fast the share of calls that are listened to is learnt, per measurement. */
const LEARNING = 0.1
const RETRY_MS = [2_000, 8_000] as const

export class LoadGuard {
  readonly #bounds: Bounds
  #load: Load | null = null
  /** Calls begun since the last measurement. */
  #begun = 0
  #earShare = FIRST_EAR_SHARE
  #badMoments = 0
  #hot: Threshold | null = null
  isDraining = false

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  measured(load: Load): void {
    if (load.calls > 0) this.#earShare += LEARNING * (Math.min(1, load.ears / load.calls) - this.#earShare)
    this.#load = load
    this.#begun = 0
    const worst = THRESHOLDS.find(({ of, hot }) => of(load) > hot)
    this.#badMoments = worst ? this.#badMoments + 1 : 0
    if (worst && this.#badMoments >= BAD_MOMENTS) this.#hot = worst
    else if (this.#hot && THRESHOLDS.every(({ of, cool }) => of(load) <= cool)) this.#hot = null
  }

  /** A call was let in. */
  began(): void {
    this.#begun++
  }

  /**
   * @param calls that are not over
   * @param now spreads the moment at which those refused come back
   */
  refusal(calls: number, now: Millis): NoRoom | null {
    const why = this.#why(calls)
    if (why === null) return null
    const [least, most] = RETRY_MS
    return { why, retryAfterS: Math.round((least + (Math.floor(now) % (most - least))) / 1000) }
  }

  #why(calls: number): NoRoom['why'] | null {
    if (this.isDraining) return 'draining'
    if (calls >= this.#bounds.maxCalls) return 'calls'
    if (this.#hot) return this.#hot.why
    return this.#busyWithOneMore() > BUSY_AT_MOST ? 'listen' : null
  }

  /** Share of the listen thread, were one more call let in: those let in a moment ago do not show yet. */
  #busyWithOneMore(): number {
    const { ears, listenBusy } = this.#load ?? { ears: 0, listenBusy: 0 }
    const perEar = ears >= ENOUGH_EARS ? listenBusy / ears : BUSY_AT_MOST / this.#bounds.capacity
    return perEar * (ears + this.#earShare * (this.#begun + 1))
  }
}
