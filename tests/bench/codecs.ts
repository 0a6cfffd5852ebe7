/** What codecs, concealment and rate changes cost: CPU per frame of 20 ms, on a voice, without a server. */

import { MAX_PAYLOAD_BYTES, type SoundRateHz } from '../../src/audio/codec.ts'
import { openDecoder, openEncoder } from '../../src/audio/codecs.ts'
import { Concealment } from '../../src/audio/conceal.ts'
import { prepareOpus } from '../../src/audio/opus.ts'
import { Resampler } from '../../src/audio/resample.ts'
import { voice } from '../../src/audio/signals.suite.ts'
import type { CodecName } from '../../src/media/protocol.ts'
import { type BenchResult, type Figure, figure } from './figures.ts'

const ROUNDS = 5
const FRAMES = 500
const LEAST_ROUND_US = 60_000
/** What plain C takes on this kind of machine is about half of each (media.md §3); these are where we must not fall behind. */
const TARGET_US: Readonly<Record<string, number>> = {
  'PCMU, 8 kHz: encode': 0.5,
  'PCMU, 8 kHz: decode': 0.3,
  'G722, 16 kHz: encode': 24.8,
  'G722, 16 kHz: decode': 14.1,
  'opus, 16 kHz: encode': 129,
  'opus, 16 kHz: decode': 12,
  'resample 8 to 16 kHz': 9.7,
  'resample 16 to 8 kHz': 9.1,
}
const PAIRS: readonly (readonly [CodecName, SoundRateHz])[] = [
  ['PCMU', 8_000],
  ['PCMA', 8_000],
  ['G722', 8_000],
  ['G722', 16_000],
  ['opus', 8_000],
  ['opus', 16_000],
]
const RATES: readonly (readonly [number, number])[] = [
  [8_000, 16_000],
  [16_000, 8_000],
  [24_000, 8_000],
  [48_000, 8_000],
]

/** @param scale of the number of frames */
export async function codecs(scale: number): Promise<BenchResult> {
  const frames = Math.max(50, Math.round(FRAMES * scale))
  await prepareOpus()
  const figures: Figure[] = []
  for (const [codec, rateHz] of PAIRS) figures.push(...(await codecFigures(codec, rateHz, frames)))
  for (const [from, to] of RATES) {
    const resampler = new Resampler(from, to)
    const out = new Int16Array(resampler.outputBound(from / 50))
    const us = median(frames, framesOf(from, frames), (frame) => resampler.process(frame, out))
    figures.push(measured(`resample ${from / 1000} to ${to / 1000} kHz`, us))
  }
  figures.push(measured('G.711 conceal 20 ms', concealment(frames)))
  return {
    bench: 'codecs',
    figures,
    notes: [
      `CPU of the process (user and system) per frame of 20 ms; median of ${ROUNDS} rounds of at least ${LEAST_ROUND_US / 1000} ms over ${frames} frames of a voice.`,
      'Legs open every codec for 8 kHz: G.722 then has a resampler before or behind it, and Opus codes narrow band.',
    ],
  }
}

async function codecFigures(codec: CodecName, rateHz: SoundRateHz, frames: number): Promise<Figure[]> {
  const wishes = { maxAverageBitrate: null, maxPlaybackRateHz: null, useInbandFec: true }
  const [encoder, decoder] = [openEncoder(codec, rateHz, wishes), openDecoder(codec, rateHz)]
  // Handles of libopus come in a microtask.
  await new Promise((resolve) => setImmediate(resolve))
  const out = new Uint8Array(MAX_PAYLOAD_BYTES)
  const pcm = new Int16Array(2 * MAX_PAYLOAD_BYTES)
  const sound = framesOf(rateHz, frames)
  const packets = sound.map((frame) => out.slice(0, encoder.encode(frame, out, 0)))
  const name = `${codec}, ${rateHz / 1000} kHz`
  const figures = [
    measured(
      `${name}: encode`,
      median(frames, sound, (frame) => encoder.encode(frame, out, 0)),
    ),
    measured(
      `${name}: decode`,
      median(frames, packets, (packet) => decoder.decode(packet, 0, packet.length, pcm)),
    ),
    measured(
      `${name}: encode silence`,
      median(frames, sound, (frame) => encoder.silence(frame.length, out, 0)),
    ),
  ]
  encoder.free()
  decoder.free()
  return figures
}

/** Three frames that came, one that did not: the cost of that one with the blend after it. */
function concealment(frames: number): number {
  const [with4, with3] = [new Concealment(8_000), new Concealment(8_000)]
  const out = new Int16Array(160)
  const sound = framesOf(8_000, frames)
  const lossy = median(frames, sound, (frame, n) => (n % 4 === 3 ? with4.fill(out, 160) : with4.heard(frame, 160)))
  const whole = median(frames, sound, (frame, n) => (n % 4 === 3 ? 0 : with3.heard(frame, 160)))
  return 4 * (lossy - whole)
}

function framesOf(rateHz: number, frames: number): Int16Array[] {
  const length = rateHz / 50
  const pcm = voice(rateHz, frames * length)
  return Array.from({ length: frames }, (_, n) => pcm.slice(n * length, (n + 1) * length))
}

/** Microseconds per frame. Each round goes over the frames until its CPU time is far above the clock's grain. */
function median<T>(frames: number, inputs: readonly T[], work: (input: T, n: number) => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    let done = 0
    for (;;) {
      for (let n = 0; n < frames; n++) work(inputs[n]!, n)
      done += frames
      const { user, system } = process.cpuUsage(before)
      if (user + system >= LEAST_ROUND_US) return (user + system) / done
    }
  })
  return rounds.toSorted((one, other) => one - other)[ROUNDS >> 1]!
}

function measured(name: string, us: number): Figure {
  return figure(name, 'µs', us, TARGET_US[name])
}
