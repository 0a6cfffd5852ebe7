/** What of a call is decided by whom it goes to, not by how many there are: emergency, do-not-call, prefixes, hours. */

import { isE164 } from '../../contract/address.ts'
import type { EmergencyKind } from '../../contract/emergency.ts'
import type { LimitName, Limits } from '../../contract/limits.ts'
import { emergencyKindOf, toE164 } from '../../contract/phone-number.ts'
import type { Micros } from '../../kernel/clock.ts'
import type { Address } from '../commands.ts'
import { isWithin } from './hours.ts'

/** Destinations whose target is what somebody dialled; those of others are ids. */
const MAY_BE_DIALLED: readonly string[] = ['tel', 'extension', 'sip']

/** What an outgoing call reaches. `public`: somebody outside, by number. */
export type Reach =
  | { readonly kind: 'inside' }
  | { readonly kind: 'public'; readonly number: string }
  /** A SIP address; `number` when it is one by its user part. */
  | { readonly kind: 'sip'; readonly number: string | null }
  | { readonly kind: 'emergency'; readonly dialled: string }

/** What this server knows of a destination. */
export interface Known {
  /** A number of this server. */
  readonly isOwnNumber: boolean
  /** An extension of this customer is called so. */
  readonly isExtension: boolean
}

export function reachOf(destination: Address, known: Known, country: string): Reach {
  const dialled = dialledOf(destination)
  if (isEmergencyCall(destination.type, emergencyKindOf(dialled, country), known)) {
    return { kind: 'emergency', dialled }
  }
  switch (destination.type) {
    case 'tel':
      return known.isOwnNumber ? { kind: 'inside' } : { kind: 'public', number: numberOf(dialled, country) ?? dialled }
    case 'sip':
      return { kind: 'sip', number: known.isOwnNumber ? null : toE164(dialled, country) }
    default:
      return { kind: 'inside' }
  }
}

/** What stands for the number: the target, or the user part of a SIP address. */
export function dialledOf({ type, target }: Address): string {
  if (type !== 'sip') return target.trim()
  const user = /^(?:sips?:)?([^@;?]*)@/i.exec(target.trim())?.[1] ?? ''
  return user.replace(/%2B/gi, '+')
}

/** E.164 of a `tel` destination, which may lack its `+` (contract §4), or null. */
export function numberOf(dialled: string, country: string): string | null {
  return toE164(dialled, country) ?? (isE164(`+${dialled}`) && dialled.length > 6 ? `+${dialled}` : null)
}

/**
 * The main numbers are never anything else. The others yield to an own extension or number of that name, and mean nothing in
 * a SIP address: `sip:100@...` is an ordinary extension of many a telephone system.
 */
function isEmergencyCall(type: string, kind: EmergencyKind | null, known: Known): boolean {
  if (kind === null || !MAY_BE_DIALLED.includes(type)) return false
  return kind === 'main' || (type !== 'sip' && !known.isExtension && !known.isOwnNumber)
}

/** @param isListed the number is on the do-not-call list. @returns what forbids the call, or null */
export function forbiddenBy(reach: Reach, limits: Limits, isListed: boolean, wall: Micros): LimitName | null {
  if (reach.kind === 'emergency') return 'emergency'
  if (reach.kind === 'inside') return null
  if (isListed) return 'do_not_call'
  const { number } = reach
  if (reach.kind === 'public' && !limits.allowed_prefixes.some((prefix) => reach.number.startsWith(prefix))) {
    return 'allowed_prefixes'
  }
  const isPerson = reach.kind === 'public' || number !== null
  return isPerson && limits.calling_hours && !isWithin(limits.calling_hours, wall) ? 'calling_hours' : null
}
