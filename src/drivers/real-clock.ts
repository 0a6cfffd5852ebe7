/** The clock of a real process: monotonic ms on the base that all its threads share, wall time that never repeats. */

import type { Clock, Micros, Millis, Scheduled } from '../kernel/clock.ts'

export class RealClock implements Clock {
  #lastWall: Micros = 0

  now(): Millis {
    return Number(process.hrtime.bigint()) / 1e6
  }

  wallMicros(): Micros {
    this.#lastWall = Math.max(this.#lastWall + 1, Math.floor((performance.timeOrigin + performance.now()) * 1000))
    return this.#lastWall
  }

  schedule(at: Millis, task: () => void): Scheduled {
    const timer = setTimeout(task, Math.max(0, Math.ceil(at - this.now())))
    return { cancel: () => clearTimeout(timer) }
  }
}
