/**
 * SRTP of calls, as signalling sees it: whether it is asked for and answered, and with which keys. Every leg has keys of its
 * own, drawn once and used in all its descriptions, so that a re-INVITE changes nothing that goes on (RFC 4568 §7.1.4).
 */

import type { Log } from '../kernel/log.ts'
import { keyBytesOf, type SrtpKeys, type SrtpSuite } from '../rtp/srtp/suite.ts'
import { goingOn, type LocalSrtp, type SrtpOffer, type SrtpPolicy } from '../sdp/crypto.ts'
import type { Negotiated } from '../sdp/negotiate.ts'

/** In our order of preference: the one that every phone has first. */
const SUITES: readonly SrtpSuite[] = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_128_GCM']
const NO_MKI = new Uint8Array(0)

export interface LegKeysOptions {
  /** Of legs that nobody has said more about. */
  readonly policy: SrtpPolicy
  readonly random: (size: number) => Uint8Array
  readonly log: Log
}

export class LegKeys {
  readonly #options: LegKeysOptions
  #hasWarned = false

  constructor(options: LegKeysOptions) {
    this.#options = options
  }

  /**
   * Keys of a new leg.
   * @param isPrivate its signalling is encrypted: then our own offers ask for SRTP too, in the form that a phone without it
   *   passes over (RFC 8643)
   * @param policy of the trunk it goes by; absent: the server's
   */
  draw(isPrivate: boolean, policy: SrtpPolicy = this.#options.policy): LocalSrtp {
    const offer = offerFor(policy, isPrivate)
    return { policy, offer, keys: policy === 'off' ? [] : SUITES.map((suite) => this.#key(suite)) }
  }

  /** For finding out whether an offer can be answered; the keys in it are not secret, and are never sent. */
  trial(policy: SrtpPolicy = this.#options.policy): LocalSrtp {
    const keys = SUITES.map((suite) => ({
      suite,
      key: new Uint8Array(keyBytesOf(suite)),
      mki: NO_MKI,
      lifetimePackets: null,
    }))
    return { policy, offer: 'none', keys }
  }

  /** What was agreed on is asked for again by our next offer. Keys that went over signalling in the clear are told of once. */
  settled(local: LocalSrtp, negotiated: Negotiated, isPrivate: boolean, callId: string): LocalSrtp {
    const pair = negotiated.srtp
    if (pair && !isPrivate && !this.#hasWarned) {
      this.#hasWarned = true
      const why = 'who reads signalling can decrypt the sound; use SIP over TLS'
      this.#options.log.warn({ call_id: callId, why }, 'srtp keys went over unencrypted signalling')
    }
    return goingOn(local, pair ?? null, negotiated.isSavp === true)
  }

  #key(suite: SrtpSuite): SrtpKeys {
    return { suite, key: Uint8Array.from(this.#options.random(keyBytesOf(suite))), mki: NO_MKI, lifetimePackets: null }
  }
}

function offerFor(policy: SrtpPolicy, isPrivate: boolean): SrtpOffer {
  if (policy === 'required') return 'only'
  return policy === 'optional' && isPrivate ? 'opportunistic' : 'none'
}
