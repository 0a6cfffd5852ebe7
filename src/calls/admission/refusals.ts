/** What the refused are told, by the limit that refuses them. */

import type { ErrorCode } from '../../contract/errors.ts'
import type { LimitName, Limits } from '../../contract/limits.ts'
import { callingPrefix } from '../../contract/phone-number.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { GateVerdict } from '../ports.ts'

type Sip = { readonly code: number; readonly phrase: string }

interface Words {
  readonly code: ErrorCode
  readonly sip: Sip
}

/** 486 lets a caller try again by himself; 503 lets his network try another way. */
const BUSY: Sip = { code: 486, phrase: 'Busy Here' }
const TOO_MANY: Sip = { code: 503, phrase: 'Too many calls' }
const NO_MINUTES: Sip = { code: 503, phrase: 'No minutes left today' }

const WORDS: Readonly<Record<LimitName, Words>> = {
  calls_at_once: { code: 'CALL_LIMIT_REACHED', sip: BUSY },
  'number.calls_at_once': { code: 'CALL_LIMIT_REACHED', sip: BUSY },
  new_calls_per_second: { code: 'RATE_LIMIT_EXCEEDED', sip: TOO_MANY },
  'number.new_calls_per_second': { code: 'RATE_LIMIT_EXCEEDED', sip: TOO_MANY },
  per_destination_per_minute: { code: 'RATE_LIMIT_EXCEEDED', sip: TOO_MANY },
  minutes_per_day: { code: 'MINUTES_LIMIT_REACHED', sip: NO_MINUTES },
  'number.minutes_per_day': { code: 'MINUTES_LIMIT_REACHED', sip: NO_MINUTES },
  allowed_prefixes: { code: 'DESTINATION_NOT_ALLOWED', sip: { code: 403, phrase: 'This destination is not allowed' } },
  calling_hours: { code: 'OUTSIDE_CALLING_HOURS', sip: { code: 403, phrase: 'Outside calling hours' } },
  do_not_call: { code: 'DO_NOT_CALL', sip: { code: 403, phrase: 'This number is on the do-not-call list' } },
  // Not 404 or 403: a phone that has another provider may try that one after a 503 (RFC 3261 §21.5.4, RFC 3263 §4.3).
  emergency: { code: 'EMERGENCY_NOT_ROUTED', sip: { code: 503, phrase: 'Emergency calls are not routed here' } },
}

export type Refused = Extract<GateVerdict, { readonly ok: false }>

/** @param number whom the call was to reach */
export function refused(limit: LimitName, number: string, limits: Limits): Refused {
  const { code, sip } = WORDS[limit]
  return { ok: false, code, sip, details: [{ limit, number, ...remedy(limit, number, limits) }] }
}

/** What would have to be asked of this server for the call to pass. */
function remedy(limit: LimitName, number: string, limits: Limits): JsonObject {
  const put = (change: JsonObject): JsonObject => ({ fix: `PUT /v1.0/limits ${JSON.stringify(change)}` })
  switch (limit) {
    case 'allowed_prefixes': {
      const prefix = callingPrefix(number) ?? number
      return prefix.startsWith('+') ? put({ allowed_prefixes: [...limits.allowed_prefixes.slice(0, 20), prefix] }) : {}
    }
    case 'calls_at_once':
    case 'new_calls_per_second':
    case 'minutes_per_day':
    case 'per_destination_per_minute':
      return { is: limits[limit], ...put({ [limit]: 2 * limits[limit] || 1 }) }
    case 'calling_hours':
      return put({ calling_hours: null })
    default:
      return {}
  }
}
