/** flite as the talk thread's synthesiser: text to telephone sound with the time of every word. */

import { resample } from '../../../audio/resample.ts'
import type { WordTime } from '../../protocol.ts'
import { COMMA_PAUSE_MS, SENTENCE_PAUSE_MS } from '../../sentences.ts'
import type { RenderedClause, Synthesiser } from '../../talk/engine.ts'
import { DEFAULT_VOICE, VOICES } from '../../voices.ts'
import { type Pause, type Shaped, type Stretch, shapePauses } from './pauses.ts'
import { alignWords, type ExpectedWord, PAUSE, type Phone, parsePhones, type Span } from './phones.ts'
import { FliteProgram } from './program.ts'
import { isReadable, type SpokenWord, spokenLine, spokenWords } from './spoken.ts'

export interface FliteOptions {
  /** Shared by several synthesisers, or `FliteProgram.installed()` when left out. */
  readonly program?: FliteProgram
  /** CPU ms of this thread so far. */
  readonly cpuMs?: () => number
}

/** Speaks the same phones as the other voices, fifteen times faster: asked for the phones of single words. */
const QUICK_VOICE = 'kal16'
const SOUND_FILE = 'sound'
const REMEMBERED_WORDS = 20_000
/** A pause that flite makes inside a number or between words without punctuation. */
const BREATH_MS = 60

export class FliteSynthesiser implements Synthesiser {
  readonly name = 'flite'
  readonly #program: FliteProgram
  readonly #cpuMs: () => number
  /** Phones of what is read for a word. */
  readonly #phones = new Map<string, readonly string[]>()

  constructor(options: FliteOptions = {}) {
    this.#program = options.program ?? FliteProgram.installed()
    this.#cpuMs = options.cpuMs ?? threadCpuMs
  }

  isSpeakable(text: string): boolean {
    return isReadable(text)
  }

  /** Asks for the phones of words ahead of time, in one run of some ten milliseconds. */
  learn(words: string): void {
    this.#expected(spokenWords(words))
  }

  render(text: string, voice: string, rateHz: number): RenderedClause {
    const begun = this.#cpuMs()
    const words = spokenWords(text)
    const { samples, times } = words.length === 0 ? SILENCE : this.#speak(words, installed(voice), rateHz)
    return { samples, words: times, cpuMs: this.#cpuMs() - begun }
  }

  #speak(words: readonly SpokenWord[], voice: string, rateHz: number): { samples: Int16Array; times: WordTime[] } {
    const sound = this.#run(['-voice', voice, '-psdur', '-t', spokenLine(words), SOUND_FILE])
    const { pcm, rateHz: madeHz } = readSound(sound.file)
    const phones = parsePhones(sound.line)
    const spans = alignWords(this.#expected(words), phones)
    const shaped = shapePauses(
      levelled(pcm, voice),
      madeHz,
      speechOf(phones, madeHz),
      pausesOf(words, spans, phones, madeHz),
    )
    const samples = resample(shaped.samples, madeHz, rateHz)
    return { samples, times: wordTimes(words, spans, shaped, madeHz, samples.length) }
  }

  #run(args: readonly string[]): { line: string; file: Uint8Array } {
    const run = this.#program.run(args)
    const file = run.files.get(SOUND_FILE) ?? NOTHING
    if (run.exitCode !== 0) throw new Error(`flite ended with ${run.exitCode}: ${run.stderr.trim()}`)
    return { line: run.stdout, file }
  }

  #expected(words: readonly SpokenWord[]): ExpectedWord[] {
    const unknown = [...new Set(words.map((word) => word.spoken))].filter((spoken) => !this.#phones.has(spoken))
    if (unknown.length > 0) this.#ask(unknown)
    return words.map((word) => ({ phones: this.#phones.get(word.spoken) ?? [], pauseAfter: word.mark !== '' }))
  }

  /** All new words in one run, each between pauses; one by one when a word holds a pause itself. */
  #ask(unknown: readonly string[]): void {
    if (this.#phones.size > REMEMBERED_WORDS) this.#phones.clear()
    const groups = groupsOf(this.#phonesOf(`${unknown.join(', ')},`))
    unknown.forEach((spoken, i) => {
      const phones = groups.length === unknown.length ? groups[i]! : groupsOf(this.#phonesOf(spoken)).flat()
      this.#phones.set(spoken, phones)
    })
  }

  #phonesOf(line: string): Phone[] {
    return parsePhones(this.#run(['-voice', QUICK_VOICE, '-psdur', '-t', line, 'none']).line)
  }
}

/** Brings every voice to about -18 dBFS while it speaks; kal16 would clip in places. */
const GAIN: Readonly<Record<string, number>> = { slt: 0.65, rms: 1.25, awb: 1.1, kal16: 2 }
const NOTHING = new Uint8Array(0)
const SILENCE: { readonly samples: Int16Array; readonly times: readonly WordTime[] } = {
  samples: new Int16Array(0),
  times: [],
}

function installed(voice: string): string {
  return VOICES.some(({ id }) => id === voice) ? voice : DEFAULT_VOICE
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Names of phones between pauses. */
function groupsOf(phones: readonly Phone[]): string[][] {
  const groups: string[][] = [[]]
  for (const { name } of phones) {
    if (name !== PAUSE) groups.at(-1)!.push(name)
    else if (groups.at(-1)!.length > 0) groups.push([])
  }
  return groups.filter((group) => group.length > 0)
}

/** Finds the samples in a RIFF file of 16-bit mono PCM as flite writes it. */
function readSound(file: Uint8Array): { pcm: Int16Array; rateHz: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  let rateHz = 0
  for (let at = 12; at + 8 <= file.length; ) {
    const name = view.getUint32(at)
    const size = Math.min(view.getUint32(at + 4, true), file.length - at - 8)
    if (name === FORMAT_CHUNK) rateHz = view.getUint32(at + 12, true)
    if (name === DATA_CHUNK) return { pcm: new Int16Array(file.slice(at + 8, at + 8 + (size & ~1)).buffer), rateHz }
    at += 8 + size + (size & 1)
  }
  throw new Error('flite wrote no sound')
}

const FORMAT_CHUNK = 0x666d7420
const DATA_CHUNK = 0x64617461

function levelled(pcm: Int16Array, voice: string): Int16Array {
  const gain = GAIN[voice] ?? 1
  return pcm.map((sample) => Math.max(-32_768, Math.min(32_767, sample * gain)))
}

/** From the first phone to the last. */
function speechOf(phones: readonly Phone[], rateHz: number): Stretch {
  const spoken = phones.filter(({ name }) => name !== PAUSE)
  return { from: Math.round((spoken[0]?.start ?? 0) * rateHz), to: Math.round((spoken.at(-1)?.end ?? 0) * rateHz) }
}

/** flite's own pauses with the length we want, by the punctuation before them. */
function pausesOf(
  words: readonly SpokenWord[],
  spans: readonly Span[],
  phones: readonly Phone[],
  rateHz: number,
): Pause[] {
  const pauses: Pause[] = []
  for (const { name, start, end } of phones.slice(1, -1)) {
    if (name !== PAUSE) continue
    const after = spans.findLastIndex((span) => span.end <= start && span.end > span.start)
    const isBetween = after >= 0 && (spans[after + 1]?.start ?? end) >= end
    const wantedMs = isBetween ? pauseMs(words[after]!.mark) : BREATH_MS
    pauses.push({
      from: Math.round(start * rateHz),
      to: Math.round(end * rateHz),
      wanted: Math.round((wantedMs * rateHz) / 1000),
    })
  }
  return pauses
}

function pauseMs(mark: SpokenWord['mark']): number {
  if (mark === '') return BREATH_MS
  return mark === ',' ? COMMA_PAUSE_MS : SENTENCE_PAUSE_MS
}

function wordTimes(
  words: readonly SpokenWord[],
  spans: readonly Span[],
  shaped: Shaped,
  madeHz: number,
  total: number,
): WordTime[] {
  const perMade = shaped.samples.length === 0 ? 0 : total / shaped.samples.length
  const place = (seconds: number) => Math.min(total, Math.round(shaped.place(Math.round(seconds * madeHz)) * perMade))
  return words.map((word, i) => ({
    charStart: word.charStart,
    charEnd: word.charEnd,
    startSample: place(spans[i]!.start),
    endSample: place(spans[i]!.end),
  }))
}
