/**
 * Who may still try a SIP password. Two limits, each against one way of guessing: many tries from one address, and few tries
 * each from many addresses at one account. A phone that has registered is known by account and address and is never
 * locked out; over UDP anybody can write any address as the sender, so being at a known address spares no other account.
 */

import { Windows } from '../calls/admission/window.ts'
import type { Millis } from '../kernel/clock.ts'
import type { AuthPolicy, RequestSummary } from '../sip/types.ts'
import { isLoopback } from './sip-policy.ts'

const FAILURES_PER_MINUTE = 20
/** Of one account, from everywhere together. */
const ACCOUNT_FAILURES_PER_MINUTE = 60
const MINUTE_MS = 60_000
/** While an account is being guessed, strangers get one real try in such a stretch: a phone that has moved comes in after a while. */
const STRANGERS_TURN_MS = 1_000
const MOST_KEYS = 20_000

export const TOO_MANY_FAILURES: AuthPolicy = { kind: 'refuse', code: 403, phrase: 'Forbidden' }

type Digest = AuthPolicy & { kind: 'digest' }

export class FailedDigests {
  readonly #byAddress = new Windows(MINUTE_MS, MOST_KEYS)
  readonly #byAccount = new Windows(MINUTE_MS, MOST_KEYS)
  readonly #turns = new Windows(STRANGERS_TURN_MS, MOST_KEYS)
  /** Addresses, and accounts at addresses, from which a right password came. */
  readonly #homes = new Set<string>()
  /** The account that a request was for. */
  readonly #asked = new WeakMap<RequestSummary, string>()

  /** @returns whether it is worth a line in the log: the first of its address for a while, and the one that is too many */
  failed(request: RequestSummary, now: Millis): boolean {
    const { address } = request.flow.remote
    if (isLoopback(address)) return true
    const account = this.#asked.get(request)
    const isFirst = this.#byAddress.fits(address, 1, now)
    const wasFree = this.#byAddress.fits(address, FAILURES_PER_MINUTE, now)
    if (wasFree) this.#byAddress.note(address, now)
    const counts = account !== undefined && this.#byAccount.fits(account, ACCOUNT_FAILURES_PER_MINUTE, now)
    if (counts) this.#byAccount.note(account, now)
    return isFirst || (wasFree && !this.#byAddress.fits(address, FAILURES_PER_MINUTE, now))
  }

  /** A right password of this account came from there. */
  succeeded(account: string, address: string): void {
    for (const home of [address, homeOf(account, address)]) {
      this.#homes.delete(home)
      this.#homes.add(home)
    }
    for (const oldest of this.#homes) {
      if (this.#homes.size <= 2 * MOST_KEYS) return
      this.#homes.delete(oldest)
    }
  }

  isRefused(address: string, now: Millis): boolean {
    return !this.#homes.has(address) && !this.#byAddress.fits(address, FAILURES_PER_MINUTE, now)
  }

  /**
   * What the request is checked with. An account that is being guessed is to strangers as one that does not exist: the same
   * challenge, the same time.
   */
  limited(policy: Digest, request: RequestSummary, now: Millis): Digest {
    if (policy.account === null) return policy
    const { identity } = policy.account
    this.#asked.set(request, identity)
    return this.#mayTry(identity, request, now) ? policy : { ...policy, account: null }
  }

  #mayTry(account: string, request: RequestSummary, now: Millis): boolean {
    const { address } = request.flow.remote
    if (isLoopback(address) || this.#homes.has(homeOf(account, address))) return true
    if (this.#byAccount.fits(account, ACCOUNT_FAILURES_PER_MINUTE, now)) return true
    // A request without a password is only asked for one.
    if (!request.headers.some(([name]) => /^(proxy-)?authorization$/i.test(name))) return true
    if (!this.#turns.fits(account, 1, now)) return false
    this.#turns.note(account, now)
    return true
  }
}

function homeOf(account: string, address: string): string {
  return `${account} ${address}`
}
