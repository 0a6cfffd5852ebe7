/** The bindings of all accounts (RFC 3261 §10). Each contact remembers the flow its REGISTER came by: calls go back there. */

import type { Context } from '../context.ts'
import { quote } from '../message/grammar.ts'
import { header, listOf } from '../message/message.ts'
import { parseUri, printUri } from '../message/uri.ts'
import type { Incoming } from '../transaction/layer.ts'
import type { Contact } from '../types.ts'
import { isOutbound, MIN_EXPIRES_S, readPath, readWishes, type Wish } from './contacts.ts'

/** The contact nearest its end makes room for a further one. */
export const MAX_CONTACTS = 16

export class Registrar {
  readonly #context: Context
  /** Identity -> device and flow, or comparable URI -> contact. */
  readonly #bindings = new Map<string, Map<string, Contact>>()
  /** Timer of each identity: its next expiry. */
  readonly #timers = new Map<string, string>()

  constructor(context: Context) {
    this.#context = context
  }

  get count(): number {
    let count = 0
    for (const contacts of this.#bindings.values()) count += contacts.size
    return count
  }

  contactsOf(identity: string): readonly Contact[] {
    return [...(this.#bindings.get(identity)?.values() ?? [])]
  }

  /** Answers a REGISTER that may be. All its changes are made, or none. */
  register(identity: string, incoming: Incoming): void {
    const wishes = readWishes(incoming.request)
    const path = readPath(incoming.request)
    if (!wishes.ok || path === null) {
      const why = wishes.ok ? 'malformed Path' : wishes.why
      return void incoming.respond({ code: 400, extras: [['Warning', `399 quietline "${why}"`]] })
    }
    const outbound = isOutbound(incoming.request, path)
    const change =
      wishes.value.kind === 'removeAll'
        ? this.contactsOf(identity).map(removal)
        : wishes.value.wishes.map((wish) => (outbound ? wish : { ...wish, regId: 0 }))
    if (change.some((wish) => wish.expiresS > 0 && wish.expiresS < MIN_EXPIRES_S)) {
      return void incoming.respond({ code: 423, extras: [['Min-Expires', String(MIN_EXPIRES_S)]] })
    }
    if (change.some((wish) => this.#isLate(identity, wish, incoming))) {
      return void incoming.respond({ code: 500, phrase: 'CSeq Out Of Order' })
    }
    const changed = change.map((wish) => this.#apply(identity, wish, path, incoming)).includes(true)
    if (changed) this.#changed(identity)
    else this.#settle(identity)
    const flowsKept = change.some(({ regId }) => regId > 0)
    incoming.respond({ code: 200, extras: [...this.#list(identity), ...pathExtras(incoming, path, flowsKept)] })
  }

  /** Contacts known from before; those already expired are left out. */
  restore(identity: string, contacts: readonly Contact[]): void {
    const all = this.#of(identity)
    for (const contact of contacts) if (contact.expiresAt > this.#context.now) all.set(keyOf(contact), contact)
    this.#settle(identity)
  }

  drop(identity: string): void {
    if (!this.#bindings.delete(identity)) return
    this.#changed(identity)
  }

  /** RFC 3261 §10.3 step 7: within one Call-ID the number must rise. */
  #isLate(identity: string, wish: Wish, { envelope }: Incoming): boolean {
    const known = this.#bindings.get(identity)?.get(keyOf(wish))
    return known !== undefined && known.sipCallId === envelope.sipCallId && known.cseq >= envelope.cseq
  }

  #apply(identity: string, wish: Wish, path: readonly string[], { request, envelope, flow }: Incoming): boolean {
    const contacts = this.#of(identity)
    const key = keyOf(wish)
    if (wish.expiresS === 0) return contacts.delete(key)
    contacts.delete(key)
    if (contacts.size >= MAX_CONTACTS) contacts.delete(firstToExpire(contacts))
    contacts.set(key, {
      uri: wish.uri,
      flow,
      expiresAt: this.#context.now + wish.expiresS * 1_000,
      sipCallId: envelope.sipCallId,
      cseq: envelope.cseq,
      userAgent: header(request, 'user-agent') ?? '',
      ...(path.length > 0 ? { path } : {}),
      ...(wish.instance === '' ? {} : { instance: wish.instance }),
      ...(wish.regId === 0 ? {} : { regId: wish.regId }),
    })
    return true
  }

  #of(identity: string): Map<string, Contact> {
    const contacts = this.#bindings.get(identity) ?? new Map<string, Contact>()
    this.#bindings.set(identity, contacts)
    return contacts
  }

  #changed(identity: string): void {
    this.#settle(identity)
    this.#context.emit({ kind: 'registered', identity, contacts: this.contactsOf(identity) })
  }

  /** Sets the timer to the next expiry; an identity without contacts is forgotten. */
  #settle(identity: string): void {
    const contacts = this.#bindings.get(identity)
    const timer = this.#timers.get(identity) ?? this.#context.newName('registration')
    if (contacts === undefined || contacts.size === 0) {
      this.#bindings.delete(identity)
      this.#timers.delete(identity)
      this.#context.stopTimer(timer)
      return
    }
    this.#timers.set(identity, timer)
    const next = Math.min(...[...contacts.values()].map((contact) => contact.expiresAt))
    this.#context.startTimer(timer, next - this.#context.now, () => this.#expire(identity))
  }

  #expire(identity: string): void {
    const contacts = this.#of(identity)
    const before = contacts.size
    for (const [key, contact] of contacts) if (contact.expiresAt <= this.#context.now) contacts.delete(key)
    if (contacts.size < before) this.#changed(identity)
    else this.#settle(identity)
  }

  #list(identity: string): [string, string][] {
    return this.contactsOf(identity).map((contact) => {
      const leftS = Math.max(1, Math.round((contact.expiresAt - this.#context.now) / 1_000))
      return ['Contact', `<${contact.uri}>;expires=${leftS}${deviceOf(contact)}`]
    })
  }
}

/** What a contact is known by: a device by its name, so that a new address replaces the old one; others by their URI. */
function keyOf({ uri, instance = '', regId = 0 }: { uri: string; instance?: string; regId?: number }): string {
  return instance === '' ? comparable(uri) : `${instance} ${regId}`
}

function removal({ uri, instance = '', regId = 0 }: Contact): Wish {
  return { uri, expiresS: 0, instance, regId }
}

/** A device finds itself in the list by its own name. No GRUU is handed out. */
function deviceOf({ instance, regId }: Contact): string {
  if (instance === undefined) return ''
  return `;+sip.instance=${quote(instance)}${regId === undefined ? '' : `;reg-id=${regId}`}`
}

/** RFC 3327 §5.3 and RFC 5626 §6. */
function pathExtras({ request }: Incoming, path: readonly string[], flowsKept: boolean): [string, string][] {
  const knowsPath = (listOf(request, 'supported') ?? []).some((tag) => tag.toLowerCase() === 'path')
  const extras: [string, string][] = knowsPath ? path.map((one) => ['Path', one]) : []
  return flowsKept ? [...extras, ['Require', 'outbound']] : extras
}

/** Same text for URIs that mean the same (RFC 3261 §19.1.4, in the main: case, escapes, order of parameters). */
function comparable(text: string): string {
  const uri = parseUri(text)
  if (!uri.ok) return text
  const sorted = Object.entries(uri.value.parameters).sort(([one], [other]) => (one < other ? -1 : 1))
  return printUri({ ...uri.value, parameters: Object.fromEntries(sorted) })
}

function firstToExpire(contacts: ReadonlyMap<string, Contact>): string {
  let first = ''
  let at = Number.POSITIVE_INFINITY
  for (const [key, contact] of contacts) {
    if (contact.expiresAt >= at) continue
    first = key
    at = contact.expiresAt
  }
  return first
}
