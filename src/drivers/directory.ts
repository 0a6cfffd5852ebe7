/**
 * Who may call and be called: looks up customers, extensions and numbers in the store for signalling. Reads only, over
 * all customers: the one place that finds out whose a caller or a number is.
 */

import type { Address } from '../calls/commands.ts'
import { isUuid } from '../kernel/ids.ts'
import type { SipUri } from '../sip/types.ts'
import type { Row, Store } from '../store/port.ts'

export interface Extension {
  readonly id: string
  readonly customerId: string
  readonly extension: string
  readonly name: string
  readonly password: string
}

export interface OwnNumber {
  readonly id: string
  readonly customerId: string
  readonly number: string
  readonly callFlowId: string
  /** Said first to every caller, '' when nothing is. */
  readonly disclosure: string
}

const BLANK: Address = { type: '', target: '', target_name: '', name: '', detail: '' }
const PAGE = 100
const MAX_PAGES = 100

export class Directory {
  readonly #store: Store
  readonly #baseDomain: string

  constructor(store: Store, baseDomain: string) {
    this.#store = store
    this.#baseDomain = baseDomain
  }

  /** The customer a registrar domain belongs to (contract §6), or null for any other host. */
  customerOfDomain(host: string): string | null {
    const suffix = `.registrar.${this.#baseDomain}`
    const name = host.toLowerCase()
    if (!name.endsWith(suffix)) return null
    const id = name.slice(0, -suffix.length)
    return isUuid(id) ? id : null
  }

  /** The first label of a trunk's own domain, `<label>.trunk.<base>` (contract §6), or null for any other host. */
  trunkLabelOf(host: string): string | null {
    const suffix = `.trunk.${this.#baseDomain}`
    const name = host.toLowerCase().replace(/\.$/, '')
    return name.endsWith(suffix) ? name.slice(0, -suffix.length) : null
  }

  /** By user and host; on any other host than a registrar domain the user must be the only one of that name here. */
  async extensionOf(uri: SipUri): Promise<Extension | null> {
    if (uri.user === '') return null
    const rows = await this.#store.find('extensions', { extension: uri.user }, 3)
    const customerId = this.customerOfDomain(uri.host)
    const matching = customerId ? rows.filter((row) => row.customer_id === customerId) : rows
    return matching.length === 1 ? toExtension(matching[0]!) : null
  }

  async extensionById(id: string): Promise<Extension | null> {
    const row = await this.#store.getAnyCustomer('extensions', id)
    return row && row.tm_delete_us === null ? toExtension(row) : null
  }

  /** Look-up order of contract §4. `isRegistered` prefers the one that can ring. */
  async extensionFor(
    customerId: string,
    address: Address,
    isRegistered: (id: string) => boolean,
  ): Promise<Extension | null> {
    const { target, target_name: name } = address
    const tries: (() => Promise<readonly Row[]>)[] = []
    if (isUuid(target))
      tries.push(async () => [await this.#store.get('extensions', customerId, target)].filter((row) => row !== null))
    if (target) tries.push(() => this.#store.find('extensions', { extension: target }))
    if (name) tries.push(() => this.#store.find('extensions', { name }))
    if (name) tries.push(() => this.#store.find('extensions', { extension: name }))
    if (target) tries.push(() => this.#store.find('extensions', { name: target }))
    for (const attempt of tries) {
      const own = (await attempt()).filter((row) => row.customer_id === customerId)
      const newestFirst = [...own].sort((a, b) => b.tm_create_us - a.tm_create_us)
      const found = newestFirst.find((row) => isRegistered(row.id)) ?? newestFirst[0]
      if (found) return toExtension(found)
    }
    return null
  }

  /** A number of any customer of this server; digits without `+` count too. */
  async ownNumber(user: string): Promise<OwnNumber | null> {
    const number = user.startsWith('+') ? user : `+${user}`
    if (!/^\+\d{3,20}$/.test(number)) return null
    const row = (await this.#store.find('numbers', { number }, 1))[0]
    if (!row) return null
    return {
      id: row.id,
      customerId: row.customer_id,
      number,
      callFlowId: String(row.doc['call_flow_id'] ?? ''),
      disclosure: String(row.doc['disclosure'] ?? ''),
    }
  }

  /** The customer's oldest number, or null. */
  async firstNumber(customerId: string): Promise<string | null> {
    let oldest: Row | null = null
    for (let page = 0; page < MAX_PAGES; page++) {
      const before = oldest ? { before: { us: oldest.tm_create_us, id: oldest.id } } : {}
      const rows = await this.#store.list({ table: 'numbers', customer_id: customerId, limit: PAGE, ...before })
      oldest = rows.at(-1) ?? oldest
      if (rows.length < PAGE) break
    }
    return oldest ? String(oldest.doc['number'] ?? '') : null
  }

  /** What an agent of a customer is reached by: by id or username (contract §4). */
  async agentAddresses(customerId: string, address: Address): Promise<readonly Address[]> {
    const { target, target_name: name } = address
    const byId = isUuid(target) ? await this.#store.get('agents', customerId, target) : null
    const named = byId ? [] : await this.#store.find('agents', { username: target || name }, 1)
    const agent = byId ?? named.find((row) => row.customer_id === customerId)
    const addresses = (agent?.doc['addresses'] ?? []) as unknown as readonly Partial<Address>[]
    return addresses.map((one) => ({ ...BLANK, ...one }))
  }
}

function toExtension(row: Row): Extension {
  return {
    id: row.id,
    customerId: row.customer_id,
    extension: String(row.doc['extension'] ?? ''),
    name: String(row.doc['name'] ?? ''),
    password: String(row.doc['password'] ?? ''),
  }
}
