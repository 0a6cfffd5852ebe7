/** What every new call needs: an id, a seed, a number to show, and the gate's leave. */

import { randomBytes } from 'node:crypto'
import type { Address } from '../calls/commands.ts'
import type { Birth } from '../calls/part.ts'
import type { Gate, GateVerdict, GateWish } from '../calls/ports.ts'
import { toE164 } from '../contract/phone-number.ts'
import type { JsonObject } from '../kernel/json.ts'
import { uuidFromWords } from '../kernel/random.ts'
import type { Store } from '../store/port.ts'
import type { CallRunner } from './call-runner.ts'
import type { Directory } from './directory.ts'

export interface BirthOptions {
  readonly runner: CallRunner
  readonly store: Store
  readonly directory: Directory
  /** Absent: everything is allowed. */
  readonly gate?: Gate
  readonly defaultCountry?: string
  readonly nodeId: string
  readonly bootId: string
  readonly maxDurationMs: number
  /** 16 random bytes a call; drawn here because pure parts may not. */
  readonly random?: (size: number) => Uint8Array
}

/** The number that is shown to whom is called (contract §5). */
export interface CallerId {
  /** Undefined: the source as it was sent. */
  readonly shown: string | undefined
  /** The customer's number the call is made with, '' when none. */
  readonly own: string
  /** The source was a number of somebody else. */
  readonly isReplaced: boolean
}

export type Admitted =
  /** Where each destination is really reached: the gate may send an emergency call elsewhere. */
  { readonly ok: true; readonly destinations: readonly Address[] } | (GateVerdict & { readonly ok: false })

interface From {
  readonly customerId: string
  readonly source: Address | null
  /** The customer's number the call is made with, '' when none. */
  readonly callerId: string
}

export class Births {
  readonly #options: BirthOptions

  constructor(options: BirthOptions) {
    this.#options = options
  }

  of(
    customerId: string,
    callId = this.newId(),
  ): Pick<Birth, 'kind' | 'seed' | 'callId' | 'customerId' | 'nodeId' | 'bootId' | 'maxDurationMs'> {
    const { nodeId, bootId, maxDurationMs } = this.#options
    const seed = Buffer.from(this.#bytes(16)).toString('hex')
    return { kind: 'born', seed, callId, customerId, nodeId, bootId, maxDurationMs }
  }

  /**
   * @param number the customer's own number it is made with or comes to, '' when none
   * @returns its record as first stored; null when it could not be
   */
  bear(birth: Birth, number: string): Promise<JsonObject | null> {
    const { customerId, direction, source, destination } = birth
    this.#options.gate?.began(birth.callId, { customerId, direction, number, source, destination })
    return this.#options.runner.bear(birth)
  }

  over(callId: string): void {
    this.#options.gate?.over(callId)
  }

  async gate(wish: GateWish): Promise<GateVerdict> {
    return this.#options.gate ? this.#options.gate.admit(wish) : { ok: true }
  }

  /** Asks for all; the first refusal counts. */
  async admitted(from: From, destinations: readonly Address[]): Promise<Admitted> {
    const verdicts = await Promise.all(destinations.map((destination) => this.#outgoing(from, destination)))
    const refusal = verdicts.find((verdict) => !verdict.ok)
    if (refusal && !refusal.ok) return refusal
    return { ok: true, destinations: verdicts.map((verdict, i) => (verdict.ok && verdict.instead) || destinations[i]!) }
  }

  #outgoing({ customerId, source, callerId }: From, destination: Address): Promise<GateVerdict> {
    return this.gate({ customerId, direction: 'outgoing', number: callerId, source, destination })
  }

  /** A number of the customer is shown; one that is not, is replaced by the customer's first number when there is one. */
  async callerId(customerId: string, source: Address | null): Promise<CallerId> {
    const asSent = { shown: undefined, own: '', isReplaced: false }
    if (source === null || source.type !== 'tel' || source.target === '') return asSent
    const { directory, defaultCountry = '' } = this.#options
    const number = toE164(source.target, defaultCountry) ?? source.target
    const owned = (await directory.ownNumber(source.target)) ?? (await directory.ownNumber(number))
    if (owned?.customerId === customerId) return { ...asSent, own: owned.number }
    const first = await directory.firstNumber(customerId)
    return { shown: first ?? undefined, own: first ?? '', isReplaced: true }
  }

  newId(): string {
    const bytes = Buffer.from(this.#bytes(16))
    return uuidFromWords(bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12))
  }

  #bytes(size: number): Uint8Array {
    return (this.#options.random ?? randomBytes)(size)
  }
}
