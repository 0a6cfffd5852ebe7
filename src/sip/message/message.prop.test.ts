import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SipUri } from '../types.ts'
import { parseAddress, printAddress } from './address.ts'
import { readEnvelope } from './envelope.ts'
import { type Field, field, type SipMessage } from './message.ts'
import { parseMessage } from './parse.ts'
import { printMessage } from './print.ts'
import { parseUri, printUri } from './uri.ts'

const SEED = Number(process.env['SEED'] ?? 20_261_121)
const RUNS = { seed: SEED, numRuns: 2_000 }

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/)
const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((raw) => raw.replace(/[\r\n]/g, '').trim())
const someName = fc.oneof(
  fc.constantFrom('Via', 'From', 'To', 'Call-ID', 'Contact', 'Subject', 'User-Agent'),
  token.filter((name) => name.toLowerCase() !== 'content-length' && name.toLowerCase() !== 'l'),
)
const fields: fc.Arbitrary<Field[]> = fc.array(
  fc.tuple(someName, text).map(([name, value]) => field(name, value)),
  { maxLength: 12 },
)
const body = fc.string({ unit: 'grapheme', maxLength: 60 })
const message: fc.Arbitrary<SipMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    method: token.filter((each) => !each.startsWith('SIP/')),
    uri: fc.stringMatching(/^sip:[a-z0-9;=.@%?-]{1,20}$/),
    fields,
    body,
  }),
  fc.record({
    kind: fc.constant('response' as const),
    code: fc.integer({ min: 100, max: 699 }),
    phrase: text,
    fields,
    body,
  }),
)
const uri: fc.Arbitrary<SipUri> = fc.record({
  scheme: fc.constantFrom('sip' as const, 'sips' as const),
  user: fc.string({ unit: 'grapheme', maxLength: 12 }),
  host: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,12}$/),
  port: fc.integer({ min: 0, max: 65_535 }),
  parameters: fc.dictionary(fc.stringMatching(/^[a-z0-9-]{1,8}$/), fc.string({ unit: 'grapheme', maxLength: 8 }), {
    maxKeys: 4,
  }),
})

test(`parse(print(message)) is the message (seed ${SEED})`, () => {
  fc.assert(
    fc.property(message, (given) => {
      const result = parseMessage(printMessage(given))
      assert.deepEqual(result, { ok: true, value: { message: { ...given }, flaw: null } })
    }),
    RUNS,
  )
})

test(`parse(print(uri)) is the URI (seed ${SEED})`, () => {
  fc.assert(
    fc.property(uri, (given) => {
      const result = parseUri(printUri(given))
      assert.ok(result.ok)
      const { parameters, ...rest } = result.value
      assert.deepEqual({ ...rest, parameters: { ...parameters } }, { ...given, parameters: { ...given.parameters } })
    }),
    RUNS,
  )
})

test(`a display name survives (seed ${SEED})`, () => {
  fc.assert(
    fc.property(text, (display) => {
      assert.equal(parseAddress(`${printAddress(display, 'sip:a@b')};tag=1`)?.display, display)
    }),
    RUNS,
  )
})

test(`any bytes never throw (seed ${SEED})`, () => {
  const line = fc.oneof(
    fc.constantFrom(
      'INVITE sip:a@b SIP/2.0',
      'SIP/2.0 200 OK',
      'Via: SIP/2.0/UDP a;branch=',
      'To: "',
      'From: <sip:',
      'CSeq: 1 INVITE',
      'l: 3',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
  const lines = fc.array(line, { maxLength: 12 }).map((each) => Buffer.from(each.join('\r\n')))
  fc.assert(
    fc.property(fc.oneof(lines, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      const result = parseMessage(bytes)
      if (result.ok) readEnvelope(result.value.message)
    }),
    { ...RUNS, numRuns: 10_000 },
  )
})
