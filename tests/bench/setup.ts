/** How many calls a second are set up, with their rows and events stored, how fast, and whether everything is back afterwards. */

import { Crowd, openLimits, wait } from './crowd.ts'
import { type BenchResult, figure, spread } from './figures.ts'
import type { World } from './line.ts'
import type { Held } from './messages.ts'

const PER_SECOND = 100
const SECONDS = 60
const HOLD_MS = 1_000
const WARM_UP = 150
const WARM_UP_PER_SECOND = 30
/** SIP forgets a transaction over UDP after 32 s. */
const FORGOTTEN_MS = 34_000

export async function setup(world: World): Promise<BenchResult> {
  await openLimits(world)
  const crowd = await Crowd.open({ ...world.access, sound: null })
  await crowd.call(WARM_UP, WARM_UP_PER_SECOND)
  await crowd.hangUpAll()
  await wait(FORGOTTEN_MS)
  const before = await world.askServer('memory')
  const idle = await cpuOver(world, 3_000)

  const count = world.times(PER_SECOND * SECONDS, PER_SECOND * 5)
  const began = world.clock.now()
  const cpu = await world.askServer('cpu')
  const calls = await callAndHangUp(crowd, count)
  const spanS = (world.clock.now() - began) / 1000
  await crowd.hangUpAll()
  const used = await world.askServer('cpu')
  const allS = (world.clock.now() - began) / 1000
  const answered = calls.filter(({ code }) => code === 200)
  const codes = new Map<number, number>()
  for (const { code } of calls) codes.set(code, (codes.get(code) ?? 0) + 1)

  await wait(FORGOTTEN_MS)
  const after = await world.askServer('memory')
  crowd.close()
  const cpuMs = used.processMs - cpu.processMs - allS * idle
  return {
    bench: 'setup',
    figures: [
      figure('calls set up a second', 'a second', answered.length / spanS),
      figure('calls that were not answered 200', 'calls', count - answered.length, 0),
      ...spread(
        'from INVITE to 200',
        answered.map(({ invitedAt, answeredAt }) => answeredAt - invitedAt),
        { p50: null, p99: 20, max: null },
      ),
      figure('CPU per call, all threads, its end included', 'ms', cpuMs / count, 3),
      figure('- of it the main thread', 'ms', (used.mainThreadMs - cpu.mainThreadMs) / count),
      figure('INVITEs and BYEs sent again', 'times', crowd.resent),
      ...left(before, after, count),
    ],
    notes: [
      `${count} calls, ${PER_SECOND} a second, each up for ${HOLD_MS / 1000} s, no RTP from the callers. Answers: ` +
        `${[...codes].map(([code, times]) => `${code} ${times} times`).join(', ')}. What is left is looked at ${FORGOTTEN_MS / 1000} s later.`,
      `The callers came over 20 ms late ${crowd.lateTicks} times.`,
    ],
  }
}

async function callAndHangUp(
  crowd: Crowd,
  count: number,
): Promise<{ code: number; invitedAt: number; answeredAt: number }[]> {
  const { clock } = crowd
  const began = clock.now()
  const first = crowd.calls.length
  let next = first
  for (let n = 0; n < count; ) {
    const now = clock.now()
    while (n < count && began + (n * 1000) / PER_SECOND <= now) {
      await crowd.dial()
      n++
    }
    for (; next < crowd.calls.length; next++) {
      const call = crowd.calls[next]!
      if (call.state === 'calling' || (call.state === 'up' && now - call.answeredAt < HOLD_MS)) break
      crowd.hangUp(call)
    }
    if (n % 1_000 === 0) crowd.forget()
    await wait(2)
  }
  const limit = clock.now() + 40_000
  while (crowd.calls.slice(first).some(({ state }) => state === 'calling') && clock.now() < limit) await wait(10)
  return crowd.calls.slice(first)
}

function left(before: Held, after: Held, count: number) {
  const handles = (held: Held): number => Object.values(held.handles).reduce((sum, n) => sum + n, 0)
  return [
    figure('legs and calls left', 'pieces', after.legs + after.liveCalls, 0),
    figure('timers of signalling left', 'timers', after.sipTimers - before.sipTimers, 0),
    figure('open handles of the main thread, more than before', 'handles', handles(after) - handles(before), 0),
    figure('file descriptors, more than before', 'descriptors', after.descriptors - before.descriptors, 0),
    figure('resident memory, more than before', 'MB', (after.rssKb - before.rssKb) / 1024),
    figure('- per call', 'KB', (after.rssKb - before.rssKb) / count),
    figure('heap, more than before', 'MB', (after.heapKb - before.heapKb) / 1024),
  ]
}

/** @returns ms of CPU a second */
async function cpuOver(world: World, ms: number): Promise<number> {
  const before = await world.askServer('cpu')
  await world.wait(ms)
  return ((await world.askServer('cpu')).processMs - before.processMs) / (ms / 1000)
}
