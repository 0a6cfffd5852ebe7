/**
 * Keeps the way to phones behind NAT open (contract §6): an OPTIONS every 30 s to a contact that came from elsewhere than it
 * says. Whether it answers changes nothing: a contact lives until it expires.
 */

import type { Clock, Scheduled } from '../kernel/clock.ts'
import { parseUri } from '../sip/message/uri.ts'
import type { Contact } from '../sip/types.ts'

const EVERY_MS = 30_000
const TICK_MS = 1_000
/** In one tick, whatever is due: what does not fit comes in the next. */
export const MOST_AT_ONCE = 200

interface Due {
  readonly contact: Contact
  at: number
}

export class KeepAlive {
  readonly #clock: Clock
  readonly #ping: (contact: Contact) => void
  /** By identity; in the order in which they are due, nearly. */
  readonly #kept = new Map<string, readonly Due[]>()
  #tick: Scheduled | null = null

  constructor(clock: Clock, ping: (contact: Contact) => void) {
    this.#clock = clock
    this.#ping = ping
  }

  /** Contacts pinged at all. */
  get count(): number {
    let count = 0
    for (const dues of this.#kept.values()) count += dues.length
    return count
  }

  /** All contacts an identity has from now on. */
  set(identity: string, contacts: readonly Contact[]): void {
    const now = this.#clock.now()
    const before = this.#kept.get(identity) ?? []
    const dues = contacts.filter(isBehindNat).map((contact) => {
      const known = before.find((due) => isSameWay(due.contact, contact))
      return { contact, at: known?.at ?? now + EVERY_MS }
    })
    if (dues.length === 0) this.#kept.delete(identity)
    else this.#kept.set(identity, dues)
    if (this.#kept.size > 0) this.#tick ??= this.#plan()
  }

  close(): void {
    this.#tick?.cancel()
    this.#tick = null
    this.#kept.clear()
  }

  #plan(): Scheduled {
    return this.#clock.schedule(this.#clock.now() + TICK_MS, () => {
      this.#tick = null
      this.#pingDue(this.#clock.now())
      if (this.#kept.size > 0) this.#tick = this.#plan()
    })
  }

  #pingDue(now: number): void {
    let left = MOST_AT_ONCE
    for (const [identity, dues] of this.#kept) {
      const due = dues.filter((one) => one.at <= now)
      if (due.length === 0) continue
      if (left <= 0) return
      for (const one of due) {
        one.at = now + EVERY_MS
        this.#ping(one.contact)
      }
      left -= due.length
      // To the end of the line: who has waited longest comes first.
      this.#kept.delete(identity)
      this.#kept.set(identity, dues)
    }
  }
}

/** Connections are kept by the system's own probes, and what is behind a proxy by that proxy. */
function isBehindNat({ flow, uri: text, path }: Contact): boolean {
  if (flow.transport !== 'udp' || path !== undefined) return false
  const uri = parseUri(text)
  if (!uri.ok) return true
  const host = uri.value.host.replace(/^\[|\]$/g, '')
  return host !== flow.remote.address || (uri.value.port || 5060) !== flow.remote.port
}

function isSameWay(one: Contact, other: Contact): boolean {
  const [a, b] = [one.flow.remote, other.flow.remote]
  return one.uri === other.uri && a.address === b.address && a.port === b.port
}
