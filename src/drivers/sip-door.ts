/** Who may register and call, as the core asks it: the policy, and limits of failed credentials. */

import type { AuthPolicy, Contact, RequestSummary } from '../sip/types.ts'
import { FailedDigests, TOO_MANY_FAILURES } from './failed-digests.ts'
import type { SipDriverOptions } from './sip-options.ts'
import { mayBePeer, type PolicyParts, policyFor } from './sip-policy.ts'
import type { SipTransports } from './sip-transports.ts'

export class SipDoor {
  readonly #options: SipDriverOptions
  readonly #transports: SipTransports
  readonly #failures = new FailedDigests()

  constructor(options: SipDriverOptions, transports: SipTransports) {
    this.#options = options
    this.#transports = transports
  }

  /** Never rejects. */
  async policy(request: RequestSummary, authUser: string | null): Promise<AuthPolicy> {
    const noRoom = request.method === 'INVITE' ? (this.#options.room?.() ?? null) : null
    if (noRoom) return { kind: 'refuse', code: 503, phrase: 'Service Unavailable', ...noRoom }
    const now = this.#options.clock.now()
    const isRefused = this.#failures.isRefused(request.flow.remote.address, now)
    const parts = this.#policyParts(authUser)
    try {
      // A carrier that is known by its address is never shut out: anybody can send a datagram in its name.
      if (isRefused && !(await mayBePeer(request, parts))) return TOO_MANY_FAILURES
      const policy = await policyFor(request, parts)
      if (isRefused && policy.kind !== 'open') return TOO_MANY_FAILURES
      return policy.kind === 'digest' ? this.#failures.limited(policy, request, now) : policy
    } catch (cause) {
      this.#options.log.error({ err: cause }, 'sip policy failed')
      return { kind: 'refuse', code: 503, phrase: 'Service Unavailable' }
    }
  }

  #policyParts(authUser: string | null): PolicyParts {
    const { directory, trunks, trustLoopback = true, defaultCountry = '' } = this.#options
    const more = trunks ? { peers: trunks.peers, registered: trunks.registered } : {}
    return { directory, authUser, self: this.#transports.local, trustLoopback, country: defaultCountry, ...more }
  }

  /** Not a line for each: a scanner sends thousands. */
  failed(request: RequestSummary): void {
    const { clock, log } = this.#options
    const isNews = this.#failures.failed(request, clock.now())
    if (isNews) log.warn({ from: request.flow.remote.address, method: request.method }, 'sip authentication failed')
  }

  registered(identity: string, contacts: readonly Contact[]): void {
    for (const { flow } of contacts) this.#failures.succeeded(identity, flow.remote.address)
  }
}
