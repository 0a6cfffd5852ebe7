/** What signalling notes of each leg, and the SDP and caller's address that go with it. */

import type { Signalling } from '../calls/ports.ts'
import type { LocalMedia } from '../sdp/negotiate.ts'
import type { SipInput } from '../sip/types.ts'

export interface LegBook {
  readonly callId: string
  readonly leg: string
  readonly direction: 'incoming' | 'outgoing'
  /** Address the far end signals from: tells which of our own it can reach. */
  readonly remote: string
  /** The far end's last offer, or ours when we offered. */
  offer: string
  weOffered: boolean
  version: number
  /** Our answer, once given: what is said early and at last must be the same (RFC 3261 §13.2.1). */
  answer: string
  /** We have put the far end on hold. */
  isHolding: boolean
  /** And it has agreed to that. */
  isHeld: boolean
  /** Our re-INVITEs on their way, oldest first. */
  readonly reoffers: { readonly offer: string; readonly on: boolean }[]
}

export type InviteWish = Parameters<Signalling['invite']>[1]

const CODECS = ['PCMU', 'PCMA'] as const
const ANONYMOUS_URI = 'sip:anonymous@anonymous.invalid'

export function newBook(of: Pick<LegBook, 'callId' | 'leg' | 'direction' | 'remote' | 'offer' | 'weOffered'>): LegBook {
  const { callId, leg, direction, remote, offer, weOffered } = of
  const blank = { version: 0, answer: '', isHolding: false, isHeld: false, reoffers: [] }
  return { callId, leg, direction, remote, offer, weOffered, ...blank }
}

export function localMedia(address: string, port: number, leg: string, version: number): LocalMedia {
  return { address, port, sessionId: sessionIdOf(leg), version, codecs: CODECS, direction: 'sendrecv' }
}

/** What the called party is shown of the caller: nothing at all when he wants that (RFC 3323 §4.1.1.3, RFC 3325 §9.3). */
export function callerShown(want: InviteWish, host: string): Pick<SipInput & { kind: 'invite' }, 'from' | 'headers'> {
  const user = want.callerId ?? want.source.target
  if (want.anonymous || user === 'anonymous') {
    return { from: { display: 'Anonymous', uri: ANONYMOUS_URI }, headers: [['Privacy', 'id']] }
  }
  const uri = `sip:${encodeURIComponent(user || 'anonymous').replace('%2B', '+')}@${host}`
  return { from: { display: want.source.target_name || want.source.name, uri } }
}

/** Digits only, stable for a leg (RFC 8866 §5.2). */
function sessionIdOf(leg: string): string {
  let id = 7
  for (let i = 0; i < leg.length; i++) id = (id * 31 + leg.charCodeAt(i)) % 4_294_967_291
  return String(id)
}
