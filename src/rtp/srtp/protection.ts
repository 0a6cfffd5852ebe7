/** SRTP and SRTCP of one leg, both directions, as offer and answer change them. */

import { Opener, type Refusal } from './opener.ts'
import { Sealer } from './sealer.ts'
import { isSameKey, type SrtpKeys, type SrtpPair } from './suite.ts'

/** The far end's earlier keys, should it come back to one: then its counts go on, and nothing can be replayed. */
const MAX_OPENERS = 8

export class SrtpProtection {
  #sealer: Sealer
  #opener: Opener
  /** One for each key we ever used: begun anew, one would encrypt two packets with the same stream. */
  readonly #sealers: Sealer[]
  readonly #openers: Opener[]
  /** The far end's key of before, until it uses the new one: what was on its way may still come. */
  #before: Opener | null = null
  authFailed = 0
  replayed = 0

  constructor({ ours, theirs }: SrtpPair) {
    this.#sealer = new Sealer(ours)
    this.#opener = new Opener(theirs)
    this.#sealers = [this.#sealer]
    this.#openers = [this.#opener]
  }

  /** After another offer and answer. The same key goes on counting; a new one begins anew (RFC 4568 §7.1.4). */
  change({ ours, theirs }: SrtpPair): void {
    this.#sealer = this.#sealers.find(({ keys }) => isSameKey(ours, keys)) ?? this.#newSealer(ours)
    if (isSameKey(theirs, this.#opener.keys)) return
    this.#before = this.#opener
    this.#opener = this.#openers.find(({ keys }) => isSameKey(theirs, keys)) ?? this.#newOpener(theirs)
  }

  #newSealer(keys: SrtpKeys): Sealer {
    const sealer = new Sealer(keys)
    this.#sealers.push(sealer)
    return sealer
  }

  #newOpener(keys: SrtpKeys): Opener {
    const opener = new Opener(keys, this.#opener.rollovers)
    this.#openers.push(opener)
    if (this.#openers.length > MAX_OPENERS) this.#openers.shift()
    return opener
  }

  /** @returns the plain packet, valid until the next call, or null */
  unprotectRtp(bytes: Uint8Array): Uint8Array | null {
    const opened = this.#opener.rtp(bytes)
    if (typeof opened !== 'string') return this.#isNew(opened)
    return this.#elsewise(opened, this.#before === null ? opened : this.#before.rtp(bytes))
  }

  unprotectRtcp(bytes: Uint8Array): Uint8Array | null {
    const opened = this.#opener.rtcp(bytes)
    if (typeof opened !== 'string') return this.#isNew(opened)
    return this.#elsewise(opened, this.#before === null ? opened : this.#before.rtcp(bytes))
  }

  /** @returns what is to leave, valid until the next call; empty when nothing may */
  protectRtp(packet: Uint8Array): Uint8Array {
    return this.#sealer.rtp(packet)
  }

  protectRtcp(packet: Uint8Array): Uint8Array {
    return this.#sealer.rtcp(packet)
  }

  #isNew(opened: Uint8Array): Uint8Array {
    this.#before = null
    return opened
  }

  #elsewise(refusal: Refusal, before: Uint8Array | Refusal): Uint8Array | null {
    if (typeof before !== 'string') return before
    if (refusal === 'replayed' || before === 'replayed') this.replayed++
    else this.authFailed++
    return null
  }
}
