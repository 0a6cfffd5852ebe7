/** What signalling is given by whoever runs it: its sockets and clock, and who decides about calls. */

import type { SipNews } from '../calls/part.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { CodecName } from '../media/protocol.ts'
import type { NameService, Network, StreamNetwork } from '../net/port.ts'
import type { SrtpPolicy } from '../sdp/crypto.ts'
import type { Contact, Flow, RequestSummary, SipInput } from '../sip/types.ts'
import type { SipTrace } from './capture/sip-trace.ts'
import type { Directory } from './directory.ts'
import type { Gateways } from './gateways.ts'
import type { MediaWish } from './leg-book.ts'
import type { IceMode } from './leg-ice.ts'
import type { Peers } from './peers.ts'
import type { ReferVerdict, ReferWish } from './phone-transfers.ts'
import type { PolicyParts } from './sip-policy.ts'
import type { SoundForSignalling } from './sound-driver.ts'

export interface IncomingCall {
  readonly leg: string
  readonly request: RequestSummary
  /** `loopback`, the id of the calling extension, or a trunk or provider (`peerIdOf`). */
  readonly identity: string
  /** A call whose place it is to take (RFC 3891). Absent: of none. */
  readonly replaces?: { readonly callId: string; readonly isEarly: boolean }
}

/** How a call from outside is refused. */
export interface Refusal {
  readonly code: number
  readonly phrase: string
  readonly retryAfterS?: number
}

export interface SipDriverOptions {
  readonly clock: Clock
  readonly network: Network
  readonly log: Log
  readonly directory: Directory
  readonly sound: SoundForSignalling
  /** Names of SIP servers. Absent: only addresses lead anywhere. */
  readonly names?: NameService
  /** TCP and TLS. Absent: UDP only. */
  readonly streams?: StreamNetwork
  readonly bindAddress: string
  readonly port: number
  /** Listens for TCP on the same port. */
  readonly tcp?: boolean
  /** Listens for TLS there. */
  readonly tlsPort?: number | null
  /** Put into Contact and Via; the address of the flow when null. */
  readonly publicAddress: string | null
  readonly userAgent: string
  readonly seed: string
  /** Signs the nonces of digest authentication. Absent: one of this life only. */
  readonly nonceKey?: Uint8Array
  /** What phones may answer with, in the order it is offered. Absent: all. */
  readonly digestAlgorithms?: readonly ('SHA-256' | 'SHA-512-256' | 'MD5')[]
  /** Loopback counts as a caller of its own; not so when a proxy makes everybody look like that. */
  readonly trustLoopback?: boolean
  /** Absent: no trunks, no providers. */
  readonly trunks?: {
    readonly peers: Peers
    readonly gateways: Gateways
    readonly registered: NonNullable<PolicyParts['registered']>
  }
  /** ISO code of national numbers, '' (also absent) = none. */
  readonly defaultCountry?: string
  /** Outcome of a `register`. */
  readonly onRegisterResult?: (leg: string, code: number, expiresS: number, serviceRoute: readonly string[]) => void
  /** A connection is gone, or could not be made. */
  readonly onFlowFailed?: (flow: Flow) => void
  readonly dialTimeoutMs: number
  /** Of legs whose trunk does not say. Absent: optional. */
  readonly srtp?: SrtpPolicy
  /** Absent: `answer`. */
  readonly ice?: IceMode
  /** Codecs in the order we offer them. Absent: G.711 only. */
  readonly codecs?: readonly CodecName[]
  /** Decides what becomes of a call from outside: `accept(callId)` is its signalling leg's name from then on. */
  readonly onIncoming: (
    call: IncomingCall,
  ) => Promise<{ readonly callId: string; readonly media?: MediaWish } | Refusal>
  /** Asked before anything is looked up for a call from outside. Absent: there is always room. */
  readonly room?: () => { readonly retryAfterS: number } | null
  /** Decides about a far end's REFER; 202 takes it on, and `referred` tells how it goes. Absent: all are refused. */
  readonly onRefer?: (wish: ReferWish) => Promise<ReferVerdict>
  readonly onNews: (callId: string, news: SipNews) => void
  /** Is shown every message. */
  readonly trace?: SipTrace
  readonly onContacts: (extensionId: string, contacts: readonly Contact[]) => void
}

/** The command that refuses so. */
export function refusalOf({
  code,
  phrase,
  retryAfterS,
}: Refusal): Pick<SipInput & { kind: 'reject' }, 'code' | 'phrase' | 'headers'> {
  return { code, phrase, ...(retryAfterS === undefined ? {} : { headers: [['Retry-After', String(retryAfterS)]] }) }
}
