/**
 * Trunks, providers and routes of all customers as signalling sees them: who a call from outside may be, and where calls go
 * out. Kept in memory, and read anew after a change.
 */

import type { Gateway, Route } from '../calls/routing.ts'
import { GATEWAY_TRANSPORTS } from '../contract/gateway.ts'
import { addressBytes, type IpRange, isWithinRange, parseRange } from '../contract/ip-range.ts'
import type { ProviderDoc } from '../contract/provider.ts'
import type { RouteDoc } from '../contract/route.ts'
import type { RegistrationDoc, TrunkDoc } from '../contract/trunk.ts'
import type { Row, Store, TableName } from '../store/port.ts'

/** Somebody outside who may bring calls to the numbers of one customer. */
export interface Peer {
  readonly kind: 'trunk' | 'provider'
  readonly id: string
  readonly customerId: string
  /** Addresses it may call from without credentials. */
  readonly ranges: readonly IpRange[]
  /** Credentials it may call with; null: none. */
  readonly account: { readonly username: string; readonly password: string } | null
  /** First label of its own domain, '' for none. */
  readonly domain: string
  /** Taken off the numbers it calls. */
  readonly techPrefix: string
  readonly gateway: Gateway
}

/** A trunk that registers at a carrier. */
export interface Registering {
  readonly trunkId: string
  readonly customerId: string
  readonly registration: RegistrationDoc
  readonly transport: Gateway['transport']
  readonly verify: boolean
  readonly credentials: { readonly username: string; readonly password: string }
}

const MOST_ROWS = 1_000_000

export class Peers {
  readonly #store: Pick<Store, 'find'>
  #book: Promise<PeerBook> | null = null

  constructor(store: Pick<Store, 'find'>) {
    this.#store = store
  }

  /** What is known is out of date. */
  changed(): void {
    this.#book = null
  }

  /** Rejects when the store cannot be read. */
  book(): Promise<PeerBook> {
    const reading = this.#book ?? this.#read()
    this.#book = reading
    reading.catch(() => {
      if (this.#book === reading) this.#book = null
    })
    return reading
  }

  async #read(): Promise<PeerBook> {
    const [trunks, providers, routes] = await Promise.all([
      this.#rows('trunks'),
      this.#rows('providers'),
      this.#rows('routes'),
    ])
    return new PeerBook([...providers.map(providerPeer), ...trunks.map(trunkPeer)], routes, trunks.map(registeringOf))
  }

  /** Oldest first. */
  async #rows(table: TableName): Promise<readonly Row[]> {
    const rows = await this.#store.find(table, {}, MOST_ROWS)
    return [...rows].sort((a, b) => a.tm_create_us - b.tm_create_us)
  }
}

export class PeerBook {
  readonly registering: readonly Registering[]
  readonly #peers: readonly Peer[]
  readonly #byId: ReadonlyMap<string, Peer>
  readonly #routes = new Map<string, Route[]>()

  constructor(peers: readonly Peer[], routes: readonly Row[], registering: readonly (Registering | null)[]) {
    this.#peers = peers
    this.#byId = new Map(peers.map((peer) => [peer.id, peer]))
    this.registering = registering.filter((one) => one !== null)
    for (const row of routes) {
      const own = this.#routes.get(row.customer_id) ?? []
      own.push(routeOf(row))
      this.#routes.set(row.customer_id, own)
    }
  }

  byId(id: string): Peer | null {
    return this.#byId.get(id) ?? null
  }

  /** All that may call from this address without credentials. */
  bySource(address: string): readonly Peer[] {
    const bytes = addressBytes(address)
    if (!bytes) return []
    return this.#peers.filter(({ ranges }) => ranges.some((range) => isWithinRange(bytes, range)))
  }

  /** @param label first label of `<label>.trunk.<base domain>` */
  byDomain(label: string): Peer | null {
    return (label !== '' && this.#peers.find(({ domain }) => domain === label)) || null
  }

  /** The trunk with these credentials, when it is the only one of that name. */
  byUsername(username: string): Peer | null {
    const found = this.#peers.filter(({ account }) => account !== null && account.username === username)
    return found.length === 1 ? found[0]! : null
  }

  /** Where calls of a customer may go out, in the order they were made, providers first. */
  gatewaysOf(customerId: string): readonly Gateway[] {
    return this.#peers.filter((peer) => peer.customerId === customerId).map(({ gateway }) => gateway)
  }

  routesOf(customerId: string): readonly Route[] {
    return this.#routes.get(customerId) ?? []
  }
}

function routeOf(row: Row): Route {
  const { target, countries, priority, provider_id, trunk_id } = row.doc as unknown as RouteDoc
  return { id: row.id, target, countries, priority, providerId: provider_id, trunkId: trunk_id }
}

function providerPeer(row: Row): Peer {
  const doc = row.doc as unknown as ProviderDoc
  const password = String(row.hidden['password'] ?? '')
  const { username, tech_prefix: techPrefix, tech_postfix: techPostfix, tech_headers: techHeaders, priority } = doc
  const credentials = username === '' || password === '' ? null : { username, password }
  const gateway = { ...gatewayOf(row, doc), kind: 'provider' as const, credentials, username }
  return {
    kind: 'provider',
    id: row.id,
    customerId: row.customer_id,
    ranges: rangesOf(doc),
    account: null,
    domain: '',
    techPrefix,
    gateway: { ...gateway, techPrefix, techPostfix, techHeaders, priority },
  }
}

function trunkPeer(row: Row): Peer {
  const doc = row.doc as unknown as TrunkDoc
  const password = String(row.hidden['password'] ?? '')
  const { username, auth_types: types, registration } = doc
  const own = username === '' || password === '' ? null : { username, password }
  const registered = registeringOf(row)
  const gateway = {
    ...gatewayOf(row, doc),
    ...(doc.hostname === '' && registered ? placeOf(registration.registrar, doc.transport) : {}),
    kind: 'trunk' as const,
    credentials: registered?.credentials ?? own,
    username: registration.username || username,
  }
  return {
    kind: 'trunk',
    id: row.id,
    customerId: row.customer_id,
    ranges: types.includes('ip') ? rangesOf(doc) : [],
    account: types.includes('basic') ? own : null,
    domain: doc.domain_name,
    techPrefix: '',
    gateway: { ...gateway, techPrefix: '', techPostfix: '', techHeaders: {}, priority: 0 },
  }
}

/** A gateway known by its address calls from there too; names are for those that list their addresses. */
function rangesOf({ allowed_ips, hostname }: ProviderDoc | TrunkDoc): readonly IpRange[] {
  return [...allowed_ips, hostname].map(parseRange).filter((range) => range !== null)
}

function gatewayOf(row: Row, doc: ProviderDoc | TrunkDoc) {
  const { hostname, port, transport, number_format: numberFormat, caller_id: callerId } = doc
  const { codecs, srtp, setup_timeout: setupTimeoutMs, tls_verify: verify } = doc
  return { id: row.id, hostname, port, transport, numberFormat, callerId, setupTimeoutMs, codecs, srtp, verify }
}

function registeringOf(row: Row): Registering | null {
  const { registration, transport, username, tls_verify: verify } = row.doc as unknown as TrunkDoc
  if (registration.registrar === '') return null
  const { password, registration_password: own } = row.hidden
  return {
    trunkId: row.id,
    customerId: row.customer_id,
    registration: { ...registration, username: registration.username || username },
    transport: transportOf(registration.registrar, transport),
    verify,
    credentials: {
      username: registration.auth_username || registration.username || username,
      password: String(own || password || ''),
    },
  }
}

/** Host, port and transport of `sip:host:port;transport=tcp`, for a trunk that sends its calls to its registrar. */
function placeOf(registrar: string, otherwise: Gateway['transport']): Pick<Gateway, 'hostname' | 'port' | 'transport'> {
  const match = /^(?:sips?:)?(\[[^\]]*\]|[^:;]*)(?::(\d+))?/i.exec(registrar)
  return { hostname: match?.[1] ?? '', port: Number(match?.[2] ?? 0), transport: transportOf(registrar, otherwise) }
}

/** What a registrar's URI says of the transport comes before what the trunk does (`sips:` means TLS). */
function transportOf(registrar: string, otherwise: Gateway['transport']): Gateway['transport'] {
  if (/^sips:/i.test(registrar)) return 'tls'
  const named = /;transport=(\w+)/i.exec(registrar)?.[1]?.toLowerCase()
  return GATEWAY_TRANSPORTS.find((one) => one === named) ?? otherwise
}
