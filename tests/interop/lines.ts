/** What callers say, spoken by our own synthesiser into WAV files a real phone can play, and what phones heard. */

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isVoiced } from '../../src/audio/level.ts'
import { resample } from '../../src/audio/resample.ts'
import { printWav } from '../../src/audio/wav.ts'
import { speakIntoMemory } from '../../src/demo/caller/voice.ts'

export const RATE_HZ = 8_000
const FRAME = RATE_HZ / 50
/** A phone is quiet before it speaks, and stays on the line after it: sources that end stop their packets. */
const BEFORE_SAMPLES = RATE_HZ / 4
const AFTER_SAMPLES = 120 * RATE_HZ

export interface Lines {
  /** A file that holds nothing but silence. */
  readonly silence: string
  /** The WAV file of a line; the line must have been asked for. */
  of(text: string): string
}

/** @param folder where the files go; who made it removes it */
export async function speakLines(folder: string, texts: readonly string[]): Promise<Lines> {
  const write = async (name: string, pcm: Int16Array): Promise<string> => {
    const file = path.join(folder, name)
    await writeFile(file, printWav({ rateHz: RATE_HZ, channels: [pcm] }))
    return file
  }
  const sounds = await speakIntoMemory(texts)
  const files = new Map<string, string>()
  for (const [at, text] of texts.entries()) {
    const pcm = new Int16Array(BEFORE_SAMPLES + sounds[at]!.length + AFTER_SAMPLES)
    pcm.set(sounds[at]!, BEFORE_SAMPLES)
    files.set(text, await write(`line-${at}.wav`, pcm))
  }
  const silence = await write('silence.wav', new Int16Array(AFTER_SAMPLES))
  return {
    silence,
    of: (text) => {
      const file = files.get(text)
      if (file === undefined) throw new Error(`nobody spoke "${text}"`)
      return file
    },
  }
}

const WAV_HEADER_BYTES = 44
const WAV_CHANNELS_AT = 22
const WAV_RATE_AT = 24

/** The sound of a WAV file that is still being written, as 8 kHz mono: its header does not know its length yet. */
export function growingWav(file: string): Int16Array {
  const bytes = readFileSync(file)
  if (bytes.length < WAV_HEADER_BYTES) return new Int16Array(0)
  // Some write their header at the end: until then it is 8 kHz mono, or says nothing.
  const channels = bytes.readUInt16LE(WAV_CHANNELS_AT) || 1
  const count = Math.floor((bytes.length - WAV_HEADER_BYTES) / 2 / channels)
  const first = Int16Array.from({ length: count }, (_, i) => bytes.readInt16LE(WAV_HEADER_BYTES + 2 * channels * i))
  return resample(first, bytes.readUInt32LE(WAV_RATE_AT) || RATE_HZ, RATE_HZ)
}

/** How much of it is loud enough to be speech. */
export function voicedMs(pcm8k: Int16Array): number {
  let voiced = 0
  for (let at = 0; at + FRAME <= pcm8k.length; at += FRAME) if (isVoiced(pcm8k.subarray(at, at + FRAME))) voiced++
  return 20 * voiced
}
