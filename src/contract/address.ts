/** Addresses (contract §4): who calls, who is called. */

import { z } from 'zod'

/** Types known to the API. The ones of `DIALABLE` can be called in this release. */
export const ADDRESS_TYPES = [
  'tel',
  'sip',
  'extension',
  'agent',
  'conference',
  'ai',
  'ai_team',
  'email',
  'line',
  'web_session',
  'webchat',
  'whatsapp',
] as const

export const DIALABLE: readonly string[] = ['tel', 'sip', 'extension', 'agent']

const E164 = /^\+[1-9]\d{1,14}$/
const LONG_DIGITS = /^\+?\d{7,}$/
const PLUS_DIGITS = /^\+\d+$/
/** What would break out of a SIP header or URI. */
const UNSAFE = /[\p{Cc}<>"]/u

export const addressSchema = z
  .object({
    type: z.string(),
    target: z.string(),
    target_name: z.string(),
    name: z.string(),
    detail: z.string(),
  })
  .meta({ id: 'Address' })

export type AddressDoc = z.infer<typeof addressSchema>

const part = z.preprocess(
  (value) => value ?? undefined,
  z
    .string()
    .max(512)
    .refine((value) => !UNSAFE.test(value), 'holds a character that is not allowed')
    .default(''),
)

/** As requests send it: all five optional; a missing type is guessed. */
export const addressIn = z
  .object({ type: part, target: part, target_name: part, name: part, detail: part })
  .transform((address) => ({ ...address, type: address.type === '' ? guessType(address.target) : address.type }))

/** `+digits`, or digits only of 7 or more: tel. An `@` or a leading `sip:`: sip. Otherwise extension. */
export function guessType(target: string): 'tel' | 'sip' | 'extension' {
  if (PLUS_DIGITS.test(target) || LONG_DIGITS.test(target)) return 'tel'
  if (target.includes('@') || /^sips?:/i.test(target)) return 'sip'
  return 'extension'
}

/** Registered numbers, callable numbers: `+` and 2 to 15 digits, the first not 0. */
export function isE164(number: string): boolean {
  return E164.test(number)
}

/** @returns what is wrong with an address as the destination of a call, or null */
export function destinationFault(address: AddressDoc): string | null {
  if (!(ADDRESS_TYPES as readonly string[]).includes(address.type)) return `type "${address.type}" is unknown`
  if (!DIALABLE.includes(address.type)) return `type "${address.type}" cannot be called in this release`
  switch (address.type) {
    case 'tel':
      return isE164(address.target.startsWith('+') ? address.target : `+${address.target}`)
        ? null
        : 'target must be a number in E.164 form, such as +15551234567'
    case 'sip':
      return /^(sips?:)?[^\s@]*@?[^\s@]+$/i.test(address.target) && !/^sips?:$/i.test(address.target)
        ? null
        : 'target must be a SIP URI, such as alice@example.com'
    default:
      return address.target === '' && address.target_name === '' ? 'target or target_name is needed' : null
  }
}

/** Most destinations of one request. */
export const MAX_DESTINATIONS = 100

/** Whom a request calls: at least one, each of which can be called. */
export const destinationsIn = z
  .array(
    addressIn.superRefine((address, context) => {
      const fault = destinationFault(address)
      if (fault) context.addIssue({ code: 'custom', message: fault })
    }),
  )
  .min(1, 'at least one destination is needed')
  .max(MAX_DESTINATIONS)
  .describe('Such as [{"type":"tel","target":"+15559876543"}]')
