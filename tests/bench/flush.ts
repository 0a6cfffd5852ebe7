/** How soon a call falls silent: flush request handed to the socket -> last voiced packet received, at 20 calls. */

import { type BenchResult, figure, spread } from './figures.ts'
import type { Line, World } from './line.ts'

const CALLS = 20
const FLUSHES_PER_CALL = 14
/** Sound later than this after a flush did not stop at all. */
const LATE_MS = 100
const WATCH_MS = 400
const VOICE_LIMIT_MS = 3_000
/** Long, and without a pause to be flushed in. */
const TEXT =
  'we would like to tell you a very long story about a traveller who never came to rest and who walked along every road ' +
  'of every country until nobody remembered where he had begun and why he had ever left home on that cold winter morning'

interface Tally {
  readonly ms: number[]
  readonly nextSayMs: number[]
  /** Flushed in a moment without voice: nothing voiced came after the request. */
  inPause: number
  voicedLate: number
  nextSilent: number
}

export async function flush(world: World): Promise<BenchResult> {
  const lines = await world.call(CALLS)
  for (const line of lines) await line.openSpeaking()
  const tally: Tally = { ms: [], nextSayMs: [], inPause: 0, voicedLate: 0, nextSilent: 0 }
  const times = world.times(FLUSHES_PER_CALL, 2)
  await Promise.all(lines.map((line) => flushes(world, line, times, tally)))
  return {
    bench: 'flush',
    figures: [
      ...spread(`flush to last voiced packet, ${CALLS} calls`, tally.ms, { p50: null, p99: 40, max: null }),
      figure(`flushes after which voice came later than ${LATE_MS} ms`, 'flushes', tally.voicedLate, 0),
      ...spread('next say to first voiced packet', tally.nextSayMs, { p50: null, p95: null }),
      figure('next say not heard', 'says', tally.nextSilent, 0),
    ],
    notes: [`${tally.inPause} further flushes met a moment without voice and are not in the figures.`],
  }
}

async function flushes(world: World, line: Line, times: number, tally: Tally): Promise<void> {
  await world.wait(world.between(0, 1_500))
  for (let i = 0; i <= times; i++) {
    const voiced = line.nextVoiced(VOICE_LIMIT_MS)
    const asked = await line.say(TEXT)
    const heardAt = await voiced
    if (heardAt === null) {
      tally.nextSilent++
      continue
    }
    if (i > 0) tally.nextSayMs.push(heardAt - asked.sentAt)
    await world.wait(world.between(400, 1_400))
    const { sentAt } = await line.flush()
    await world.wait(WATCH_MS)
    const ms = line.lastVoicedAt! - sentAt
    if (ms > 0) tally.ms.push(ms)
    else tally.inPause++
    if (ms > LATE_MS) tally.voicedLate++
  }
}
