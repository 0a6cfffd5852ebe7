/**
 * Credentials seen within the last seconds, so that a busy client's requests need no look-up each. A change of the row
 * behind one forgets it at once; a change made by another process is seen when `TRUST_MS` have passed.
 */

import type { Micros, Millis } from '../kernel/clock.ts'
import type { Row, Store, TableName } from '../store/port.ts'
import type { Identity } from './auth.ts'

const TRUST_MS = 5_000
const MOST = 10_000

interface Known {
  readonly identity: Identity
  /** When the credential itself ends; null = never. */
  readonly expires: Micros | null
  /** The row that stands behind it. */
  readonly rowId: string
  readonly until: Millis
}

/** What a change holds that this must hear of. */
interface Changed {
  readonly rows?: readonly { readonly table: TableName; readonly row: Pick<Row, 'id'> }[]
  readonly removals?: readonly { readonly table: TableName; readonly id: string }[]
}

const BEHIND_CREDENTIALS: readonly TableName[] = ['accesskeys', 'agents', 'extensions', 'flows']

export class KnownCredentials {
  readonly #byHash = new Map<string, Known>()
  #changes = 0

  /** @param hash of the credential */
  get(hash: string, now: Millis, wall: Micros): Identity | null {
    const known = this.#byHash.get(hash)
    if (!known) return null
    const isOver = known.until <= now || (known.expires !== null && known.expires <= wall)
    if (!isOver) return known.identity
    this.#byHash.delete(hash)
    return null
  }

  /** A mark to take before a look-up: what was found is kept only if nothing has changed since. */
  get mark(): number {
    return this.#changes
  }

  keep(hash: string, known: Omit<Known, 'until'>, now: Millis, mark: number): void {
    if (mark !== this.#changes) return
    if (this.#byHash.size >= MOST) this.#byHash.clear()
    this.#byHash.set(hash, { ...known, until: now + TRUST_MS })
  }

  /** To be called when a change begins to be written, and again when it is. */
  note({ rows = [], removals = [] }: Changed): void {
    for (const { table, row } of rows) if (BEHIND_CREDENTIALS.includes(table)) this.#forget(row.id)
    for (const { table, id } of removals) if (BEHIND_CREDENTIALS.includes(table)) this.#forget(id)
  }

  #forget(rowId: string): void {
    this.#changes++
    for (const [hash, known] of this.#byHash) if (known.rowId === rowId) this.#byHash.delete(hash)
  }
}

const ofStore = new WeakMap<Store, KnownCredentials>()

/** All that read and write one store share what is known of its credentials. */
export function knownCredentials(store: Store): KnownCredentials {
  const before = ofStore.get(store)
  if (before) return before
  const known = new KnownCredentials()
  ofStore.set(store, known)
  return known
}
