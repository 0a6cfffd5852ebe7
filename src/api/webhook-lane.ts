/** What waits for one destination: first attempts in order of their events, later attempts for their time. */

import type { Micros, Scheduled } from '../kernel/clock.ts'
import type { DeliveryRow, EventRow } from '../store/port.ts'
import { importance } from './webhook-schedule.ts'
import type { WebhookTarget } from './webhook-target.ts'

export interface Job {
  readonly event: EventRow
  /** Null for what is sent once and not stored. */
  readonly delivery: DeliveryRow | null
  readonly target: WebhookTarget
  /** Its age counts from here: the time of the event, or when it was asked for again. */
  readonly since: Micros
}

export type StoredJob = Job & { readonly delivery: DeliveryRow }

export interface LaneLimits {
  readonly inFlight: number
  readonly queued: number
  /** Jobs that wait for their next attempt. */
  readonly waiting: number
}

export const LANE_LIMITS: LaneLimits = { inFlight: 32, queued: 1_000, waiting: 10_000 }

export class Lane {
  readonly name: string
  readonly #limits: LaneLimits
  readonly #queue: Job[] = []
  readonly #waiting = new Map<Job, Scheduled>()
  readonly #queued = new Ranks()
  readonly #later = new Ranks()
  #inFlight = 0
  /** True while somebody takes from the queue; only one may, or the order is lost. */
  taking = false
  /** True from a failed attempt to the next one that succeeds. */
  isFailing = false

  constructor(name: string, limits: LaneLimits) {
    this.name = name
    this.#limits = limits
  }

  /** @returns the job that had to go, if there were too many: the oldest of the least important */
  queue(job: Job): Job | null {
    this.#queue.push(job)
    this.#queued.add(job)
    if (this.#queue.length <= this.#limits.queued) return null
    const rank = this.#queued.least
    const gone = this.#queue.splice(
      this.#queue.findIndex((one) => rankOf(one) === rank),
      1,
    )[0]!
    this.#queued.remove(gone)
    return gone
  }

  /** The next job to start, which is in flight from now on; null when there is none or no room. */
  take(): Job | null {
    if (this.#inFlight >= this.#limits.inFlight) return null
    const job = this.#queue.shift() ?? null
    if (!job) return null
    this.#queued.remove(job)
    this.#inFlight += 1
    return job
  }

  /** A job that was taken has ended its attempt. */
  ended(): void {
    this.#inFlight -= 1
  }

  /** @returns the job that had to go, as in `queue` */
  wait(job: Job, timer: Scheduled): Job | null {
    this.#waiting.set(job, timer)
    this.#later.add(job)
    if (this.#waiting.size <= this.#limits.waiting) return null
    const rank = this.#later.least
    for (const gone of this.#waiting.keys()) {
      if (rankOf(gone) !== rank) continue
      this.waited(gone)
      return gone
    }
    return null
  }

  /** The time of a waiting job has come, or it waits no longer. @returns false when it did not wait */
  waited(job: Job): boolean {
    this.#waiting.get(job)?.cancel()
    if (!this.#waiting.delete(job)) return false
    this.#later.remove(job)
    return true
  }

  /** True while a delivery waits for room. */
  queues(deliveryId: string): boolean {
    return this.#queue.some(({ delivery }) => delivery?.id === deliveryId)
  }

  /** The job that waits to send this delivery again, or null. */
  waitingFor(deliveryId: string): Job | null {
    for (const job of this.#waiting.keys()) if (job.delivery?.id === deliveryId) return job
    return null
  }

  isIdle(): boolean {
    return this.#inFlight === 0 && this.#queue.length === 0 && this.#waiting.size === 0
  }

  /** Forgets all but what is in flight. */
  clear(): void {
    for (const job of this.#queue.splice(0)) this.#queued.remove(job)
    for (const job of [...this.#waiting.keys()]) this.waited(job)
  }
}

/** How many jobs of each importance there are: which ones go first is known without a look at all. */
class Ranks {
  readonly #counts: [number, number, number] = [0, 0, 0]

  add(job: Job): void {
    this.#counts[rankOf(job)]++
  }

  remove(job: Job): void {
    this.#counts[rankOf(job)]--
  }

  /** The least important that is there. */
  get least(): number {
    return this.#counts.findIndex((count) => count > 0)
  }
}

function rankOf({ delivery, event }: Job): 0 | 1 | 2 {
  return importance(delivery?.event_type ?? event.type)
}
