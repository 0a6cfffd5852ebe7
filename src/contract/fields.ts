/**
 * Field types that all resources share. Two families: strict ones for what we send, lenient ones for what we are sent
 * (contract §1: absent, null and "" mean "not given"; unknown fields are ignored).
 */

import { z } from 'zod'
import { isUuid, NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'

// ---- answers

export const uuid = z.guid()

/** `2026-01-15T09:30:00.000000Z` */
export const time = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/)
  .meta({ format: 'date-time', examples: ['2026-01-15T09:30:00.000000Z'] })

/** A time that may not have come yet. */
export const timeOrNull = time.nullable()

/** The three of every record. `tm_update` of a fresh one equals `tm_create`. */
export const recordTimes = { tm_create: time, tm_update: time, tm_delete: timeOrNull }

/** Any JSON object. */
export const jsonObject = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject, JsonObject>

// ---- requests

const blankIsAbsent = (value: unknown): unknown => (value === null || value === '' ? undefined : value)
const nullIsAbsent = (value: unknown): unknown => (value === null ? undefined : value)

/** Text that goes into files and databases as UTF-8: half a surrogate pair becomes U+FFFD. */
export const textIn = z.string().transform((value) => value.toWellFormed())

/** Optional: null and "" count as absent. */
export function optional<T extends z.ZodType>(schema: T) {
  return z.preprocess(blankIsAbsent, schema.optional())
}

/** Optional text that may be emptied on purpose (`webhook_uri: ""` switches delivery off): only null counts as absent. */
export const clearableText = z.preprocess(nullIsAbsent, textIn.optional())

/** Optional text of a new record: absent and null become "". */
export const text = z.preprocess(nullIsAbsent, textIn.default(''))

const asUuid = z
  .string()
  .refine(isUuid, 'must be a UUID')
  .transform((id) => id.toLowerCase())
  .meta({ format: 'uuid' })

/** A UUID in a path or a needed field, lower-cased. */
export const uuidIn = asUuid

/** A reference in a new record: absent, null, "" and the nil UUID become the nil UUID. */
export const referenceIn = z.preprocess(blankIsAbsent, asUuid.default(NIL_UUID))

/** A reference in a PUT: absent, null and "" keep what is there, the nil UUID removes it. */
export const referenceChange = z.preprocess(blankIsAbsent, asUuid.optional())

/** True for an absolute http or https URL. */
export function isHttpUrl(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== ''
}

/** IPv4 169.254.0.0/16 and IPv6 fe80::/10, and the first behind an IPv6 prefix. `URL` has brought them to one form. */
const LINK_LOCAL = /^(?:169\.254\.|\[fe[89ab][0-9a-f]:|\[(?:::ffff:|64:ff9b::)a9fe:)/
/** Where clouds hand out a machine's own credentials, besides link-local addresses. */
const METADATA: readonly string[] = ['[fd00:ec2::254]', '100.100.100.200', '192.0.0.192', 'metadata.google.internal']

/** True for a URL whose host is an address that no webhook is sent to. Names are looked at when a connection is made. */
export function isLinkLocal(value: string): boolean {
  const host = URL.parse(value)?.hostname.replace(/\.$/, '') ?? ''
  return LINK_LOCAL.test(host) || METADATA.includes(host)
}

/** "" or an absolute http(s) URL. Loopback and private hosts are allowed: self-hosted agents live there. */
export const webhookUri = z.preprocess(
  nullIsAbsent,
  z
    .string()
    .max(2048)
    .refine((value) => value === '' || isHttpUrl(value), 'must be an http or https URL')
    .refine((value) => !isLinkLocal(value), 'must not be a link-local address')
    .optional(),
)

/** "" counts as POST when a URI is set (§3). */
export const WEBHOOK_METHODS = ['', 'POST', 'GET', 'PUT', 'DELETE'] as const

export const webhookMethod = z.preprocess(
  (value) => (typeof value === 'string' ? value.toUpperCase() : nullIsAbsent(value)),
  z.enum(WEBHOOK_METHODS).optional(),
)

/** Unicode code points of a text: what people call characters in limits. */
export function codePoints(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}
