/** All codecs there are, by name. A new one is a file beside this one, a line in each table here, and one in `sdp/formats.ts`. */

import type { CodecName, OpusWishes } from '../media/protocol.ts'
import type { SoundDecoder, SoundEncoder, SoundRateHz } from './codec.ts'
import { G711 } from './g711.ts'
import { G722Decoder, G722Encoder } from './g722.ts'
import { NO_OPUS_WISHES, OpusDecoder, OpusEncoder } from './opus.ts'
import { DoubledEncoder, HalvedDecoder } from './rated.ts'

/** Of RTP timestamps (RFC 3551 §6, RFC 7587 §4.1). Not the rate of the sound. */
export const CLOCK_HZ: { readonly [codec in CodecName]: number } = {
  PCMU: 8_000,
  PCMA: 8_000,
  G722: 8_000,
  opus: 48_000,
}

/** Of G.722. libopus changes rates itself. */
const NATIVE_HZ = 16_000

/** @param rateHz of the sound; G.711 has 8,000 only */
export function openDecoder(codec: CodecName, rateHz: SoundRateHz): SoundDecoder {
  switch (codec) {
    case 'PCMU':
    case 'PCMA':
      return G711[codec]
    case 'G722':
      return rateHz === NATIVE_HZ ? new G722Decoder() : new HalvedDecoder(new G722Decoder())
    case 'opus':
      return new OpusDecoder(rateHz)
    default:
      throw unknown(codec)
  }
}

/** @param rateHz of the sound; G.711 has 8,000 only */
export function openEncoder(codec: CodecName, rateHz: SoundRateHz, wishes: OpusWishes = NO_OPUS_WISHES): SoundEncoder {
  switch (codec) {
    case 'PCMU':
    case 'PCMA':
      return G711[codec]
    case 'G722':
      return rateHz === NATIVE_HZ ? new G722Encoder() : new DoubledEncoder(new G722Encoder())
    case 'opus':
      return new OpusEncoder(rateHz, wishes)
    default:
      throw unknown(codec)
  }
}

function unknown(codec: never): RangeError {
  return new RangeError(`no codec ${codec}`)
}
