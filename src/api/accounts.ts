/** Accounts: customers with their first agent, access keys, sign-in. Used by the routes and by a node's first start. */

import { type NewAccesskeyDoc, newAccesskey, PREFIX_CHARS } from '../contract/accesskey.ts'
import { usernameKey } from '../contract/account.ts'
import { type AgentDoc, newAgent, PERMISSION } from '../contract/agent.ts'
import { type CustomerDoc, newCustomer } from '../contract/customer.ts'
import { AppError } from '../contract/errors.ts'
import { rowOf, type TableRow } from '../contract/row.ts'
import { timestamp } from '../kernel/ids.ts'
import type { ApiDeps } from './deps.ts'
import { Ledger, recordEvent } from './ledger.ts'
import { hashPassword, verifyPassword } from './password.ts'
import { newToken, newUuid, newWebhookSecret, tokenHash } from './secrets.ts'

export type AccountDeps = Pick<ApiDeps, 'store' | 'records' | 'clock' | 'randomBytes'>

/** Life of the key that sign-up gives. */
export const SIGNUP_KEY_SECONDS = 365 * 24 * 60 * 60
/** Longest life that still fits the form of a timestamp; longer ones are cut to it. */
const LAST_MOMENT_US = Date.UTC(9999, 11, 31, 23, 59, 59) * 1000

export interface AccountWish {
  readonly username: string
  /** None: the account is used by its access key only. */
  readonly password?: string | undefined
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly detail?: string | undefined
  readonly phoneNumber?: string | undefined
  readonly address?: string | undefined
  readonly webhookMethod?: CustomerDoc['webhook_method'] | undefined
  readonly webhookUri?: string | undefined
}

export interface Account {
  readonly customer: CustomerDoc
  readonly agent: AgentDoc
  /** With the token, shown this once. */
  readonly accesskey: NewAccesskeyDoc
}

/** @returns the new account, or 'taken' when the username is in use */
export async function createAccount(deps: AccountDeps, wish: AccountWish): Promise<Account | 'taken'> {
  const passwordHash = wish.password ? await hashPassword(wish.password, deps.randomBytes) : null
  const tmCreate = timestamp(deps.clock.wallMicros())
  const customer = newCustomer({
    id: newUuid(deps.randomBytes),
    name: wish.name ?? wish.username,
    detail: wish.detail ?? '',
    email: wish.email ?? '',
    phoneNumber: wish.phoneNumber ?? '',
    address: wish.address ?? '',
    webhookMethod: wish.webhookMethod,
    webhookUri: wish.webhookUri,
    webhookSecret: newWebhookSecret(deps.randomBytes),
    tmCreate,
  })
  const agent = newAgent({
    id: newUuid(deps.randomBytes),
    customerId: customer.id,
    username: wish.username,
    name: wish.name ?? wish.username,
    permission: PERMISSION.customerAdmin,
    tmCreate,
  })
  const key = makeKey(deps, { customerId: customer.id, name: 'sign-up', expireSeconds: SIGNUP_KEY_SECONDS })
  const rows = [
    rowOf('customers', customer, {}, { email: customer.email }),
    rowOf('agents', agent, { password_hash: passwordHash }, { username: usernameKey(wish.username) }),
    key.row,
  ]
  const done = await deps.records.save({ rows, events: [] })
  if (done.ok) return { customer, agent, accesskey: key.doc }
  if (done.kind === 'refused' && done.reason === 'TAKEN:agents.username') return 'taken'
  throw new AppError('SERVICE_UNAVAILABLE', { cause: done })
}

export interface KeyWish {
  readonly customerId: string
  readonly name?: string
  readonly detail?: string
  /** 0 = never. */
  readonly expireSeconds: number
}

/** @returns the key with its token: the only time it can be read */
export async function createAccessKey(deps: AccountDeps, wish: KeyWish): Promise<NewAccesskeyDoc> {
  const key = makeKey(deps, wish)
  const { token: _, ...shown } = key.doc
  await new Ledger(deps).save({
    rows: [key.row],
    events: [recordEvent('accesskey_created', wish.customerId, shown)],
  })
  return key.doc
}

function makeKey(deps: AccountDeps, wish: KeyWish): { readonly doc: NewAccesskeyDoc; readonly row: TableRow } {
  const token = newToken(deps.randomBytes)
  const wall = deps.clock.wallMicros()
  const expires = Math.min(wall + wish.expireSeconds * 1_000_000, LAST_MOMENT_US)
  const doc = newAccesskey({
    id: newUuid(deps.randomBytes),
    customerId: wish.customerId,
    name: wish.name ?? '',
    detail: wish.detail ?? '',
    tokenPrefix: token.slice(0, PREFIX_CHARS),
    tmExpire: wish.expireSeconds > 0 ? timestamp(Math.floor(expires)) : null,
    tmCreate: timestamp(wall),
  })
  return { doc: { ...doc, token }, row: rowOf('accesskeys', doc, {}, { token_hash: tokenHash(token) }) }
}

/** A hash that no password has: verified for unknown users, so that they take as long as known ones. */
let decoy: Promise<string> | null = null

/** @returns the agent, or null for an unknown user or a wrong password; both take equally long */
export async function signIn(deps: AccountDeps, username: string, password: string): Promise<AgentDoc | null> {
  const [row] = await new Ledger(deps).find('agents', { username: usernameKey(username) }, 1)
  const stored = row?.hidden['password_hash']
  decoy ??= hashPassword(newToken(deps.randomBytes), deps.randomBytes)
  const isRight = await verifyPassword(password, typeof stored === 'string' ? stored : await decoy)
  return row && isRight && typeof stored === 'string' ? (row.doc as unknown as AgentDoc) : null
}
