/**
 * What a leg knows of its codec. Sound on this side is 16-bit mono at a rate the codec was opened for, whatever the codec's
 * own is; the RTP clock is a third thing (RFC 3551 §4.5.2: G.722 counts at 8,000 Hz for sound of 16,000). One encoder and
 * one decoder per stream: most of them remember what went before.
 *
 * Buffers belong to the caller. Nothing here throws for what came from the network.
 */

/** Longest packet in either direction. */
export const MAX_PACKET_MS = 120
/** Room that any encoder is content with for one packet of up to 60 ms. */
export const MAX_PAYLOAD_BYTES = 960

/** Rates a codec can be opened for. */
export type SoundRateHz = 8_000 | 16_000

export interface SoundDecoder {
  /** How many samples a payload holds, without decoding it; 0 when it cannot be read. */
  lengthOf(payload: Uint8Array, at: number, bytes: number): number
  /**
   * @param at where the payload begins in `payload`
   * @param pcm receives at most MAX_PACKET_MS of sound
   * @returns how many samples; 0 for what cannot be decoded
   */
  decode(payload: Uint8Array, at: number, bytes: number, pcm: Int16Array): number
  /**
   * Makes up sound that was lost, by what the codec remembers and by what the packet after it says of it (RFC 6716 §2.1.7).
   * Called before that packet is decoded.
   * @param count samples to fill, at most MAX_PACKET_MS
   * @returns false for a codec that has no way of its own; `pcm` is left alone then
   */
  conceal(pcm: Int16Array, count: number, next: Uint8Array, at: number, bytes: number): boolean
  /** Gives back what it holds. May be called twice; nothing is decoded after it. */
  free(): void
}

export interface SoundEncoder {
  /**
   * @param pcm one packet's sound, all of it
   * @param out receives the payload from `at` on; MAX_PAYLOAD_BYTES is room enough
   * @returns its length in bytes; 0 when there is nothing to send yet
   */
  encode(pcm: Int16Array, out: Uint8Array, at: number): number
  /** The same for a frame of `samples` zeros. */
  silence(samples: number, out: Uint8Array, at: number): number
  /** How much the far end loses, as its RTCP reports tell. 0 to 100. */
  expectLoss(percent: number): void
  /** Gives back what it holds. May be called twice; nothing is encoded after it. */
  free(): void
}
