/** Ids and timestamps as they go over the wire (contract §1.1, §1.2). */

import type { Micros } from './clock.ts'

/** What responses show for an unset reference. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text)
}

/** True for absent, null, empty and the nil UUID: all of these mean "not given" in a request. */
export function isUnset(id: string | null | undefined): boolean {
  return id === undefined || id === null || id === '' || id === NIL_UUID
}

/**
 * A version 4 UUID whose first 48 bits grow with time: the index that holds it grows at its end, and a commit writes few
 * pages. For what is written often and guessed by nobody (events, deliveries).
 *
 * @param random a random version 4 UUID: gives the other 74 bits
 */
export function uuidInOrder(micros: Micros, random: string): string {
  const time = Math.floor(micros / 1000)
    .toString(16)
    .padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8, 12)}${random.slice(13)}`
}

/** `2026-01-15T09:30:00.000000Z`: UTC, six fractional digits. */
export function timestamp(micros: Micros): string {
  const second = Math.floor(micros / 1_000_000)
  if (second !== printed.second) printed = { second, text: new Date(second * 1000).toISOString().slice(0, 19) }
  return `${printed.text}.${String(Math.floor(micros - second * 1_000_000)).padStart(6, '0')}Z`
}

/** The second that was printed last: most timestamps of one commit share it. */
let printed = { second: Number.NaN, text: '' }

const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?Z?$/

/** Reads the forms of §1.2 (with or without `Z`, blank or `T`). @returns microseconds, or null for anything else */
export function parseTimestamp(text: string): Micros | null {
  const match = TIMESTAMP.exec(text)
  if (!match) return null
  const seconds = Date.parse(`${match[1]}T${match[2]}Z`)
  if (Number.isNaN(seconds)) return null
  return seconds * 1000 + Number((match[3] ?? '').padEnd(6, '0'))
}

/** `0001-01-01 00:00:08.991840`: an offset from the start of the transcription, in microseconds, as a clock reading. */
export function transcriptOffset(micros: Micros): string {
  const whole = Math.max(0, Math.floor(micros))
  const day = 1 + Math.floor(whole / 86_400_000_000)
  const clock = new Date(Math.floor((whole % 86_400_000_000) / 1000)).toISOString().slice(11, 19)
  return `0001-01-${String(day).padStart(2, '0')} ${clock}.${String(whole % 1_000_000).padStart(6, '0')}`
}
