/** Routes (contract §6): which provider or trunk takes calls to which numbers. */

import { z } from 'zod'
import { NIL_UUID } from '../kernel/ids.ts'
import { clearableText, recordTimes, referenceChange, text, uuid } from './fields.ts'
import { isCountry } from './phone-number.ts'

export const routeSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    name: z.string(),
    detail: z.string(),
    /** The nil UUID when the route leads to a trunk. */
    provider_id: uuid,
    /** Ours. The nil UUID when the route leads to a provider. */
    trunk_id: uuid,
    /** First digits of a number with its `+` (`+49`); `all` = every number. The longest that fits goes first. */
    target: z.string(),
    /** Ours: countries by their ISO code, besides `target`; empty = of any. */
    countries: z.array(z.string()),
    /** Among routes that fit equally well the lower goes first; the others are tried when it fails. */
    priority: z.number(),
    ...recordTimes,
  })
  .meta({ id: 'Route' })

export type RouteDoc = z.infer<typeof routeSchema>

const nullIsAbsent = (value: unknown): unknown => value ?? undefined
const ALL = 'all'

/** '' counts as `all`; digits may lack their plus. */
const target = z
  .string()
  .trim()
  .refine(
    (value) => value === '' || value.toLowerCase() === ALL || /^\+?\d{1,15}$/.test(value),
    'must be all, or digits such as +49',
  )
  .transform((value) => (/^\+?\d/.test(value) ? `+${value.replace('+', '')}` : ALL))

const countries = z
  .array(
    z
      .string()
      .transform((code) => code.toUpperCase())
      .refine(isCountry, 'must be a country code such as DE'),
  )
  .max(300)

export const routeChange = z.object({
  name: clearableText,
  detail: clearableText,
  provider_id: referenceChange,
  trunk_id: referenceChange,
  target: z.preprocess(nullIsAbsent, target.optional()),
  countries: z.preprocess(nullIsAbsent, countries.optional()),
  priority: z.preprocess(nullIsAbsent, z.int().min(0).max(1_000_000).optional()),
})
export const routeRequest = routeChange.extend({ name: text, detail: text })

export type RouteChange = z.infer<typeof routeChange>

export function newRoute(id: string, customerId: string, tmCreate: string, given: RouteChange): RouteDoc {
  const times = { tm_create: tmCreate, tm_update: tmCreate, tm_delete: null }
  return { id, customer_id: customerId, ...routeAfter(undefined, given), ...times }
}

/** All but ids and times, after a change: whoever names a provider leaves the trunk, and the other way round. */
export function routeAfter(before: RouteDoc | undefined, given: RouteChange) {
  const named = given.provider_id ?? given.trunk_id
  const kept = named === undefined ? before : undefined
  return {
    name: given.name ?? before?.name ?? '',
    detail: given.detail ?? before?.detail ?? '',
    provider_id: given.provider_id ?? kept?.provider_id ?? NIL_UUID,
    trunk_id: given.trunk_id ?? kept?.trunk_id ?? NIL_UUID,
    target: given.target ?? before?.target ?? ALL,
    countries: given.countries ?? before?.countries ?? [],
    priority: given.priority ?? before?.priority ?? 0,
  }
}
