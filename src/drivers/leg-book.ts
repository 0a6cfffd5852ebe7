/** What signalling notes of each leg, and the SDP and caller's address that go with it. */

import type { Signalling } from '../calls/ports.ts'
import type { CodecName } from '../media/protocol.ts'
import type { LocalSrtp } from '../sdp/crypto.ts'
import type { LocalMedia } from '../sdp/negotiate.ts'
import type { Flow, SipInput } from '../sip/types.ts'
import type { LegIce } from './leg-ice.ts'

export interface LegBook {
  readonly callId: string
  readonly leg: string
  readonly direction: 'incoming' | 'outgoing'
  /** Who the far end is (`ReferWish` of `phone-transfers.ts`). */
  identity: string
  /** Its REFER that is being carried out, '' for none. */
  refer: string
  /** Address the far end signals from: tells which of our own it can reach. */
  readonly remote: string
  /** Codecs that this far end may have, in the order we offer them. Absent: those of the node. */
  codecs?: readonly CodecName[]
  /** Of this far end. Absent: the server's. */
  srtpPolicy?: LocalSrtp['policy']
  /** Signalling with the far end is encrypted, so keys of SRTP can go over it. */
  readonly isPrivate: boolean
  /** Our side of SRTP; null until it is first needed. */
  srtp: LocalSrtp | null
  /** The far end's last offer, or ours when we offered. */
  offer: string
  weOffered: boolean
  version: number
  /** Our answer, once given: what is said early and at last must be the same (RFC 3261 §13.2.1). */
  answer: string
  /** Our side of ICE; null until it is first needed. */
  ice: LegIce | null
  /** We have put the far end on hold. */
  isHolding: boolean
  /** And it has agreed to that. */
  isHeld: boolean
  /** Our re-INVITEs on their way, oldest first. */
  readonly reoffers: { readonly offer: string; readonly on: boolean }[]
}

/** What a trunk or provider has its own way of; the rest is the server's. */
export interface MediaWish {
  readonly codecs?: readonly CodecName[]
  readonly srtpPolicy?: LocalSrtp['policy']
}

export type InviteWish = Parameters<Signalling['invite']>[1]

/** Where nobody says otherwise. */
const CODECS: readonly CodecName[] = ['PCMU', 'PCMA']
const ANONYMOUS_URI = 'sip:anonymous@anonymous.invalid'

export function newBook(
  of: Pick<LegBook, 'callId' | 'leg' | 'direction' | 'remote' | 'isPrivate' | 'offer' | 'weOffered'>,
): LegBook {
  const { callId, leg, direction, remote, isPrivate, offer, weOffered } = of
  const blank = {
    identity: '',
    refer: '',
    srtp: null,
    version: 0,
    answer: '',
    ice: null,
    isHolding: false,
    isHeld: false,
    reoffers: [],
  }
  return { callId, leg, direction, remote, isPrivate, offer, weOffered, ...blank }
}

export function localMedia(
  address: string,
  port: number,
  leg: string,
  version: number,
  codecs: readonly CodecName[] = CODECS,
): LocalMedia {
  return { address, port, sessionId: sessionIdOf(leg), version, codecs, direction: 'sendrecv' }
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

/** Whether nobody on the way can read what this flow carries. */
export function isPrivateFlow({ transport }: Flow): boolean {
  return transport === 'tls' || transport === 'wss'
}
