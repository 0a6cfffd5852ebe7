/** What a call costs the server when nobody speaks and nobody listens: RTP in and silence out. */

import { type BenchResult, type Figure, figure } from './figures.ts'
import type { World } from './line.ts'

const COUNTS = [10, 50]
const SECONDS = 10
const SETTLE_MS = 1_500

export async function calls(world: World): Promise<BenchResult> {
  const figures: Figure[] = []
  const idle = await usedPerSecond(world)
  figures.push(figure('no call, CPU per second', 'ms', idle.processMs))
  let open = 0
  for (const count of COUNTS) {
    await world.call(count - open)
    open = count
    await world.wait(SETTLE_MS)
    await world.askServer('paces')
    const used = await usedPerSecond(world)
    const paces = await world.askServer('paces')
    const mediaMs = paces.reduce((sum, one) => sum + one.cpuMs, 0) / Math.max(1, paces.length)
    figures.push(
      figure(
        `${count} silent calls, CPU per call-second, all threads`,
        'ms',
        (used.processMs - idle.processMs) / count,
      ),
      figure(`- of it the media thread`, 'ms', mediaMs / count),
      figure(`- of it the main thread`, 'ms', (used.mainThreadMs - idle.mainThreadMs) / count),
    )
  }
  return { bench: 'calls', figures, notes: ['Callers send 50 packets of silence a second each, and get as many.'] }
}

async function usedPerSecond(world: World): Promise<{ processMs: number; mainThreadMs: number }> {
  const began = world.clock.now()
  const before = await world.askServer('cpu')
  await world.wait(1_000 * world.times(SECONDS, 3))
  const after = await world.askServer('cpu')
  const seconds = (world.clock.now() - began) / 1000
  return {
    processMs: (after.processMs - before.processMs) / seconds,
    mainThreadMs: (after.mainThreadMs - before.mainThreadMs) / seconds,
  }
}
