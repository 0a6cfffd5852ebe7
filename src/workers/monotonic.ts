/** The one monotonic base of all threads of a process. */

import type { Millis } from '../kernel/clock.ts'

export function monotonicMs(): Millis {
  return Number(process.hrtime.bigint()) / 1e6
}
