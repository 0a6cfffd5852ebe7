/** Feeds a call's input log to a new machine: the same inputs give the same outputs. */

import type { Micros, Millis } from '../kernel/clock.ts'
import { Call, type CallSettings } from './call.ts'
import type { CallInput, CallOutput } from './part.ts'

/** Version of the log's entries. */
export const LOG_VERSION = 1

/** One line of the log. `wall` is the wall time the runner had when it gave the input. */
export interface LogEntry {
  readonly v: number
  readonly n: number
  readonly now: Millis
  readonly wall: Micros
  readonly part: 'call'
  readonly input: CallInput
}

/** @param lines JSON texts of `LogEntry`; throws when one is of another version */
export function replay(lines: readonly string[], settings: CallSettings): CallOutput[][] {
  const call = new Call(settings)
  return lines.map((line) => {
    const entry = JSON.parse(line) as LogEntry
    if (entry.v !== LOG_VERSION) throw new Error(`input log of version ${entry.v}, this release reads ${LOG_VERSION}`)
    return call.handle(entry.input, entry.now, entry.wall)
  })
}
