/** One request of ours with its repetition after a challenge: to its user it looks like a single one. */

import { answerChallenge, type Credentials } from '../auth/answer.ts'
import type { Extras } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { Outgoing } from '../transaction/layer.ts'
import type { ClientUser } from '../transaction/ports.ts'
import type { Flow } from '../types.ts'
import type { Desk } from './desk.ts'

export interface AttemptParts {
  readonly flow: Flow
  readonly credentials: Credentials | undefined
  /** Makes the request with the next number. @param extras credentials to carry */
  readonly make: (extras: Extras) => SipRequest
  /** Changes what `make` makes by what an answer asks for (422). @returns true when it did, and is to be sent again */
  readonly adapt?: (response: SipResponse) => boolean
  /** Gets everything but the challenges that were answered. */
  readonly user: ClientUser
}

export class Attempt {
  readonly #desk: Desk
  readonly #parts: AttemptParts
  #credentials: Extras = []
  #count = 0
  #challenges = 0
  #current: Outgoing

  constructor(desk: Desk, parts: AttemptParts) {
    this.#desk = desk
    this.#parts = parts
    this.#current = this.#send()
  }

  /** The one on the way now. */
  get current(): Outgoing {
    return this.#current
  }

  /** Credentials of the last request: the ACK of a 2xx carries them too (RFC 3261 §13.2.2.4). */
  get credentials(): Extras {
    return this.#credentials
  }

  /**
   * Sends the request again with an answer to the challenge, or with what else was asked for.
   * @returns false when there is nothing to answer with, and the response is final
   */
  answers(response: SipResponse): boolean {
    const { credentials, adapt } = this.#parts
    if (response.code >= 300 && adapt?.(response) === true) return this.#again()
    if (credentials === undefined || (response.code !== 401 && response.code !== 407)) return false
    const { method, uri } = this.#current.request
    const cnonce = this.#desk.context.random.token(16)
    const answer = answerChallenge(response, credentials, { method, uri, cnonce }, this.#challenges)
    if (answer === null) return false
    this.#credentials = [...this.#credentials.filter(([name]) => name !== answer[0]), answer]
    this.#challenges += 1
    return this.#again()
  }

  #again(): true {
    this.#count += 1
    this.#current = this.#send()
    return true
  }

  #send(): Outgoing {
    const { make, flow, user } = this.#parts
    const count = this.#count
    const isCurrent = () => count === this.#count
    return this.#desk.transactions.request(make(this.#credentials), flow, {
      response: (response: SipResponse, envelope: Envelope) => {
        if (isCurrent()) user.response(response, envelope)
      },
      failed: (why) => {
        if (isCurrent()) user.failed(why)
      },
    })
  }
}

/** For requests whose final answer is all that matters. Called once; a timeout is a 408, a lost path a 503 (§8.1.3.1). */
export function ask(desk: Desk, parts: Omit<AttemptParts, 'user'>, done: (outcome: Outcome) => void): Attempt {
  const attempt: Attempt = new Attempt(desk, {
    ...parts,
    user: {
      response(response, envelope) {
        if (response.code < 200 || attempt.answers(response)) return
        done({ code: response.code, response, envelope })
      },
      failed(why) {
        done({ code: why === 'timeout' ? 408 : 503, response: null, envelope: null })
      },
    },
  })
  return attempt
}

export type Outcome =
  | { readonly code: number; readonly response: SipResponse; readonly envelope: Envelope }
  | { readonly code: number; readonly response: null; readonly envelope: null }
