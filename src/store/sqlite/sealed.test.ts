import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { VirtualClock } from '../../kernel/clock.ts'
import { storeSuite } from '../port.suite.ts'
import type { Batch, Row } from '../port.ts'
import { sampleDelivery, sampleEvent, sampleRow } from '../samples.ts'
import { Sealer } from '../sealer.ts'
import type { SqliteCore } from './core.ts'
import { InThreadStore, openSqlite } from './sqlite-store.ts'
import { WorkerStore } from './worker-store.ts'

const KEY = '11'.repeat(32)
const NEW_KEY = '22'.repeat(32)
const CALLER = '+155501234567'
const SAID = ['wallet', 'unrepeatable', 'Kirschbaum', CALLER]

storeSuite('sealed store in memory', {
  open: async () => new InThreadStore(openSqlite({ path: ':memory:', dataKeys: [KEY] })),
  hashed: ['source', 'destination'],
})

function withFolder(check: (path: string, folder: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quietline-sealed-'))
    try {
      await check(join(folder, 'store.db'), folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

/** Everything of a call that tells who called and what was said. */
function spoken(): Batch & { readonly call: Row; readonly transcript: Row } {
  const call = sampleRow(
    { doc: { source: { target: CALLER } }, hidden: { note: 'Kirschbaum' } },
    { status: 'hangup', source: CALLER, destination: '+1' },
  )
  const message = 'my unrepeatable wallet'
  const transcript = sampleRow({ doc: { message } }, { transcribe_id: 't', direction: 'in', reference_id: call.id })
  const event = sampleEvent({
    type: 'transcript_created',
    call_id: call.id,
    seq: 1,
    data: { id: transcript.id, message },
  })
  return {
    call,
    transcript,
    rows: [
      { table: 'calls', row: call },
      { table: 'transcripts', row: transcript },
    ],
    events: [event],
    deliveries: [sampleDelivery(event)],
    inputLogs: [{ call_id: call.id, customer_id: call.customer_id, lines: [`{"heard":"${message}"}`, CALLER] }],
  }
}

function store(core: SqliteCore): ReturnType<typeof spoken> {
  const batch = spoken()
  assert.equal(core.commit(batch).ok, true)
  return batch
}

function checkReadable(core: SqliteCore, { call, transcript, events }: ReturnType<typeof spoken>): void {
  const customer_id = call.customer_id
  assert.deepEqual(core.get('calls', customer_id, call.id)?.doc, call.doc)
  assert.deepEqual(core.get('calls', customer_id, call.id)?.hidden, call.hidden)
  const { rows } = core.searchTranscripts({ customer_id, words: 'Wallet unrepeatable', limit: 100 })
  assert.equal(
    rows.some(({ id }) => id === transcript.id),
    true,
  )
  const where = { source: CALLER }
  const called = core.list({ table: 'calls', customer_id, limit: 100, where })
  assert.equal(
    called.some(({ id }) => id === call.id),
    true,
  )
  assert.deepEqual(core.eventsOfCall(customer_id, call.id)[0]?.data, events?.[0]?.data)
  assert.equal(core.inputLog(customer_id, call.id)?.[1], CALLER)
}

/** What of it stands in the files of a folder as it was said. */
function leaks(folder: string): string[] {
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
  return SAID.filter((word) => texts.some((text) => text.includes(word)))
}

describe('a sealed store', () => {
  test(
    'nothing that was said, and no number, stands in its files; it reads, searches and finds all the same',
    withFolder(async (path, folder) => {
      const worker = await WorkerStore.open({ path, clock: new VirtualClock(), dataKeys: [KEY] })
      const batch = spoken()
      const { ok } = await worker.commit(batch)
      const [names, found] = [readdirSync(folder), leaks(folder)]
      await worker.close()
      assert.equal(ok, true)
      assert.equal(names.includes('store.db-wal'), true)
      assert.deepEqual(found, [])
      assert.deepEqual(leaks(folder), [])
      const core = openSqlite({ path, dataKeys: [KEY] })
      checkReadable(core, batch)
      core.close()
    }),
  )

  test(
    'a plain store does show it, so that the test above can fail',
    withFolder((path, folder) => {
      const core = openSqlite({ path })
      store(core)
      assert.deepEqual(leaks(folder), SAID)
      core.close()
    }),
  )

  test(
    'without its key it is refused with one sentence, by writer and reader',
    withFolder((path) => {
      openSqlite({ path, dataKeys: [KEY] }).close()
      for (const dataKeys of [[], [NEW_KEY]]) {
        for (const readOnly of [false, true]) {
          assert.throws(() => openSqlite({ path, dataKeys, readOnly }), {
            name: 'StoreSealed',
            message: /is encrypted: set QUIETLINE_DATA_KEY/,
          })
        }
      }
    }),
  )

  test(
    'a plain store opened with a key reads what is plain, and tending seals it all, leaving nothing behind',
    withFolder((path, folder) => {
      const plain = openSqlite({ path })
      const before = Array.from({ length: 30 }, () => store(plain))
      plain.close()
      const core = openSqlite({ path, dataKeys: [KEY] })
      checkReadable(core, before[0]!)
      const after = store(core)
      let steps = 0
      while (core.tend(7) > 0) steps += 1
      assert.equal(steps >= 12, true)
      core.purge({ kind: 'traces' })
      for (const batch of [...before, after]) checkReadable(core, batch)
      assert.deepEqual(leaks(folder), [])
      core.close()
      assert.throws(() => openSqlite({ path }), { name: 'StoreSealed' })
    }),
  )

  test(
    'a key is changed: the old one reads until all is sealed with the new one',
    withFolder((path) => {
      const first = openSqlite({ path, dataKeys: [KEY] })
      const old = store(first)
      first.close()
      const both = openSqlite({ path, dataKeys: [NEW_KEY, KEY] })
      checkReadable(both, old)
      const young = store(both)
      both.close()
      assert.throws(() => openSqlite({ path, dataKeys: [NEW_KEY] }), { name: 'StoreSealed' })
      const again = openSqlite({ path, dataKeys: [NEW_KEY, KEY] })
      while (again.tend(5) > 0);
      again.close()
      const last = openSqlite({ path, dataKeys: [NEW_KEY] })
      checkReadable(last, old)
      checkReadable(last, young)
      last.close()
    }),
  )

  test(
    'transcripts of the first release are found after tending',
    withFolder((path) => {
      const core = openSqlite({ path })
      const batch = store(core)
      core.close()
      const database = new DatabaseSync(path)
      database.exec("delete from transcript_words; delete from meta where name = 'tended'")
      database.close()
      const again = openSqlite({ path })
      const search = { customer_id: batch.call.customer_id, words: 'wallet', limit: 5 }
      assert.equal(again.searchTranscripts(search).rows.length, 0)
      while (again.tend(5) > 0);
      checkReadable(again, batch)
      again.close()
    }),
  )

  test(
    'a row read and saved again keeps its hashed keys',
    withFolder((path) => {
      const core = openSqlite({ path, dataKeys: [KEY] })
      const batch = store(core)
      const row = core.get('calls', batch.call.customer_id, batch.call.id)!
      core.commit({ rows: [{ table: 'calls', row: { ...row, keys: { ...row.keys, status: 'hangup' } } }] })
      checkReadable(core, batch)
      core.close()
    }),
  )
})

describe('a sealer', () => {
  test('a text opens only at its own place, only unchanged, and is sealed differently each time', () => {
    const sealer = new Sealer([KEY])
    const sealed = sealer.seal('{"a":"안녕 😀"}', 'calls/1/doc')
    assert.equal(sealer.open(sealed, 'calls/1/doc'), '{"a":"안녕 😀"}')
    assert.notEqual(sealed, sealer.seal('{"a":"안녕 😀"}', 'calls/1/doc'))
    assert.throws(() => sealer.open(sealed, 'calls/2/doc'), {
      name: 'SealBroken',
      message: /calls\/2\/doc.*was changed/,
    })
    const broken = sealed.slice(0, -4) + (sealed.endsWith('AAAA') ? 'BBBB' : 'AAAA')
    assert.throws(() => sealer.open(broken, 'calls/1/doc'), { name: 'SealBroken' })
    assert.throws(() => new Sealer([NEW_KEY]).open(sealed, 'calls/1/doc'), /its key is not among/)
    assert.equal(new Sealer([NEW_KEY, KEY]).isPresent(sealed), false)
    assert.equal(sealer.isPresent(sealed), true)
  })
})
