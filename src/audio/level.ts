/** How loud a frame is. */

/** Quieter than this (dB relative to full scale) nobody speaks. */
export const VOICED_FLOOR_DB = -50

/** Mean power of the first `count` samples in dB relative to full scale; -100 for silence. */
export function levelDb(pcm: Int16Array, count = pcm.length): number {
  const power = meanSquare(pcm, count)
  return power <= 0.1 ? -100 : 10 * Math.log10(power / (32_768 * 32_768))
}

export function meanSquare(pcm: Int16Array, count = pcm.length): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += pcm[i]! * pcm[i]!
  return count === 0 ? 0 : sum / count
}

/** Loud enough to be speech. Cheaper than `levelDb`. */
export function isVoiced(pcm: Int16Array, count = pcm.length, floorDb = VOICED_FLOOR_DB): boolean {
  return meanSquare(pcm, count) > 32_768 * 32_768 * 10 ** (floorDb / 10)
}
