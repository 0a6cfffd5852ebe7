/**
 * One `play`: a sound file on its way into the ring. Its bytes stay as they came; only what is played next is decoded and
 * brought to the leg's rate, half a second at a time.
 */

import { Resampler } from '../../audio/resample.ts'
import { openWav, readMono, type WavFile } from '../../audio/wav.ts'
import type { Millis } from '../../kernel/clock.ts'
import { bad, good, type Result } from '../../kernel/result.ts'
import type { TalkCommand } from '../protocol.ts'
import { SayWriter, type SoundSink } from './say-writer.ts'
import type { Spoken, Step } from './spoken.ts'

export type Play = Extract<TalkCommand, { kind: 'play' }>

export const MAX_FILE_BYTES = 20 * 1024 * 1024
export const MAX_FILE_MS = 30 * 60_000
/** Of the file, in one step. */
const STEP_MS = 500
const LEAST_RATE_HZ = 8_000
const MOST_RATE_HZ = 48_000

export class Playback implements Spoken {
  readonly command: Play
  readonly #file: WavFile
  readonly #writer: SayWriter
  readonly #resampler: Resampler | null
  /** At the leg's rate. */
  readonly #lengthSamples: number
  readonly #scratch: Int16Array
  /** Samples of the file read so far, and samples that the filter still gives before the first that counts. */
  #read = 0
  #late: number
  #hasBegun = false

  private constructor(command: Play, file: WavFile, rateHz: number) {
    this.command = command
    this.#file = file
    this.#writer = new SayWriter(command, rateHz)
    this.#resampler = file.rateHz === rateHz ? null : new Resampler(file.rateHz, rateHz)
    this.#late = Math.round(this.#resampler?.delaySamples ?? 0)
    this.#lengthSamples = Math.round((file.lengthSamples * rateHz) / file.rateHz)
    this.#scratch = new Int16Array(Math.ceil((file.rateHz * STEP_MS) / 1000))
  }

  /** Bad when it is no WAV file that we can play. */
  static open(command: Play, rateHz: number): Result<Playback> {
    if (command.wav.length > MAX_FILE_BYTES) return bad('the file is larger than 20 MB')
    const opened = openWav(command.wav)
    if (!opened.ok) return opened
    const file = opened.value
    if (file.rateHz < LEAST_RATE_HZ || file.rateHz > MOST_RATE_HZ) return bad(`a rate of ${file.rateHz} Hz`)
    if ((file.lengthSamples * 1000) / file.rateHz > MAX_FILE_MS) return bad('the file is longer than 30 minutes')
    if (file.lengthSamples === 0) return bad('the file is empty')
    try {
      return good(new Playback(command, file, rateHz))
    } catch {
      return bad(`a rate of ${file.rateHz} Hz`)
    }
  }

  get hasMore(): boolean {
    return this.#writer.totalSamples < this.#lengthSamples
  }

  get hasEnded(): boolean {
    return this.#writer.hasEnded
  }

  get totalSamples(): number {
    return this.#writer.totalSamples
  }

  get waitingMs(): number {
    return this.#writer.waitingMs
  }

  /** A file brings its own pauses. */
  lead(): void {}

  /** The first step tells how long all of it is. */
  renderNext(): Step {
    const isFirst = !this.#hasBegun
    this.#hasBegun = true
    this.#writer.append(this.#resampled(this.#next()))
    const news = { clause: 0, words: [], totalSamples: this.#lengthSamples, final: true }
    return { news: isFirst ? news : null, cpuMs: null }
  }

  pump(sink: SoundSink, now: Millis): void {
    this.#writer.pump(sink, !this.hasMore, now)
  }

  /** The next samples of the file; after its end silence, which pushes the last ones through the filter. */
  #next(): Int16Array {
    const pcm = this.#scratch
    const count = Math.min(pcm.length, this.#file.lengthSamples - this.#read)
    readMono(this.#file, this.#read, count, pcm)
    this.#read += count
    if (!this.#resampler) return pcm.slice(0, count)
    pcm.fill(0, count)
    return pcm
  }

  #resampled(pcm: Int16Array): Int16Array {
    if (!this.#resampler) return pcm
    const out = new Int16Array(this.#resampler.outputBound(pcm.length))
    const count = this.#resampler.process(pcm, out)
    const from = Math.min(this.#late, count)
    this.#late -= from
    return out.subarray(from, Math.min(count, from + this.#lengthSamples - this.#writer.totalSamples))
  }
}
