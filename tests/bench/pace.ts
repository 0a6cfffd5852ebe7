/**
 * How even 50 calls of cached speech arrive: each packet against its own stream's 20 ms grid, beside a bare ticker in a
 * worker of the same server process, and that ticker's packets at the same receiver.
 */

import { createSocket } from 'node:dgram'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type BenchResult, figure, percentile, rounded, spread } from './figures.ts'
import type { Line, World } from './line.ts'

const CALLS = 50
const SECONDS = 30
const GRID_MS = 20
const SAMPLES_PER_MS = 8
const GAP_MS = 60
const TEXT =
  'Thank you for calling, all of our people are speaking at the moment, but your call is important, and it will be taken ' +
  'in the order in which it came. You may also leave your number after the tone, and we will call you back today.'

interface Packet {
  readonly at: number
  readonly rtpTime: number
}

export async function pace(world: World): Promise<BenchResult> {
  const lines = await world.call(CALLS)
  for (const line of lines) await line.openSpeaking()
  await sayWhole(world, lines[0]!)
  const stop = await keepSaying(world, lines)
  await world.wait(1_500)
  const streams = lines.map((line) => recordedOf(line))
  const control = await Control.open(world)
  await world.askServer('paces')
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  for (const stream of streams) stream.length = 0
  const before = await world.askServer('cpu')
  const began = world.clock.now()
  await world.wait(1_000 * world.times(SECONDS, 5))
  const spanMs = world.clock.now() - began
  const after = await world.askServer('cpu')
  const taken = streams.map((stream) => stream.splice(0))
  loop.disable()
  const paces = await world.askServer('paces')
  const { tickLateMs, packets } = await control.take()
  stop()
  const late = taken.flatMap(latenessOf)
  const gaps = taken.reduce((sum, stream) => sum + gapsOf(stream), 0)
  const wanted = { p50: null, p99: null, 'p99.9': null, max: null }
  const voiced = taken.length * (spanMs / GRID_MS)
  const loopP99 = loop.percentile(99) / 1e6 - 5
  return {
    bench: 'pace',
    figures: [
      ...spread(`RTP lateness on its own grid, ${CALLS} calls, at the receiver`, late, { ...wanted, p99: 5 }),
      figure(`gaps over ${GAP_MS} ms`, 'gaps', gaps),
      ...spread('control: packets of the bare ticker, at the receiver', latenessOf(packets), wanted),
      ...spread('control: the bare ticker itself', tickLateMs, wanted),
      figure(
        'server: media ticks late, median of its p99 of each second',
        'ms',
        percentile(
          paces.map((one) => one.lateP99Ms),
          0.5,
        ),
      ),
      figure(
        'server: media ticks late, max',
        'ms',
        percentile(
          paces.map((one) => one.lateMaxMs),
          1,
        ),
      ),
      figure(
        'server CPU per call-second, playing',
        'ms',
        (after.processMs - before.processMs) / ((spanMs / 1000) * CALLS),
      ),
    ],
    notes: [
      `${taken.flat().length} packets of about ${Math.round(voiced)} in ${Math.round(spanMs / 1000)} s. The receiver's own ` +
        `event loop was late by p99 ${rounded(Math.max(0, loopP99))} ms (its phones send nothing in this bench).`,
      'The media ticks are what /metrics shows as quietline_media_tick_late_ms.',
    ],
  }
}

/** Once to the end, so that all its clauses are in the cache. */
async function sayWhole(world: World, line: Line): Promise<void> {
  const over = world.event(60_000, ({ type }) => type === 'speaking_say_finished')
  await line.say(TEXT)
  if (!(await over)) throw new Error('the text was not said to its end')
}

async function keepSaying(world: World, lines: readonly Line[]): Promise<() => void> {
  const byCall = new Map(lines.map((line) => [line.callId, line]))
  const off = world.onEvent(({ type, data }) => {
    if (type === 'speaking_say_finished')
      void byCall
        .get(String(data['reference_id']))
        ?.say(TEXT)
        .catch(() => {})
  })
  // Two each: while one is played the next one waits.
  for (const line of [...lines, ...lines]) {
    await line.say(TEXT)
    await world.wait(20)
  }
  return off
}

function recordedOf(line: Line): Packet[] {
  const packets: Packet[] = []
  line.call.onFrame = (_pcm, { at, timestamp }) => packets.push({ at, rtpTime: timestamp })
  return packets
}

/** How much later each packet came than the earliest one of its stream, on the grid that the RTP timestamps draw. */
function latenessOf(packets: readonly Packet[]): number[] {
  const first = packets[0]
  if (!first) return []
  const offsets = packets.map(({ at, rtpTime }) => at - ((rtpTime - first.rtpTime) | 0) / SAMPLES_PER_MS)
  const earliest = offsets.reduce((least, offset) => Math.min(least, offset), Number.POSITIVE_INFINITY)
  return offsets.map((offset) => offset - earliest)
}

function gapsOf(packets: readonly Packet[]): number {
  return packets.filter(({ at }, i) => i > 0 && at - packets[i - 1]!.at > GAP_MS).length
}

export class Control {
  readonly #world: World
  readonly #packets: Packet[] = []
  readonly #socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })

  static async open(world: World): Promise<Control> {
    const control = new Control(world)
    const socket = control.#socket
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    await world.askServer('startControl', socket.address().port)
    return control
  }

  private constructor(world: World) {
    this.#world = world
    this.#socket.on('message', (bytes) => {
      const rtpTime = bytes.readUInt32BE(0) * GRID_MS * SAMPLES_PER_MS
      this.#packets.push({ at: world.clock.now(), rtpTime })
    })
  }

  async take(): Promise<{ tickLateMs: readonly number[]; packets: readonly Packet[] }> {
    const tickLateMs = await this.#world.askServer('takeControl')
    this.#socket.close()
    return { tickLateMs, packets: this.#packets }
  }
}
