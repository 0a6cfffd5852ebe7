/**
 * What goes into and comes out of the SIP core (`sip/core.ts`). The core knows messages, transactions, dialogs, digest and
 * registrations; it knows nothing of calls, customers or sound: bodies are carried unread.
 * Everything here is plain data.
 */

import type { Millis } from '../kernel/clock.ts'

export type SipTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

export interface SipAddress {
  readonly address: string
  readonly port: number
}

/** The path a message came by or goes out on. Answers go back on the flow of the request. */
export interface Flow {
  readonly transport: SipTransport
  readonly local: SipAddress
  readonly remote: SipAddress
  /** Id of the connection; '' for UDP, and for one that is found or opened when something is sent. */
  readonly connection: string
  /** Whose certificate a TLS connection of ours must see; absent: the remote address's own. */
  readonly security?: { readonly serverName: string; readonly verify: boolean }
  /** Requests too large for a datagram may go by TCP (RFC 3261 §18.1.1): the target did not ask for UDP. */
  readonly growsToTcp?: boolean
}

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel'
  /** Unescaped. '' when absent. */
  readonly user: string
  readonly host: string
  /** 0 when absent. */
  readonly port: number
  /** Parameters after the host, names in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}

/** The core's own settings; one core per node. */
export interface SipCoreOptions {
  /** Host and port put into Via and Contact for a flow. */
  readonly contactFor: (flow: Flow) => SipAddress
  readonly userAgent: string
  /** Seeds tags, branches and Call-IDs (not secrets). */
  readonly seed: string
  /** Key of the nonces: made by a driver from real randomness. */
  readonly nonceKey: Uint8Array
  /** Nonce life in ms. */
  readonly nonceLifeMs: number
  /** What callers may answer with, in the order it is offered. Absent: all, the strongest first. */
  readonly digestAlgorithms?: readonly ('SHA-256' | 'SHA-512-256' | 'MD5')[]
  /** How long a session lasts without being refreshed (RFC 4028), in s. Absent: 1800. */
  readonly sessionExpiresS?: number
}

/** What a TU may want to know of a request. */
export interface RequestSummary {
  readonly method: string
  readonly requestUri: SipUri
  readonly from: SipUri
  readonly fromDisplay: string
  readonly to: SipUri
  readonly sipCallId: string
  readonly flow: Flow
  readonly userAgent: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Who may do what is decided outside; the core asks with `authorise` and checks digests itself. */
export type AuthPolicy =
  /** No credentials needed. */
  | { readonly kind: 'open'; readonly identity: string }
  /** Digest in `realm`. `account` null = no such user: the challenge and the refusal look and take the same. */
  | {
      readonly kind: 'digest'
      readonly realm: string
      readonly account: { readonly username: string; readonly password: string; readonly identity: string } | null
    }
  | {
      readonly kind: 'refuse'
      readonly code: number
      readonly phrase: string
      /** Put into Retry-After, in seconds. */
      readonly retryAfterS?: number
    }

/** One registered contact of an account. */
export interface Contact {
  readonly uri: string
  readonly flow: Flow
  /** Monotonic ms. */
  readonly expiresAt: Millis
  readonly sipCallId: string
  readonly cseq: number
  readonly userAgent: string
  /** Route values to it through the proxies it registered by (RFC 3327), in order. Absent: none. */
  readonly path?: readonly string[]
  /** `+sip.instance` without quotes: the device, whatever its address is now (RFC 5626). */
  readonly instance?: string
  /** Its number of this flow, for devices that keep several (RFC 5626). */
  readonly regId?: number
}

export type SipInput =
  | { readonly kind: 'received'; readonly flow: Flow; readonly bytes: Uint8Array }
  | { readonly kind: 'timer'; readonly id: string }
  | { readonly kind: 'transportFailed'; readonly flow: Flow; readonly why: string }
  | { readonly kind: 'authorised'; readonly query: string; readonly policy: AuthPolicy }
  /** Contacts kept from before a restart. `expiresAt` on this clock. */
  | { readonly kind: 'restoreContacts'; readonly identity: string; readonly contacts: readonly Contact[] }
  | { readonly kind: 'dropContacts'; readonly identity: string }
  /** OPTIONS outside dialogs are answered with 503, so that proxies and carriers send their calls elsewhere. */
  | { readonly kind: 'drain'; readonly on: boolean; readonly retryAfterS: number }
  /** An OPTIONS whose answer nobody waits for: it keeps the way to a contact behind NAT open. */
  | { readonly kind: 'ping'; readonly flow: Flow; readonly uri: string; readonly route?: readonly string[] }
  // ---- from the TU. `leg` names one INVITE dialog (with all its forks) for the TU.
  | {
      readonly kind: 'invite'
      readonly leg: string
      /** Parallel targets of one leg: first answer wins, the others are cancelled by the core. */
      readonly targets: readonly {
        readonly flow: Flow
        readonly requestUri: string
        /** Route values before the dialog has its own: a contact's path, or our registration's Service-Route. */
        readonly route?: readonly string[]
      }[]
      readonly from: { readonly display: string; readonly uri: string }
      readonly to: { readonly display: string; readonly uri: string }
      readonly body: string
      readonly headers?: readonly (readonly [name: string, value: string])[]
      /** For a 401/407 from the far end. */
      readonly credentials?: { readonly username: string; readonly password: string }
      /** A 100 is told by `trying`. */
      readonly tellTrying?: boolean
      /** Gives up (CANCEL) when no final answer has come by then. */
      readonly timeoutMs: number
    }
  /** A REGISTER of our own, for user agents built on this core. Answered by `registerResult`. */
  | {
      readonly kind: 'register'
      readonly leg: string
      readonly flow: Flow
      readonly registrar: string
      readonly aor: string
      readonly credentials: { readonly username: string; readonly password: string }
      readonly expiresS: number
      /** Put into Contact as `;line=`: a call that names it comes by way of the registrar. */
      readonly line?: string
    }
  /** 180, or 183 with a body, on an incoming leg. */
  | { readonly kind: 'ring'; readonly leg: string; readonly body: string | null }
  /** 200 with our answer on an incoming leg. */
  | { readonly kind: 'accept'; readonly leg: string; readonly body: string }
  | {
      readonly kind: 'reject'
      readonly leg: string
      readonly code: number
      readonly phrase: string
      readonly headers?: readonly (readonly [string, string])[]
    }
  /** Gives up an outgoing leg that is not answered: CANCEL. `reason`: for its Reason header (RFC 3326). */
  | { readonly kind: 'cancel'; readonly leg: string; readonly reason?: string }
  /** Ends an answered leg. */
  | { readonly kind: 'bye'; readonly leg: string; readonly reason?: string }
  /** Our own re-INVITE with a new offer; before the answer, or when asked for, an UPDATE (RFC 3311). */
  | { readonly kind: 'reinvite'; readonly leg: string; readonly body: string; readonly method?: 'UPDATE' }
  /** Answer to `offered`. `body` null refuses with 488. */
  | { readonly kind: 'answerOffer'; readonly leg: string; readonly body: string | null }
  /** Another request within an answered dialog: REFER, INFO, OPTIONS. Answered by `requested`. */
  | {
      readonly kind: 'request'
      readonly leg: string
      readonly method: 'REFER' | 'INFO' | 'OPTIONS'
      readonly headers?: readonly (readonly [name: string, value: string])[]
      /** Its Content-Type is one of the headers. */
      readonly body?: string
    }
  /** Answer to `refer`: 202 takes it on, anything from 300 refuses it. */
  | {
      readonly kind: 'answerRefer'
      readonly leg: string
      readonly refer: string
      readonly code: number
      readonly phrase?: string
    }
  /** What became of a REFER that was taken on: 1xx on the way, anything else ends it. */
  | {
      readonly kind: 'notifyRefer'
      readonly leg: string
      readonly refer: string
      readonly code: number
      readonly phrase?: string
    }

/** A leg of ours whose dialog a Replaces header names. */
export interface ReplacedLeg {
  readonly leg: string
  /** Not answered yet. */
  readonly isEarly: boolean
}

export type EndCause = 'remote' | 'timeout' | 'transport' | 'local'

export type SipOutput =
  | { readonly kind: 'send'; readonly flow: Flow; readonly bytes: Uint8Array }
  | { readonly kind: 'setTimer'; readonly id: string; readonly at: Millis }
  | { readonly kind: 'cancelTimer'; readonly id: string }
  /** Answer with `authorised`. Sent for REGISTER and for an INVITE outside a dialog. */
  | {
      readonly kind: 'authorise'
      readonly query: string
      readonly request: RequestSummary
      readonly authUser: string | null
    }
  /** A digest was wrong, for limits and logs. */
  | { readonly kind: 'authFailed'; readonly request: RequestSummary; readonly authUser: string }
  /** Contacts of an account changed. */
  | { readonly kind: 'registered'; readonly identity: string; readonly contacts: readonly Contact[] }
  // ---- to the TU
  | {
      readonly kind: 'incoming'
      readonly leg: string
      readonly request: RequestSummary
      readonly identity: string
      readonly body: string
      /** It is to take the place of this leg (RFC 3891), which is ours and still lives. Absent: of none. */
      readonly replaces?: ReplacedLeg
    }
  /** A 100 came: somebody has the request. Only where `tellTrying` asked for it. */
  | { readonly kind: 'trying'; readonly leg: string }
  | { readonly kind: 'progress'; readonly leg: string; readonly code: number; readonly body: string | null }
  | { readonly kind: 'answered'; readonly leg: string; readonly body: string; readonly flow: Flow }
  | {
      readonly kind: 'failed'
      readonly leg: string
      readonly code: number
      readonly phrase: string
      readonly cause: EndCause
      /** The Reason header of the answer (RFC 3326), when there was one. */
      readonly reason?: string
    }
  /** The caller gave up an incoming leg before our answer. `reason`: its Reason header, when there was one. */
  | { readonly kind: 'cancelled'; readonly leg: string; readonly reason?: string }
  /** ACK for our 200 arrived. `body` is the answer to a late offer, '' otherwise. */
  | { readonly kind: 'confirmed'; readonly leg: string; readonly body: string }
  /** A re-INVITE or UPDATE with an offer; answer with `answerOffer`. */
  | { readonly kind: 'offered'; readonly leg: string; readonly body: string }
  /** Outcome of our own `reinvite`. */
  | { readonly kind: 'reinvited'; readonly leg: string; readonly code: number; readonly body: string }
  /** The session was refreshed with the description we had given last (`offer`), and answered otherwise than before. */
  | { readonly kind: 'refreshed'; readonly leg: string; readonly offer: string; readonly body: string }
  /** The leg is over after it was answered. Exactly once per answered leg, also after our own `bye`. */
  | { readonly kind: 'ended'; readonly leg: string; readonly cause: EndCause; readonly reason: string }
  | {
      readonly kind: 'registerResult'
      readonly leg: string
      readonly code: number
      readonly expiresS: number
      /** For the `route` of our own requests from then on (RFC 3608); absent without a Service-Route. */
      readonly serviceRoute?: readonly string[]
    }
  /**
   * They want the far end of this leg to be connected to `target` (RFC 3515), or to the far end of another leg of ours
   * (`replaces`; null: the dialog that is named is none of ours). Answer with `answerRefer`, then `notifyRefer`.
   */
  | {
      readonly kind: 'refer'
      readonly leg: string
      readonly refer: string
      readonly target: SipUri
      readonly replaces?: ReplacedLeg | null
      /** Referred-By as it stood (RFC 3892), '' without. Nothing vouches for it. */
      readonly referredBy: string
    }
  /** Final answer to our `request`. */
  | { readonly kind: 'requested'; readonly leg: string; readonly method: string; readonly code: number }
  /** What becomes of a REFER of ours: a status line (message/sipfrag). */
  | { readonly kind: 'notified'; readonly leg: string; readonly line: string; readonly isLast: boolean }
  /** DTMF by INFO (application/dtmf-relay, application/dtmf). */
  | { readonly kind: 'info'; readonly leg: string; readonly contentType: string; readonly body: string }

/** The pure core: everything it wants done is in the answer. */
export interface SipCore {
  handle(input: SipInput, now: Millis): SipOutput[]
  /** For tests and drain: what is still alive. */
  census(): {
    readonly transactions: number
    readonly dialogs: number
    readonly legs: number
    readonly contacts: number
  }
  contactsOf(identity: string): readonly Contact[]
  /** How an answered leg, or one that rings here, is named on the wire, for Replaces (RFC 3891); null without. Tags as seen from here. */
  dialogOf(leg: string): { readonly sipCallId: string; readonly localTag: string; readonly remoteTag: string } | null
}
