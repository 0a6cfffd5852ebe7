/**
 * What is written for a call that died without its own machine being there to say so: after a kill, or after a bug of
 * ours. Hang-up first, then what it caused (contract §15).
 */

import type { Micros } from '../kernel/clock.ts'
import { timestamp } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Row, TableName } from '../store/port.ts'
import type { NewEvent } from './ports.ts'
import { usageOfLost } from './usage.ts'

export interface Remains {
  readonly call: Row
  readonly transcribes: readonly Row[]
  readonly speakings: readonly Row[]
  readonly activeflows: readonly Row[]
  /** Number of the call's last stored event. */
  readonly lastSeq: number
  /** When that event was stored: what was up then has been up so long. Absent: until now. */
  readonly lastToldUs?: Micros
}

export interface Burial {
  readonly rows: readonly { readonly table: TableName; readonly row: Row }[]
  readonly events: readonly NewEvent[]
}

/** A groupcall, or a run without a call, that is not there any more to say so itself. */
export function buryAlone(table: 'groupcalls' | 'activeflows', row: Row, wall: Micros): Burial {
  const [status, type] = table === 'groupcalls' ? ['hangup', 'groupcall_hangup'] : ['ended', 'activeflow_deleted']
  const doc: JsonObject = { ...row.doc, status, tm_update: timestamp(wall) }
  const event = { type, customerId: row.customer_id, callId: null, seq: null, offsetMs: null, data: doc }
  return { rows: [{ table, row: { ...row, keys: { ...row.keys, status }, doc } }], events: [event] }
}

/** Live rows only; what is final already is left alone. */
export function bury(remains: Remains, wall: Micros): Burial {
  const { call } = remains
  const rows: { table: TableName; row: Row }[] = []
  const events: NewEvent[] = []
  let stamp = wall
  let seq = remains.lastSeq
  const close = (
    table: TableName,
    row: Row,
    changes: JsonObject,
    keys: { status: string },
    types: readonly string[],
  ): void => {
    const doc: JsonObject = { ...row.doc, ...changes, tm_update: timestamp(stamp++) }
    rows.push({ table, row: { ...row, keys: { ...row.keys, ...keys }, doc } })
    for (const type of types) {
      const offsetMs = Math.max(0, Math.round((wall - call.tm_create_us) / 1000))
      events.push({ type, customerId: row.customer_id, callId: call.id, seq: ++seq, offsetMs, data: doc })
    }
  }
  if (call.keys['status'] !== 'hangup') {
    const changes = { status: 'hangup', hangup_reason: 'failed', hangup_by: 'local', tm_hangup: timestamp(wall) }
    close('calls', call, changes, { status: 'hangup' }, ['call_hangup'])
  }
  rows.push({ table: 'usages', row: usageOfLost(call, remains.lastToldUs ?? wall, wall) })
  for (const row of remains.activeflows)
    close('activeflows', row, { status: 'ended' }, { status: 'ended' }, ['activeflow_deleted'])
  for (const row of remains.transcribes) {
    close('transcribes', row, { status: 'done', status_reason: 'call_ended' }, { status: 'done' }, ['transcribe_done'])
  }
  for (const row of remains.speakings)
    close('speakings', row, { status: 'stopped' }, { status: 'stopped' }, ['speaking_stopped'])
  return { rows, events }
}
