/** Waiting for a condition in tests that use real threads: no sleep, a limit, and virtual time that moves on meanwhile. */

import { setImmediate } from 'node:timers/promises'
import type { VirtualClock } from '../../../kernel/clock.ts'

const LIMIT_MS = 20_000

export async function until(clock: VirtualClock, holds: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + LIMIT_MS
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error('the condition did not come true')
    clock.advanceTo(clock.now() + 1_000)
    await setImmediate()
  }
}
