import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewEvent } from '../calls/ports.ts'
import { VirtualClock } from '../kernel/clock.ts'
import { NIL_UUID } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { KeyValue, TableName } from '../store/port.ts'
import { InThreadStore, openSqlite } from '../store/sqlite/sqlite-store.ts'
import { recover } from './recovery.ts'

const CUSTOMER = '22222222-2222-4222-8222-222222222222'
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const SILENT = { error() {}, warn() {}, info() {}, debug() {} }

test('calls, legs, groupcalls and runs without a call of an earlier life are ended; those of this one are not', async () => {
  const store = new InThreadStore(openSqlite({ path: ':memory:' }))
  const events: NewEvent[] = []
  const put = (
    table: TableName,
    n: number,
    status: string,
    keys: Record<string, KeyValue> = {},
    doc: JsonObject = {},
  ): Promise<unknown> =>
    store.commit({
      rows: [
        {
          table,
          row: {
            id: id(n),
            customer_id: CUSTOMER,
            tm_create_us: n,
            tm_delete_us: null,
            keys: { status, node_id: 'local', boot_id: 'before', ...keys },
            doc: { id: id(n), status, ...doc },
            hidden: {},
          },
        },
      ],
    })
  await put('calls', 1, 'progressing', { groupcall_id: NIL_UUID })
  await put('calls', 2, 'ringing', { groupcall_id: id(3), master_call_id: id(1) }, { master_call_id: id(1) })
  await put('groupcalls', 3, 'progressing')
  await put('activeflows', 4, 'running', { reference_id: id(1) })
  await put('activeflows', 5, 'running', { reference_id: NIL_UUID })
  await put('activeflows', 6, 'running', { reference_id: NIL_UUID, boot_id: 'now' })
  const buried = await recover({
    store,
    records: {
      save: async (change) => {
        events.push(...change.events)
        return store.commit({ rows: change.rows ?? [] })
      },
    },
    clock: new VirtualClock(),
    log: SILENT,
    nodeId: 'local',
    bootId: 'now',
  })
  assert.equal(buried, 2)
  const status = async (table: TableName, n: number): Promise<unknown> =>
    (await store.get(table, CUSTOMER, id(n)))?.doc['status']
  assert.equal(await status('calls', 1), 'hangup')
  assert.equal(await status('calls', 2), 'hangup')
  assert.equal(await status('groupcalls', 3), 'hangup')
  assert.equal(await status('activeflows', 4), 'ended')
  assert.equal(await status('activeflows', 5), 'ended')
  assert.equal(await status('activeflows', 6), 'running')
  assert.deepEqual(events.map(({ type, callId }) => [type, callId]).sort(), [
    ['activeflow_deleted', null],
    ['activeflow_deleted', id(1)],
    ['call_hangup', id(1)],
    ['call_hangup', id(2)],
    ['groupcall_hangup', null],
  ])
})
