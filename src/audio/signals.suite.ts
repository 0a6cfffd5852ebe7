/** Sounds for tests of codecs: the same on every machine, by integers and simple arithmetic alone. */

/** -1 to 1, evenly. */
export function randomly(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state / 0x8000_0000
  }
}

export function noise(samples: number, amplitude: number, seed = 1): Int16Array {
  const random = randomly(seed)
  return Int16Array.from({ length: samples }, () => Math.round(amplitude * random()))
}

/** Full scale up and down: what makes codecs overflow. */
export function square(samples: number, period = 40): Int16Array {
  return Int16Array.from({ length: samples }, (_, n) => (n % period < period / 2 ? 32_767 : -32_768))
}

/**
 * Something like a voice: pulses of a pitch that wanders around 110 Hz, through a resonance that moves between two vowels, in
 * syllables of 250 ms, and hiss in the pauses between.
 */
export function voice(rateHz: number, samples: number, seed = 1): Int16Array {
  const random = randomly(seed)
  const pcm = new Int16Array(samples)
  let [phase, y1, y2] = [0, 0, 0]
  for (let n = 0; n < samples; n++) {
    const t = n / rateHz
    phase += (110 + 20 * triangle(t / 1.7)) / rateHz
    const isPulse = phase >= 1
    if (isPulse) phase -= 1
    const loud = Math.max(0, triangle(t / 0.25))
    const resonance = 600 + 250 * triangle(t / 0.9)
    // cos x is near enough 1 - x²/2 + x⁴/24 here, and the same everywhere.
    const x = (2 * Math.PI * resonance) / rateHz
    const y = loud * ((isPulse ? 9_000 : 0) + 250 * random()) + 1.9 * (1 - x ** 2 / 2 + x ** 4 / 24) * y1 - 0.9 * y2
    y2 = y1
    y1 = y
    pcm[n] = Math.max(-32_768, Math.min(32_767, Math.round(0.5 * y)))
  }
  return pcm
}

/** Of period 1, between -1 and 1. */
function triangle(t: number): number {
  return 4 * Math.abs(t - Math.floor(t + 0.5)) - 1
}
