/**
 * Time, as the pure parts see it. Two clocks with two names: `now` is monotonic, for durations and deadlines;
 * wall time is for people and is read only where a row or event is written.
 * The real clock is `drivers/real-clock.ts`; this file holds the interface and the virtual one.
 */

/** Monotonic milliseconds (fractions allowed). One base for all threads of a process. */
export type Millis = number

/** Microseconds since 1970-01-01 UTC, an integer below 2^53. */
export type Micros = number

export interface Clock {
  /** Monotonic ms; never goes back. */
  now(): Millis
  /** Wall time in integer microseconds. Strictly increasing within one process, so that it orders rows. */
  wallMicros(): Micros
  /** Runs `task` once at `at` (monotonic ms), or at once when that has passed. */
  schedule(at: Millis, task: () => void): Scheduled
}

export interface Scheduled {
  cancel(): void
}

interface Entry {
  readonly at: Millis
  readonly order: number
  readonly task: () => void
  cancelled: boolean
}

/** A clock that moves only when told to. Tasks due at the same time run in the order they were scheduled. */
export class VirtualClock implements Clock {
  #now: Millis
  #lastWall: Micros
  readonly #wallBase: Micros
  #order = 0
  readonly #heap: Entry[] = []

  constructor(start: Millis = 1_000, wallBase: Micros = Date.UTC(2026, 0, 15) * 1000) {
    this.#now = start
    this.#wallBase = wallBase
    this.#lastWall = wallBase
  }

  now(): Millis {
    return this.#now
  }

  wallMicros(): Micros {
    this.#lastWall = Math.max(this.#lastWall + 1, Math.floor(this.#wallBase + this.#now * 1000))
    return this.#lastWall
  }

  schedule(at: Millis, task: () => void): Scheduled {
    const entry: Entry = { at: Math.max(at, this.#now), order: this.#order++, task, cancelled: false }
    push(this.#heap, entry)
    return {
      cancel() {
        entry.cancelled = true
      },
    }
  }

  /** When the next task is due, or null when nothing is scheduled. */
  nextAt(): Millis | null {
    while (this.#heap[0]?.cancelled) pop(this.#heap)
    return this.#heap[0]?.at ?? null
  }

  /** Runs the next due task, moving time to it. @returns false when nothing is scheduled up to `limit` */
  step(limit: Millis = Number.POSITIVE_INFINITY): boolean {
    const at = this.nextAt()
    if (at === null || at > limit) return false
    const entry = pop(this.#heap) as Entry
    this.#now = Math.max(this.#now, entry.at)
    entry.task()
    return true
  }

  /** Moves time forward to `to`, running all tasks due on the way, also those scheduled meanwhile. */
  advanceTo(to: Millis): void {
    while (this.step(to)) {}
    this.#now = Math.max(this.#now, to)
  }

  /** How many tasks wait (cancelled ones not counted). */
  pending(): number {
    return this.#heap.filter((entry) => !entry.cancelled).length
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function push(heap: Entry[], entry: Entry): void {
  heap.push(entry)
  let child = heap.length - 1
  while (child > 0) {
    const parent = (child - 1) >> 1
    if (!before(heap[child]!, heap[parent]!)) break
    swap(heap, child, parent)
    child = parent
  }
}

function pop(heap: Entry[]): Entry | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (heap.length > 0 && last) {
    heap[0] = last
    let parent = 0
    for (;;) {
      const left = 2 * parent + 1
      const right = left + 1
      let least = parent
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left
      if (right < heap.length && before(heap[right]!, heap[least]!)) least = right
      if (least === parent) break
      swap(heap, parent, least)
      parent = least
    }
  }
  return top
}

function swap(heap: Entry[], a: number, b: number): void {
  const held = heap[a]!
  heap[a] = heap[b]!
  heap[b] = held
}
