/** Questions to the name service with a short memory: for records that are there as well as for those that are not. */

import { lookup, NODATA, NOTFOUND, Resolver } from 'node:dns/promises'
import type { Clock, Millis } from '../kernel/clock.ts'
import type { NameService, Naptr, Srv } from './port.ts'

export interface ResolverOptions {
  readonly clock: Clock
  /** Address or address:port; empty: the system's, and names of its hosts file too. */
  readonly servers: readonly string[]
}

/** Of one question to one server, and how often it is asked. */
const TIMEOUT_MS = 1_500
const TRIES = 2
/** Records whose own time the system does not tell. */
const UNTOLD_MS = 60_000
const LONGEST_MS = 300_000
const SHORTEST_MS = 1_000
/** "No such name" is remembered a while, a server that does not answer only so long that calls do not all wait for it. */
const ABSENT_MS = 30_000
const FAILED_MS = 5_000
const MOST_NAMES = 2_000

interface Known {
  readonly records: Promise<readonly unknown[]>
  until: Millis
}

export class DnsResolver implements NameService {
  readonly #clock: Clock
  readonly #usesHosts: boolean
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  readonly #known = new Map<string, Known>()

  constructor({ clock, servers }: ResolverOptions) {
    this.#clock = clock
    this.#usesHosts = servers.length === 0
    if (servers.length > 0) this.#resolver.setServers(servers)
  }

  naptr(name: string): Promise<readonly Naptr[]> {
    return this.#ask(`NAPTR ${name}`, async () => ({ records: await this.#resolver.resolveNaptr(name), ms: UNTOLD_MS }))
  }

  srv(name: string): Promise<readonly Srv[]> {
    return this.#ask(`SRV ${name}`, async () => ({ records: await this.#resolver.resolveSrv(name), ms: UNTOLD_MS }))
  }

  addresses(name: string, family: 4 | 6): Promise<readonly string[]> {
    return this.#ask(`A${family} ${name}`, async () => {
      const found = await this.#addresses(name, family).catch(async (cause: unknown) => {
        const inHosts = this.#usesHosts ? await hosts(name, family) : []
        if (inHosts.length === 0) throw cause
        return inHosts
      })
      return { records: found.map(({ address }) => address), ms: 1_000 * Math.min(...found.map(({ ttl }) => ttl)) }
    })
  }

  #addresses(name: string, family: 4 | 6): Promise<{ address: string; ttl: number }[]> {
    return family === 4 ? this.#resolver.resolve4(name, { ttl: true }) : this.#resolver.resolve6(name, { ttl: true })
  }

  /** One question at a time for one name; an empty list when there is no answer, for whatever reason. */
  #ask<T>(key: string, ask: () => Promise<{ records: readonly T[]; ms: number }>): Promise<readonly T[]> {
    const now = this.#clock.now()
    const known = this.#known.get(key)
    if (known && known.until > now) return known.records as Promise<readonly T[]>
    const asked = ask().then(
      ({ records, ms }) => {
        entry.until = this.#clock.now() + Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms))
        return records
      },
      (cause: unknown) => {
        entry.until = this.#clock.now() + (isAbsent(cause) ? ABSENT_MS : FAILED_MS)
        return []
      },
    )
    const entry: Known = { records: asked, until: Number.POSITIVE_INFINITY }
    this.#remember(key, entry)
    return asked
  }

  #remember(key: string, entry: Known): void {
    this.#known.delete(key)
    this.#known.set(key, entry)
    if (this.#known.size <= MOST_NAMES) return
    for (const oldest of this.#known.keys()) return void this.#known.delete(oldest)
  }
}

function isAbsent(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  return code === NODATA || code === NOTFOUND
}

async function hosts(name: string, family: 4 | 6): Promise<{ address: string; ttl: number }[]> {
  const found = await lookup(name, { all: true, family }).catch(() => [])
  return found.map(({ address }) => ({ address, ttl: UNTOLD_MS / 1_000 }))
}
