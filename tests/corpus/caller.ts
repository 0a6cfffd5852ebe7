/**
 * A caller made of nothing but arithmetic: sentences by the embedded synthesiser, noise, and a G.711 line. For tests and
 * measurements of listening. It is not a person: figures got with it say nothing about people.
 */

import { readFileSync } from 'node:fs'
import { decodeG711, encodeG711 } from '../../src/audio/g711.ts'
import { meanSquare } from '../../src/audio/level.ts'
import { resample } from '../../src/audio/resample.ts'
import { parseWav } from '../../src/audio/wav.ts'
import type { Random } from '../../src/kernel/random.ts'
import { readPhrases } from '../../src/speech/phrases.ts'
import { FliteProgram } from '../../src/speech/providers/flite/program.ts'

export const VOICES = ['rms', 'slt', 'awb', 'kal16'] as const
export type VoiceName = (typeof VOICES)[number]

const RATE_HZ = 8000
const PIECE_SAMPLES = 80
const PEAK = 16_384
const SOUND_FILE = 'sound.wav'
/** Sound above this share of the peak is speech: -38 dB. */
const AUDIBLE = 10 ** (-38 / 20)

/** The sentences callers may say, or those outside: `phrases.txt` and `foreign.txt` beside this file. */
export function readCorpus(name: 'phrases' | 'foreign'): string[] {
  return readPhrases(readFileSync(new URL(`${name}.txt`, import.meta.url), 'utf8'))
}

export class Caller {
  readonly #program = FliteProgram.installed()
  readonly #said = new Map<string, Int16Array>()

  /** @param stretch 1 is the voice's own speed, above it is slower. @returns 8 kHz, peak at -6 dBFS */
  say(sentence: string, voice: VoiceName, stretch = 1): Int16Array {
    const key = `${voice} ${stretch} ${sentence}`
    let sound = this.#said.get(key)
    if (!sound) {
      const speed = ['--setf', `duration_stretch=${stretch}`]
      const run = this.#program.run(['-voice', voice, ...speed, '-t', sentence, SOUND_FILE])
      const wav = parseWav(run.files.get(SOUND_FILE) ?? new Uint8Array())
      if (!wav.ok) throw new Error(`no sound for '${sentence}': ${wav.why}`)
      sound = levelled(resample(wav.value.channels[0]!, wav.value.rateHz, RATE_HZ))
      this.#said.set(key, sound)
    }
    return sound
  }
}

/** First and last sample that can be heard, or null for silence. Of the sound before any noise. */
export function audibleSpan(pcm: Int16Array): { readonly from: number; readonly to: number } | null {
  const threshold = AUDIBLE * peakOf(pcm)
  const from = pcm.findIndex((sample) => Math.abs(sample) > threshold)
  return from < 0 ? null : { from, to: pcm.findLastIndex((sample) => Math.abs(sample) > threshold) }
}

/** Root mean square over the pieces of 10 ms in which somebody speaks: those at most 38 dB below the loudest. */
export function speechLevel(pcm: Int16Array): number {
  const powers = Array.from({ length: Math.floor(pcm.length / PIECE_SAMPLES) }, (_, i) =>
    meanSquare(pcm.subarray(i * PIECE_SAMPLES, (i + 1) * PIECE_SAMPLES)),
  )
  const loudest = Math.max(...powers)
  const active = powers.filter((power) => power > loudest * AUDIBLE * AUDIBLE)
  return Math.sqrt(active.reduce((sum, power) => sum + power, 0) / Math.max(1, active.length))
}

/** `pcm` with white noise of the given root mean square (0: none), after a mu-law line. */
export function overTheLine(pcm: Int16Array, noiseLevel: number, random: Random): Int16Array {
  const noisy = pcm.map((sample) => Math.max(-32_768, Math.min(32_767, sample + noiseLevel * gaussian(random))))
  const bytes = new Uint8Array(noisy.length)
  encodeG711('PCMU', noisy, bytes)
  decodeG711('PCMU', bytes, noisy)
  return noisy
}

function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit())
}

function levelled(pcm: Int16Array): Int16Array {
  const gain = PEAK / Math.max(1, peakOf(pcm))
  return pcm.map((sample) => Math.round(sample * gain))
}

function peakOf(pcm: Int16Array): number {
  let peak = 0
  for (const sample of pcm) peak = Math.max(peak, Math.abs(sample))
  return peak
}
