/** WAV files: PCM of 8 and 16 bits and G.711 in, PCM of 16 bits out. */

import { bad, good, type Result } from '../kernel/result.ts'
import { decodeG711, type G711Name } from './g711.ts'

export interface Wav {
  readonly rateHz: number
  /** One array a channel. */
  readonly channels: readonly Int16Array[]
}

const PCM = 1
const A_LAW = 6
const MU_LAW = 7
const EXTENSIBLE = 0xfffe

/** A WAV file that is read piece by piece: its bytes stay as they are. */
export interface WavFile {
  readonly rateHz: number
  readonly channels: number
  /** Samples of each channel. */
  readonly lengthSamples: number
  readonly encoding: Encoding
  /** The samples, channel by channel in turn. */
  readonly data: Uint8Array
}

type Encoding = 'pcm16' | 'pcm8' | G711Name

interface Format {
  readonly code: number
  readonly channels: number
  readonly rateHz: number
  readonly bits: number
}

/** Finds the samples of a file. Reads none of them. */
export function openWav(bytes: Uint8Array): Result<WavFile> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') return bad('not a WAV file')
  let format: Format | null = null
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    const body = at + 8
    if (tag(at) === 'fmt ' && body + 16 <= bytes.length) format = formatAt(view, body, size)
    // A file cut off by a crash says more than it holds: take what is there.
    if (tag(at) === 'data') {
      return format ? fileOf(bytes.subarray(body, Math.min(body + size, bytes.length)), format) : bad('no format chunk')
    }
    at = body + size + (size % 2)
  }
  return bad('no data chunk')
}

/**
 * Reads `count` samples from `first` on, the mean of all channels.
 * @param out receives them from 0 on
 */
export function readMono(file: WavFile, first: number, count: number, out: Int16Array): void {
  if (file.channels === 1) return readSamples(file, first, 1, count, out)
  const each = new Int16Array(count)
  const sums = new Int32Array(count)
  for (let channel = 0; channel < file.channels; channel++) {
    readSamples(file, first * file.channels + channel, file.channels, count, each)
    for (let i = 0; i < count; i++) sums[i]! += each[i]!
  }
  for (let i = 0; i < count; i++) out[i] = Math.round(sums[i]! / file.channels)
}

/** All of a file at once. */
export function parseWav(bytes: Uint8Array): Result<Wav> {
  const opened = openWav(bytes)
  if (!opened.ok) return opened
  const file = opened.value
  const channels = Array.from({ length: file.channels }, (_, channel) => {
    const pcm = new Int16Array(file.lengthSamples)
    readSamples(file, channel, file.channels, pcm.length, pcm)
    return pcm
  })
  return good({ rateHz: file.rateHz, channels })
}

function formatAt(view: DataView, body: number, size: number): Format {
  const code = view.getUint16(body, true)
  // The long form holds the code of the short one at the head of its GUID.
  const isLong = code === EXTENSIBLE && size >= 40 && body + 26 <= view.byteLength
  return {
    code: isLong ? view.getUint16(body + 24, true) : code,
    channels: view.getUint16(body + 2, true),
    rateHz: view.getUint32(body + 4, true),
    bits: view.getUint16(body + 14, true),
  }
}

function fileOf(data: Uint8Array, { code, channels, rateHz, bits }: Format): Result<WavFile> {
  if (channels < 1 || channels > 8) return bad(`${channels} channels`)
  if (bits !== 8 && bits !== 16) return bad(`${bits} bits`)
  const encoding = encodingOf(code, bits)
  if (!encoding) return bad(`format ${code} with ${bits} bits`)
  const lengthSamples = Math.floor(data.length / ((bits / 8) * channels))
  return good({ rateHz, channels, lengthSamples, encoding, data })
}

function encodingOf(code: number, bits: number): Encoding | null {
  if (code === PCM) return bits === 16 ? 'pcm16' : 'pcm8'
  if (bits !== 8) return null
  return code === MU_LAW ? 'PCMU' : code === A_LAW ? 'PCMA' : null
}

/** Every `step`th sample of the file, from number `first` on. */
function readSamples(file: WavFile, first: number, step: number, count: number, out: Int16Array): void {
  const { data, encoding } = file
  if (encoding === 'pcm16') {
    for (let i = 0, at = 2 * first; i < count; i++, at += 2 * step) out[i] = data[at]! | (data[at + 1]! << 8)
  } else if (encoding === 'pcm8') {
    for (let i = 0, at = first; i < count; i++, at += step) out[i] = (data[at]! - 128) << 8
  } else if (step === 1) decodeG711(encoding, data, out, first, count)
  else {
    const octet = new Uint8Array(count)
    for (let i = 0, at = first; i < count; i++, at += step) octet[i] = data[at]!
    decodeG711(encoding, octet, out, 0, count)
  }
}

export function printWav(wav: Wav): Uint8Array {
  const { rateHz, channels } = wav
  const count = Math.max(...channels.map((channel) => channel.length))
  const bytes = new Uint8Array(44 + 2 * count * channels.length)
  const view = new DataView(bytes.buffer)
  const put = (at: number, text: string): void => {
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  }
  put(0, 'RIFF')
  view.setUint32(4, bytes.length - 8, true)
  put(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, PCM, true)
  view.setUint16(22, channels.length, true)
  view.setUint32(24, rateHz, true)
  view.setUint32(28, rateHz * 2 * channels.length, true)
  view.setUint16(32, 2 * channels.length, true)
  view.setUint16(34, 16, true)
  put(36, 'data')
  view.setUint32(40, bytes.length - 44, true)
  for (let i = 0; i < count; i++) {
    for (const [at, channel] of channels.entries()) {
      view.setInt16(44 + 2 * (i * channels.length + at), channel[i] ?? 0, true)
    }
  }
  return bytes
}

export function printStereoWav(left: Int16Array, right: Int16Array, rateHz: number): Uint8Array {
  return printWav({ rateHz, channels: [left, right] })
}
