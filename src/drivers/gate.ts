/**
 * Who may make or take a call now: looks up what is known of it, asks the pure rules of `calls/admission`, and tells of
 * every refusal. Nothing here is asked of a call that has begun: say, flush and hang-up never wait for a limit.
 */

import { randomBytes } from 'node:crypto'
import { Book } from '../calls/admission/book.ts'
import { dialledOf, forbiddenBy, type Known, numberOf, type Reach, reachOf } from '../calls/admission/law.ts'
import { type Refused, refused } from '../calls/admission/refusals.ts'
import type { Address } from '../calls/commands.ts'
import type { Gate, GateVerdict, GateWish, Records } from '../calls/ports.ts'
import {
  type LimitName,
  type LimitReachedDoc,
  type Limits,
  limitsOf,
  type NumberLimits,
  numberLimits,
} from '../contract/limits.ts'
import { emergencyKindOf } from '../contract/phone-number.ts'
import { dayOf } from '../contract/usage.ts'
import type { Clock, Millis } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { uuidFromWords } from '../kernel/random.ts'
import type { ListQuery, Row, Store } from '../store/port.ts'

export interface CallGateOptions {
  readonly store: Store
  readonly records: Records
  readonly clock: Clock
  readonly log: Log
  /** ISO code, '' = none: how short and national forms are read. */
  readonly defaultCountry: string
  /** A SIP address that takes emergency calls as they were dialled; '' = they are refused. */
  readonly emergencyRoute: string
  readonly random?: (size: number) => Uint8Array
}

/** One event a second for each customer and limit. */
const EVENT_EVERY_MS = 1_000
/** Books of customers without calls are closed when there are more; their day is read again when they come back. */
const MOST_BOOKS = 10_000
const PAGE = 100
/** Calls of a day looked at for its minutes: a thousand an hour, and four times that. */
const MOST_PAGES = 1_000

interface Shelved {
  readonly book: Book
  /** Null until somebody asks for what went before, and when that could not be read. */
  ready: Promise<void> | null
}

export class CallGate implements Gate {
  readonly #options: CallGateOptions
  readonly #books = new Map<string, Shelved>()
  readonly #ownerOf = new Map<string, Book>()
  readonly #toldAt = new Map<string, Millis>()

  constructor(options: CallGateOptions) {
    this.#options = options
  }

  /** Calls that have begun and are not over. */
  get liveCalls(): number {
    return this.#ownerOf.size
  }

  async admit(wish: GateWish): Promise<GateVerdict> {
    try {
      return await this.#admit(wish)
    } catch (cause) {
      // Without the store nobody knows what is allowed, and the call could not be recorded either.
      this.#options.log.error({ customer_id: wish.customerId, err: cause }, 'limits could not be read')
      return { ok: false, code: 'SERVICE_UNAVAILABLE', details: [], sip: { code: 503, phrase: 'Service Unavailable' } }
    }
  }

  began(callId: string, wish: GateWish): void {
    const { book } = this.#shelved(wish.customerId)
    this.#ownerOf.set(callId, book)
    book.began(callId, ownNumberOf(wish), this.#options.clock.now(), markOf(wish))
  }

  over(callId: string): void {
    const book = this.#ownerOf.get(callId)
    this.#ownerOf.delete(callId)
    book?.over(callId, this.#moment())
  }

  async #admit(wish: GateWish): Promise<GateVerdict> {
    const { customerId, direction } = wish
    const reach = direction === 'outgoing' ? await this.#reachOf(wish) : ({ kind: 'inside' } as const)
    const { emergencyRoute } = this.#options
    if (reach.kind === 'emergency' && emergencyRoute !== '') {
      this.#options.log.warn({ customer_id: customerId }, 'emergency call passed to its route')
      return { ok: true, instead: routeTo(emergencyRoute, reach.dialled) }
    }
    const [limits, own, isListed, book] = await Promise.all([
      this.#limitsOf(customerId),
      this.#numberLimitsOf(customerId, ownNumberOf(wish)),
      this.#isListed(customerId, reach),
      this.#bookOf(customerId),
    ])
    const destination = direction === 'outgoing' ? keyOf(reach, wish.destination) : null
    const refusal =
      forbiddenBy(reach, limits, isListed, this.#options.clock.wallMicros()) ??
      book.admit({ number: ownNumberOf(wish), destination, mark: markOf(wish) }, limits, own, this.#moment())
    return refusal === null ? { ok: true } : this.#refuse(wish, reach, refusal, limits)
  }

  // ---------------------------------------------------------------- what is known

  async #reachOf({ customerId, destination }: GateWish): Promise<Reach> {
    const { defaultCountry } = this.#options
    const dialled = dialledOf(destination)
    const known: Known = {
      isOwnNumber: destination.type === 'tel' || destination.type === 'sip' ? await this.#isOwnNumber(dialled) : false,
      isExtension:
        emergencyKindOf(dialled, defaultCountry) === 'other' && (await this.#isExtension(customerId, dialled)),
    }
    return reachOf(destination, known, defaultCountry)
  }

  /** As text first: no country has the virtual ones. */
  async #isOwnNumber(dialled: string): Promise<boolean> {
    const written = dialled.startsWith('+') ? dialled : `+${dialled}`
    const forms = new Set([written, numberOf(dialled, this.#options.defaultCountry) ?? written])
    const found = await Promise.all([...forms].map((number) => this.#options.store.find('numbers', { number }, 1)))
    return found.some((rows) => rows.length > 0)
  }

  async #isExtension(customerId: string, extension: string): Promise<boolean> {
    const rows = await this.#options.store.find('extensions', { extension })
    return rows.some((row) => row.customer_id === customerId)
  }

  async #limitsOf(customerId: string): Promise<Limits> {
    const row = await this.#options.store.get('limits', customerId, customerId)
    return limitsOf(row?.doc ?? null)
  }

  async #numberLimitsOf(customerId: string, number: string): Promise<NumberLimits> {
    if (number === '') return {}
    const [row] = await this.#options.store.find('numbers', { number }, 1)
    const read = numberLimits.safeParse(row?.customer_id === customerId ? (row.doc['limits'] ?? {}) : {})
    return read.success ? read.data : {}
  }

  async #isListed(customerId: string, reach: Reach): Promise<boolean> {
    const number = reach.kind === 'public' || reach.kind === 'sip' ? reach.number : null
    if (number === null) return false
    const rows = await this.#options.store.find('do_not_call', { number })
    return rows.some((row) => row.customer_id === customerId)
  }

  // ---------------------------------------------------------------- books

  #shelved(customerId: string): Shelved {
    const known = this.#books.get(customerId)
    if (known) return known
    if (this.#books.size >= MOST_BOOKS) this.#closeIdleBooks()
    const opened: Shelved = { book: new Book(), ready: null }
    this.#books.set(customerId, opened)
    return opened
  }

  /** With the minutes that calls of today took before. */
  async #bookOf(customerId: string): Promise<Book> {
    const shelved = this.#shelved(customerId)
    shelved.ready ??= this.#restore(customerId, shelved.book).catch((cause: unknown) => {
      shelved.ready = null
      throw cause
    })
    await shelved.ready
    return shelved.book
  }

  async #restore(customerId: string, book: Book): Promise<void> {
    const { day } = this.#moment()
    const ended: Row[] = []
    let before: { readonly us: number; readonly id: string } | null = null
    for (let page = 0; page < MOST_PAGES; page++) {
      const query: ListQuery = { table: 'usages', customer_id: customerId, limit: PAGE, where: { day } }
      const rows: readonly Row[] = await this.#options.store.list(before ? { ...query, before } : query)
      ended.push(...rows)
      const last = rows.at(-1)
      if (!last || rows.length < PAGE) break
      before = { us: last.tm_create_us, id: last.id }
    }
    for (const row of ended) {
      book.restore(String(row.hidden['number'] ?? ''), 1000 * Number(row.doc['call_seconds'] ?? 0), day)
    }
  }

  #closeIdleBooks(): void {
    const now = this.#options.clock.now()
    for (const [customerId, { book }] of this.#books) if (book.isIdle(now)) this.#books.delete(customerId)
  }

  #moment(): { readonly now: Millis; readonly day: string } {
    const { clock } = this.#options
    return { now: clock.now(), day: dayOf(clock.wallMicros()) }
  }

  // ---------------------------------------------------------------- refusals

  #refuse(wish: GateWish, reach: Reach, limit: LimitName, limits: Limits): Refused {
    const number = numberTold(wish, reach)
    const refusal = refused(limit, number, limits)
    this.#tell(wish, limit, refusal.code, number)
    return refusal
  }

  #tell({ customerId, direction }: GateWish, limit: LimitName, reason: string, number: string): void {
    const { clock, records } = this.#options
    const now = clock.now()
    const key = `${customerId} ${limit}`
    if (now - (this.#toldAt.get(key) ?? Number.NEGATIVE_INFINITY) < EVENT_EVERY_MS) return
    for (const [other, at] of this.#toldAt) {
      if (now - at < EVENT_EVERY_MS) break
      this.#toldAt.delete(other)
    }
    this.#toldAt.delete(key)
    this.#toldAt.set(key, now)
    const data: LimitReachedDoc = {
      id: this.#uuid(),
      customer_id: customerId,
      limit,
      reason,
      direction,
      number,
      tm_create: timestamp(clock.wallMicros()),
    }
    const event = { type: 'limit_reached', customerId, callId: null, seq: null, offsetMs: null, data }
    void records.save({ events: [event] })
  }

  #uuid(): string {
    const bytes = Buffer.from((this.#options.random ?? randomBytes)(16))
    return uuidFromWords(bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12))
  }
}

function ownNumberOf({ number }: GateWish): string {
  return number === '' || number.startsWith('+') ? number : `+${number}`
}

function markOf({ direction, destination: { type, target, target_name: name } }: GateWish): string {
  return `${direction} ${type} ${target} ${name}`
}

function keyOf(reach: Reach, { type, target, target_name: name }: Address): string {
  return reach.kind === 'public' ? reach.number : `${type} ${(target || name).toLowerCase()}`
}

function numberTold({ direction, number, destination }: GateWish, reach: Reach): string {
  if (direction === 'incoming') return number
  if (reach.kind === 'public') return reach.number
  return (reach.kind === 'sip' ? reach.number : null) ?? destination.target
}

/** The number as dialled, at the address that takes such calls; a user given with the address stays. */
function routeTo(route: string, dialled: string): Address {
  const bare = route.replace(/^sips?:/i, '')
  const target = bare.includes('@') ? route : `sip:${dialled.replace(/[^\d+]/g, '')}@${bare}`
  return { type: 'sip', target, target_name: '', name: '', detail: '' }
}
