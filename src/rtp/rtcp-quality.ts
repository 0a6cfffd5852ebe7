/**
 * How a call sounds, estimated from what was measured of it: the E-model of ITU-T G.107, shortened as is usual for voice
 * over IP (R. Cole, J. Rosenbluth, "Voice over IP performance monitoring", 2001):
 *
 *   R   = 93.2 - Id - Ie,eff                                       93.2: G.107's defaults with no delay and no loss
 *   Id  = 0.024 d + 0.11 (d - 177.3) for d > 177.3                 d: one way from mouth to ear, in ms
 *   Ie,eff = Ie + (95 - Ie) Ppl / (Ppl + Bpl)                      G.107 §3.5 (7-29) with BurstR 1; Ppl: loss in %
 *   MOS = 1 + 0.035 R + R (R - 60)(100 - R) 7e-6                   G.107 Annex B, 1 to 4.5
 *
 * Ie and Bpl: G.113 Appendix I for G.711 with concealment. For G.722 and Opus the narrow-band scale has no entry; theirs are
 * our estimates, kept on the same scale so that calls can be compared. It is no measure of how wide a voice sounds.
 */

interface Robustness {
  /** Equipment impairment without loss, and packet-loss robustness. */
  readonly ie: number
  readonly bpl: number
}

const G711_CONCEALED: Robustness = { ie: 0, bpl: 25.1 }
const BY_CODEC: Readonly<Record<string, Robustness>> = {
  PCMU: G711_CONCEALED,
  PCMA: G711_CONCEALED,
  G722: { ie: 0, bpl: 20 },
  OPUS: { ie: 0, bpl: 30 },
}

const BEST_R = 93.2
const DELAY_KNEE_MS = 177.3

/**
 * @param lossPercent of what should have come, 0 to 100
 * @param delayMs one way, mouth to ear
 * @returns 1 (unusable) to 4.4
 */
export function estimatedMos(codec: string, lossPercent: number, delayMs: number): number {
  const { ie, bpl } = BY_CODEC[codec.toUpperCase()] ?? G711_CONCEALED
  const delay = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - DELAY_KNEE_MS)
  const equipment = ie + ((95 - ie) * lossPercent) / (lossPercent + bpl)
  const r = BEST_R - delay - equipment
  if (r <= 0) return 1
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
}
