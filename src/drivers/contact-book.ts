/** Keeps registrations over a restart, so that phones ring again before they have registered anew. */

import type { Records } from '../calls/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { Contact, Flow } from '../sip/types.ts'
import type { Store } from '../store/port.ts'

interface Deps {
  readonly store: Store
  readonly records: Records
  readonly clock: Clock
  readonly log: Log
}

/** One row an extension, its id that of the extension. */
export async function keepContacts(deps: Deps, extensionId: string, contacts: readonly Contact[]): Promise<void> {
  const { store, records, clock, log } = deps
  if (contacts.length === 0) {
    await records.save({ events: [], removals: [{ table: 'contacts', id: extensionId }] })
    return
  }
  const extension = await store.getAnyCustomer('extensions', extensionId)
  if (!extension) return
  const wall = clock.wallMicros()
  const kept = contacts.map((contact) => ({
    uri: contact.uri,
    flow: contact.flow as unknown as JsonObject,
    expires_us: wall + Math.round((contact.expiresAt - clock.now()) * 1000),
    sip_call_id: contact.sipCallId,
    cseq: contact.cseq,
    user_agent: contact.userAgent,
    ...(contact.path ? { path: contact.path } : {}),
    ...(contact.instance === undefined ? {} : { instance: contact.instance }),
    ...(contact.regId === undefined ? {} : { reg_id: contact.regId }),
  }))
  const row = {
    id: extensionId,
    customer_id: extension.customer_id,
    tm_create_us: wall,
    tm_delete_us: null,
    keys: { extension_id: extensionId },
    doc: { tm_update: timestamp(wall) },
    hidden: { contacts: kept },
  }
  const result = await records.save({ rows: [{ table: 'contacts', row }], events: [] })
  if (!result.ok) log.warn({ extension_id: extensionId }, 'registration could not be stored')
}

export async function keptContacts(deps: Deps): Promise<{ extensionId: string; contacts: Contact[] }[]> {
  const { store, clock } = deps
  const wall = clock.wallMicros()
  const rows = await store.find('contacts', {}, 1_000_000)
  return rows.map((row) => {
    const kept = (row.hidden['contacts'] ?? []) as unknown as {
      uri: string
      flow: Flow
      expires_us: number
      sip_call_id: string
      cseq: number
      user_agent: string
      path?: readonly string[]
      instance?: string
      reg_id?: number
    }[]
    const contacts = kept
      .filter((one) => one.expires_us > wall && one.flow.transport === 'udp')
      .map((one) => ({
        uri: one.uri,
        flow: one.flow,
        expiresAt: clock.now() + (one.expires_us - wall) / 1000,
        sipCallId: one.sip_call_id,
        cseq: one.cseq,
        userAgent: one.user_agent,
        ...(one.path ? { path: one.path } : {}),
        ...(one.instance === undefined ? {} : { instance: one.instance }),
        ...(one.reg_id === undefined ? {} : { regId: one.reg_id }),
      }))
    return { extensionId: row.id, contacts }
  })
}
