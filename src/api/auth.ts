/** Who is asking (contract §2.1): one credential, in any of five places, of two kinds. */

import type { IncomingHttpHeaders } from 'node:http'
import { TOKEN_MARK } from '../contract/accesskey.ts'
import { type AgentDoc, newAgent, PERMISSION } from '../contract/agent.ts'
import { AppError } from '../contract/errors.ts'
import { parseTimestamp } from '../kernel/ids.ts'
import type { ApiDeps } from './deps.ts'
import { readAgentToken } from './jwt.ts'
import { Ledger } from './ledger.ts'
import { tokenHash } from './secrets.ts'

export interface Identity {
  readonly customerId: string
  /** Null with an access key. */
  readonly agentId: string | null
  /** With an access key a synthetic one, permission 32. */
  readonly agent: AgentDoc
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
  const url = asking.url ?? ''
  const mark = url.indexOf('?')
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
  const cookies = readCookies(asking.headers.cookie ?? '')
  const bearer = /^Bearer +(\S+) *$/i.exec(asking.headers.authorization ?? '')?.[1]
  const places = [
    ...CREDENTIAL_NAMES.map((name) => query.get(name)),
    bearer,
    ...CREDENTIAL_NAMES.map((name) => cookies.get(name)),
  ]
  return places.find((found) => found) ?? null
}

function readCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
  }
  return cookies
}

/**
 * Makes the function that names the asker of a request or a WebSocket upgrade. It answers null for no credential and for
 * a bad one, and throws AppError SERVICE_UNAVAILABLE when the store cannot be read.
 */
export function authenticator(
  deps: Pick<ApiDeps, 'store' | 'records' | 'clock' | 'randomBytes' | 'settings'>,
): Authenticate {
  const ledger = new Ledger(deps)
  return async (asking) => {
    const credential = credentialOf(asking)
    if (credential === null) return null
    return credential.startsWith(TOKEN_MARK) ? byAccessKey(ledger, deps, credential) : byToken(ledger, deps, credential)
  }
}

async function byAccessKey(ledger: Ledger, deps: Pick<ApiDeps, 'clock'>, token: string): Promise<Identity | null> {
  const [row] = await ledger.find('accesskeys', { token_hash: tokenHash(token) }, 1)
  if (!row) return null
  const expires = row.doc['tm_expire']
  if (typeof expires === 'string' && (parseTimestamp(expires) ?? 0) <= deps.clock.wallMicros()) return null
  const agent = newAgent({
    id: row.id,
    customerId: row.customer_id,
    username: '',
    name: String(row.doc['name'] ?? ''),
    permission: PERMISSION.customerAdmin,
    tmCreate: String(row.doc['tm_create']),
  })
  return { customerId: row.customer_id, agentId: null, agent }
}

async function byToken(
  ledger: Ledger,
  deps: Pick<ApiDeps, 'clock' | 'settings'>,
  token: string,
): Promise<Identity | null> {
  const named = await readAgentToken(token, deps.settings.jwtKey, deps.clock.wallMicros())
  if (!named) return null
  const row = await ledger.maybe('agents', named.customerId, named.agentId)
  if (!row) return null
  return { customerId: row.customer_id, agentId: row.id, agent: row.doc as unknown as AgentDoc }
}

/** @throws AppError AUTHENTICATION_REQUIRED without a credential, INVALID_CREDENTIALS with a bad one */
export async function requireIdentity(authenticate: Authenticate, asking: Asking): Promise<Identity> {
  const identity = await authenticate(asking)
  if (identity) return identity
  throw new AppError(credentialOf(asking) === null ? 'AUTHENTICATION_REQUIRED' : 'INVALID_CREDENTIALS')
}
