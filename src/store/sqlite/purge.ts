/** Taking records away for good, in batches small enough that no commit waits for long. */

import type { Purge, TableName } from '../port.ts'
import type { Column } from '../rows.ts'
import type { Statements } from '../statements.ts'
import type { Prepared } from './prepared.ts'

export interface PurgeWorld {
  readonly prepared: Prepared
  readonly statements: Statements
  /** Removes a row with what hangs on it. */
  readonly remove: (table: TableName, id: string) => void
}

/** @returns how many records went. To be called inside a transaction. */
export function carryOutPurge(world: PurgeWorld, purge: Purge): number {
  switch (purge.kind) {
    case 'events':
      return removeEvents(world, idsOf(world, 'old events', [purge.customer_id, purge.limit, purge.before_us]), purge)
    case 'eventsOfCall':
      return removeEvents(world, idsOf(world, 'call events', [purge.call_id, purge.customer_id, purge.limit]), purge)
    case 'inputLogs':
      return world.prepared.run('purge logs', () => world.statements.removeOldLogs(), [
        purge.customer_id,
        purge.before_us,
        purge.limit,
      ])
    case 'inputLog':
      return world.prepared.run('purge log', () => world.statements.removeLog(), [purge.call_id, purge.customer_id])
    case 'deleted':
      return removeDeleted(world, purge)
    case 'traces':
      return 0
    default:
      return purge satisfies never
  }
}

/** Events that carry a transcript. */
export function removeEventsOf(world: Omit<PurgeWorld, 'remove'>, customerId: string, transcriptId: string): void {
  removeEvents(world, idsOf(world, 'subject events', [transcriptId, customerId]), { customer_id: customerId })
}

function idsOf(
  { prepared, statements }: Omit<PurgeWorld, 'remove'>,
  name: EventSet,
  values: readonly Column[],
): readonly string[] {
  return prepared.all(name, () => statements.eventIds(name), values).map((found) => String(found['id']))
}

type EventSet = 'old events' | 'call events' | 'subject events'

/** With their deliveries. The newest cursor of the customer is remembered: it never comes again. */
function removeEvents(
  world: Omit<PurgeWorld, 'remove'>,
  ids: readonly string[],
  { customer_id }: { customer_id: string },
): number {
  if (ids.length === 0) return 0
  const { prepared, statements } = world
  prepared.run('keep floor', () => statements.keepFloor(), [customer_id])
  for (const id of ids) {
    prepared.run('remove deliveries', () => statements.removeDeliveries(), [id, id])
    prepared.run('remove event', () => statements.removeEvent(), [id])
  }
  return ids.length
}

function removeDeleted(world: PurgeWorld, purge: Purge & { readonly kind: 'deleted' }): number {
  const { table, before_us: beforeUs, customer_id: customerId, limit } = purge
  const { prepared, statements } = world
  const over = customerId === undefined ? 'all' : 'customer'
  const values = [beforeUs, ...(customerId === undefined ? [] : [customerId]), limit]
  const found = prepared.all(`deleted ${table} ${over}`, () => statements.deletedRows(table, over), values)
  for (const { id } of found) world.remove(table, String(id))
  return found.length
}
