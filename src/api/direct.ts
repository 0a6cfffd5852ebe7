/**
 * Direct access (contract §2.2 `/auth/boot`): a hash that may be handed out is exchanged for a token that reads one
 * resource and nothing else. The hash is found again through a row of `settings`.
 */

import type { FastifyRequest } from 'fastify'
import { AppError } from '../contract/errors.ts'
import type { EventName } from '../contract/events.ts'
import { changedRow, rowOf } from '../contract/row.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Identity } from './auth.ts'
import type { DirectAccess } from './jwt.ts'
import { type Ledger, recordEvent } from './ledger.ts'
import { type RandomBytes, randomText } from './secrets.ts'

const HASH_MARK = 'direct.'
const HEX = '0123456789abcdef'
const HASH_CHARS = 12

export interface DirectKind {
  readonly resourceType: DirectAccess['resourceType']
  readonly table: 'extensions' | 'flows'
  readonly notFound: 'EXTENSION_NOT_FOUND' | 'FLOW_NOT_FOUND'
  readonly updated: EventName
  /** The resource as events carry it. */
  readonly inEvent: (doc: JsonObject) => JsonObject
}

/** Gives a resource a new hash; the old one, and tokens made with it, are dead. @returns the resource */
export function regenerateHash(
  ledger: Ledger,
  randomBytes: RandomBytes,
  kind: DirectKind,
  customerId: string,
  id: string,
): Promise<JsonObject> {
  return ledger.inTurn(id, async () => {
    const row = await ledger.row(kind.table, customerId, id, kind.notFound)
    const hash = HASH_MARK + randomText(randomBytes, HEX, HASH_CHARS)
    const saved = changedRow(kind.table, row, { direct_hash: hash }, ledger.time())
    const note = { id: ledger.newId(), customer_id: customerId, tm_create: ledger.time() }
    const target = { resource_type: kind.resourceType, resource_id: id }
    const old = await ledger.find('settings', { name: nameOf(String(row.doc['direct_hash'])) }, 1)
    await ledger.save({
      rows: [saved, rowOf('settings', note, target, { name: nameOf(hash) })],
      removals: old.map((one) => ({ table: 'settings', id: one.id })),
      events: [recordEvent(kind.updated, customerId, kind.inEvent(saved.row.doc))],
    })
    return saved.row.doc
  })
}

/** @returns what a hash opens, or null for an unknown one */
export async function resourceOfHash(ledger: Ledger, hash: string): Promise<DirectAccess | null> {
  if (!hash.startsWith(HASH_MARK)) return null
  const [row] = await ledger.find('settings', { name: nameOf(hash) }, 1)
  if (!row) return null
  const resourceType = row.hidden['resource_type'] as DirectAccess['resourceType']
  const resourceId = String(row.hidden['resource_id'])
  const table = resourceType === 'flow' ? 'flows' : 'extensions'
  const target = await ledger.maybe(table, row.customer_id, resourceId)
  if (target?.doc['direct_hash'] !== hash) return null
  return { customerId: row.customer_id, resourceType, resourceId, hash }
}

function nameOf(hash: string): string {
  return `direct:${hash}`
}

/** @throws AppError DIRECT_ACCESS_NOT_SUPPORTED when a direct token asks for anything but to read its resource */
export function requireReach({ direct }: Identity, request: FastifyRequest): void {
  if (!direct) return
  const own = `/v1.0/${direct.resourceType}s/:id`
  const { id } = request.params as { readonly id?: string }
  const isOwn = request.routeOptions.url === own && id?.toLowerCase() === direct.resourceId
  if (request.method !== 'GET' || !isOwn) throw new AppError('DIRECT_ACCESS_NOT_SUPPORTED')
}
