/** Named timers of parts: setting a name again moves it. */

import type { Clock, Millis, Scheduled } from '../kernel/clock.ts'

export class Timers {
  readonly #clock: Clock
  readonly #byName = new Map<string, Scheduled>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#byName.size
  }

  set(name: string, at: Millis, fire: () => void): void {
    this.#byName.get(name)?.cancel()
    const scheduled = this.#clock.schedule(at, () => {
      this.#byName.delete(name)
      fire()
    })
    this.#byName.set(name, scheduled)
  }

  clear(name: string): void {
    this.#byName.get(name)?.cancel()
    this.#byName.delete(name)
  }

  clearAll(): void {
    for (const scheduled of this.#byName.values()) scheduled.cancel()
    this.#byName.clear()
  }
}
