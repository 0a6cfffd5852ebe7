/**
 * What a call costs that is listened to, up to the recogniser's door: RTP, energy gate, voice detector, and a sink in place
 * of the recogniser. Callers speak 40 % of the time over white noise 20 dB below their speech.
 */

import { encodeG711 } from '../../src/audio/g711.ts'
import type { SeededRandom } from '../../src/kernel/random.ts'
import { audibleSpan, Caller, overTheLine, readCorpus, speechLevel } from '../corpus/caller.ts'
import { Crowd, type CrowdCall, lineThrough, openLimits, wait } from './crowd.ts'
import { type BenchResult, type Figure, figure } from './figures.ts'
import type { World } from './line.ts'
import { usedPerSecond } from './media.ts'
import type { UtteranceTrace } from './messages.ts'

const COUNTS = [25, 50, 100, 150]
const SECONDS = 15
const CALLS_PER_SECOND = 5
const NUMBER = '+899300178'
const VOICED_SHARE = 0.4
const SENTENCES = 12
const FRAME = 160
const FRAME_MS = 20
/** A start of speech is told so long after its onset at most, and not before it by more than the noise can do. */
const LATE_MS = 700
const EARLY_MS = 250
const GOAL_MS = 4

interface Speech {
  /** mu-law. */
  readonly octets: Uint8Array
  /** In frames of the loop. */
  readonly spans: readonly { readonly from: number; readonly to: number }[]
  readonly voicedShare: number
}

export async function door(world: World): Promise<BenchResult> {
  await openLimits(world)
  await listeningNumber(world)
  const speech = speechOf(world.random)
  const crowd = await Crowd.open({ ...world.access, number: NUMBER, sound: speech.octets })
  const points: { calls: number; cpuMs: number; mediaMs: number; mainMs: number; listenMs: number }[] = []
  const figures: Figure[] = []
  let missed = 0
  let split = 0
  let spoken = 0
  for (const count of COUNTS) {
    await crowd.call(count - crowd.up.length, CALLS_PER_SECOND)
    await wait(4_000)
    await world.askServer('utterances')
    const from = world.clock.now()
    const starts = crowd.up.map((call) => ({ call, firstFrame: call.sentFrames, at: from }))
    const used = await usedPerSecond(world, SECONDS)
    const to = world.clock.now()
    await wait(LATE_MS + 500)
    const utterances = await world.askServer('utterances')
    points.push({
      calls: count,
      cpuMs: used.processMs,
      mediaMs: used.mediaMs,
      mainMs: used.mainThreadMs,
      listenMs: used.processMs - used.mediaMs - used.mainThreadMs,
    })
    for (const start of starts) {
      const heard = utterances.filter(({ port }) => port === start.call.serverPort)
      const found = judge(speech, start, to, heard)
      missed += found.missed
      split += found.split
      spoken += found.spoken
    }
  }
  const line = lineThrough(points.map(({ calls, cpuMs }) => ({ x: calls, y: cpuMs })))
  for (const { calls, cpuMs, mediaMs, mainMs, listenMs } of points) {
    figures.push(
      figure(`${calls} calls, CPU per call-second, all threads`, 'ms', cpuMs / calls),
      figure('- of it the media threads', 'ms', mediaMs / calls),
      figure('- of it the main thread', 'ms', mainMs / calls),
      figure('- the rest: the listen thread above all', 'ms', listenMs / calls),
    )
  }
  figures.push(
    figure('CPU per call-second, slope', 'ms', line.slope, GOAL_MS),
    figure('intercept, of a core', '%', line.intercept / 10),
    figure('farthest from the line', '%', line.worstShare * 100, 15),
    figure(`missed onsets, of ${spoken} sentences`, '%', (100 * missed) / Math.max(1, spoken)),
    figure(`heard as more than one utterance, of ${spoken}`, '%', (100 * split) / Math.max(1, spoken)),
  )
  await crowd.hangUpAll()
  crowd.close()
  return {
    bench: 'door',
    figures,
    notes: [
      `Synthetic voices, ${Math.round(speech.voicedShare * 100)} % voiced, white noise at 20 dB; ${SENTENCES} sentences round and round. The callers came over ` +
        `20 ms late ${crowd.lateTicks} times.`,
    ],
  }
}

interface Start {
  readonly call: CrowdCall
  readonly firstFrame: number
  readonly at: number
}

/** Sentences that began and ended within the time, and how they were heard. */
function judge(
  speech: Speech,
  { call, firstFrame, at }: Start,
  to: number,
  heard: readonly UtteranceTrace[],
): { spoken: number; missed: number; split: number } {
  const loop = speech.octets.length / FRAME
  // `Crowd` begins each call's sound at another place.
  const place = (firstFrame + call.index * 37) % loop
  let spoken = 0
  let missed = 0
  let split = 0
  for (let round = 0; round < 3; round++) {
    for (const span of speech.spans) {
      const onset = at + (span.from + round * loop - place) * FRAME_MS
      const end = at + (span.to + round * loop - place) * FRAME_MS
      if (onset < at + 500 || end > to - 500) continue
      spoken++
      const here = heard.filter(({ onsetAt }) => onsetAt > onset - EARLY_MS && onsetAt < Math.max(end, onset + LATE_MS))
      if (here.length === 0) missed++
      if (here.length > 1) split++
    }
  }
  return { spoken, missed, split }
}

/** Sentences with pauses that leave the wanted share voiced, and noise over all of it. */
function speechOf(random: SeededRandom): Speech {
  const caller = new Caller()
  const sentences = readCorpus('phrases').slice(0, SENTENCES)
  const pieces: Int16Array[] = []
  const spans: { from: number; to: number }[] = []
  let at = 0
  let voiced = 0
  let level = 0
  for (const sentence of sentences) {
    const said = caller.say(sentence, 'rms')
    const span = audibleSpan(said)!
    const sound = said.subarray(span.from, span.to)
    level += speechLevel(sound) / sentences.length
    const total = Math.ceil(sound.length / VOICED_SHARE / FRAME) * FRAME
    const piece = new Int16Array(total)
    piece.set(sound, 0)
    spans.push({ from: at / FRAME, to: (at + sound.length) / FRAME })
    pieces.push(piece)
    at += total
    voiced += sound.length
  }
  const all = new Int16Array(at)
  let to = 0
  for (const piece of pieces) {
    all.set(piece, to)
    to += piece.length
  }
  const noisy = overTheLine(all, level / 10, random)
  const octets = new Uint8Array(noisy.length)
  encodeG711('PCMU', noisy, octets)
  return { octets, spans, voicedShare: voiced / at }
}

async function listeningNumber(world: World): Promise<void> {
  const actions = [
    { type: 'answer' },
    { type: 'transcribe_start', option: { language: 'en-US', direction: 'in' } },
    { type: 'sleep', option: { duration: 3_600_000 } },
  ]
  const flow = await world.ask('POST', '/flows', { name: 'listens', actions })
  await world.ask('POST', '/numbers', { number: NUMBER, call_flow_id: flow.body['id'] })
}
