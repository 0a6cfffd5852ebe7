/**
 * Trunks (contract §6): lines to a carrier or to a telephone system of the customer's own. `name` to `allowed_ips` are the
 * contract's fields; where calls go out, registration, caller id and codecs are ours.
 */

import { z } from 'zod'
import { clearableText, optional, recordTimes, text, timeOrNull, uuid } from './fields.ts'
import { gatewayAfter, gatewayChange, gatewayFields, hostIn, secret, sipWord, withoutAbsent } from './gateway.ts'

export const AUTH_TYPES = ['basic', 'ip'] as const

/** We register at a carrier (ours). The password is never shown. */
export const registrationSchema = z.object({
  /** `carrier.example` or `sip:carrier.example:5070;transport=tcp`; '' = we do not register. */
  registrar: z.string(),
  username: z.string(),
  /** Of the digest, when it is not `username`. */
  auth_username: z.string(),
  /** Seconds asked for; the carrier may grant less. */
  expires: z.number(),
})
export type RegistrationDoc = z.infer<typeof registrationSchema>

export const REGISTRATION_STATUSES = ['off', 'registering', 'registered', 'failed'] as const

export const registrationStateSchema = z.object({
  status: z.enum(REGISTRATION_STATUSES),
  /** SIP status of the last answer; 408 without one, 0 before the first. */
  code: z.number(),
  why: z.string(),
  /** When the registration runs out. */
  tm_expire: timeOrNull,
  /** When it is renewed, or tried again. */
  tm_next: timeOrNull,
})
export type RegistrationState = z.infer<typeof registrationStateSchema>

export const REGISTRATION_OFF: RegistrationState = { status: 'off', code: 0, why: '', tm_expire: null, tm_next: null }

export const trunkSchema = z
  .object({
    id: uuid,
    customer_id: uuid,
    name: z.string(),
    detail: z.string(),
    /** First label of `<domain_name>.trunk.<base domain>`; '' = none. */
    domain_name: z.string(),
    auth_types: z.array(z.enum(AUTH_TYPES)),
    ...gatewayFields,
    registration: registrationSchema,
    registration_state: registrationStateSchema,
    ...recordTimes,
  })
  .meta({ id: 'Trunk' })

export type TrunkDoc = z.infer<typeof trunkSchema>

const REGISTRAR =
  /^(?:sips?:)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)(?::\d{1,5})?(?:;[\w-]+(?:=[\w.-]+)?)*$/
const nullIsAbsent = (value: unknown): unknown => value ?? undefined

const registrationIn = z.object({
  registrar: z.preprocess(
    nullIsAbsent,
    z
      .string()
      .max(256)
      .refine((value) => value === '' || REGISTRAR.test(value), 'must be a host or a SIP URI without a user')
      .optional(),
  ),
  username: z.preprocess(nullIsAbsent, sipWord.optional()),
  auth_username: z.preprocess(nullIsAbsent, sipWord.optional()),
  /** Absent: the trunk's own. */
  password: z.preprocess(nullIsAbsent, secret.optional()),
  expires: z.preprocess(nullIsAbsent, z.int().min(60).max(86_400).optional()),
})

const domainName = z
  .string()
  .transform((value) => value.toLowerCase().replace(/\.trunk\..*$/, ''))
  .refine((value) => /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?$/.test(value), 'must be letters, digits and hyphens')

export const trunkChange = z.object({
  name: clearableText,
  detail: clearableText,
  domain_name: z.preprocess(nullIsAbsent, domainName.optional()),
  auth_types: z.preprocess(nullIsAbsent, z.array(z.enum(AUTH_TYPES)).max(2).optional()),
  hostname: z.preprocess(nullIsAbsent, hostIn.optional()),
  ...gatewayChange,
  registration: optional(registrationIn),
})
export const trunkRequest = trunkChange.extend({ name: text, detail: text })

export type TrunkChange = z.infer<typeof trunkChange>

/** What a trunk keeps and nobody is shown. */
export interface TrunkSecrets {
  readonly password: string
  readonly registration_password: string
}

export const DEFAULT_REGISTRATION: RegistrationDoc = { registrar: '', username: '', auth_username: '', expires: 3_600 }

export function newTrunk(id: string, customerId: string, tmCreate: string, given: TrunkChange): TrunkDoc {
  const times = { tm_create: tmCreate, tm_update: tmCreate, tm_delete: null }
  const state = REGISTRATION_OFF
  return { id, customer_id: customerId, ...trunkAfter(undefined, given), registration_state: state, ...times }
}

/** All but ids, times and state, after a change. @param before undefined for a new one */
export function trunkAfter(before: TrunkDoc | undefined, given: TrunkChange) {
  const { password: _, ...registration } = given.registration ?? {}
  return {
    name: given.name ?? before?.name ?? '',
    detail: given.detail ?? before?.detail ?? '',
    domain_name: given.domain_name ?? before?.domain_name ?? '',
    auth_types: given.auth_types ?? before?.auth_types ?? [],
    hostname: given.hostname ?? before?.hostname ?? '',
    ...gatewayAfter(before, given),
    password: '',
    password_set: given.password === undefined ? (before?.password_set ?? false) : given.password !== '',
    registration: {
      ...(before?.registration ?? DEFAULT_REGISTRATION),
      ...withoutAbsent(registration),
    } as RegistrationDoc,
  }
}

/** Secrets after a change. */
export function trunkSecretsAfter(before: Partial<TrunkSecrets>, given: TrunkChange): TrunkSecrets {
  return {
    password: given.password ?? before.password ?? '',
    registration_password: given.registration?.password ?? before.registration_password ?? '',
  }
}
