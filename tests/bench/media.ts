/** What a call costs the server when nobody speaks and nobody listens, from few calls to many: a slope and what is there anyway. */

import { Crowd, lineThrough, openLimits, wait } from './crowd.ts'
import { type BenchResult, type Figure, figure } from './figures.ts'
import type { World } from './line.ts'

const COUNTS = [50, 100, 200, 300, 400]
const QUICK_COUNTS = [50, 100, 200]
const SECONDS = 10
const IDLE_AFTER_SECONDS = 15
const SETTLE_MS = 2_000
const CALLS_PER_SECOND = 50
const GOAL_SLOPE_MS = 1.1
const GOAL_KB = 60

/** One second of a tone, mu-law. */
const TONE = Uint8Array.from({ length: 8_000 }, (_, i) => (i % 20 < 10 ? 0x9a : 0x1a))

export async function media(world: World): Promise<BenchResult> {
  await openLimits(world)
  const crowd = await Crowd.open({ ...world.access, sound: TONE })
  const figures: Figure[] = []
  const points: {
    calls: number
    cpuMs: number
    mediaMs: number
    mainMs: number
    rssKb: number
    heapKb: number
    callerMs: number
    lost: number
  }[] = []
  // What threads do by themselves after they have started is over then.
  await wait(1_000 * world.times(IDLE_AFTER_SECONDS, 3))
  const idle = await usedPerSecond(world)
  for (const count of world.scale < 1 ? QUICK_COUNTS : COUNTS) {
    await crowd.call(count - crowd.up.length, CALLS_PER_SECOND)
    await wait(SETTLE_MS)
    const before = crowd.calls.reduce((sum, { received }) => sum + received, 0)
    const own = process.cpuUsage()
    const used = await usedPerSecond(world)
    const { user, system } = process.cpuUsage(own)
    const received = crowd.calls.reduce((sum, call) => sum + call.received, 0) - before
    const { rssKb, heapKb } = await world.askServer('memory')
    if (crowd.up.length < count) throw new Error(`${crowd.hungUp} of ${count} calls ended by themselves`)
    points.push({
      calls: count,
      cpuMs: used.processMs,
      mediaMs: used.mediaMs,
      mainMs: used.mainThreadMs,
      rssKb,
      heapKb,
      callerMs: (user + system) / 1000 / used.seconds,
      lost: 1 - received / (count * 50 * used.seconds),
    })
  }
  const line = lineThrough(points.map(({ calls, cpuMs }) => ({ x: calls, y: cpuMs })))
  const memory = lineThrough(points.map(({ calls, rssKb }) => ({ x: calls, y: rssKb })))
  const heap = lineThrough(points.map(({ calls, heapKb }) => ({ x: calls, y: heapKb })))
  for (const { calls, cpuMs, mediaMs, mainMs, callerMs } of points) {
    figures.push(
      figure(`${calls} calls, CPU per call-second, all threads`, 'ms', cpuMs / calls),
      figure('- of it the media threads', 'ms', mediaMs / calls),
      figure('- of it the main thread', 'ms', mainMs / calls),
      figure('- control: the callers’ process, which only sends and counts as many packets', 'ms', callerMs / calls),
    )
  }
  figures.push(
    figure('CPU per call-second, slope', 'ms', line.slope, GOAL_SLOPE_MS),
    figure('intercept, of a core', '%', line.intercept / 10, 1),
    figure('farthest from the line', '%', line.worstShare * 100, 15),
    figure('no call, of a core', '%', idle.processMs / 10),
    figure('memory per call, slope of what is resident', 'KB', memory.slope, GOAL_KB),
    figure('- of it the heap of the main thread', 'KB', heap.slope),
    figure('packets that did not come back', '%', Math.max(0, ...points.map(({ lost }) => lost * 100)), 1),
  )
  await crowd.hangUpAll()
  crowd.close()
  return {
    bench: 'media',
    figures,
    notes: [
      `50 packets of a tone in and 50 of silence out, per call and second, ${SECONDS} s a point. The callers came over 20 ms late ` +
        `${crowd.lateTicks} times. ${crowd.refused} calls were refused and tried again while they were set up.`,
    ],
  }
}

export interface Used {
  readonly processMs: number
  readonly mainThreadMs: number
  readonly mediaMs: number
  readonly seconds: number
}

export async function usedPerSecond(world: World, fullSeconds = SECONDS): Promise<Used> {
  const began = world.clock.now()
  const before = await world.askServer('cpu')
  await world.askServer('paces')
  await world.wait(1_000 * world.times(fullSeconds, 3))
  const after = await world.askServer('cpu')
  const paces = await world.askServer('paces')
  const seconds = (world.clock.now() - began) / 1000
  return {
    processMs: (after.processMs - before.processMs) / seconds,
    mainThreadMs: (after.mainThreadMs - before.mainThreadMs) / seconds,
    mediaMs: paces.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / seconds,
    seconds,
  }
}
