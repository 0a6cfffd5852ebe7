/** WAV files: PCM of 8 and 16 bits and G.711 in, PCM of 16 bits out. */

import { bad, good, type Result } from '../kernel/result.ts'
import { decodeG711 } from './g711.ts'

export interface Wav {
  readonly rateHz: number
  /** One array a channel. */
  readonly channels: readonly Int16Array[]
}

const PCM = 1
const A_LAW = 6
const MU_LAW = 7

export function parseWav(bytes: Uint8Array): Result<Wav> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') return bad('not a WAV file')
  let format: { code: number; channels: number; rateHz: number; bits: number } | null = null
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    const body = at + 8
    if (tag(at) === 'fmt ' && body + 16 <= bytes.length) {
      format = {
        code: view.getUint16(body, true),
        channels: view.getUint16(body + 2, true),
        rateHz: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      }
    }
    // A file cut off by a crash says more than it holds: take what is there.
    if (tag(at) === 'data')
      return format
        ? samplesOf(bytes.subarray(body, Math.min(body + size, bytes.length)), format)
        : bad('no format chunk')
    at = body + size + (size % 2)
  }
  return bad('no data chunk')
}

function samplesOf(
  data: Uint8Array,
  format: { code: number; channels: number; rateHz: number; bits: number },
): Result<Wav> {
  const { code, channels, rateHz, bits } = format
  if (channels < 1 || channels > 8) return bad(`${channels} channels`)
  if (bits !== 8 && bits !== 16) return bad(`${bits} bits`)
  const width = bits / 8
  const count = Math.floor(data.length / (width * channels))
  const flat = new Int16Array(count * channels)
  if (code === PCM && bits === 16) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    for (let i = 0; i < flat.length; i++) flat[i] = view.getInt16(2 * i, true)
  } else if (code === PCM && bits === 8) {
    for (let i = 0; i < flat.length; i++) flat[i] = (data[i]! - 128) << 8
  } else if ((code === MU_LAW || code === A_LAW) && bits === 8) {
    decodeG711(code === MU_LAW ? 'PCMU' : 'PCMA', data, flat, 0, flat.length)
  } else return bad(`format ${code} with ${bits} bits`)
  const split = Array.from({ length: channels }, (_, channel) =>
    Int16Array.from({ length: count }, (_, i) => flat[i * channels + channel]!),
  )
  return good({ rateHz, channels: split })
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
