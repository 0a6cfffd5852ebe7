/**
 * Delivers events to the webhooks of customers (contract §16). Every stored event has a delivery in the store, written in
 * the commit of the event; this is what carries them out and writes what became of them. Requests to one destination start
 * in the order of the events and do not wait for each other's answers.
 */

import type { Clock, Micros } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { DeliveryRow, EventRow, Store } from '../store/port.ts'
import { webhookBody } from './envelope.ts'
import { webhookHeaders } from './webhook-headers.ts'
import { type Job, LANE_LIMITS, Lane, type LaneLimits, type StoredJob } from './webhook-lane.ts'
import { WebhookOutcomes } from './webhook-outcomes.ts'
import { nextGapMs, SCHEDULE, type Schedule } from './webhook-schedule.ts'
import { parseDestination, WebhookSettings } from './webhook-settings.ts'
import { HttpTransport, type WebhookTransport } from './webhook-transport.ts'

export interface OutboxWorld {
  readonly store: Pick<Store, 'commit' | 'dueDeliveries' | 'get'>
  readonly clock: Clock
  readonly log: Log
  /** Over HTTP unless given. */
  readonly transport?: WebhookTransport
  readonly schedule?: Schedule
  readonly limits?: LaneLimits
  /** For the counters: an attempt that ended, or a delivery that is given up. */
  readonly counted?: (what: 'delivered' | 'failed' | 'dead') => void
}

interface Queued {
  readonly job: Job
  readonly destination: string
}

/** How an attempt ended. `gone`: there is nobody to deliver for. */
type Outcome = { readonly status: number } | { readonly error: string } | 'gone'

const TOO_OLD = { error: 'too old' }
const QUEUE_FULL = { error: 'queue full' }
const CLOSE_MS = 1_000
/** Deliveries taken over from an earlier run of the server, at most. */
const TAKE_OVER = 10_000
const BURY_AT_ONCE = 1_000

export class WebhookOutbox {
  /** Where a customer wants its events: the publisher asks, and tells of changes. */
  readonly destinations: WebhookSettings
  readonly #world: OutboxWorld
  readonly #transport: WebhookTransport
  readonly #schedule: Schedule
  readonly #limits: LaneLimits
  readonly #outcomes: WebhookOutcomes
  readonly #lanes = new Map<string, Lane>()
  readonly #inFlight = new Map<AbortController, Promise<void>>()
  /** What came before the start was done; null from then on. */
  #early: Queued[] | null = []
  #closing: Promise<void> | null = null

  constructor(world: OutboxWorld) {
    this.#world = world
    this.#transport = world.transport ?? new HttpTransport()
    this.destinations = new WebhookSettings(world.store)
    this.#schedule = world.schedule ?? SCHEDULE
    this.#limits = world.limits ?? LANE_LIMITS
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
    for (const { event, delivery } of left) this.#takeOver({ event, delivery }, now)
    const taken = new Set(left.map(({ delivery }) => delivery.id))
    for (const { job, destination } of early) {
      if (!job.delivery || !taken.has(job.delivery.id)) this.#queue(job, destination)
    }
    if (left.length === TAKE_OVER) {
      this.#world.log.warn({ taken: TAKE_OVER }, 'more webhook deliveries were left than are taken over')
    }
  }

  /** A stored delivery: tried until it arrived or is dead. Never throws. */
  deliver(event: EventRow, delivery: DeliveryRow): void {
    this.#queue({ event, delivery }, delivery.destination)
  }

  /** An event that is not stored: tried once. Never throws. */
  sendOnce(event: EventRow, destination: string): void {
    this.#queue({ event, delivery: null }, destination)
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
    const ended = Promise.all(this.#inFlight.values()).then(() => this.#outcomes.settled())
    await Promise.race([ended, late.promise])
    limit.cancel()
    for (const attempt of this.#inFlight.keys()) attempt.abort()
    await this.#transport.close()
  }

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
    const { event, delivery } = job
    if (now - event.wall_us > this.#maxAge()) this.#giveUp(job, TOO_OLD)
    else if (delivery.attempts === 0) this.#queue(job, delivery.destination)
    else this.#later(job, Math.max(0, (delivery.due_us - now) / 1000))
  }

  #queue(job: Job, destination: string): void {
    if (this.#early) this.#early.push({ job, destination })
    if (this.#early || this.#closing) return
    const lane = this.#lane(destination)
    const gone = lane.queue(job)
    if (gone) this.#giveUp(gone, QUEUE_FULL)
    void this.#startAll(lane)
  }

  #lane(destination: string): Lane {
    const known = this.#lanes.get(destination)
    if (known) return known
    const lane = new Lane(destination, this.#limits)
    this.#lanes.set(destination, lane)
    return lane
  }

  /** Starts what there is room for, one after the other, so that a look-up of a secret cannot change the order. */
  async #startAll(lane: Lane): Promise<void> {
    if (lane.taking) return
    lane.taking = true
    for (let job = lane.take(); job; job = lane.take()) {
      const secret = await this.#secret(job)
      if (this.#closing) break
      this.#attempt(lane, job, secret)
    }
    lane.taking = false
  }

  async #secret(job: Job): Promise<string | null | Error> {
    try {
      return await this.destinations.secretOf(job.event.customer_id)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #attempt(lane: Lane, job: Job, secret: string | null | Error): void {
    const attempt = new AbortController()
    const ended = this.#outcome(lane.destination, job, secret, attempt)
      .catch(errorOf)
      .then((outcome) => {
        this.#inFlight.delete(attempt)
        lane.ended()
        if (attempt.signal.aborted && this.#closing) return
        this.#judge(lane, job, outcome)
        void this.#startAll(lane)
        if (lane.isIdle()) this.#lanes.delete(lane.destination)
      })
    this.#inFlight.set(attempt, ended)
  }

  /** Ends at the time limit whatever the transport does. */
  async #outcome(
    destination: string,
    job: Job,
    secret: string | null | Error,
    attempt: AbortController,
  ): Promise<Outcome> {
    const target = parseDestination(destination)
    if (secret === null || target === null) return 'gone'
    if (secret instanceof Error) return { error: secret.message }
    const { clock } = this.#world
    const body = webhookBody(job.event)
    const headers = webhookHeaders({
      eventId: job.event.id,
      attempt: attemptsOf(job) + 1,
      body,
      secret,
      now: clock.wallMicros(),
    })
    const late = Promise.withResolvers<Outcome>()
    attempt.signal.addEventListener('abort', () => late.resolve({ error: 'timeout' }))
    const limit = clock.schedule(clock.now() + this.#schedule.timeoutMs, () => attempt.abort())
    try {
      return await Promise.race([
        this.#transport.post({ ...target, headers, body, signal: attempt.signal }),
        late.promise,
      ])
    } finally {
      limit.cancel()
    }
  }

  #judge(lane: Lane, job: Job, outcome: Outcome): void {
    if (outcome === 'gone') {
      this.#giveUp(job, { error: 'no such customer' })
      return
    }
    const delivered = 'status' in outcome && outcome.status >= 200 && outcome.status < 300
    this.#world.counted?.(delivered ? 'delivered' : 'failed')
    this.#tellChange(lane, job.event, delivered, outcome)
    if (job.delivery === null) return
    const tried = { ...job.delivery, attempts: job.delivery.attempts + 1, last: outcome }
    if (delivered) this.#outcomes.write({ ...tried, state: 'delivered' })
    else this.#tryAgain({ event: job.event, delivery: tried }, outcome)
  }

  #tryAgain(job: StoredJob, last: JsonObject): void {
    const { event, delivery } = job
    const now = this.#world.clock.wallMicros()
    const gapMs = nextGapMs(this.#schedule, event.type, delivery.attempts, now - event.wall_us)
    if (gapMs === null) {
      this.#giveUp(job, last)
      return
    }
    const waiting = { ...delivery, due_us: now + gapMs * 1000 }
    this.#outcomes.write(waiting)
    this.#later({ event, delivery: waiting }, gapMs)
  }

  #later(job: StoredJob, gapMs: number): void {
    if (this.#closing) return
    const lane = this.#lane(job.delivery.destination)
    const { clock } = this.#world
    const timer = clock.schedule(clock.now() + gapMs, () => {
      lane.waited(job)
      this.#queue(job, lane.destination)
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

  /** One line when a receiver begins to fail and one when it is well again, however many events there are. */
  #tellChange(lane: Lane, event: EventRow, delivered: boolean, outcome: JsonObject): void {
    if (lane.isFailing === !delivered) return
    lane.isFailing = !delivered
    const fields = { customer_id: event.customer_id, event_id: event.id, ...outcome }
    if (delivered) this.#world.log.info(fields, 'webhook works again')
    else this.#world.log.warn(fields, 'webhook fails')
  }
}

function attemptsOf(job: Job): number {
  return job.delivery?.attempts ?? 0
}

/** A code where there is one: messages may name addresses. */
function errorOf(error: unknown): Outcome {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
  return { error: String(code ?? name ?? 'unknown') }
}
