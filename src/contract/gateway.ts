/** What trunks and providers have in common: where a gateway is, who may call from it, and how it wants numbers (ours). */

import { z } from 'zod'
import { isE164 } from './address.ts'
import { optional } from './fields.ts'
import { parseRange } from './ip-range.ts'

export const GATEWAY_TRANSPORTS = ['udp', 'tcp', 'tls'] as const
export type GatewayTransport = (typeof GATEWAY_TRANSPORTS)[number]

/** `e164`: +4930123456. `digits`: 4930123456, for carriers that take no plus. */
export const NUMBER_FORMATS = ['e164', 'digits'] as const
export type NumberFormat = (typeof NUMBER_FORMATS)[number]

/** Who the caller is, beside From: RFC 3325 §9.1, §9.2, the older Remote-Party-ID, or nothing. */
export const IDENTITY_HEADERS = ['pai', 'ppi', 'rpid', 'none'] as const
/** Whether From holds the caller's number, or the name we are known by (some carriers insist). */
export const FROM_FORMS = ['number', 'username'] as const

export const GATEWAY_CODECS = ['PCMU', 'PCMA', 'G722', 'opus'] as const
export type GatewayCodec = (typeof GATEWAY_CODECS)[number]

/** '' = as the server does. */
export const GATEWAY_SRTP = ['', 'off', 'optional', 'required'] as const
export type GatewaySrtp = (typeof GATEWAY_SRTP)[number]

export const callerIdSchema = z.object({
  /** Shown for callers without a number of their own; E.164 or ''. */
  number: z.string(),
  from: z.enum(FROM_FORMS),
  identity: z.enum(IDENTITY_HEADERS),
})
export type CallerIdRule = z.infer<typeof callerIdSchema>

export const DEFAULT_CALLER_ID: CallerIdRule = { number: '', from: 'number', identity: 'pai' }
/** How long a gateway may keep silent, without so much as a 100, before the next one is tried. */
export const DEFAULT_SETUP_TIMEOUT_MS = 4_000

// ---- answers

export const gatewayFields = {
  /** A name (RFC 3263: NAPTR, SRV, A) or an address; '' = none, calls do not go out here. */
  hostname: z.string(),
  /** 0 = by name service, else 5060 (5061 for TLS). */
  port: z.number(),
  transport: z.enum(GATEWAY_TRANSPORTS),
  username: z.string(),
  /** Never shown: always ''. */
  password: z.string(),
  password_set: z.boolean(),
  allowed_ips: z.array(z.string()),
  number_format: z.enum(NUMBER_FORMATS),
  caller_id: callerIdSchema,
  /** In ms. */
  setup_timeout: z.number(),
  /** In the order they are offered; empty = as the server does. */
  codecs: z.array(z.enum(GATEWAY_CODECS)),
  srtp: z.enum(GATEWAY_SRTP),
  /** False takes any certificate of TLS. */
  tls_verify: z.boolean(),
}

// ---- requests

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])$/
const MOST_RANGES = 256

/** What goes into a SIP header or URI as it is: no control characters, quotes or brackets. */
export const sipWord = z
  .string()
  .max(128)
  .regex(/^[^\p{Cc}\s<>"]*$/u, 'must not hold blanks, quotes, brackets or control characters')

export const secret = z
  .string()
  .max(256)
  .refine((value) => !/\p{Cc}/u.test(value), 'must not hold control characters')

export const hostIn = z
  .string()
  .max(253)
  .refine((value) => value === '' || HOST.test(value), 'must be a host name or an IP address; IPv6 in brackets')

const allowedIps = z
  .array(
    z
      .string()
      .max(64)
      .refine((value) => parseRange(value) !== null, 'must be an address or a network such as 192.0.2.0/24'),
  )
  .max(MOST_RANGES)

const callerIdIn = z.object({
  number: z.preprocess(
    (value) => value ?? undefined,
    z
      .string()
      .refine((value) => value === '' || isE164(value), 'must be in E.164 form, such as +15551234567')
      .optional(),
  ),
  from: optional(z.enum(FROM_FORMS)),
  identity: optional(z.enum(IDENTITY_HEADERS)),
})

const nullIsAbsent = (value: unknown): unknown => value ?? undefined

/** All optional: what is absent is kept, or has its default in a new one. */
export const gatewayChange = {
  port: z.preprocess(nullIsAbsent, z.int().min(0).max(65_535).optional()),
  transport: optional(z.enum(GATEWAY_TRANSPORTS)),
  username: z.preprocess(nullIsAbsent, sipWord.optional()),
  /** Write only. */
  password: z.preprocess(nullIsAbsent, secret.optional()),
  allowed_ips: z.preprocess(nullIsAbsent, allowedIps.optional()),
  number_format: optional(z.enum(NUMBER_FORMATS)),
  caller_id: optional(callerIdIn),
  setup_timeout: z.preprocess(nullIsAbsent, z.int().min(500).max(30_000).optional()),
  codecs: z.preprocess(nullIsAbsent, z.array(z.enum(GATEWAY_CODECS)).max(GATEWAY_CODECS.length).optional()),
  srtp: z.preprocess(nullIsAbsent, z.enum(GATEWAY_SRTP).optional()),
  tls_verify: z.preprocess(nullIsAbsent, z.boolean().optional()),
}

interface Given {
  readonly port?: number | undefined
  readonly transport?: GatewayTransport | undefined
  readonly username?: string | undefined
  readonly allowed_ips?: readonly string[] | undefined
  readonly number_format?: NumberFormat | undefined
  readonly caller_id?: { readonly [K in keyof CallerIdRule]?: CallerIdRule[K] | undefined } | undefined
  readonly setup_timeout?: number | undefined
  readonly codecs?: readonly GatewayCodec[] | undefined
  readonly srtp?: GatewaySrtp | undefined
  readonly tls_verify?: boolean | undefined
}

interface Shown extends Required<Given> {
  readonly caller_id: CallerIdRule
}

/** The shown fields of a gateway after a change. @param before undefined for a new one */
export function gatewayAfter(before: Shown | undefined, given: Given) {
  const { port, transport, username, allowed_ips, number_format, setup_timeout } = given
  return {
    port: port ?? before?.port ?? 0,
    transport: transport ?? before?.transport ?? ('udp' as const),
    username: username ?? before?.username ?? '',
    allowed_ips: [...(allowed_ips ?? before?.allowed_ips ?? [])],
    number_format: number_format ?? before?.number_format ?? ('e164' as const),
    caller_id: { ...(before?.caller_id ?? DEFAULT_CALLER_ID), ...withoutAbsent(given.caller_id ?? {}) } as CallerIdRule,
    setup_timeout: setup_timeout ?? before?.setup_timeout ?? DEFAULT_SETUP_TIMEOUT_MS,
    codecs: [...new Set(given.codecs ?? before?.codecs ?? [])],
    srtp: given.srtp ?? before?.srtp ?? ('' as const),
    tls_verify: given.tls_verify ?? before?.tls_verify ?? true,
  }
}

export function withoutAbsent<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>
}
