/** Lists (contract §1.3): the envelope, the query, and the token of the next page. Newest first. */

import { z } from 'zod'
import type { Micros } from '../kernel/clock.ts'
import { isUuid, parseTimestamp } from '../kernel/ids.ts'

export const MAX_PAGE_SIZE = 100

export function listOf<T extends z.ZodType>(doc: T) {
  return z.object({ result: z.array(doc), next_page_token: z.string() })
}

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)

/** 1 to 100; anything else is 100, never an error. */
export const pageSize = z.preprocess((value) => {
  const size = Number(first(value))
  return Number.isInteger(size) && size >= 1 && size <= MAX_PAGE_SIZE ? size : MAX_PAGE_SIZE
}, z.int().min(1).max(MAX_PAGE_SIZE).default(MAX_PAGE_SIZE))

/** One value of a query parameter; "" counts as absent. */
export const queryText = z.preprocess((value) => first(value) || undefined, z.string().optional())

export const listQuery = z.object({ page_size: pageSize, page_token: queryText })

/** The place after which a page begins. `id` is "" for a bare time. */
export interface PagePlace {
  readonly us: Micros
  readonly id: string
}

export function printPageToken(place: PagePlace): string {
  return `${place.us.toString(36)}_${place.id}`
}

/** Also reads a bare timestamp as "older than this". @returns null for anything else */
export function parsePageToken(token: string): PagePlace | null {
  const bare = parseTimestamp(token)
  if (bare !== null) return { us: bare, id: '' }
  const [head, id] = token.split('_')
  if (!head || !id || !/^[0-9a-z]{1,11}$/.test(head) || !isUuid(id)) return null
  const us = Number.parseInt(head, 36)
  return Number.isSafeInteger(us) ? { us, id } : null
}
