/**
 * What may come on a leg, by its number: sound of some codec, or keys. Opens decoders when their first packet comes, and
 * keeps those that a new agreement keeps too. The numbers of the agreement before stay good for the packets that were on
 * their way, until there is a third one.
 */

import type { SoundDecoder, SoundRateHz } from '../audio/codec.ts'
import { CLOCK_HZ, openDecoder } from '../audio/codecs.ts'
import type { CodecName, LegFormat } from './protocol.ts'

const DTMF_CLOCK_HZ = 8_000

/** Sound of one number. */
export class SoundIn {
  readonly codec: CodecName
  readonly clockHz: number
  readonly #rateHz: SoundRateHz
  #ears: SoundDecoder | null = null
  #others: SoundDecoder | null = null

  constructor(codec: CodecName, rateHz: SoundRateHz) {
    this.codec = codec
    this.clockHz = CLOCK_HZ[codec]
    this.#rateHz = rateHz
  }

  /** For packets in their order. */
  get ears(): SoundDecoder {
    this.#ears ??= openDecoder(this.codec, this.#rateHz)
    return this.#ears
  }

  /** For packets as they come. Another one, for a decoder remembers what it had last. */
  get others(): SoundDecoder {
    this.#others ??= openDecoder(this.codec, this.#rateHz)
    return this.#others
  }

  /** Whether a decoder of it needs its packets in order. */
  get remembers(): boolean {
    return this.codec !== 'PCMU' && this.codec !== 'PCMA'
  }

  free(): void {
    this.#ears?.free()
    this.#others?.free()
  }
}

export class Inbound {
  readonly #rateHz: SoundRateHz
  #sounds = new Map<number, SoundIn>()
  #before = new Map<number, SoundIn>()
  #keyClocks = new Map<number, number>()

  constructor(rateHz: SoundRateHz) {
    this.#rateHz = rateHz
  }

  /** What offer and answer agreed on now. */
  agree(format: LegFormat): void {
    const also = format.alsoTaken ?? []
    const sounds = new Map<number, SoundIn>()
    for (const { payloadType, codec } of also) {
      if (codec !== null) sounds.set(payloadType, this.#kept(payloadType, codec))
    }
    sounds.set(format.payloadType, this.#kept(format.payloadType, format.codec))
    this.#keyClocks = new Map(
      also.filter(({ codec }) => codec === null).map(({ payloadType, clockHz }) => [payloadType, clockHz]),
    )
    if (format.dtmfPayloadType !== null) {
      this.#keyClocks.set(format.dtmfPayloadType, format.dtmfClockHz ?? DTMF_CLOCK_HZ)
    }
    const kept = new Set(sounds.values())
    if ([...this.#sounds.values()].every((sound) => kept.has(sound))) {
      this.#sounds = sounds
      return
    }
    for (const sound of this.#before.values()) if (!kept.has(sound)) sound.free()
    this.#before = this.#sounds
    this.#sounds = sounds
  }

  sound(payloadType: number): SoundIn | null {
    return this.#sounds.get(payloadType) ?? this.#before.get(payloadType) ?? null
  }

  /** @returns the clock of telephone events with this number, or null when it is none */
  keyClockHz(payloadType: number): number | null {
    return this.#keyClocks.get(payloadType) ?? null
  }

  /** May be called twice. */
  free(): void {
    for (const sound of [...this.#sounds.values(), ...this.#before.values()]) sound.free()
  }

  #kept(payloadType: number, codec: CodecName): SoundIn {
    const known = this.sound(payloadType)
    return known?.codec === codec ? known : new SoundIn(codec, this.#rateHz)
  }
}
