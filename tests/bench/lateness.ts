/**
 * How even outgoing sound is when many calls play cached speech: the time between two packets of a stream as they arrive,
 * beside a bare ticker of the same server process at the same receiver; then again beside two busy loops.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { Crowd, type CrowdCall, openLimits, wait } from './crowd.ts'
import { type BenchResult, type Figure, figure, percentile, spread } from './figures.ts'
import type { World } from './line.ts'
import { Control } from './pace.ts'

const COUNTS = [100, 200, 500]
const BUSY_COUNT = 100
const SECONDS = 10
const CALLS_PER_SECOND = 25
const GAP_MS = 60
const NUMBER = '+899300177'
const FRAME = 160
const TEXT = 'Thank you for calling, your call is important to us. It will be taken in the order in which it came.'
const TIMES = 60

interface Seen {
  readonly ats: number[]
  firstTime: number
  lastTime: number
}

export async function lateness(world: World): Promise<BenchResult> {
  await openLimits(world)
  await speakingNumber(world)
  let seen = new Map<CrowdCall, Seen>()
  const onPacket = (call: CrowdCall, bytes: Buffer, at: number): void => {
    const rtpTime = bytes.readUInt32BE(4)
    let one = seen.get(call)
    if (!one) {
      one = { ats: [], firstTime: rtpTime, lastTime: rtpTime }
      seen.set(call, one)
    }
    one.ats.push(at)
    one.lastTime = rtpTime
  }
  const crowd = await Crowd.open({ ...world.access, number: NUMBER, sound: null, onPacket })
  // What is said is in the cache then.
  await crowd.call(1, 1)
  await wait(12_000)
  const figures: Figure[] = []
  const notes: string[] = []
  const measure = async (what: string, wanted: Wanted): Promise<void> => {
    const control = await Control.open(world)
    await world.askServer('paces')
    seen = new Map()
    const before = await world.askServer('cpu')
    const began = world.clock.now()
    await wait(1_000 * world.times(SECONDS, 4))
    const seconds = (world.clock.now() - began) / 1000
    const after = await world.askServer('cpu')
    const streams = [...seen.values()]
    const { packets } = await control.take()
    const paces = await world.askServer('paces')
    figures.push(
      ...figuresOf(what, streams, wanted),
      ...spread(`- control: between two packets of the bare ticker`, gapsOf(packets.map(({ at }) => at)), FREE),
      figure(
        '- media ticks late by their own count, worst p99 of a second',
        'ms',
        percentile(
          paces.map((one) => one.lateP99Ms),
          1,
        ),
      ),
      figure(
        '- CPU per call-second, all threads',
        'ms',
        (after.processMs - before.processMs) / (seconds * crowd.up.length),
      ),
    )
  }
  for (const count of COUNTS) {
    await crowd.call(count - crowd.up.length, CALLS_PER_SECOND)
    await wait(1_500)
    if (crowd.up.length < count) notes.push(`Only ${crowd.up.length} of ${count} calls were taken.`)
    await measure(`${crowd.up.length} calls`, { p99: 21, 'p99.9': 25, gaps: 0 })
    if (count !== BUSY_COUNT) continue
    const loops = [busyLoop(), busyLoop()]
    await measure(`${crowd.up.length} calls beside two busy loops`, { p99: null, 'p99.9': null, gaps: 0.1 })
    for (const loop of loops) loop.kill('SIGKILL')
  }
  await crowd.hangUpAll()
  crowd.close()
  notes.push(
    `The callers send nothing. Packets are stamped by the callers’ event loop, which came over 20 ms late ${crowd.lateTicks} times.`,
  )
  return { bench: 'lateness', figures, notes }
}

interface Wanted {
  readonly p99: number | null
  readonly 'p99.9': number | null
  /** Gaps over 60 ms, in % of all. */
  readonly gaps: number
}

const FREE = { p99: null, 'p99.9': null, max: null }

function figuresOf(what: string, streams: readonly Seen[], wanted: Wanted): Figure[] {
  const gaps = streams.flatMap(({ ats }) => gapsOf(ats))
  const long = gaps.filter((gap) => gap > GAP_MS)
  const skipped = streams.reduce((sum, { ats, firstTime, lastTime }) => {
    return sum + Math.max(0, ((lastTime - firstTime) | 0) / FRAME + 1 - ats.length)
  }, 0)
  const { p99, 'p99.9': p999 } = wanted
  return [
    ...spread(`${what}, between two packets`, gaps, { p50: null, p99, 'p99.9': p999, max: null }),
    figure(`- gaps over ${GAP_MS} ms`, '%', gaps.length === 0 ? null : (100 * long.length) / gaps.length, wanted.gaps),
    figure('- frames of play-out time lost', 'frames', skipped, 0),
  ]
}

function gapsOf(ats: readonly number[]): number[] {
  return ats.slice(1).map((at, i) => at - ats[i]!)
}

/** Says the same sentences again and again. */
async function speakingNumber(world: World): Promise<void> {
  const talk = { type: 'talk', option: { text: TEXT, language: 'en-US' } }
  const actions = [{ type: 'answer' }, ...Array.from({ length: TIMES }, () => talk)]
  const flow = await world.ask('POST', '/flows', { name: 'speaks', actions })
  await world.ask('POST', '/numbers', { number: NUMBER, call_flow_id: flow.body['id'] })
}

function busyLoop(): ChildProcess {
  return spawn(process.execPath, ['-e', 'for (const end = Date.now() + 120000; Date.now() < end; );'], {
    stdio: 'ignore',
  })
}
