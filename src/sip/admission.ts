/** Asks outside who may do what, checks digests, and lets an INVITE become a leg and a REGISTER reach the registrar. */

import { ALGORITHMS, authUserOf, check } from './auth/guard.ts'
import type { Nonces } from './auth/nonce.ts'
import { Offers } from './auth/offers.ts'
import type { Context } from './context.ts'
import type { Extras } from './message/compose.ts'
import type { Incoming } from './transaction/layer.ts'
import { GIVE_UP_MS } from './transaction/timers.ts'
import type { AuthPolicy, RequestSummary } from './types.ts'

/** Where an admitted request goes. */
export type Admitted = (incoming: Incoming, identity: string, summary: RequestSummary) => void

interface Query {
  readonly incoming: Incoming
  readonly summary: RequestSummary
  readonly admitted: Admitted
}

export class Admission {
  readonly #context: Context
  readonly #nonces: Nonces
  readonly #offers: Offers
  readonly #queries = new Map<string, Query>()

  constructor(context: Context, nonces: Nonces) {
    this.#context = context
    this.#nonces = nonces
    this.#offers = new Offers(context.options.digestAlgorithms ?? ALGORITHMS)
  }

  /** An answer is due within 64*T1; without one the request is refused with 503. */
  ask(incoming: Incoming, summary: RequestSummary, admitted: Admitted): void {
    const query = this.#context.newName('query')
    this.#queries.set(query, { incoming, summary, admitted })
    incoming.onCancel = () => {
      if (this.#take(query)) incoming.respond({ code: 487 })
    }
    incoming.user = { failed: () => void this.#take(query) }
    this.#context.startTimer(query, GIVE_UP_MS, () => {
      if (this.#take(query)) incoming.respond({ code: 503 })
    })
    this.#context.emit({ kind: 'authorise', query, request: summary, authUser: authUserOf(incoming.request) })
  }

  /** An answer that comes too late, after a CANCEL say, is for nobody. */
  answer(name: string, policy: AuthPolicy): void {
    const query = this.#take(name)
    if (query === null) return
    const { incoming, summary, admitted } = query
    if (policy.kind === 'open') admitted(incoming, policy.identity, summary)
    else if (policy.kind === 'refuse') refuse(incoming, policy)
    else this.#checkDigest(query, policy)
  }

  #checkDigest({ incoming, summary, admitted }: Query, policy: Extract<AuthPolicy, { kind: 'digest' }>): void {
    const caller = `${summary.flow.remote.address}|${summary.from.user}`
    const isAnswer = authUserOf(incoming.request) !== null
    const offered = this.#offers.next(caller, summary.userAgent, isAnswer)
    const verdict = check(incoming.request, policy, this.#nonces, this.#context.now, this.#offers.all, offered)
    if (verdict.kind === 'allowed') {
      admitted(incoming, verdict.identity, summary)
      return
    }
    const { failedUser: authUser, values } = verdict
    if (authUser !== null) this.#context.emit({ kind: 'authFailed', request: summary, authUser })
    const isRegister = incoming.request.method === 'REGISTER'
    const name = isRegister ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    incoming.respond({ code: isRegister ? 401 : 407, extras: values.map((value) => [name, value]) })
  }

  #take(name: string): Query | null {
    const query = this.#queries.get(name) ?? null
    this.#queries.delete(name)
    this.#context.stopTimer(name)
    return query
  }
}

function refuse(incoming: Incoming, { code, phrase, retryAfterS }: AuthPolicy & { kind: 'refuse' }): void {
  const extras: Extras = retryAfterS === undefined ? [] : [['Retry-After', String(retryAfterS)]]
  incoming.respond({ code: finalCode(code), phrase, extras })
}

function finalCode(code: number): number {
  return code >= 300 && code <= 699 ? code : 403
}
