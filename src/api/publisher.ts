/**
 * Stores changes and tells the world about them, in this order. Whatever happened to a customer is published in the order
 * in which it was stored.
 */

import { randomUUID } from 'node:crypto'
import type { Change, NewEvent, Records } from '../calls/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import { uuidInOrder } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Batch, CommitResult, DeliveryRow, EventRow, Store } from '../store/port.ts'
import type { Destination, Destinations, Route } from './destinations.ts'

export interface PublisherWorld {
  readonly store: Pick<Store, 'commit'>
  readonly clock: Clock
  readonly log: Log
  readonly hub: { publish(event: EventRow): void }
  readonly webhook: {
    readonly destinations: Pick<Destinations, 'of' | 'note'>
    /** A stored delivery: tried until it arrived or is dead. */
    deliver(event: EventRow, delivery: DeliveryRow): void
    /** Not stored: tried once. */
    sendOnce(event: EventRow, destination: string): void
    /** What is held back of a call may go. */
    release(callId: string): void
  }
  /** A fresh version 4 UUID. */
  readonly newId?: () => string
}

/** Publishing holds up everything else at most this long at a time. */
const SLICE_MS = 3

interface Draft {
  readonly event: EventRow
  readonly ephemeral: boolean
}

/** An event and where it goes. */
interface Routed extends Draft {
  readonly route: Route
  /** One for each destination; none for an ephemeral event. */
  readonly deliveries: readonly DeliveryRow[]
}

interface Entry {
  readonly change: Change
  readonly resolve: (answer: CommitResult) => void
  /** Null until the destinations are known; then what shall be stored and published, or why it cannot be. */
  routed: readonly Routed[] | { readonly why: string } | null
  /** Null until it is stored or refused. */
  answer: CommitResult | null
}

export class Publisher implements Records {
  readonly #world: PublisherWorld
  readonly #newId: () => string
  /** In the order of `save`: those whose destinations are not known yet, and those after them. */
  readonly #unsent: Entry[] = []
  /** In the same order: given to the store, and not yet published. */
  readonly #unpublished: Entry[] = []

  /** True between two slices. */
  #isResting = false

  constructor(world: PublisherWorld) {
    this.#world = world
    this.#newId = world.newId ?? (() => uuidInOrder(world.clock.wallMicros(), randomUUID()))
  }

  save(change: Change): Promise<CommitResult> {
    const { promise, resolve } = Promise.withResolvers<CommitResult>()
    const entry: Entry = { change, resolve, routed: null, answer: null }
    this.#unsent.push(entry)
    this.#route(
      entry,
      change.events.map((event) => this.#draft(event)),
    )
    return promise
  }

  #draft(event: NewEvent): Draft {
    return {
      ephemeral: event.ephemeral ?? false,
      event: {
        id: this.#newId(),
        customer_id: event.customerId,
        call_id: event.callId,
        seq: event.seq,
        wall_us: this.#world.clock.wallMicros(),
        offset_ms: event.offsetMs,
        type: event.type,
        data: event.data,
      },
    }
  }

  /** Without a wait when all destinations are known, which is the usual case. */
  #route(entry: Entry, drafts: readonly Draft[]): void {
    const done = (routed: Entry['routed']): void => {
      entry.routed = routed
      this.#send()
    }
    try {
      const found = drafts.map(({ event }) => this.#world.webhook.destinations.of(event.customer_id, event))
      if (found.every((route) => !(route instanceof Promise))) {
        done(drafts.map((draft, i) => this.#routed(draft, found[i] as Route)))
        return
      }
      Promise.all(found).then(
        (all) => done(drafts.map((draft, i) => this.#routed(draft, all[i]!))),
        (error: unknown) => done({ why: reasonOf(error) }),
      )
    } catch (error) {
      done({ why: reasonOf(error) })
    }
  }

  #routed(draft: Draft, route: Route): Routed {
    const { event, ephemeral } = draft
    const deliveries = ephemeral ? [] : route.to.map((to) => this.#delivery(event, to))
    return { ...draft, route, deliveries }
  }

  #delivery(event: EventRow, { destination, name, heldUntil }: Destination): DeliveryRow {
    return {
      id: this.#newId(),
      event_id: event.id,
      customer_id: event.customer_id,
      call_id: event.call_id,
      destination,
      state: 'pending',
      attempts: 0,
      due_us: heldUntil ?? event.wall_us,
      last: {},
      event_type: name,
    }
  }

  /** Gives to the store what has its turn. */
  #send(): void {
    while (this.#unsent[0]?.routed) {
      const entry = this.#unsent.shift()!
      this.#unpublished.push(entry)
      this.#store(entry)
    }
  }

  #store(entry: Entry): void {
    const { change, routed } = entry
    if (routed === null || 'why' in routed) {
      this.#answered(entry, { ok: false, kind: 'failed', why: `destinations unknown: ${routed?.why}` })
      return
    }
    const batch = batchOf(change, routed)
    if (isEmpty(batch)) this.#answered(entry, { ok: true, cursors: [] })
    else void this.#world.store.commit(batch).then((answer) => this.#answered(entry, answer))
  }

  #answered(entry: Entry, answer: CommitResult): void {
    entry.answer = answer
    if (!this.#isResting) this.#publishAll()
  }

  /** In slices: whatever the store answers at once, calls and requests get their turn in between. */
  #publishAll(): void {
    const { clock } = this.#world
    const from = clock.now()
    while (this.#unpublished[0]?.answer) {
      const first = this.#unpublished.shift()!
      if (first.answer!.ok) this.#publish(first)
      first.resolve(first.answer!)
      if (clock.now() - from < SLICE_MS) continue
      this.#isResting = true
      clock.schedule(clock.now(), () => {
        this.#isResting = false
        this.#publishAll()
      })
      return
    }
  }

  #publish({ change, routed }: Entry): void {
    if (change.rows) this.#world.webhook.destinations.note(change.rows)
    for (const each of routed as readonly Routed[]) {
      try {
        this.#tell(each)
      } catch (error) {
        this.#world.log.error(
          { event_id: each.event.id, event: each.event.type, why: reasonOf(error) },
          'event not published',
        )
      }
    }
  }

  #tell({ event, ephemeral, route, deliveries }: Routed): void {
    const { hub, webhook } = this.#world
    hub.publish(event)
    for (const delivery of deliveries) webhook.deliver(event, delivery)
    if (ephemeral) for (const { destination } of route.to) webhook.sendOnce(event, destination)
    if (route.releases && event.call_id !== null) webhook.release(event.call_id)
  }
}

function batchOf(change: Change, routed: readonly Routed[]): Batch {
  const { guards = [], rows = [], removals = [], inputLogs = [] } = change
  const events = routed.filter(({ ephemeral }) => !ephemeral).map(({ event }) => event)
  return { guards, rows, removals, inputLogs, events, deliveries: routed.flatMap(({ deliveries }) => deliveries) }
}

function isEmpty(batch: Batch): boolean {
  return Object.values(batch).every((part: readonly unknown[]) => part.length === 0)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
