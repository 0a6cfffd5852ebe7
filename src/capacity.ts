/**
 * A first guess at how many conversations this machine holds: the voice detector, the dearest part that always runs, is
 * measured for a moment; the other parts are taken at their measured cost in the same unit.
 */

import { availableParallelism } from 'node:os'
import { loadNetwork, SileroDetector } from './speech/providers/silero/detector.ts'

const FRAMES = 60
const FRAME_S = 0.032
/** Callers are silent most of the time; the gate in front of the detector lets this share through. */
const GATED_SHARE = 0.5
/** Recogniser, synthesiser and media of one call, relative to a detector that always runs (docs/benchmarks.md). */
const OTHER_PARTS = 1.8
/** Share of a call in which the caller is speaking and holds a decoder. */
const SPEAKING_SHARE = 0.25
/** Above this the tails of every delay grow. */
const FULL_SHARE = 0.6

/** @param decoders utterances that can be recognised at the same time */
export function measureCapacity(decoders: number): number {
  const detector = new SileroDetector(loadNetwork())
  const frame = Int16Array.from({ length: 256 }, (_, i) => 6_000 * Math.sin(i / 3))
  for (let i = 0; i < FRAMES; i++) detector.probability(frame)
  const before = performance.now()
  for (let i = 0; i < FRAMES; i++) detector.probability(frame)
  const perFrameMs = (performance.now() - before) / FRAMES
  const shareOfCore = (perFrameMs / 1000 / FRAME_S) * (GATED_SHARE + OTHER_PARTS)
  const byProcessor = Math.floor((availableParallelism() * FULL_SHARE) / shareOfCore)
  return Math.max(1, Math.min(byProcessor, Math.floor(decoders / SPEAKING_SHARE)))
}
