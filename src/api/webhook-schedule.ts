/** When a delivery is tried again, and which ones matter most (contract §16). Pure. */

import type { Micros } from '../kernel/clock.ts'

export interface Schedule {
  /** A whole attempt, to the status line. */
  readonly timeoutMs: number
  /** Waits between the first attempts, which every stored event gets. */
  readonly gapsMs: readonly number[]
  /** Waits after those, for what an agent must not miss; the last one repeats. */
  readonly longGapsMs: readonly number[]
  /** No attempt starts later than this after the event. */
  readonly maxAgeMs: number
}

export const SCHEDULE: Schedule = {
  timeoutMs: 5_000,
  gapsMs: [1_000, 2_000],
  longGapsMs: [5_000, 10_000, 20_000, 30_000],
  maxAgeMs: 600_000,
}

const MUST_ARRIVE = new Set([
  'call_hangup',
  'call.ended',
  'transcribe_done',
  'transcript_created',
  'recording_finished',
])

/**
 * @param attempts made so far, at least 1
 * @param age of the event, in microseconds
 * @returns ms until the next attempt, or null when there is none
 */
export function nextGapMs(schedule: Schedule, eventType: string, attempts: number, age: Micros): number | null {
  const first = schedule.gapsMs[attempts - 1]
  if (first !== undefined) return first
  if (!MUST_ARRIVE.has(eventType)) return null
  const later = attempts - 1 - schedule.gapsMs.length
  const gap = schedule.longGapsMs[later] ?? schedule.longGapsMs.at(-1)
  return gap !== undefined && age / 1000 + gap <= schedule.maxAgeMs ? gap : null
}

/** What goes first when there are too many: 0 partial texts and updates, 1 the rest, 2 what must arrive. */
export function importance(eventType: string): 0 | 1 | 2 {
  if (MUST_ARRIVE.has(eventType)) return 2
  return /_(?:interim|intermediate|updated)$/.test(eventType) ? 0 : 1
}

/** @returns where the oldest of the least important is; the types are in order of age and not empty */
export function leastImportant(types: Iterable<string>): number {
  let least = 3
  let at = 0
  let i = 0
  for (const type of types) {
    const mine = importance(type)
    if (mine < least) {
      least = mine
      at = i
    }
    if (least === 0) break
    i += 1
  }
  return at
}
