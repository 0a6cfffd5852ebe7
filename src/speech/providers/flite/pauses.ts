/**
 * Silence as we want it: none before the first sound and after the last, and inside a clause as long as the punctuation
 * asks for. Decided by level, because the times that flite prints for its pauses include the sounds dying away.
 */

/** Part of a sound, in samples. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Quiet sound to be made `wanted` samples long. */
export interface Pause extends Stretch {
  readonly wanted: number
}

/** What stays of a sound. */
export interface Shaped {
  readonly samples: Int16Array
  /** Where a sample of the original is now; samples that went away map to where they would have been. */
  readonly place: (original: number) => number
}

/** RMS of a frame that counts as silent: about -50 dBFS, inaudible behind a telephone's own noise. */
const QUIET_RMS = 100
const FRAME_MS = 5
/** Soft starts and dying ends that lie below the level are kept. */
const LEAD_MS = 10
const TAIL_MS = 20
/** How far sound may reach beyond the first and the last phone. */
const EARLY_MS = 20
const LATE_MS = 50

/**
 * Cuts the silence at both ends and sets the length of the pauses inside.
 *
 * @param speech where the first sound begins and the last one ends by the synthesiser's own account, in samples; some voices
 *   hiss where they should be silent
 * @param pauses where to look for silence inside; in order, not overlapping
 */
export function shapePauses(pcm: Int16Array, rateHz: number, speech: Stretch, pauses: readonly Pause[]): Shaped {
  const frame = (rateHz * FRAME_MS) / 1000
  const quiet = quietFrames(pcm, frame)
  const first = quiet.indexOf(0)
  if (first < 0) return { samples: new Int16Array(0), place: () => 0 }
  const perMs = rateHz / 1000
  const onset = Math.max(first * frame, speech.from - EARLY_MS * perMs)
  const finish = Math.min((quiet.lastIndexOf(0) + 1) * frame, speech.to + LATE_MS * perMs)
  const start = Math.max(0, Math.round(onset - LEAD_MS * perMs))
  const end = Math.max(start, Math.min(pcm.length, Math.round(finish + TAIL_MS * perMs)))
  return assemble(pcm, start, end, edits(pauses, quiet, frame))
}

/** 1 for each frame that is silent. */
function quietFrames(pcm: Int16Array, frame: number): Uint8Array {
  const quiet = new Uint8Array(Math.ceil(pcm.length / frame))
  for (let f = 0; f < quiet.length; f++) {
    const end = Math.min(pcm.length, (f + 1) * frame)
    let sum = 0
    for (let i = f * frame; i < end; i++) sum += pcm[i]! * pcm[i]!
    quiet[f] = sum <= QUIET_RMS * QUIET_RMS * (end - f * frame) ? 1 : 0
  }
  return quiet
}

/** At `at`, `remove` samples go and `insert` samples of silence come. */
interface Edit {
  readonly at: number
  readonly remove: number
  readonly insert: number
}

function edits(pauses: readonly Pause[], quiet: Uint8Array, frame: number): Edit[] {
  const found: Edit[] = []
  for (const pause of pauses) {
    const run = longestQuiet(quiet, Math.floor(pause.from / frame), Math.ceil(pause.to / frame))
    const length = run.length * frame
    const middle = Math.floor((run.from + run.length / 2) * frame)
    if (length > pause.wanted) {
      const remove = length - pause.wanted
      found.push({ at: middle - Math.floor(remove / 2), remove, insert: 0 })
    } else found.push({ at: middle, remove: 0, insert: pause.wanted - length })
  }
  return found
}

/** In frames. An empty run in the middle when nothing is quiet. */
function longestQuiet(quiet: Uint8Array, from: number, to: number): { from: number; length: number } {
  let best = { from: Math.floor((from + to) / 2), length: 0 }
  let length = 0
  for (let f = from; f <= Math.min(to, quiet.length); f++) {
    if (f < Math.min(to, quiet.length) && quiet[f] === 1) length++
    else {
      if (length > best.length) best = { from: f - length, length }
      length = 0
    }
  }
  return best
}

function assemble(pcm: Int16Array, start: number, end: number, wanted: readonly Edit[]): Shaped {
  const inside = wanted.filter((edit) => edit.at > start && edit.at + edit.remove < end)
  const change = inside.reduce((sum, edit) => sum + edit.insert - edit.remove, 0)
  const samples = new Int16Array(end - start + change)
  let from = start
  let to = 0
  for (const edit of inside) {
    samples.set(pcm.subarray(from, edit.at), to)
    to += edit.at - from + edit.insert
    from = edit.at + edit.remove
  }
  samples.set(pcm.subarray(from, end), to)
  return { samples, place: (original) => placeOf(original, start, samples.length, inside) }
}

function placeOf(original: number, start: number, length: number, inside: readonly Edit[]): number {
  let place = original - start
  for (const edit of inside) {
    if (original <= edit.at) break
    place += edit.insert - Math.min(edit.remove, original - edit.at)
  }
  return Math.min(length, Math.max(0, place))
}
