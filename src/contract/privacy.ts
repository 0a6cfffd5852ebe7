/** What a person may ask for (ours): `POST /privacy/export`, `POST /privacy/erase`. */

import { z } from 'zod'
import type { JsonObject } from '../kernel/json.ts'
import { callSchema } from './call.ts'
import { jsonObject, optional, time, uuid } from './fields.ts'
import { transcriptSchema } from './transcript.ts'

/** Has to be given to erase everything, so that nobody does it by accident. */
export const ERASE_PHRASE = 'ERASE'

/** A caller's number as calls show it in `source.target` or `destination.target`. */
const number = optional(z.string().trim().min(1).max(255))

/** Without a number everything of the customer. */
export const exportRequest = z.preprocess((body) => body ?? {}, z.object({ number }))

export const exportSchema = z
  .object({
    customer_id: uuid,
    number: z.string(),
    tm_export: time,
    calls: z.array(callSchema),
    transcripts: z.array(transcriptSchema),
    /** As they were published. */
    events: z.array(
      z.object({ id: uuid, type: z.string(), call_id: uuid.nullable(), tm_event: time, data: jsonObject }),
    ),
  })
  .meta({ id: 'PrivacyExport' })

/** Either a number, or everything together with the phrase. */
export const eraseRequest = z.object({
  number,
  everything: z.preprocess((value) => value ?? false, z.boolean().default(false)),
  confirmation_phrase: optional(z.string()),
})

export const erasedSchema = z
  .object({
    /** Calls whose numbers were blanked; their rows stay for usage. */
    calls: z.int(),
    transcripts: z.int(),
    events: z.int(),
    logs: z.int(),
    /** Transcribes, speakings and flow runs of these calls. */
    sessions: z.int(),
  })
  .meta({ id: 'PrivacyErased' })

export type ErasedDoc = z.infer<typeof erasedSchema>

/** An address, or whatever else has a target, without what tells whose it is. */
const BLANK = { target: '', target_name: '', name: '', detail: '' }

/**
 * A document in which nothing tells the number any more: every text that holds it is empty, and so is the rest of an address
 * it was the target of.
 * @param number null blanks every address
 */
export function withoutNumber(doc: JsonObject, number: string | null): JsonObject {
  return blanked(doc, (text) => number === null || tells(text, number), number === null) as JsonObject
}

/** @param all every address is blanked, and no other text */
function blanked(value: unknown, tellsIt: (text: string) => boolean, all: boolean): unknown {
  if (typeof value === 'string') return !all && tellsIt(value) ? '' : value
  if (Array.isArray(value)) return value.map((one) => blanked(one, tellsIt, all))
  if (value === null || typeof value !== 'object') return value
  const inside = Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, OURS.test(name) ? one : blanked(one, tellsIt, all)]),
  )
  const { target } = value as { readonly target?: unknown }
  return typeof target === 'string' && tellsIt(target) ? { ...inside, ...blankOf(inside) } : inside
}

/** Ids and times tell nobody's number, however alike they look. */
const OURS = /^tm_|^id$|_ids?$/

/** Whether the number stands in a text by itself, such as in `sip:+15550100@example.com`. */
function tells(text: string, number: string): boolean {
  for (let at = text.indexOf(number); at >= 0; at = text.indexOf(number, at + 1)) {
    if (!/[\p{L}\p{N}]/u.test(`${text[at - 1] ?? ''}${text[at + number.length] ?? ''}`)) return true
  }
  return false
}

function blankOf(address: object): object {
  return Object.fromEntries(Object.entries(BLANK).filter(([name]) => name in address))
}
