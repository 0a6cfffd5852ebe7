/**
 * The media threads: which of them a new leg goes to, and the way there. Load is what each tells of itself once a second,
 * and the legs that came or went since.
 */

import type { MediaCommand, MediaEvent } from '../media/protocol.ts'
import type { Channel } from './channel.ts'

/** Share of a core that a leg is taken to cost until its thread tells (docs/benchmarks.md, "What a call costs"). */
const LEG_SHARE = 0.001
const PACE_EVERY_MS = 1_000

type PaceEvent = MediaEvent & { kind: 'pace' }

interface MediaThreadState {
  readonly channel: Channel<MediaCommand, MediaEvent>
  isLost: boolean
  legs: number
  /** As last told, and the legs there were then. */
  busyShare: number
  busyLegs: number
  lastPace: PaceEvent | null
}

export class MediaThreads {
  readonly #threads: readonly MediaThreadState[]

  constructor(channels: readonly Channel<MediaCommand, MediaEvent>[]) {
    this.#threads = channels.map((channel) => ({
      channel,
      isLost: false,
      legs: 0,
      busyShare: 0,
      busyLegs: 0,
      lastPace: null,
    }))
  }

  /** @param onEvent told with the number of the thread it comes from; `onLost` likewise */
  listen(onEvent: (event: MediaEvent, thread: number) => void, onLost: (thread: number) => void): void {
    for (const [number, thread] of this.#threads.entries()) {
      thread.channel.onEvents = (events) => {
        for (const event of events) onEvent(event, number)
      }
      thread.channel.onLost = () => onLost(number)
    }
  }

  /** Whether there is one that lives. */
  get isThere(): boolean {
    return this.#threads.some(({ isLost }) => !isLost)
  }

  isLost(thread: number): boolean {
    return this.#threads[thread]!.isLost
  }

  /**
   * A leg's thread from now on, until `closed`.
   * @param beside a thread it had better be in, when that one lives
   * @returns the thread's number, or null when none lives
   */
  place(beside: number | null): number | null {
    const wanted = beside === null || this.isLost(beside) ? this.#leastLoaded() : beside
    if (wanted !== null) this.#threads[wanted]!.legs++
    return wanted
  }

  closed(thread: number): void {
    this.#threads[thread]!.legs--
  }

  post(thread: number, command: MediaCommand): void {
    this.#threads[thread]!.channel.post(command)
  }

  lost(thread: number): void {
    this.#threads[thread]!.isLost = true
    this.#threads[thread]!.lastPace = null
  }

  back(thread: number): void {
    const state = this.#threads[thread]!
    state.isLost = false
    state.busyShare = 0
    state.busyLegs = state.legs
  }

  /** @returns the pace of all of them together: the worst lateness, all their legs */
  pace(thread: number, pace: PaceEvent): PaceEvent {
    const state = this.#threads[thread]!
    state.busyShare = pace.cpuMs / PACE_EVERY_MS
    state.busyLegs = state.legs
    state.lastPace = pace
    const all = this.#threads.flatMap(({ lastPace, legs }) => (lastPace !== null && legs > 0 ? [lastPace] : []))
    const worst = (of: (one: PaceEvent) => number): number => Math.max(of(pace), ...all.map(of))
    return {
      ...pace,
      legs: all.reduce((sum, one) => sum + one.legs, 0),
      lateP50Ms: worst((one) => one.lateP50Ms),
      lateP99Ms: worst((one) => one.lateP99Ms),
      lateMaxMs: worst((one) => one.lateMaxMs),
    }
  }

  #leastLoaded(): number | null {
    let least: number | null = null
    for (const [number, thread] of this.#threads.entries()) {
      if (!thread.isLost && (least === null || loadOf(thread) < loadOf(this.#threads[least]!))) least = number
    }
    return least
  }
}

/** Without legs a thread tells nothing and does nothing; with some it is never quite idle. */
function loadOf({ legs, busyShare, busyLegs }: MediaThreadState): number {
  if (legs === 0) return 0
  return Math.max(legs * LEG_SHARE * LEG_SHARE, busyShare + (legs - busyLegs) * LEG_SHARE)
}
