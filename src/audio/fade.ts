/** Short linear ramps wherever sound is cut, so that the cut does not click. */

/** Length of every ramp. */
export const FADE_MS = 8

/** Ramps `count` samples from `at` on down to nothing. */
export function fadeOut(pcm: Int16Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) pcm[at + i] = Math.round(pcm[at + i]! * (1 - (i + 1) / count))
}

/**
 * Ramps samples up, also in several goes.
 * @param done samples of the ramp that went before
 * @param length of the whole ramp
 */
export function fadeIn(pcm: Int16Array, at: number, count: number, done: number, length: number): void {
  for (let i = 0; i < count; i++) pcm[at + i] = Math.round(pcm[at + i]! * ((done + i + 1) / length))
}
