/** Tones: made, and found. */

/** A full-scale sine would be 32,767. */
export const TONE_AMPLITUDE = 8_000

/** Row and column of every key (ITU-T Q.23). */
const LOW_HZ = [697, 770, 852, 941]
const HIGH_HZ = [1_209, 1_336, 1_477, 1_633]
const KEYPAD = '123A456B789C*0#D'

/**
 * Adds a sine to what is in `pcm`, saturating.
 * @param firstSample where on the tone's own time `pcm` begins, so that frames join
 */
export function addSine(
  pcm: Int16Array,
  hz: number,
  rateHz: number,
  amplitude = TONE_AMPLITUDE,
  firstSample = 0,
): void {
  const step = (2 * Math.PI * hz) / rateHz
  for (let i = 0; i < pcm.length; i++) {
    const sum = pcm[i]! + Math.round(amplitude * Math.sin(step * (firstSample + i)))
    pcm[i] = Math.max(-32_768, Math.min(32_767, sum))
  }
}

/** A sine of its own. */
export function sine(hz: number, rateHz: number, samples: number, amplitude = TONE_AMPLITUDE): Int16Array {
  const pcm = new Int16Array(samples)
  addSine(pcm, hz, rateHz, amplitude)
  return pcm
}

/**
 * Fills `pcm` with the two tones of a key.
 * @param digit one of 0-9 * # A-D
 * @returns false for anything else; `pcm` is silence then
 */
export function fillKeyTone(pcm: Int16Array, digit: string, rateHz: number, firstSample = 0): boolean {
  pcm.fill(0)
  const at = digit === '' ? -1 : KEYPAD.indexOf(digit.toUpperCase())
  if (at < 0) return false
  addSine(pcm, LOW_HZ[at >> 2]!, rateHz, TONE_AMPLITUDE, firstSample)
  addSine(pcm, HIGH_HZ[at & 3]!, rateHz, TONE_AMPLITUDE, firstSample)
  return true
}

/** Amplitude of the sine of `hz` in `pcm`, by Goertzel's recursion. Exact for whole periods. */
export function amplitudeAt(pcm: Int16Array, hz: number, rateHz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rateHz)
  let last = 0
  let beforeLast = 0
  for (const sample of pcm) {
    const next = sample + coefficient * last - beforeLast
    beforeLast = last
    last = next
  }
  const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast
  return pcm.length === 0 ? 0 : (2 * Math.sqrt(Math.max(0, power))) / pcm.length
}

/** The key whose two tones stand out in `pcm` (best 20 ms or more), or null. */
export function keyToneIn(pcm: Int16Array, rateHz: number): string | null {
  const row = strongest(pcm, LOW_HZ, rateHz)
  const column = strongest(pcm, HIGH_HZ, rateHz)
  return row === null || column === null ? null : KEYPAD[row * 4 + column]!
}

/** At least twice as strong as each of the others, and no whisper. */
function strongest(pcm: Int16Array, group: readonly number[], rateHz: number): number | null {
  const found = group.map((hz) => amplitudeAt(pcm, hz, rateHz))
  const most = Math.max(...found)
  const others = found.filter((one) => one > most / 2).length - 1
  return most > 300 && others === 0 ? found.indexOf(most) : null
}
