/** When a delivery is tried again, and which ones matter most (contract §16). Pure. */

import type { Micros } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Dialect } from './webhook-target.ts'

export interface Schedule {
  /** A whole attempt, to the status line. */
  readonly timeoutMs: Readonly<Record<Dialect, number>>
  /** Waits between the first attempts, which every stored event gets. */
  readonly gapsMs: readonly number[]
  /** Waits after those, for what an agent must not miss; the last one repeats. */
  readonly longGapsMs: readonly number[]
  /** No attempt starts later than this after the event. */
  readonly maxAgeMs: number
}

export const SCHEDULE: Schedule = {
  timeoutMs: { standard: 5_000, flat: 30_000 },
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

/** How an attempt that did not end in an answer is written down. */
export const TIMED_OUT = 'timeout'

export function isDelivered({ status }: JsonObject): boolean {
  return typeof status === 'number' && status >= 200 && status < 300
}

/**
 * True for a failed attempt that another one may follow. In the flat dialect a receiver that was reached is not told twice:
 * it may be working on its answer.
 */
export function mayTryAgain(dialect: Dialect, { status, error }: JsonObject): boolean {
  if (dialect === 'standard') return true
  return typeof status === 'number' ? status >= 500 : error !== TIMED_OUT
}

/**
 * @param attempts made so far, at least 1
 * @param age of the event, or of the wish to send it again, in microseconds
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
