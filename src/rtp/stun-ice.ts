/**
 * Our side of ICE: the lite one (RFC 8445 §2.5). We have one host candidate per component and never check; we answer the
 * far end's checks, and use what it nominates. An answer proves that we know the password of the description, a check that
 * the far end does, so an address that has checked is one of the far end's.
 */

import type { Millis } from '../kernel/clock.ts'
import { isIntact, type Proof, parseStun, writeBindingError, writeBindingSuccess } from './stun.ts'

export interface IceCredentials {
  readonly ufrag: string
  readonly pwd: string
}

export interface IceAddress {
  readonly address: string
  readonly port: number
}

interface Checked extends IceAddress {
  priority: number
  at: Millis
}

/** So many addresses are remembered: a phone has a few, and one that knows the password may not fill our memory. */
const MOST_CHECKED = 16
/** At most one refusal in this time: who only asks without knowing the password is no reason to send much. */
const REFUSAL_MS = 50
/** The nominated address has been silent so long: another one that is nominated is taken whatever its priority. */
const STALE_MS = 5_000

export class IceLite {
  readonly #local: IceCredentials
  readonly #remoteUfrag: string
  readonly #checked: Checked[] = []
  #nominated: Checked | null = null
  /** Of the last check or keep-alive; null before any. */
  lastCheckAt: Millis | null = null
  #refusedAt: Millis | null = null
  checks = 0
  refused = 0

  constructor(local: IceCredentials, remoteUfrag: string) {
    this.#local = local
    this.#remoteUfrag = remoteUfrag
  }

  /** Where the far end wants to be sent to, null before it has said so. */
  get target(): IceAddress | null {
    return this.#nominated
  }

  isFor(local: IceCredentials, remoteUfrag: string): boolean {
    return this.#local.ufrag === local.ufrag && this.#local.pwd === local.pwd && this.#remoteUfrag === remoteUfrag
  }

  /** Whether the far end has shown that this is an address of its own. */
  hasChecked(from: IceAddress): boolean {
    return this.#find(from) !== undefined
  }

  /**
   * @param out receives our answer, MAX_STUN_BYTES at most
   * @returns its length in octets; 0: no answer
   */
  answer(bytes: Uint8Array, from: IceAddress, now: Millis, out: Uint8Array): number {
    const message = parseStun(bytes)
    // Every agent of ICE signs with both (RFC 8445 §7.1).
    if (message === null || message.isClassic || message.isFingerprintRight !== true) return 0
    if (message.kind === 'indication') this.#keptAlive(from, now)
    if (message.kind !== 'request') return 0
    if (message.integrityAt < 0 || message.username === null) return this.#refuse(out, bytes, 400, now)
    if (!this.#isOurs(message.username) || !isIntact(bytes, message, this.#local.pwd)) {
      return this.#refuse(out, bytes, 401, now)
    }
    const proof: Proof = { password: this.#local.pwd, fingerprint: true }
    if (message.unknown.length > 0) return writeBindingError(out, bytes, 420, message.unknown, proof)
    // The lite side is the controlled one; a far end that thinks it is so too has to change its mind (§7.3.1.1).
    if (message.role === 'controlled') return writeBindingError(out, bytes, 487, [], proof)
    this.#note(from, message.priority, message.useCandidate, now)
    return writeBindingSuccess(out, bytes, false, from, proof)
  }

  #isOurs(username: string): boolean {
    const [ours, theirs] = username.split(':')
    return ours === this.#local.ufrag && (this.#remoteUfrag === '' || theirs === this.#remoteUfrag)
  }

  #refuse(out: Uint8Array, bytes: Uint8Array, code: 400 | 401, now: Millis): number {
    this.refused++
    if (this.#refusedAt !== null && now - this.#refusedAt < REFUSAL_MS) return 0
    this.#refusedAt = now
    return writeBindingError(out, bytes, code, [], { password: null, fingerprint: true })
  }

  /** Not signed, so it counts from an address that has checked only. */
  #keptAlive(from: IceAddress, now: Millis): void {
    const known = this.#find(from)
    if (known === undefined) return
    known.at = now
    this.lastCheckAt = now
  }

  #note(from: IceAddress, priority: number, useCandidate: boolean, now: Millis): void {
    this.checks++
    this.lastCheckAt = now
    const one = this.#find(from) ?? this.#remember(from)
    one.priority = priority
    one.at = now
    if (useCandidate) this.#nominate(one, now)
  }

  /** Aggressive nomination names several: the best of them counts (RFC 5245 §8.1.1.2), and the newest of equals. */
  #nominate(one: Checked, now: Millis): void {
    const before = this.#nominated
    if (before === null || one.priority >= before.priority || now - before.at >= STALE_MS) this.#nominated = one
  }

  #find(from: IceAddress): Checked | undefined {
    return this.#checked.find((one) => one.port === from.port && one.address === from.address)
  }

  #remember({ address, port }: IceAddress): Checked {
    if (this.#checked.length >= MOST_CHECKED) {
      this.#checked.splice(this.#checked[0] === this.#nominated ? 1 : 0, 1)
    }
    const one = { address, port, priority: 0, at: 0 }
    this.#checked.push(one)
    return one
  }
}
