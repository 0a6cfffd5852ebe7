/** Who is asking (contract §2.1): one credential, in any of five places, of two kinds. */

import type { IncomingHttpHeaders } from 'node:http'
import { TOKEN_MARK } from '../contract/accesskey.ts'
import { type AgentDoc, newAgent, PERMISSION } from '../contract/agent.ts'
import { AppError } from '../contract/errors.ts'
import type { Micros } from '../kernel/clock.ts'
import { NIL_UUID, parseTimestamp } from '../kernel/ids.ts'
import type { ApiDeps } from './deps.ts'
import { type DirectAccess, readToken } from './jwt.ts'
import { knownCredentials } from './known-credentials.ts'
import { Ledger } from './ledger.ts'
import { tokenHash } from './secrets.ts'

export interface Identity {
  readonly customerId: string
  /** Null with an access key. */
  readonly agentId: string | null
  /** With an access key a synthetic one, permission 32. */
  readonly agent: AgentDoc
  /** Set: nothing but this resource may be reached. */
  readonly direct?: DirectAccess
}

/** What a request and an upgrade have in common. */
export interface Asking {
  /** Path and query. */
  readonly url?: string | undefined
  readonly headers: IncomingHttpHeaders
}

export type Authenticate = (asking: Asking) => Promise<Identity | null>

/** Query parameters and cookies that carry credentials; never logged. */
export const CREDENTIAL_NAMES = ['token', 'accesskey'] as const

/** @returns the first credential found, or null */
export function credentialOf(asking: Asking): string | null {
  const { headers, url = '' } = asking
  const mark = url.indexOf('?')
  return (
    (mark < 0 ? null : fromQuery(url.slice(mark + 1))) ??
    fromBearer(headers.authorization) ??
    (headers.cookie ? fromCookies(headers.cookie) : null)
  )
}

function fromQuery(query: string): string | null {
  const parameters = new URLSearchParams(query)
  for (const name of CREDENTIAL_NAMES) {
    const found = parameters.get(name)
    if (found) return found
  }
  return null
}

function fromBearer(header: string | undefined): string | null {
  return (header && /^Bearer +(\S+) *$/i.exec(header)?.[1]) || null
}

function fromCookies(header: string): string | null {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
  }
  for (const name of CREDENTIAL_NAMES) {
    const found = cookies.get(name)
    if (found) return found
  }
  return null
}

type AuthDeps = Pick<ApiDeps, 'store' | 'records' | 'clock' | 'randomBytes' | 'settings'>

/**
 * Makes the function that names the asker of a request or a WebSocket upgrade. It answers null for no credential and for
 * a bad one, and throws AppError SERVICE_UNAVAILABLE when the store cannot be read.
 *
 * @param withDirect whether tokens of a direct hash are taken, too: whoever takes them must look at `identity.direct`
 */
export function authenticator(deps: AuthDeps, withDirect = false): Authenticate {
  const ledger = new Ledger(deps)
  const known = knownCredentials(deps.store)
  return async (asking) => {
    const credential = credentialOf(asking)
    if (credential === null) return null
    const hash = tokenHash(credential)
    const before = known.get(hash, deps.clock.now(), deps.clock.wallMicros())
    if (before) return before.direct && !withDirect ? null : before
    const { mark } = known
    const found = await lookUp(ledger, deps, credential, hash)
    if (!found) return null
    known.keep(hash, found, deps.clock.now(), mark)
    return found.identity.direct && !withDirect ? null : found.identity
  }
}

interface Found {
  readonly identity: Identity
  readonly expires: Micros | null
  readonly rowId: string
}

function lookUp(ledger: Ledger, deps: AuthDeps, credential: string, hash: string): Promise<Found | null> {
  return credential.startsWith(TOKEN_MARK) ? byAccessKey(ledger, deps, hash) : byToken(ledger, deps, credential)
}

async function byAccessKey(ledger: Ledger, deps: AuthDeps, hash: string): Promise<Found | null> {
  const [row] = await ledger.find('accesskeys', { token_hash: hash }, 1)
  if (!row) return null
  const end = row.doc['tm_expire']
  const expires = typeof end === 'string' ? (parseTimestamp(end) ?? 0) : null
  if (expires !== null && expires <= deps.clock.wallMicros()) return null
  const agent = newAgent({
    id: row.id,
    customerId: row.customer_id,
    username: '',
    name: String(row.doc['name'] ?? ''),
    permission: PERMISSION.customerAdmin,
    tmCreate: String(row.doc['tm_create']),
  })
  return { identity: { customerId: row.customer_id, agentId: null, agent }, expires, rowId: row.id }
}

async function byToken(ledger: Ledger, deps: AuthDeps, token: string): Promise<Found | null> {
  const claims = await readToken(token, deps.settings.jwtKey, deps.clock.wallMicros())
  if (!claims) return null
  if (claims.kind === 'direct') return byDirect(ledger, claims.direct, claims.expires)
  const row = await ledger.maybe('agents', claims.customerId, claims.agentId)
  if (!row) return null
  const identity = { customerId: row.customer_id, agentId: row.id, agent: row.doc as unknown as AgentDoc }
  return { identity, expires: claims.expires, rowId: row.id }
}

const DIRECT_TABLES = { extension: 'extensions', flow: 'flows' } as const

/** Good as long as the resource is there and still has the hash that the token was made for. */
async function byDirect(ledger: Ledger, direct: DirectAccess, expires: Micros): Promise<Found | null> {
  const { customerId, resourceType, resourceId } = direct
  const row = await ledger.maybe(DIRECT_TABLES[resourceType], customerId, resourceId)
  if (row?.doc['direct_hash'] !== direct.hash) return null
  const agent = newAgent({
    id: NIL_UUID,
    customerId,
    username: '',
    permission: 0,
    tmCreate: String(row.doc['tm_create']),
  })
  return { identity: { customerId, agentId: null, agent, direct }, expires, rowId: row.id }
}

/** @throws AppError AUTHENTICATION_REQUIRED without a credential, INVALID_CREDENTIALS with a bad one */
export async function requireIdentity(authenticate: Authenticate, asking: Asking): Promise<Identity> {
  const identity = await authenticate(asking)
  if (identity) return identity
  throw new AppError(credentialOf(asking) === null ? 'AUTHENTICATION_REQUIRED' : 'INVALID_CREDENTIALS')
}
