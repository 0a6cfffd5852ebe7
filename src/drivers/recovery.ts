/** After a restart: calls of an earlier life of this node are over. Says so in the store and to whoever listens. */

import { bury, buryAlone } from '../calls/bury.ts'
import type { Records } from '../calls/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Row, Store } from '../store/port.ts'

const LIVE_CALL = ['dialing', 'ringing', 'progressing', 'terminating', 'canceling']
const ANY = 1_000_000

export async function recover(want: {
  readonly store: Store
  readonly records: Records
  readonly clock: Clock
  readonly log: Log
  readonly nodeId: string
  readonly bootId: string
}): Promise<number> {
  const { store, records, clock, log, nodeId, bootId } = want
  const ofEarlierLife = async (
    table: 'calls' | 'transcribes' | 'speakings' | 'activeflows' | 'groupcalls',
    statuses: readonly string[],
  ): Promise<Row[]> => {
    const found = await Promise.all(statuses.map((status) => store.find(table, { status, node_id: nodeId }, ANY)))
    return found.flat().filter((row) => row.keys['boot_id'] !== bootId)
  }
  const calls = await ofEarlierLife('calls', LIVE_CALL)
  const transcribes = await ofEarlierLife('transcribes', ['progressing'])
  const speakings = await ofEarlierLife('speakings', ['initiating', 'active'])
  const activeflows = await ofEarlierLife('activeflows', ['running'])
  const callIds = new Set([
    ...calls.map((row) => row.id),
    ...[...transcribes, ...speakings, ...activeflows].map(callIdOf),
  ])
  const ended = new Set<string>()
  for (const id of callIds) {
    const call = calls.find((row) => row.id === id) ?? (await store.getAnyCustomer('calls', id))
    if (!call) continue
    const events = await store.eventsOfCall(call.customer_id, id)
    const mine = (rows: readonly Row[]): Row[] => rows.filter((row) => callIdOf(row) === id)
    const lastSeq = events.reduce((last, event) => Math.max(last, event.seq ?? 0), 0)
    const remains = {
      call,
      transcribes: mine(transcribes),
      speakings: mine(speakings),
      activeflows: mine(activeflows),
      lastSeq,
      lastToldUs: events.reduce((last, event) => Math.max(last, event.wall_us), call.tm_create_us),
    }
    await records.save(bury(remains, clock.wallMicros()))
    ended.add(id)
  }
  for (const row of await ofEarlierLife('groupcalls', ['progressing', 'hangingup'])) {
    await records.save(buryAlone('groupcalls', row, clock.wallMicros()))
  }
  for (const row of activeflows.filter((one) => !ended.has(callIdOf(one)))) {
    await records.save(buryAlone('activeflows', row, clock.wallMicros()))
  }
  if (ended.size > 0) log.warn({ calls: ended.size }, 'calls of an earlier run were ended as failed')
  return ended.size
}

function callIdOf(row: Row): string {
  return String(row.keys['reference_id'] ?? '')
}
