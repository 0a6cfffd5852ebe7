/** What a transaction needs from around it, and what it tells its user. */

import type { Envelope } from '../message/envelope.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'

export type Failure = 'timeout' | 'transport'

/** The transaction user of a client transaction. */
export interface ClientUser {
  /** Called for every provisional, for the final answer, and for each repeated 2xx to an INVITE. */
  response(response: SipResponse, envelope: Envelope): void
  /** No final answer will come. */
  failed(why: Failure): void
}

/** The transaction user of a server transaction. */
export interface ServerUser {
  /** An ACK that came in the INVITE's own transaction, after a 2xx (old devices, RFC 6026 §7.1). */
  acknowledged?(request: SipRequest, envelope: Envelope): void
  /** The answer could not be delivered. */
  failed?(why: Failure): void
}

/** Given to a transaction by the layer that holds it. */
export interface Surroundings<TimerName extends string> {
  readonly reliable: boolean
  send(bytes: Uint8Array): void
  startTimer(name: TimerName, delayMs: number): void
  stopTimer(name: TimerName): void
  /** Called once: the transaction is terminated and may be forgotten. */
  ended(): void
}
