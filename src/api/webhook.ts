/**
 * Delivers events to the webhooks of customers (contract §16). Every stored event has its deliveries in the store, written in
 * the commit of the event; this is what carries them out and writes what became of them. Requests to one destination start
 * in the order of the events and do not wait for each other's answers.
 */

import type { Clock, Micros } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { DeliveryRow, EventRow, Store } from '../store/port.ts'
import { Destinations } from './destinations.ts'
import { errorOf, type Outcome, type Prepared, WebhookAttempts } from './webhook-attempt.ts'
import { type Job, LANE_LIMITS, Lane, type LaneLimits, type StoredJob } from './webhook-lane.ts'
import { WebhookOutcomes } from './webhook-outcomes.ts'
import { isDelivered, mayTryAgain, nextGapMs, SCHEDULE, type Schedule } from './webhook-schedule.ts'
import { parseDestination, type WebhookTarget } from './webhook-target.ts'
import { HttpTransport, type WebhookTransport } from './webhook-transport.ts'

export interface OutboxWorld {
  readonly store: Pick<Store, 'commit' | 'dueDeliveries' | 'get' | 'list'>
  readonly clock: Clock
  readonly log: Log
  /** Over HTTP unless given. */
  readonly transport?: WebhookTransport
  readonly schedule?: Schedule
  readonly limits?: LaneLimits
  /** For the counters: an attempt that ended, or a delivery that is given up. */
  readonly counted?: (what: 'delivered' | 'failed' | 'dead') => void
}

const TOO_OLD = { error: 'too old' }
const QUEUE_FULL = { error: 'queue full' }
const NO_TARGET: WebhookTarget = { dialect: 'standard', method: '', url: '' }
const CLOSE_MS = 1_000
/** Deliveries taken over from an earlier run of the server, at most. */
const TAKE_OVER = 10_000
const BURY_AT_ONCE = 1_000

export class WebhookOutbox {
  /** Where events go: the publisher asks, and tells of changes. */
  readonly destinations: Destinations
  readonly #world: OutboxWorld
  readonly #transport: WebhookTransport
  readonly #schedule: Schedule
  readonly #limits: LaneLimits
  readonly #attempts: WebhookAttempts
  readonly #outcomes: WebhookOutcomes
  readonly #lanes = new Map<string, Lane>()
  readonly #inFlight = new Map<AbortController, { readonly job: Job; readonly ended: Promise<void> }>()
  /** What waits for the end of a call, by the call's id. */
  readonly #held = new Map<string, StoredJob[]>()
  /** What came before the start was done; null from then on. */
  #early: Job[] | null = []
  #closing: Promise<void> | null = null

  constructor(world: OutboxWorld) {
    this.#world = world
    this.#transport = world.transport ?? new HttpTransport()
    this.destinations = new Destinations(world.store)
    this.#schedule = world.schedule ?? SCHEDULE
    this.#limits = world.limits ?? LANE_LIMITS
    const { store, clock } = world
    const { destinations } = this
    this.#attempts = new WebhookAttempts({
      store,
      clock,
      destinations,
      transport: this.#transport,
      schedule: this.#schedule,
    })
    this.#outcomes = new WebhookOutcomes(world.store, world.log)
  }

  /**
   * Goes on with what an earlier run left undone, up to the age limit. Nothing is sent before: what is given meanwhile
   * comes after it. Rejects when the store cannot be read.
   */
  async start(): Promise<void> {
    const now = this.#world.clock.wallMicros()
    await this.#buryOld(now - this.#maxAge())
    const left = await this.#world.store.dueDeliveries(now + this.#maxAge(), TAKE_OVER)
    const early = this.#early ?? []
    this.#early = null
    for (const { event, delivery } of left) this.#takeOver(storedJob(event, delivery), now)
    const taken = new Set(left.map(({ delivery }) => delivery.id))
    for (const job of early) if (!job.delivery || !taken.has(job.delivery.id)) this.#admit(job)
    if (left.length === TAKE_OVER) {
      this.#world.log.warn({ taken: TAKE_OVER }, 'more webhook deliveries were left than are taken over')
    }
  }

  /** A stored delivery: tried until it arrived or is dead, from the time it is due. Never throws. */
  deliver(event: EventRow, delivery: DeliveryRow): void {
    this.#admit(storedJob(event, delivery))
  }

  /** An event that is not stored: tried once. Never throws. */
  sendOnce(event: EventRow, destination: string): void {
    const target = parseDestination(destination) ?? NO_TARGET
    this.#admit({ event, delivery: null, target, since: event.wall_us })
  }

  /** What is held back of a call goes now. */
  release(callId: string): void {
    const jobs = this.#held.get(callId) ?? []
    this.#held.delete(callId)
    for (const job of jobs) if (this.#lane(job).waited(job)) this.#queue(job)
  }

  /**
   * Sends it again, with a new series of attempts. One that is on its way is left alone; one that waits for its next
   * attempt goes at once.
   * @returns as it is now; null when it could not be stored
   */
  async replay(event: EventRow, delivery: DeliveryRow): Promise<DeliveryRow | null> {
    if (this.#isUnderWay(delivery)) return delivery
    const now = this.#world.clock.wallMicros()
    const again: DeliveryRow = { ...delivery, state: 'pending', attempts: 0, due_us: now, last: {} }
    await this.#outcomes.settled()
    const answer = await this.#world.store.commit({ deliveries: [again] })
    if (!answer.ok) return null
    if (this.#isUnderWay(delivery)) return again
    this.#dropWaiting(delivery)
    this.#admit({ ...storedJob(event, again), since: now })
    return again
  }

  /** The body of a delivery as it is sent. Rejects when the store cannot be read. */
  async bodyOf(event: EventRow, delivery: DeliveryRow): Promise<string> {
    return this.#attempts.bodyOf(event, storedJob(event, delivery).target.dialect)
  }

  /** Gives what is in flight a second to end, and leaves the rest to the next run. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const lane of this.#lanes.values()) lane.clear()
    const { clock } = this.#world
    const late = Promise.withResolvers<void>()
    const limit = clock.schedule(clock.now() + CLOSE_MS, late.resolve)
    const ended = Promise.all([...this.#inFlight.values()].map((each) => each.ended)).then(() =>
      this.#outcomes.settled(),
    )
    await Promise.race([ended, late.promise])
    limit.cancel()
    for (const attempt of this.#inFlight.keys()) attempt.abort()
    await this.#transport.close()
  }

  // ---- what an earlier run left

  /** Deliveries that were due before `oldest` are of events older than that. */
  async #buryOld(oldest: Micros): Promise<void> {
    const { store, log } = this.#world
    for (;;) {
      const old = await store.dueDeliveries(oldest - 1, BURY_AT_ONCE)
      if (old.length === 0) return
      const deliveries = old.map(({ delivery }) => ({ ...delivery, state: 'dead' as const, last: TOO_OLD }))
      const answer = await store.commit({ deliveries })
      log.warn({ deliveries: old.length, stored: answer.ok }, 'webhook deliveries of an earlier run are too old')
      if (!answer.ok) return
    }
  }

  #takeOver(job: StoredJob, now: Micros): void {
    const { delivery } = job
    if (now - job.since > this.#maxAge()) this.#giveUp(job, TOO_OLD)
    else if (delivery.attempts === 0) this.#admit(job)
    else this.#later(job, Math.max(0, (delivery.due_us - now) / 1000))
  }

  // ---- lanes

  /** Into the queue of its destination; before it is due, it waits. */
  #admit(job: Job): void {
    if (this.#early) this.#early.push(job)
    if (this.#early || this.#closing) return
    const { delivery } = job
    const gapMs = delivery && delivery.attempts === 0 ? (delivery.due_us - this.#world.clock.wallMicros()) / 1000 : 0
    if (gapMs <= 0) this.#queue(job)
    else this.#hold(job as StoredJob, gapMs)
  }

  #hold(job: StoredJob, gapMs: number): void {
    const callId = job.delivery.call_id ?? ''
    this.#held.set(callId, [...(this.#held.get(callId) ?? []), job])
    this.#later(job, gapMs, () => this.#held.delete(callId))
  }

  #queue(job: Job): void {
    if (this.#closing) return
    const lane = this.#lane(job)
    const gone = lane.queue(job)
    if (gone) this.#giveUp(gone, QUEUE_FULL)
    void this.#startAll(lane)
  }

  /** A customer's own: nobody has to wait for what others send to the same place. */
  #lane({ event, target }: Job): Lane {
    const name = `${event.customer_id} ${target.method} ${target.url}`
    const known = this.#lanes.get(name)
    if (known) return known
    const lane = new Lane(name, this.#limits)
    this.#lanes.set(name, lane)
    return lane
  }

  /** Starts what there is room for, one after the other, so that a look-up cannot change the order. */
  async #startAll(lane: Lane): Promise<void> {
    if (lane.taking) return
    lane.taking = true
    for (let job = lane.take(); job; job = lane.take()) {
      const found = this.#prepared(job)
      const prepared = found instanceof Promise ? await found : found
      if (this.#closing) break
      this.#attempt(lane, job, prepared)
    }
    lane.taking = false
  }

  #prepared(job: Job): Prepared | null | Error | Promise<Prepared | null | Error> {
    try {
      const found = this.#attempts.prepare(job)
      return found instanceof Promise ? found.catch(asError) : found
    } catch (error) {
      return asError(error)
    }
  }

  #attempt(lane: Lane, job: Job, prepared: Prepared | null | Error): void {
    const abort = new AbortController()
    const ended = this.#outcome(job, prepared, abort).then((outcome) => {
      this.#inFlight.delete(abort)
      lane.ended()
      if (abort.signal.aborted && this.#closing) return
      this.#judge(lane, job, outcome)
      void this.#startAll(lane)
      if (lane.isIdle()) this.#lanes.delete(lane.name)
    })
    this.#inFlight.set(abort, { job, ended })
  }

  async #outcome(job: Job, prepared: Prepared | null | Error, abort: AbortController): Promise<Outcome> {
    if (prepared === null || job.target === NO_TARGET) return 'gone'
    if (prepared instanceof Error) return errorOf(prepared)
    return this.#attempts.send(job, prepared, (job.delivery?.attempts ?? 0) + 1, abort)
  }

  // ---- what became of it

  #judge(lane: Lane, job: Job, outcome: Outcome): void {
    if (outcome === 'gone') {
      this.#giveUp(job, { error: 'no such customer' })
      return
    }
    const delivered = isDelivered(outcome)
    this.#world.counted?.(delivered ? 'delivered' : 'failed')
    this.#tellChange(lane, job.event, delivered, outcome)
    if (job.delivery === null) return
    const tried = { ...job.delivery, attempts: job.delivery.attempts + 1, last: outcome }
    if (delivered) this.#outcomes.write({ ...tried, state: 'delivered' })
    else this.#tryAgain({ ...job, delivery: tried }, outcome)
  }

  #tryAgain(job: StoredJob, last: JsonObject): void {
    const { delivery, target, since } = job
    const now = this.#world.clock.wallMicros()
    const gapMs = mayTryAgain(target.dialect, last)
      ? nextGapMs(this.#schedule, delivery.event_type, delivery.attempts, now - since)
      : null
    if (gapMs === null) {
      this.#giveUp(job, last)
      return
    }
    const waiting = { ...delivery, due_us: now + gapMs * 1000 }
    this.#outcomes.write(waiting)
    this.#later({ ...job, delivery: waiting }, gapMs)
  }

  /** @param first what is done when the time has come */
  #later(job: StoredJob, gapMs: number, first: () => void = () => {}): void {
    if (this.#closing) return
    const lane = this.#lane(job)
    const { clock } = this.#world
    const timer = clock.schedule(clock.now() + gapMs, () => {
      lane.waited(job)
      first()
      this.#queue(job)
    })
    const gone = lane.wait(job, timer)
    if (gone) this.#giveUp(gone, QUEUE_FULL)
  }

  #maxAge(): Micros {
    return this.#schedule.maxAgeMs * 1000
  }

  #giveUp({ event, delivery }: Job, last: JsonObject): void {
    if (!delivery) return
    this.#outcomes.write({ ...delivery, state: 'dead', last })
    this.#world.counted?.('dead')
    this.#world.log.debug({ event_id: event.id, event: event.type, ...last }, 'webhook delivery is dead')
  }

  #isUnderWay({ id }: DeliveryRow): boolean {
    for (const { job } of this.#inFlight.values()) if (job.delivery?.id === id) return true
    for (const lane of this.#lanes.values()) if (lane.queues(id)) return true
    return false
  }

  #dropWaiting({ id }: DeliveryRow): void {
    for (const lane of this.#lanes.values()) {
      const job = lane.waitingFor(id)
      if (job) lane.waited(job)
    }
  }

  /** One line when a receiver begins to fail and one when it is well again, however many events there are. */
  #tellChange(lane: Lane, event: EventRow, delivered: boolean, outcome: JsonObject): void {
    if (lane.isFailing === !delivered) return
    lane.isFailing = !delivered
    const fields = { customer_id: event.customer_id, event_id: event.id, ...outcome }
    if (delivered) this.#world.log.info(fields, 'webhook works again')
    else this.#world.log.warn(fields, 'webhook fails')
  }
}

/** One that was asked for again is as old as that wish: until its first attempt, this is when it is due. */
function storedJob(event: EventRow, delivery: DeliveryRow): StoredJob {
  const since = delivery.attempts === 0 ? Math.max(event.wall_us, delivery.due_us) : event.wall_us
  return { event, delivery, target: parseDestination(delivery.destination) ?? NO_TARGET, since }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
