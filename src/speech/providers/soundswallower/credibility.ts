/**
 * Whether what the decoder found was really said. Pure.
 *
 * The decoder always finds its nearest phrase. Its alignment then says how well the sound fits the phones of that
 * phrase in their order; over the whole utterance, that is one number which hardly depends on the phrases' number or
 * length. The border was set on the sentences of `tests/corpus`, see
 * `tests/bench/listen.ts`.
 */

import { levelDb } from '../../../audio/level.ts'
import type { Stretch } from './engine.ts'

/** The least mean log probability of a 10 ms frame, on a quiet line and on a noisy one: noise makes everything fit worse. */
const BELIEVED_QUIET = -0.0019
const BELIEVED_NOISY = -0.00225
/** Voice above noise, in dB: from here up a line is quiet, from here down it is noisy; between, the border moves. */
const QUIET_DB = 38
const NOISY_DB = 28
/** Share of the pieces of a beginning that hold nothing but the line's noise: its pre-roll. */
const NOISE_SHARE = 0.15
/** Mean score of a frame, in the decoder's units: nothing below it was ever believed. */
const PROMISING_ABOVE = -42
const FRAMES_PER_SECOND = 100
/** Samples of one frame of the decoder: 10 ms at 8 kHz. */
export const FRAME_SAMPLES = 80
/** Probabilities are given with three digits. */
const LEAST = 1e-4

/**
 * @param alignment of the whole utterance, silence included; stretches are words
 * @param voiceAboveNoiseDb of `voiceAboveNoise`
 */
export function isBelieved(alignment: Stretch, voiceAboveNoiseDb: number): boolean {
  const quietness = (voiceAboveNoiseDb - NOISY_DB) / (QUIET_DB - NOISY_DB)
  const share = Math.max(0, Math.min(1, quietness))
  return fit(alignment) >= BELIEVED_NOISY + share * (BELIEVED_QUIET - BELIEVED_NOISY)
}

/** How far the loudest piece of 10 ms is above the line's noise, in dB. @param beginning of an utterance, with pre-roll */
export function voiceAboveNoise(beginning: Int16Array): number {
  const pieces = Math.floor(beginning.length / FRAME_SAMPLES)
  const levels = Array.from({ length: pieces }, (_, i) =>
    levelDb(beginning.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES)),
  ).sort((a, b) => a - b)
  const noise = levels[Math.floor(levels.length * NOISE_SHARE)]
  return noise === undefined ? 0 : levels.at(-1)! - noise
}

/** Mean log probability of a frame: 0 is perfect. */
export function fit(alignment: Stretch): number {
  const words = alignment.w ?? []
  const total = words.reduce((sum, word) => sum + Math.log(Math.max(word.p, LEAST)), 0)
  const frames = words.reduce((sum, word) => sum + word.d, 0) * FRAMES_PER_SECOND
  return frames > 0 ? total / frames : Number.NEGATIVE_INFINITY
}

/** Looser, and much cheaper: enough for a text that may still change, and to spare the alignment of the hopeless. */
export function isPromising(scorePerFrame: number): boolean {
  return scorePerFrame >= PROMISING_ABOVE
}
