/** Why calls end (contract §7.3): from SIP's codes to the contract's words. */

import type { SipNews } from './part.ts'

export type HangupReason = 'normal' | 'failed' | 'busy' | 'cancel' | 'timeout' | 'noanswer' | 'dialout' | 'amd'

/** For a call that was never answered. @param status of the call when the final answer came */
export function reasonOf(status: string, news: SipNews & { kind: 'failed' }): HangupReason {
  if (status === 'canceling') return 'cancel'
  if (news.cause === 'timeout') return status === 'ringing' ? 'dialout' : 'failed'
  // What the telephone network says is more than the code a gateway made of it (RFC 3326, Q.850).
  const said = Q850[/\bQ\.850\s*;(?:.*;)?\s*cause\s*=\s*(\d{1,3})/i.exec(news.reason ?? '')?.[1] ?? '']
  if (said !== undefined && news.code >= 400) return said
  switch (news.code) {
    case 486:
    case 600:
      return 'busy'
    case 408:
    case 480:
    case 487:
      return 'noanswer'
    case 603:
      return status === 'ringing' ? 'noanswer' : 'failed'
    default:
      return 'failed'
  }
}

/** User busy; no user responding, no answer, subscriber absent. */
const Q850: Readonly<Record<string, HangupReason>> = {
  '17': 'busy',
  '18': 'noanswer',
  '19': 'noanswer',
  '20': 'noanswer',
}

export function isHangupReason(word: string): word is HangupReason {
  return Object.hasOwn(REFUSALS, word)
}

/** What an incoming call that we never answered is refused with. */
export const REFUSALS: Readonly<Record<HangupReason, { readonly code: number; readonly phrase: string }>> = {
  normal: { code: 603, phrase: 'Decline' },
  failed: { code: 503, phrase: 'Service Unavailable' },
  busy: { code: 486, phrase: 'Busy Here' },
  cancel: { code: 603, phrase: 'Decline' },
  timeout: { code: 480, phrase: 'Temporarily Unavailable' },
  noanswer: { code: 480, phrase: 'Temporarily Unavailable' },
  dialout: { code: 480, phrase: 'Temporarily Unavailable' },
  amd: { code: 603, phrase: 'Decline' },
}
