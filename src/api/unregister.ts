/**
 * Giving up an account (contract §2.2). Without `immediate` the wish is noted, thirty days ahead; with it nobody signs in
 * from now on, no phone registers and no number leads anywhere. What was recorded stays until it is erased.
 */

import { CONFIRMATION } from '../contract/account.ts'
import { AppError } from '../contract/errors.ts'
import { changedRow, deletedRow, type TableRow } from '../contract/row.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Row, TableName } from '../store/port.ts'
import type { Desk } from './app.ts'
import type { Identity } from './auth.ts'
import { type Ledger, recordEvent } from './ledger.ts'
import { verifyPassword } from './password.ts'

const GRACE_US = 30 * 24 * 60 * 60 * 1_000_000

export interface Farewell {
  readonly password?: string | undefined
  readonly confirmation_phrase?: string | undefined
  readonly immediate: boolean
}

/** @returns the customer. @throws AppError INVALID_ARGUMENT without proof, SIGN_IN_FAILED for a wrong password */
export async function unregister(desk: Desk, identity: Identity, wish: Farewell): Promise<JsonObject> {
  await requireProof(desk, identity, wish)
  const { customerId } = identity
  return desk.ledger.inTurn(customerId, async () => {
    const row = await desk.ledger.row('customers', customerId, customerId, 'CUSTOMER_NOT_FOUND')
    return wish.immediate ? closeAccount(desk, row) : noteWish(desk, row)
  })
}

/** A password where there is one to check: an access key has none, so it must spell the phrase out. */
async function requireProof({ ledger }: Desk, { agentId, customerId }: Identity, wish: Farewell): Promise<void> {
  if (wish.password !== undefined && agentId !== null) {
    const { hidden } = await ledger.row('agents', customerId, agentId, 'AGENT_NOT_FOUND')
    const stored = hidden['password_hash']
    if (typeof stored === 'string' && (await verifyPassword(wish.password, stored))) return
    throw new AppError('SIGN_IN_FAILED')
  }
  if (wish.confirmation_phrase === CONFIRMATION) return
  throw new AppError('INVALID_ARGUMENT', { message: `confirmation_phrase: must be "${CONFIRMATION}"` })
}

async function noteWish({ deps, ledger }: Desk, row: Row): Promise<JsonObject> {
  const due = timestamp(deps.clock.wallMicros() + GRACE_US)
  const saved = changedRow('customers', row, { tm_deletion_scheduled: due }, ledger.time())
  await ledger.save({ rows: [saved], events: [told(saved.row)] })
  return saved.row.doc
}

const GONE: readonly TableName[] = ['accesskeys', 'agents', 'extensions', 'numbers', 'trunks', 'providers', 'routes']

async function closeAccount({ deps, ledger }: Desk, row: Row): Promise<JsonObject> {
  const time = ledger.time()
  const customerId = row.customer_id
  const parts: TableRow[] = []
  for (const table of GONE) {
    for (const one of await allRows(ledger, table, customerId)) parts.push(deletedRow(table, one, time))
  }
  const last = { ...row, doc: { ...row.doc, status: 'deleted', tm_deletion_scheduled: time } }
  const saved = deletedRow('customers', last, time)
  await ledger.save({ rows: [...parts, saved], events: [told(saved.row)] })
  for (const { table, row: gone } of parts) if (table === 'extensions') deps.registrations.drop(gone.id)
  deps.trunks?.changed()
  return saved.row.doc
}

async function allRows(ledger: Ledger, table: TableName, customerId: string): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const last = rows.at(-1)
    const before = last ? { before: { us: last.tm_create_us, id: last.id } } : {}
    const more = await ledger.list({ table, customer_id: customerId, limit: 100, ...before })
    rows.push(...more)
    if (more.length < 100) return rows
  }
}

function told({ customer_id, doc: { webhook_secret: _, ...doc } }: Row) {
  return recordEvent('customer_updated', customer_id, doc)
}
