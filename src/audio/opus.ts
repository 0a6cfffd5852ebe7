/**
 * Opus (RFC 6716, RFC 7587) by libopus in WebAssembly, mono, for sound of 8 or 16 kHz. A decoder makes up what was lost, from
 * the copy that the next packet carries where it carries one. Telephony's settings: no DTX, for most carriers and every
 * recorder prefer packets that keep coming.
 */

import {
  Application,
  Bandwidth,
  createDecoder,
  createEncoder,
  type OpusDecoderHandle,
  type OpusEncoderHandle,
  Signal,
} from 'libopus-wasm'
import type { OpusWishes } from '../media/protocol.ts'
import { MAX_PACKET_MS, MAX_PAYLOAD_BYTES, type SoundDecoder, type SoundEncoder, type SoundRateHz } from './codec.ts'

export const NO_OPUS_WISHES: OpusWishes = { maxAverageBitrate: null, maxPlaybackRateHz: null, useInbandFec: false }

/** Nearly as good as the highest for speech, at half the cost. */
const COMPLEXITY = 5
/**
 * Bits per second, copies for lost packets included: with less libopus 1.6 leaves them out at the loss expected first (below
 * 20,000 for 8 kHz, and 28,000 for 16 kHz, measured).
 */
const BITRATE: { readonly [rate in SoundRateHz]: number } = { 8000: 24_000, 16000: 32_000 }
const LEAST_BITRATE = 6_000
/** Until RTCP tells more. libopus adds copies only when it expects loss. */
const FIRST_EXPECTED_LOSS_PERCENT = 5
/** Frames per packet and their length by the configuration number, in units of 2.5 ms (RFC 6716 §3.1, table 2). */
const SILK_FRAMES = [4, 8, 16, 24]
const HYBRID_FRAMES = [4, 8]
const CELT_FRAMES = [1, 2, 4, 8]
const UNITS_PER_S = 400
/** What libopus can make up is a multiple of this. */
const CONCEALED_UNIT_MS = 2.5

/** Loads libopus, so that the first call need not wait for it. Rejects where WebAssembly is not to be had. */
export function prepareOpus(): Promise<void> {
  return createDecoder({ channels: 1, sampleRate: 8_000 }).then((decoder) => decoder.free())
}

/**
 * How many samples a packet holds (RFC 6716 §3.1, §3.2.5).
 * @returns 0 for what is no packet
 */
export function opusPacketSamples(packet: Uint8Array, at: number, bytes: number, rateHz: number): number {
  if (bytes < 1) return 0
  const toc = packet[at]!
  const frames = frameCount(toc & 3, packet, at, bytes)
  const units = frames * frameUnits(toc >> 3)
  return units > 48 ? 0 : (units * rateHz) / UNITS_PER_S
}

function frameCount(code: number, packet: Uint8Array, at: number, bytes: number): number {
  if (code < 3) return code === 0 ? 1 : 2
  return bytes < 2 ? 0 : packet[at + 1]! & 0x3f
}

function frameUnits(configuration: number): number {
  if (configuration < 12) return SILK_FRAMES[configuration & 3]!
  return configuration < 16 ? HYBRID_FRAMES[configuration & 1]! : CELT_FRAMES[configuration & 3]!
}

/**
 * A handle of libopus, which comes a moment after it was asked for (at once when libopus is loaded, before any timer), and
 * is given back however the two race.
 */
class Handle<H extends { free(): void }> {
  #handle: H | null = null
  #isFreed = false

  constructor(asked: Promise<H>, tune: (handle: H) => void) {
    asked.then(
      (handle) => {
        if (this.#isFreed) return handle.free()
        tune(handle)
        this.#handle = handle
      },
      () => {},
    )
  }

  get(): H | null {
    return this.#handle
  }

  free(): void {
    this.#isFreed = true
    this.#handle?.free()
    this.#handle = null
  }
}

export class OpusDecoder implements SoundDecoder {
  readonly #rateHz: SoundRateHz
  readonly #handle: Handle<OpusDecoderHandle>

  constructor(rateHz: SoundRateHz) {
    this.#rateHz = rateHz
    this.#handle = new Handle(createDecoder({ channels: 1, sampleRate: rateHz }), () => {})
  }

  lengthOf(payload: Uint8Array, at: number, bytes: number): number {
    return opusPacketSamples(payload, at, bytes, this.#rateHz)
  }

  decode(payload: Uint8Array, at: number, bytes: number, pcm: Int16Array): number {
    const handle = this.#handle.get()
    if (handle === null || this.lengthOf(payload, at, bytes) === 0) return 0
    try {
      const sound = handle.decode(payload.subarray(at, at + bytes))
      pcm.set(sound)
      return sound.length
    } catch {
      return 0
    }
  }

  conceal(pcm: Int16Array, count: number, next: Uint8Array, at: number, bytes: number): boolean {
    const handle = this.#handle.get()
    const unit = (this.#rateHz * CONCEALED_UNIT_MS) / 1000
    const isPossible = count % unit === 0 && count <= (this.#rateHz * MAX_PACKET_MS) / 1000
    if (handle === null || !isPossible || this.lengthOf(next, at, bytes) === 0) return false
    try {
      pcm.set(handle.decode(next.subarray(at, at + bytes), { decodeFec: true, frameSize: count }))
      return true
    } catch {
      return false
    }
  }

  free(): void {
    this.#handle.free()
  }
}

export class OpusEncoder implements SoundEncoder {
  readonly #handle: Handle<OpusEncoderHandle>
  #expectedLossPercent = FIRST_EXPECTED_LOSS_PERCENT

  constructor(rateHz: SoundRateHz, wishes: OpusWishes = NO_OPUS_WISHES) {
    const bitrate = Math.max(LEAST_BITRATE, Math.min(BITRATE[rateHz], wishes.maxAverageBitrate ?? BITRATE[rateHz]))
    const asked = createEncoder({
      channels: 1,
      sampleRate: rateHz,
      application: Application.Voip,
      signal: Signal.Voice,
      complexity: COMPLEXITY,
      bitrate,
      fec: wishes.useInbandFec,
      dtx: false,
      ...bandwidthFor(wishes.maxPlaybackRateHz),
    })
    this.#handle = new Handle(asked, (handle) => handle.setPacketLossPercent(this.#expectedLossPercent))
  }

  encode(pcm: Int16Array, out: Uint8Array, at: number): number {
    const handle = this.#handle.get()
    if (handle === null) return 0
    const packet = handle.encode(pcm, { frameSize: pcm.length, maxPacketBytes: MAX_PAYLOAD_BYTES })
    out.set(packet, at)
    return packet.length
  }

  silence(samples: number, out: Uint8Array, at: number): number {
    return this.encode(ZEROS.subarray(0, samples), out, at)
  }

  expectLoss(percent: number): void {
    this.#expectedLossPercent = Math.max(0, Math.min(100, Math.round(percent)))
    this.#handle.get()?.setPacketLossPercent(this.#expectedLossPercent)
  }

  free(): void {
    this.#handle.free()
  }
}

const ZEROS = new Int16Array((16_000 * MAX_PACKET_MS) / 1000)

/** The widest band of which everything is heard at the far end (RFC 7587 §6.1 maxplaybackrate). */
function bandwidthFor(maxPlaybackRateHz: number | null): { maxBandwidth?: Bandwidth } {
  if (maxPlaybackRateHz === null || maxPlaybackRateHz >= 16_000) return {}
  return { maxBandwidth: maxPlaybackRateHz >= 12_000 ? Bandwidth.Mediumband : Bandwidth.Narrowband }
}
