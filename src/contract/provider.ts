/** Providers (contract §6): SIP gateways that take calls to the telephone network, and may bring calls from there. */

import { z } from 'zod'
import { clearableText, optional, recordTimes, text, uuid } from './fields.ts'
import { gatewayAfter, gatewayChange, gatewayFields, hostIn, sipWord } from './gateway.ts'

const priority = z.preprocess((value) => value ?? undefined, z.int().min(0).max(1_000_000).optional())

/** Further headers of each INVITE, by name. */
export const techHeadersSchema = z.record(z.string(), z.string())

export const providerSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    type: z.enum(['sip']),
    name: z.string(),
    detail: z.string(),
    ...gatewayFields,
    /** Put before the number in the request URI and in To; taken off numbers that come in. */
    tech_prefix: z.string(),
    /** Put after the number. */
    tech_postfix: z.string(),
    tech_headers: techHeadersSchema,
    /** The lower goes first, where no route says otherwise. */
    priority: z.number(),
    ...recordTimes,
  })
  .meta({ id: 'Provider' })

export type ProviderDoc = z.infer<typeof providerSchema>

/** Headers that a request has by itself, or that would make another request of it. */
const OURS =
  /^(?:v|via|f|from|t|to|i|call-id|cseq|m|contact|max-forwards|route|record-route|l|content-length|c|content-type|e|content-encoding|k|supported|require|proxy-require|allow|authorization|proxy-authorization|privacy|p-asserted-identity|p-preferred-identity|remote-party-id)$/i
const MOST_HEADERS = 16

const techHeaders = z
  .record(
    z.string().regex(/^[A-Za-z0-9.!%*_+`'~-]{1,64}$/, 'must be the name of a header'),
    z
      .string()
      .max(512)
      .refine((value) => !/\p{Cc}/u.test(value), 'must not hold control characters'),
  )
  .refine((headers) => Object.keys(headers).length <= MOST_HEADERS, `must be at most ${MOST_HEADERS}`)
  .refine((headers) => !Object.keys(headers).some((name) => OURS.test(name)), 'must not name a header of SIP itself')

const nullIsAbsent = (value: unknown): unknown => value ?? undefined

/** What may stand in the user part of a URI without escaping. */
const techDigits = z
  .string()
  .max(32)
  .regex(/^[A-Za-z0-9\-_.!~*'()&=+$,;#]*$/, 'must be what a phone number may begin with, such as 9001#')

export const providerChange = z.object({
  name: clearableText,
  detail: clearableText,
  hostname: optional(hostIn),
  ...gatewayChange,
  tech_prefix: z.preprocess(nullIsAbsent, techDigits.optional()),
  tech_postfix: z.preprocess(nullIsAbsent, sipWord.optional()),
  tech_headers: z.preprocess(nullIsAbsent, techHeaders.optional()),
  priority,
})
export const providerRequest = providerChange.extend({
  type: optional(z.enum(['sip'])),
  name: text,
  detail: text,
  hostname: hostIn.min(1),
})

export type ProviderChange = z.infer<typeof providerChange>

export function newProvider(id: string, customerId: string, tmCreate: string, given: ProviderChange): ProviderDoc {
  const times = { tm_create: tmCreate, tm_update: tmCreate, tm_delete: null }
  return { id, customer_id: customerId, type: 'sip', ...providerAfter(undefined, given), ...times }
}

/** All but ids and times, after a change. @param before undefined for a new one */
export function providerAfter(before: ProviderDoc | undefined, given: ProviderChange) {
  return {
    name: given.name ?? before?.name ?? '',
    detail: given.detail ?? before?.detail ?? '',
    hostname: given.hostname ?? before?.hostname ?? '',
    ...gatewayAfter(before, given),
    password: '',
    password_set: given.password === undefined ? (before?.password_set ?? false) : given.password !== '',
    tech_prefix: given.tech_prefix ?? before?.tech_prefix ?? '',
    tech_postfix: given.tech_postfix ?? before?.tech_postfix ?? '',
    tech_headers: given.tech_headers ?? before?.tech_headers ?? {},
    priority: given.priority ?? before?.priority ?? 0,
  }
}
