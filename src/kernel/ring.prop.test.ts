import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRing, emptyHeader, MAX_RECORD_SAMPLES, type RecordHeader, RingReader, RingWriter } from './ring.ts'

interface Record {
  readonly header: RecordHeader
  readonly samples: readonly number[]
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

const record: fc.Arbitrary<Record> = fc
  .record({
    slot: int32,
    generation: int32,
    epoch: int32,
    sayId: int32,
    firstSample: fc.nat({ max: 2 ** 32 - 1 }),
    rateHz: fc.constantFrom(8_000, 16_000),
    flags: fc.nat({ max: 7 }),
    atMs: fc.double({ noNaN: true }),
    lane: fc.nat({ max: 1 }),
    samples: fc.array(fc.integer({ min: -32_768, max: 32_767 }), { maxLength: 12 }),
  })
  .map(({ samples, ...header }) => ({ header: { ...header, count: samples.length }, samples }))

const action = fc.oneof(record, fc.constant('pop' as const), fc.constant('reopen' as const))

for (const policy of ['refuse', 'dropOldest'] as const) {
  test(`a ring that answers '${policy}' when full is a queue of records`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(action, { maxLength: 60 }), (records, actions) => {
        const buffer = createRing(records, policy)
        const model: Record[] = []
        let writer = new RingWriter(buffer)
        let reader = new RingReader(buffer)
        let dropped = 0
        for (const step of actions) {
          if (step === 'pop') {
            assert.deepEqual(pop(reader), model.shift() ?? null)
          } else if (step === 'reopen') {
            writer = new RingWriter(buffer)
            reader.takeDropped()
            reader = new RingReader(buffer)
            dropped = 0
          } else {
            const isFull = model.length === records
            const taken = writer.push(step.header, Int16Array.from(step.samples))
            assert.equal(taken, !isFull || policy === 'dropOldest')
            if (isFull && taken) {
              model.shift()
              dropped++
            }
            if (taken) model.push(step)
          }
          assert.equal(reader.depth(), model.length)
          assert.equal(writer.room(), records - model.length)
          assert.equal(writer.dropped, dropped)
        }
        assert.equal(reader.takeDropped(), dropped)
        assert.equal(reader.takeDropped(), 0)
      }),
    )
  })
}

function pop(reader: RingReader): Record | null {
  const header = emptyHeader()
  const samples = new Int16Array(MAX_RECORD_SAMPLES)
  if (!reader.pop(header, samples)) return null
  return { header, samples: [...samples.subarray(0, header.count)] }
}
