/**
 * Transfers that a phone or a customer's trunk asks for by REFER (RFC 3515, RFC 3891): whether it may, and which command of
 * its call that is. What a REFER names is looked for among its own customer's calls only.
 */

import type { Address } from '../calls/commands.ts'
import type { Birth } from '../calls/part.ts'
import type { SipUri } from '../sip/types.ts'
import type { CallRunner } from './call-runner.ts'
import { addressDialled } from './callers.ts'
import type { Directory } from './directory.ts'
import type { Peers } from './peers.ts'
import { LOOPBACK, peerIdOf } from './sip-policy.ts'

/** The far end of a leg of ours that we have called at its registered contact. */
export const OWN_PHONE = 'phone'

export interface ReferWish {
  readonly callId: string
  /** Who the far end is: as of `IncomingCall`, or `OWN_PHONE`; '' for somebody who may ask for nothing. */
  readonly identity: string
  readonly target: SipUri
  /** The call whose far end is meant. Absent: nobody's, the target is to be called. Null: one we do not know. */
  readonly replaces?: string | null
}

export interface PhoneTransfersOptions {
  readonly runner: Pick<CallRunner, 'birthOf' | 'customerOf' | 'ask'>
  readonly directory: Directory
  readonly peers?: Peers
  /** ISO code of national numbers, '' (also absent) = none. */
  readonly defaultCountry?: string
}

export interface ReferVerdict {
  /** 202, or why not. */
  readonly code: number
  readonly phrase: string
}

const TAKEN: ReferVerdict = { code: 202, phrase: 'Accepted' }
const FORBIDDEN: ReferVerdict = { code: 403, phrase: 'Forbidden' }
const DECLINED: ReferVerdict = { code: 603, phrase: 'Decline' }

export class PhoneTransfers {
  readonly #options: PhoneTransfersOptions

  constructor(options: PhoneTransfersOptions) {
    this.#options = options
  }

  async refer(wish: ReferWish): Promise<ReferVerdict> {
    const { runner } = this.#options
    const birth = runner.birthOf(wish.callId)
    if (!birth || !(await this.#isOwn(wish.identity, birth))) return FORBIDDEN
    if (wish.replaces !== undefined) return this.#attended(wish.callId, wish.replaces, birth.customerId)
    const destination = await this.#destination(wish.target, birth.customerId)
    if (destination === null) return { code: 404, phrase: 'Not Found' }
    const command = { kind: 'transfer', transferType: 'blind', destinations: [destination], byPhone: true } as const
    const outcome = await runner.ask({ kind: 'call', id: wish.callId }, command)
    return outcome.ok ? TAKEN : DECLINED
  }

  /** Another customer's call is refused as one that is not there. */
  async #attended(callId: string, otherCallId: string | null, customerId: string): Promise<ReferVerdict> {
    const { runner } = this.#options
    if (otherCallId === null || runner.customerOf(otherCallId) !== customerId) return DECLINED
    const outcome = await runner.ask({ kind: 'call', id: callId }, { kind: 'joinPeers', callId: otherCallId })
    return outcome.ok ? TAKEN : DECLINED
  }

  /** Its phones and its trunk may spend the customer's money; whoever else is at the other end may not. */
  async #isOwn(identity: string, { customerId }: Birth): Promise<boolean> {
    const { directory, peers } = this.#options
    if (identity === OWN_PHONE) return true
    if (identity === '' || identity === LOOPBACK) return false
    const peerId = peerIdOf(identity)
    if (peerId === null) return (await directory.extensionById(identity))?.customerId === customerId
    const peer = (await peers?.book())?.byId(peerId)
    return peer?.kind === 'trunk' && peer.customerId === customerId
  }

  async #destination({ user }: SipUri, customerId: string): Promise<Address | null> {
    const { directory, defaultCountry = '' } = this.#options
    if (user === '') return null
    return addressDialled(user, customerId, directory, defaultCountry)
  }
}
