/** Does a document have exactly the form of its schema? For tests: every answer and event is held against the contract. */

import type { z } from 'zod'
import { EVENTS, type EventName } from './events.ts'

/** @returns what is wrong: a field that is missing, of another form, or not in the schema at all; null when nothing is */
export function mismatch(schema: z.ZodType, value: unknown): string | null {
  const read = schema.safeParse(value)
  if (!read.success) {
    return read.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`).join('; ')
  }
  const extra = unknownField(value, read.data, [])
  return extra === null ? null : `${extra}: is not in the schema`
}

/** A schema keeps what it knows: the first field that it dropped. */
function unknownField(given: unknown, kept: unknown, path: readonly (string | number)[]): string | null {
  if (typeof given !== 'object' || given === null || typeof kept !== 'object' || kept === null) return null
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!Object.hasOwn(kept, key)) return [...path, key].join('.')
    const below = unknownField(value, (kept as Record<string, unknown>)[key], [...path, key])
    if (below !== null) return below
  }
  return null
}

/** @throws Error when there is no such event, or `data` is not exactly its resource */
export function assertEvent(type: string, data: unknown): void {
  if (!Object.hasOwn(EVENTS, type)) throw new Error(`event ${type}: is not in the contract`)
  const wrong = mismatch(EVENTS[type as EventName], data)
  if (wrong !== null) throw new Error(`event ${type}: ${wrong}`)
}
