/** Why a request was sent (RFC 3326): in CANCEL and BYE. */

import type { Extras } from '../message/compose.ts'
import { quote } from '../message/grammar.ts'

/** A phone that rang in vain shows no missed call. */
export const COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'

/** A value in the form of RFC 3326 goes out as it is, anything else as its text; '' for none. */
export function reasonHeader(reason: string): Extras {
  if (reason === '') return []
  return [['Reason', /^[A-Za-z0-9.]+\s*;/.test(reason) ? reason : `SIP;text=${quote(reason)}`]]
}
