/**
 * Where wrong SIP passwords come from: an address that has sent too many is not looked at for a while. One whose phones are
 * registered is spared, because over UDP anybody can write any address as the sender.
 */

import { Windows } from '../calls/admission/window.ts'
import type { Millis } from '../kernel/clock.ts'
import type { AuthPolicy } from '../sip/types.ts'
import { isLoopback } from './sip-policy.ts'

const FAILURES_PER_MINUTE = 20
const MINUTE_MS = 60_000
const MOST_ADDRESSES = 20_000

export const TOO_MANY_FAILURES: AuthPolicy = { kind: 'refuse', code: 403, phrase: 'Forbidden' }

export class FailedDigests {
  readonly #failures = new Windows(MINUTE_MS, MOST_ADDRESSES)
  readonly #homes = new Set<string>()

  failed(address: string, now: Millis): void {
    if (!isLoopback(address)) this.#failures.note(address, now)
  }

  /** A right password came from there. */
  succeeded(address: string): void {
    this.#homes.delete(address)
    this.#homes.add(address)
    if (this.#homes.size <= MOST_ADDRESSES) return
    for (const oldest of this.#homes) return void this.#homes.delete(oldest)
  }

  isRefused(address: string, now: Millis): boolean {
    return !this.#homes.has(address) && !this.#failures.fits(address, FAILURES_PER_MINUTE, now)
  }
}
