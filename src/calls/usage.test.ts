import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../store/port.ts'
import { bury } from './bury.ts'
import { HandDrivenCall, LEG } from './harness.suite.ts'
import type { RowOut } from './part.ts'

const CLAUSE = {
  leg: LEG,
  sayId: 1,
  words: [],
  totalSamples: 800,
  final: false,
  at: 0,
  cpuMs: 1,
  kind: 'rendered',
} as const

function usageOf(call: HandDrivenCall): RowOut | undefined {
  const found = call.all.find((output) => output.kind === 'row' && output.table === 'usages')
  return found?.kind === 'row' ? found.row : undefined
}

test('a call tells once, with its end, how long it was up, what was heard and what was synthesised', () => {
  const call = new HandDrivenCall().answered({
    source: { type: 'tel', target: '+15550199', target_name: '', name: '', detail: '' },
  })
  call.talk({ ...CLAUSE, clause: 0, characters: 20, cached: false, engine: 'flite' })
  call.talk({ ...CLAUSE, clause: 1, characters: 30, cached: true, engine: 'flite' })
  call.talk({ ...CLAUSE, clause: 2, characters: 5, cached: false, engine: 'flite' })
  call.talk({ kind: 'utterFailed', leg: LEG, sayId: 2, why: 'never rendered' })
  call.after(12_345)
  call.listen({ kind: 'detached', ear: 1, at: call.now, heardMs: 1_500, engine: 'soundswallower' })
  call.give({ kind: 'sip', news: { kind: 'ended', cause: 'remote' } })
  call.after(3_000)
  assert.equal(usageOf(call), undefined, 'not before everything is counted')
  const last = call.give({
    kind: 'sound',
    news: { kind: 'legClosed', leg: LEG, cut: [], counters: {} as never, at: call.now },
  })
  const row = usageOf(call)!
  assert.ok(
    last.some((output) => output.kind === 'row' && output.table === 'usages'),
    'in the commit of its end',
  )
  assert.ok(last.some((output) => output.kind === 'over'))
  const { tm_create: _, ...doc } = row.doc
  assert.deepEqual(doc, {
    call_id: '11111111-1111-4111-8111-111111111111',
    customer_id: '22222222-2222-4222-8222-222222222222',
    day: '2026-01-09',
    calls: 1,
    call_seconds: 12.345,
    stt_seconds: 1.5,
    tts_characters: 25,
    tts_characters_cached: 30,
    engines: { stt_seconds: { soundswallower: 1.5 }, tts_characters: { flite: 25 } },
  })
  assert.deepEqual(row.keys, { call_id: row.id, day: '2026-01-09' })
  assert.deepEqual(row.hidden, { number: '+899100000' })
})

test('a call that was never answered used no seconds', () => {
  const call = new HandDrivenCall()
  call.born()
  call.sound({ kind: 'legOpened', leg: LEG, localPort: 10_000, at: call.now })
  call.after(5_000)
  call.give({ kind: 'sip', news: { kind: 'cancelled' } })
  call.after(5_000)
  call.give({ kind: 'timer', name: 'wrapUp' })
  assert.equal(usageOf(call)?.doc['call_seconds'], 0)
})

test('of a call that was lost in a crash the time is counted up to the last that was told', () => {
  const doc = {
    id: 'c',
    direction: 'outgoing',
    source: { type: 'tel', target: '+899100000' },
    destination: { type: 'extension', target: '1001' },
    tm_progressing: '2026-01-09T10:00:00.000000Z',
    tm_hangup: null,
  }
  const call = {
    id: 'c',
    customer_id: 'a',
    tm_create_us: 0,
    tm_delete_us: null,
    keys: { status: 'progressing' },
    doc,
    hidden: {},
  } as unknown as Row
  const at = (time: string): number => Date.parse(time) * 1000
  const remains = { call, transcribes: [], speakings: [], activeflows: [], lastSeq: 3 }
  const { rows } = bury({ ...remains, lastToldUs: at('2026-01-09T10:01:30Z') }, at('2026-01-10T00:00:00Z'))
  const usage = rows.find(({ table }) => table === 'usages')!.row
  assert.equal(usage.doc['call_seconds'], 90)
  assert.equal(usage.keys['day'], '2026-01-10')
  assert.deepEqual(usage.hidden, { number: '+899100000' })
})
