import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressIn, destinationFault, guessType } from './address.ts'
import { codePoints } from './fields.ts'
import { readLanguage } from './language.ts'
import { listQuery, parsePageToken, printPageToken } from './list.ts'
import { variablesFault } from './variables.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
console.log(`contract.prop seed ${seed}`)
const holds = <T>(property: fc.IProperty<T>) => fc.assert(property, { seed, numRuns: 300 })

test('a page token is read as it was printed, and any other text never throws', () => {
  const times = fc.nat({ max: Number.MAX_SAFE_INTEGER })
  const place = fc.record({ us: times, id: fc.uuid() }, { noNullPrototype: true })
  holds(fc.property(place, (one) => assert.deepEqual(parsePageToken(printPageToken(one)), one)))
  holds(fc.property(fc.string(), (text) => void parsePageToken(text)))
})

test('every page size is 1 to 100', () => {
  const sizes = fc.oneof(fc.string(), fc.double(), fc.integer(), fc.constant(undefined), fc.array(fc.string()))
  holds(
    fc.property(sizes, (page_size) => {
      const read = listQuery.parse({ page_size }).page_size
      assert.ok(read >= 1 && read <= 100)
    }),
  )
})

test('code points are counted as an iterator counts them', () => {
  holds(fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(codePoints(text), [...text].length)))
})

test('any address is either whole or refused, never thrown at, and never carries a control character', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom(null, undefined, '', 'tel', 'sip', 'extension', '+15551234567', 7))
  const address = fc.record({ type: part, target: part, target_name: part, name: part, detail: part })
  holds(
    fc.property(address, (sent) => {
      const read = addressIn.safeParse(sent)
      if (!read.success) return
      destinationFault(read.data)
      assert.ok(!/\p{Cc}/u.test(Object.values(read.data).join('')))
    }),
  )
})

test('digits with a plus are a number, and a short number without one is an extension', () => {
  holds(fc.property(fc.stringMatching(/^\+\d{1,15}$/), (target) => assert.equal(guessType(target), 'tel')))
  holds(fc.property(fc.stringMatching(/^\d{1,6}$/), (target) => assert.equal(guessType(target), 'extension')))
})

test('a language tag is read to a fixed point, and no text throws', () => {
  holds(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z]{2,3}(-[A-Za-z]{2})?$/)), (tag) => {
      const read = readLanguage(tag)
      if (read !== null) assert.equal(readLanguage(read), read)
    }),
  )
  for (const [tag, read] of [
    ['en', 'en-US'],
    ['en-us', 'en-US'],
    ['ja', 'ja-JP'],
    ['ko-KR', 'ko-KR'],
    ['english', null],
    ['xx-YY', null],
    ['', null],
  ]) {
    assert.equal(readLanguage(tag!), read)
  }
})

test('variables within the limits pass, one past them does not', () => {
  const full = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, 'v']))
  assert.equal(variablesFault(full), null)
  assert.match(variablesFault({ ...full, one: 'more' })!, /more than 100/)
  assert.equal(variablesFault({ a: '안'.repeat(10_922) }), null)
  assert.match(variablesFault({ a: '안'.repeat(10_923) })!, /longer than 32768 bytes/)
  assert.match(variablesFault({ a: 'x'.repeat(32_768), b: 'x'.repeat(32_767) })!, /together/)
})
